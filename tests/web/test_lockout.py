"""Whoever may be here no more is out at once: pages, tokens, exports and stop words, whatever they held before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from web.conftest import token
from web.house import PASSPHRASE, STORED, House, spec
from web.plain import PLAIN
from yosegi.identity.access_entries import EXPORTED, SIGN_IN_FAILED
from yosegi.identity.accounts import Account, AccountFile, Accounts, change_account, close_account
from yosegi.services.runtime import Site
from yosegi.trust.passphrase import hash_passphrase

PI = "pi@argonne"


@pytest.fixture
def accounts(house: House, tmp_path: Path) -> Iterator[Path]:
    """A file of accounts like that of a home, taken by the running site."""
    path = tmp_path / "accounts.json"
    people = {PI: "member", "helper@argonne": "member", "officer@argonne": "officer"}
    made = tuple(Account(person=p, role=r, passphrase=STORED) for p, r in people.items())  # type: ignore[arg-type]
    path.write_bytes(Accounts(accounts=made).to_bytes())
    site = _site(house)
    before = site.authenticator.accounts
    site.authenticator.accounts = site.access.accounts = AccountFile(path)
    if "kept" not in site.campaigns.names():
        house.begin(spec("kept", trials=1))
        house.until_over("kept")
    yield path
    site.authenticator.accounts = site.access.accounts = before


def _site(house: House) -> Site:
    return house.federation.places["argonne"].running


@contextmanager
def program(house: House, person: str = PI) -> Iterator[httpx.Client]:
    """A program of somebody that holds a token."""
    with httpx.Client(base_url=house.url() + "/api/v1", timeout=60, trust_env=False, verify=PLAIN) as client:
        given = client.post("/session", json={"person": person, "passphrase": PASSPHRASE})
        assert given.status_code == 200, given.text
        client.headers["Authorization"] = f"Bearer {given.json()['token']}"
        yield client


def suspend(house: House, path: Path) -> None:
    house.do(_site(house).publisher.suspend("person", PI, "officer@argonne", "a stolen laptop"))


def lift(house: House, path: Path) -> None:
    house.do(_site(house).publisher.lift("person", PI, "officer@argonne", "found again"))


def disable(house: House, path: Path) -> None:
    change_account(path, PI, disabled=True)


def close(house: House, path: Path) -> None:
    close_account(path, PI)


def other_passphrase(house: House, path: Path) -> None:
    change_account(path, PI, passphrase=hash_passphrase("another long one"))


@pytest.mark.parametrize(
    ("lock_out", "reason"),
    [
        (suspend, "person_suspended"),
        (disable, "account_closed"),
        (close, "account_closed"),
        (other_passphrase, "credentials_changed"),
    ],
)
def test_who_is_locked_out_sees_takes_starts_and_stops_nothing_any_more(
    house: House, accounts: Path, lock_out: Callable[[House, Path], None], reason: str
) -> None:
    with program(house) as tool, house.visitor(who="pi") as page:
        assert tool.get("/campaigns/kept/export").status_code == 200
        form = {"form_token": token(page), "confirmed": "yes"}
        lock_out(house, accounts)
        try:
            calls = [
                tool.get("/campaigns"),
                tool.get("/campaigns/kept/export"),
                tool.post("/campaigns", json={"spec": spec("another")}),
                tool.post("/campaigns/kept/abort", json={"why": ""}),
                tool.post("/switch/abort", json={"why": ""}),
            ]
            assert [answer.status_code for answer in calls] == [401] * 5
            assert all(reason in answer.text for answer in calls)
            assert page.get("/").url.path == "/sign-in"
            assert page.post("/switch/abort", data=form).url.path == "/sign-in"
            assert not _site(house).dispatcher.is_stopped
            again = page.post("/sign-in", data={"person": PI, "passphrase": PASSPHRASE})
            assert again.status_code == 403
        finally:
            if lock_out is suspend:
                lift(house, accounts)


def test_an_account_that_is_enabled_again_signs_in_again(house: House, accounts: Path) -> None:
    change_account(accounts, PI, disabled=True)
    change_account(accounts, PI, disabled=None)
    with program(house) as tool:
        assert tool.get("/campaigns").status_code == 200


def test_another_role_counts_from_the_next_call_on(house: House, accounts: Path) -> None:
    with program(house) as tool:
        assert tool.get("/background").status_code == 403
        change_account(accounts, PI, role="operator")
        assert tool.get("/background").status_code == 200


def test_a_file_of_accounts_that_cannot_be_read_lets_nobody_in(house: House, accounts: Path) -> None:
    with program(house) as tool:
        accounts.write_text("{ not accounts")
        assert tool.get("/campaigns").status_code == 401


def test_a_session_is_listed_for_its_person_and_for_those_who_run_the_site_and_ended(
    house: House, accounts: Path
) -> None:
    with program(house, "helper@argonne") as tool, program(house) as other, program(house, "officer@argonne") as runs:
        own = tool.get("/sessions").json()
        assert {session["person"] for session in own} == {"helper@argonne"}
        (name,) = [session["name"] for session in own if session["program"]][-1:]
        assert {PI, "helper@argonne"} <= {session["person"] for session in runs.get("/sessions").json()}
        assert other.post(f"/sessions/{name}/end", json={}).status_code == 404
        assert runs.post(f"/sessions/{name}/end", json={}).json() == {"ended": True}
        assert tool.get("/sessions").status_code == 401
        assert name not in {session["name"] for session in runs.get("/sessions").json()}


def test_a_refused_sign_in_is_on_record_by_account_and_never_by_what_was_typed(house: House, accounts: Path) -> None:
    with house.visitor() as stranger:
        for person in (PI, "correct horse battery"):
            stranger.post("/sign-in", data={"person": person, "passphrase": "wrong"})

    async def failed() -> list[tuple[str, bytes]]:
        ledger = _site(house).ledger
        found = [e for e in ledger.scan() if e.type == SIGN_IN_FAILED]
        return [(e.facts["account"], e.header_bytes + (e.body_bytes or b"")) for e in found]

    entries = house.do(failed())
    assert [account for account, _ in entries[-2:]] == [PI, ""]
    assert all(b"correct horse" not in data for _, data in entries)


def test_an_export_is_on_record_with_who_took_what(house: House, accounts: Path) -> None:
    with program(house) as tool:
        tool.get("/campaigns/kept/export")

    async def last() -> tuple[str, str]:
        entry = [e for e in _site(house).ledger.scan() if e.type == EXPORTED][-1]
        return entry.header.actor, entry.facts["name"]

    assert house.do(last()) == (PI, "kept")

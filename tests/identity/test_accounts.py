"""Who comes in at a site's own door, and who does not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from yosegi.core.errors import Invalid, Refused, YosegiError
from yosegi.identity.accounts import MOST_FAILURES, Authenticator, add_account, read_accounts
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.trust.login import Login
from yosegi.trust.signer import Ed25519Signer

PI, WORDS = "pi@argonne", "correct horse battery"
KEY = Ed25519Signer.from_seed(b"k" * 32)


@pytest.fixture
def authenticator(tmp_path: Path) -> Authenticator:
    add_account(tmp_path / "accounts.json", PI, "member", passphrase=WORDS, key=KEY.public)
    return Authenticator("argonne", SimulatedClock(), read_accounts(tmp_path / "accounts.json"))


def login(site: str = "argonne", nonce: str = "once", signer: Ed25519Signer = KEY, late: int = 0) -> bytes:
    now = SimulatedClock().now() - timedelta(minutes=late)
    document = Login(person=PI, site=site, nonce=nonce, issued=now, not_after=now + timedelta(minutes=2))
    return document.sign(signer).to_bytes()


def at_the_door(authenticator: Authenticator, *attempts: object) -> None:
    async def story() -> None:
        for attempt in attempts:
            assert callable(attempt)
            attempt(authenticator)

    run_simulated(story())


def refused(attempt: object) -> object:
    def check(authenticator: Authenticator) -> None:
        assert callable(attempt)
        with pytest.raises(YosegiError):
            attempt(authenticator)

    return check


def test_a_passphrase_or_a_key_opens_a_session_for_that_person(authenticator: Authenticator) -> None:
    def check(authenticator: Authenticator) -> None:
        for token in (authenticator.with_passphrase(PI, WORDS), authenticator.with_key(login())):
            session = authenticator.session(token)
            assert session is not None
            assert (session.person, session.role) == (PI, "member")
            authenticator.close(token)
            assert authenticator.session(token) is None

    at_the_door(authenticator, check)


def test_a_wrong_passphrase_and_an_unknown_person_are_told_apart_by_nobody(authenticator: Authenticator) -> None:
    def check(authenticator: Authenticator) -> None:
        with pytest.raises(Refused) as wrong:
            authenticator.with_passphrase(PI, "wrong")
        with pytest.raises(Refused) as unknown:
            authenticator.with_passphrase("nobody@argonne", WORDS)
        assert str(wrong.value).replace(PI, "") == str(unknown.value).replace("nobody@argonne", "")

    at_the_door(authenticator, check)


def test_after_many_wrong_ones_even_the_right_one_waits(authenticator: Authenticator) -> None:
    def check(authenticator: Authenticator) -> None:
        for _ in range(MOST_FAILURES):
            with pytest.raises(Refused):
                authenticator.with_passphrase(PI, "wrong words here")
        with pytest.raises(Refused):
            authenticator.with_passphrase(PI, WORDS)

    at_the_door(authenticator, check)


def test_a_login_counts_once_at_one_site_in_its_time_with_its_own_key(authenticator: Authenticator) -> None:
    other = Ed25519Signer.from_seed(b"o" * 32)
    at_the_door(
        authenticator,
        lambda d: d.with_key(login()),
        refused(lambda d: d.with_key(login())),
        refused(lambda d: d.with_key(login(site="riken", nonce="a"))),
        refused(lambda d: d.with_key(login(nonce="b", signer=other))),
        refused(lambda d: d.with_key(login(nonce="c", late=60))),
    )


def test_a_session_ends_by_itself(authenticator: Authenticator) -> None:
    async def story() -> None:
        clock = SimulatedClock()
        token = authenticator.with_passphrase(PI, WORDS)
        await clock.sleep(13 * 3600)
        assert authenticator.session(token) is None

    run_simulated(story())


def test_the_file_holds_no_passphrase_and_is_its_owners_alone(authenticator: Authenticator, tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    assert WORDS.encode() not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(Invalid):
        add_account(path, PI, "member")

"""The page of mandates and agents: a member's own, an operator's view of all, and the button that ends one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from web.conftest import token
from web.hostile import signed_in
from web.house import STORED, House, spec
from web.plain import PLAIN
from yosegi.identity.accounts import Account
from yosegi.testing.federation import CHARTER, TEAM
from yosegi.trust.login import Login
from yosegi.trust.signer import Ed25519Signer
from yosegi.web.pages.mandates import MOST_OVER

KEY = Ed25519Signer.from_seed(b"planner".ljust(32, b"."))


def give(house: House, name: str, **changes: Any) -> None:
    terms: dict[str, Any] = {
        "id": name, "charter": CHARTER, "team": TEAM, "capabilities": ["riken/*"], "purposes": ["research"], "days": 7,
        "agent": name, "agent_key": KEY.public.public, "budget": {"samples": "5"},
    }  # fmt: skip
    with signed_in(house, who="pi") as client:
        answer = client.post("/api/v1/mandates", json=terms | changes)
        assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def pi(house: House) -> Iterator[httpx.Client]:
    give(house, "planner")
    house.begin(spec("mine", trials=1))
    house.until_over("mine")
    with house.visitor(who="pi") as client:
        yield client


def test_a_member_sees_what_acts_in_their_name_with_what_is_left_of_it(pi: httpx.Client) -> None:
    page = pi.get("/mandates?lang=en").text
    assert 'id="agent-pi-argonne-planner"' in page
    assert 'id="mandate-planner"' in page
    assert 'id="mandate-mine.m1"' in page
    assert "5 samples" in page
    assert KEY.public.fingerprint in page
    assert 'href="./campaigns/mine"' in page


def test_the_page_speaks_japanese(pi: httpx.Client) -> None:
    page = pi.get("/mandates?lang=ja").text
    assert "委任とエージェント" in page
    assert "エージェント" in page
    pi.get("/mandates?lang=en")


def test_an_operator_sees_everybodys_agents_and_another_member_none(house: House, pi: httpx.Client) -> None:
    accounts = house.federation.places["argonne"].running.authenticator.accounts
    accounts["guest@argonne"] = Account(person="guest@argonne", role="member", passphrase=STORED)  # type: ignore[index]
    seen = {}
    for who in ("operator", "guest"):
        with house.visitor(who=who) as client:
            seen[who] = client.get("/mandates").text
        with signed_in(house, who=who) as client:
            found = client.get("/api/v1/agents").json()
            assert bool(found) == (who == "operator")
            assert client.get("/api/v1/mandates/planner").status_code == (200 if who == "operator" else 404)
            assert bool(client.get("/api/v1/mandates?person=pi@argonne").json()) == (who == "operator")
    assert "agent-pi-argonne-planner" in seen["operator"]
    assert "planner" not in seen["guest"]


def test_an_agents_last_use_is_told_once_it_has_called_and_when_it_asked(house: House, pi: httpx.Client) -> None:
    give(house, "reader")
    with signed_in(house, who="operator") as client:

        def told() -> dict[str, Any]:
            return next(one for one in client.get("/api/v1/agents").json() if one["agent"] == "reader")

        assert told()["last_use"] == ""

        async def call() -> str:
            site = house.federation.places["argonne"].running
            now = site.clock.now()
            until = now + timedelta(minutes=1)
            login = Login(person="pi@argonne", agent="reader", site="argonne", nonce="n", issued=now, not_after=until)
            who = site.authenticator.by_key(login.sign(KEY).to_bytes())
            return await site.sessions.open(who, program=True)

        headers = {"Authorization": f"Bearer {house.do(call())}"}
        answer = httpx.get(house.url() + "/api/v1/capabilities", headers=headers, trust_env=False, verify=PLAIN)
        assert answer.status_code == 200
        assert told()["last_use"].startswith("2026-04-01T")
        assert (told()["person"], told()["mandates"], told()["stands"]) == ("pi@argonne", ["reader"], True)


def test_a_campaigns_mandate_tells_when_it_was_last_used(house: House, pi: httpx.Client) -> None:
    with signed_in(house, who="pi") as client:
        used = client.get("/api/v1/mandates/mine.m1").json()["last_use"]
    campaign = house.campaign("mine")
    assert used >= campaign.started


def test_cancelling_from_the_page_ends_the_mandate_and_shows_why(house: House, pi: httpx.Client) -> None:
    give(house, "short-lived")
    form = {"form_token": token(pi, "/mandates"), "why": "a change of plan"}
    answer = pi.post("/mandates/short-lived/cancel", data=form)
    assert answer.url.path == "/mandates"
    over = answer.text.partition('id="over"')[2]
    assert "mandate-short-lived" in over
    assert "mandate_cancelled" in over
    assert "acts no more" in answer.text
    with signed_in(house, who="pi") as client:
        assert not client.get("/api/v1/mandates/short-lived").json()["stands"]


def test_only_the_member_or_who_runs_the_site_cancels_and_only_from_the_page(house: House, pi: httpx.Client) -> None:
    give(house, "kept")
    accounts = house.federation.places["argonne"].running.authenticator.accounts
    accounts["guest@argonne"] = Account(person="guest@argonne", role="member", passphrase=STORED)  # type: ignore[index]
    with house.visitor(who="guest") as guest:
        answer = guest.post("/mandates/kept/cancel", data={"form_token": token(guest, "/mandates"), "why": ""})
        assert answer.status_code == 403
        assert "not_on_behalf_of_others" in answer.text
    assert pi.post("/mandates/kept/cancel", data={"form_token": "0" * 64}).status_code == 403
    assert pi.post("/mandates/none-such/cancel", data={"form_token": token(pi, "/mandates")}).status_code == 404
    with house.visitor(who="operator") as operator:
        assert 'id="mandate-kept"' in operator.get("/mandates").text.partition('id="over"')[0]
        operator.post("/mandates/kept/cancel", data={"form_token": token(operator, "/mandates")})
        assert 'id="mandate-kept"' in operator.get("/mandates").text.partition('id="over"')[2]


def test_the_page_is_live(house: House, pi: httpx.Client) -> None:
    with pi.stream("GET", "/mandates/live") as stream:
        lines = stream.iter_lines()
        text = ""
        while "mandate-late" not in text:
            text += next(lines)
            if "mandate-planner" in text and "gave" not in text:
                text += "gave"
                give(house, "late")


def test_of_those_that_are_over_the_page_shows_the_newest(house: House, pi: httpx.Client) -> None:
    with signed_in(house, who="pi") as client:
        for number in range(MOST_OVER + 3):
            give(house, f"old-{number:02}")
            client.post(f"/api/v1/mandates/old-{number:02}/cancel", json={})
    over = pi.get("/mandates").text.partition('id="over"')[2]
    assert over.count('<tr id="mandate-') == MOST_OVER
    assert "mandate-old-22" in over
    assert "mandate-old-02" not in over

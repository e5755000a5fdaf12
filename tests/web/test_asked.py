"""What somebody asked of other sites, a contract for people, and the search, as pages: each by what they may see."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from web.conftest import token
from web.house import PASSPHRASE, STORED, House, spec
from yosegi.cli.home_site import operator
from yosegi.client.client import connect
from yosegi.exchange.requests import CANCEL_ASKED, request_stream
from yosegi.identity.accounts import Account


@pytest.fixture(scope="module")
def campaign(house: House) -> str:
    house.begin(spec("asked"))
    house.until_over("asked")
    return "asked"


@pytest.fixture(scope="module")
def pi(house: House, campaign: str) -> Iterator[httpx.Client]:
    with house.visitor(who="pi") as client:
        yield client


def test_what_a_campaign_asked_of_others_is_shown_to_its_team_with_its_state(pi: httpx.Client, campaign: str) -> None:
    text = pi.get("/asked?lang=en").text
    assert 'href="./campaigns/asked"' in text
    assert "pi@argonne" in text
    assert 'href="./capabilities/nims/toy.make%401"' in text
    assert "badge good" in text


def test_what_ended_without_a_result_is_no_success_and_says_why(house: House, pi: httpx.Client) -> None:
    asker = connect(house.url(), person="pi@argonne", passphrase=PASSPHRASE)
    terms = {"charter": "demo", "team": "colour-team", "purpose": "research", "conduct": "run"}
    asked = asker.requests.ask("nims/toy.make@1", {"x": 0.999}, key="apart", **terms)
    home = house.federation.places["argonne"].running
    house.until(lambda: home.requests.get("nims", "apart").state.final)
    found = asker.requests.show(*asked.request.split("/"))
    assert (found.effect, found.result, found.reason) == ("done", "invalid", "infeasible")
    assert found.message == "it does not hold together"
    line = next(row for row in pi.get("/asked?lang=en").text.split("<tr>") if "does not hold together" in row)
    assert "badge good" not in line


def test_a_request_that_waits_is_withdrawn_on_the_page_and_by_a_program(house: House, pi: httpx.Client) -> None:
    asker = connect(house.url(), person="pi@argonne", passphrase=PASSPHRASE)
    home, nims = (house.federation.places[name].running for name in ("argonne", "nims"))
    terms = {"charter": "demo", "team": "colour-team", "purpose": "research", "conduct": "run"}
    keys = ("by-page", "by-program")
    house.do(nims.operations.set_stop_level("hold", operator("nims"), ""))
    try:
        for key in keys:
            asker.requests.ask("nims/toy.make@1", {"x": 0.5}, key=key, **terms)
        house.until(
            lambda: all(home.requests.get("nims", key).state == "accepted" for key in ("by-page", "by-program"))
        )
        assert pi.post("/asked/nims/by-page/withdraw", data={"form_token": token(pi, "/asked")}).status_code == 200
        for _ in range(2):
            asker.requests.withdraw("nims", "by-program", "a wrong x")
        house.until(lambda: all(home.requests.get("nims", key).state.final for key in keys))
    finally:
        house.do(nims.operations.set_stop_level("release", operator("nims"), ""))
    found = asker.requests.show("nims", "by-program")
    assert (found.effect, found.reason) == ("none", "cancelled")
    assert asker.requests.withdraw("nims", "by-program").state == found.state
    asked = [entry.type for entry in home.ledger.read(request_stream("nims", "by-program"))]
    assert asked.count(CANCEL_ASKED) == 1


def test_a_request_of_a_campaign_is_withdrawn_as_a_trial(house: House, campaign: str) -> None:
    asker = connect(house.url(), person="pi@argonne", passphrase=PASSPHRASE)
    home = house.federation.places["argonne"].running
    owner, key = next(one.request for one in asker.requests.list() if one.campaign == campaign).split("/")
    assert asker.requests.withdraw(owner, key).state.final  # it has ended, and stays as it is
    assert not home.requests.cancel_was_asked(owner, key)


def test_the_api_lists_the_same(house: House, campaign: str) -> None:
    listed = connect(house.url(), person="pi@argonne", passphrase=PASSPHRASE).requests.list()
    made = [one for one in listed if one.campaign == campaign]
    assert made
    assert {one.state for one in made} == {"ended"}
    assert all(one.request.startswith(f"{one.told_by}/") for one in made)


def test_what_another_team_asked_of_others_is_not_there(house: House, campaign: str) -> None:
    accounts = house.federation.places["argonne"].running.authenticator.accounts
    accounts["guest@argonne"] = Account(person="guest@argonne", role="member", passphrase=STORED)  # type: ignore[index]
    with house.visitor(who="guest") as outsider:
        assert "campaigns/asked" not in outsider.get("/asked").text
        assert "campaigns/asked" not in outsider.get("/search?q=asked").text


def test_a_contract_is_a_page_with_its_range_cost_limit_and_terms(pi: httpx.Client) -> None:
    text = pi.get("/capabilities/nims/toy.make@1?lang=en").text
    assert "costs at most" in text
    assert "ended by force after" in text
    assert "a person approves each" in text
    assert "start?capability=nims/toy.make%401" in text


def test_a_capability_that_nobody_offers_is_said_as_a_page(pi: httpx.Client) -> None:
    assert pi.get("/capabilities/nims/none@1").status_code == 404


@pytest.mark.parametrize(
    ("words", "address"), [("asked", "campaigns/asked"), ("toy make", "capabilities/nims/toy.make")]
)
def test_the_search_finds_by_every_word_of_a_name_or_title(pi: httpx.Client, words: str, address: str) -> None:
    assert f'href="./{address}' in pi.get("/search", params={"q": words}).text
    assert f'href="./{address}' not in pi.get("/search", params={"q": f"{words} zzz"}).text


def test_words_of_a_search_stay_text(pi: httpx.Client) -> None:
    assert "<script>alert" not in pi.get("/search", params={"q": '"><script>alert(1)</script>'}).text

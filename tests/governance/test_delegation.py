"""The home site's side of mandates: what it vouches for, until when, and what it answers once a mandate is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from governance.ledgers import Book, site
from governance.test_mandates import agent, helper, mandate
from governance.world import DAY, NOW, facts, online_key, question
from yosegi.core.amounts import Amounts
from yosegi.governance.mandates.delegation import Delegation, mandate_stream
from yosegi.governance.mandates.mandate import MandateRefused
from yosegi.governance.mandates.view import left_of
from yosegi.ledger import Write
from yosegi.trust.keys import by_id
from yosegi.trust.token import Token, accept_token

HOME = online_key("argonne")
KEYS = by_id([HOME.public])
SAMPLES = Amounts({"samples": 3_000})


@pytest.fixture
def book(tmp_path) -> Iterator[Book]:
    with site(tmp_path) as opened:
        yield opened


@pytest.fixture
def home(book) -> Delegation:
    """A site that has given a mandate to a campaign, cut one from it for an agent, and one more for its helper."""
    made = Delegation("argonne", book.ledger, HOME, book.clock, lambda charter, institution: False)
    for one in (mandate(), agent(), helper()):
        written(book, made.give(one, "pi@argonne"))
    return made


def written(book: Book, write: Write | None) -> None:
    assert write is not None
    book.run(book.ledger.append(write))


def asked(**changes: object):
    fields = {"action": "request", "mandate": "m0", "amounts": SAMPLES}
    return question(**(fields | changes))


def token_of(home: Delegation, book: Book, name: str = "m0", audience: str = "nims") -> Token:
    envelope = home.token(name, audience)
    return accept_token(envelope, KEYS, issuer="argonne", site=audience, charter="demo", now=book.clock.now())


def code(home: Delegation, **changes: object) -> str | None:
    found = home.why_not(asked(**changes))
    return None if found is None else found.code


def test_a_mandate_is_recorded_as_the_site_signed_it_by_whom_and_for_whom(home, book):
    (entry,) = book.ledger.read(mandate_stream("m0"))
    assert (entry.header.charter, entry.header.actor) == ("demo", "pi@argonne")
    assert entry.header.on_behalf_of == "pi@argonne"
    assert home.get("m0") == mandate()


def test_a_mandate_nobody_gave_is_refused(home):
    for refused in (home.get, home.living):
        with pytest.raises(MandateRefused) as caught:
            refused("m9")
        assert (caught.value.mandate, caught.value.reason) == ("m9", "mandate_unknown")
    over = home.over("m9")
    assert over is not None
    assert over.code == "mandate_unknown"
    assert "m9" in over.en
    assert "m9" in over.ja


def test_while_it_lives_it_is_not_over(home):
    assert home.living("m2") == helper()
    assert home.over("m2") is None


def test_when_one_is_cancelled_all_that_was_cut_from_it_is_over(home, book):
    written(book, home.cancel("m1", "enough", "operator@argonne"))
    assert home.over("m0") is None
    for name in ("m1", "m2"):
        over = home.over(name)
        assert over is not None
        assert over.code == "mandate_cancelled"
        with pytest.raises(MandateRefused):
            home.token(name, "nims")
    entry = book.ledger.read(mandate_stream("m1"))[-1]
    assert (entry.header.actor, entry.header.on_behalf_of) == ("operator@argonne", "pi@argonne")
    assert entry.body == {"reason": "enough"}


def test_at_its_end_it_is_over(home, book):
    book.clock.time = NOW + 20 * DAY
    over = home.over("m0")
    assert over is not None
    assert over.code == "mandate_ended"
    assert "2026-12-11 04:00" in over.en


def test_the_agent_of_a_mandate_is_known(home):
    assert home.agent_of("m1") == "planner"
    assert home.agent_of("m0") is None
    assert home.agent_of("m9") is None
    assert home.agent_of(None) is None


# --- what it reaches -------------------------------------------------------------------------------------------------


def test_a_member_needs_no_mandate_and_an_agent_does(home):
    assert home.why_not(asked(mandate=None)) is None
    found = home.why_not(asked(mandate=None, agent="planner"))
    assert found is not None
    assert (found.code, "planner" in found.en) == ("mandate_missing", True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"charter": "other"}, "mandate_for_another"),
        ({"person": "student@argonne"}, "mandate_for_another"),
        ({"team": "fusion"}, "mandate_for_another"),
        ({"capability": facts(ref="nims/press@1")}, "outside_mandate"),
        ({"purpose": "war"}, "outside_mandate"),
        ({"sensitivity": "restricted"}, "outside_mandate"),
        ({"amounts": Amounts({"samples": 10_000})}, None),
        ({"amounts": Amounts({"samples": 10_001})}, "budget_exceeded"),
        ({"amounts": Amounts({"samples": 10_001}), "conduct": "suggest"}, None),
        ({"amounts": Amounts({"samples": 10_001}), "conduct": "approve"}, "budget_exceeded"),
        ({"mandate": "m9"}, "mandate_unknown"),
        ({"mandate": "m2", "amounts": Amounts({"samples": 4_001})}, "budget_exceeded"),
    ],
)
def test_a_use_is_within_a_mandate_or_the_reason_says_why_not(home, changes, expected):
    assert code(home, **changes) == expected


def test_who_a_mandate_was_given_to_is_named_when_another_uses_it(home):
    found = home.why_not(asked(person="student@argonne"))
    assert found is not None
    assert "student@argonne" in found.en


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_says_for_whom_and_under_which_mandate(home, book):
    token = token_of(home, book, "m1")
    assert (token.person, token.agent, token.mandate, token.audience) == ("pi@argonne", "planner", "m1", "nims")
    assert token.holder == HOME.public


def test_one_token_serves_for_half_of_its_life(home, book):
    first = home.token("m0", "nims")
    life = token_of(home, book).not_after - NOW
    book.clock.time = NOW + life / 2 - timedelta(microseconds=1)
    assert home.token("m0", "nims") is first
    book.clock.time = NOW + life / 2
    renewed = home.token("m0", "nims")
    assert renewed is not first
    assert token_of(home, book).issued == book.clock.time
    book.clock.time += timedelta(seconds=1)
    assert home.token("m0", "nims") is renewed


def test_each_owner_and_each_mandate_has_a_token_of_its_own(home, book):
    assert token_of(home, book, "m0", "riken").audience == "riken"
    assert token_of(home, book, "m0", "nims").audience == "nims"
    assert token_of(home, book, "m1", "nims").mandate == "m1"


def test_a_token_at_hand_is_not_given_out_once_its_mandate_is_cancelled(home, book):
    home.token("m0", "nims")
    written(book, home.cancel("m0", "enough", "pi@argonne"))
    with pytest.raises(MandateRefused) as caught:
        home.token("m0", "nims")
    assert caught.value.reason == "mandate_cancelled"


# --- budgets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"mandate": None}, {"amounts": Amounts()}, {"conduct": "suggest"}, {"mandate": None, "conduct": "run"}]
)
def test_where_nothing_is_spent_nothing_is_held(home, changes):
    assert home.hold(asked(**changes), "t1") is None


@pytest.mark.parametrize("conduct", ["approve", "run"])
def test_a_cost_is_set_aside_in_the_mandates_stream_for_its_person(home, book, conduct):
    write = home.hold(asked(conduct=conduct), "t1")
    written(book, write)
    assert left_of(book.ledger.query, "m0")["samples"] == 7_000
    entry = book.ledger.read(mandate_stream("m0"))[-1]
    assert (entry.header.actor, entry.header.on_behalf_of, entry.header.charter) == ("argonne", "pi@argonne", "demo")


def test_what_was_not_spent_is_free_again(home, book):
    written(book, home.hold(asked(), "t1"))
    written(book, home.settle("t1", Amounts({"samples": 1_000})))
    assert left_of(book.ledger.query, "m0")["samples"] == 9_000
    assert home.settle("t1", Amounts({"samples": 1_000})) is None
    assert home.settle("t9", Amounts()) is None


def test_an_owner_that_charges_more_than_was_agreed_is_booked_at_what_was_held(home, book):
    written(book, home.hold(asked(), "t1"))
    written(book, home.settle("t1", Amounts({"samples": 50_000, "usd": 9})))
    assert left_of(book.ledger.query, "m0") == {"samples": 7_000, "node_h": 5_000}


def test_an_agents_cost_counts_against_the_campaigns_budget(home, book):
    written(book, home.hold(asked(mandate="m1"), "t1"))
    assert left_of(book.ledger.query, "m0")["samples"] == left_of(book.ledger.query, "m1")["samples"] == 7_000


def test_a_mandate_of_a_hosted_person_stands_while_the_charter_has_the_site_host_them(home, book):
    hosted = mandate(id="m7", person="pi@small", institution="small")
    written(book, home.give(hosted, "pi@small"))
    over = home.over("m7")
    assert over is not None, "nobody is hosted unless a charter says so"
    assert over.code == "not_hosted_here"
    home.hosts = lambda charter, institution: (charter, institution) == ("demo", "small")
    assert home.over("m7") is None
    assert token_of(home, book, "m7").institution == "small"
    home.hosts = lambda charter, institution: False
    with pytest.raises(MandateRefused, match="does not say that it hosts small"):
        home.token("m7", "nims")

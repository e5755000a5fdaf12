"""Mandates: signed, dated, cut to subsets at most two levels deep, cancelled at once, and never over budget."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from governance.ledgers import Alone, Book, site
from governance.world import DAY, NOW, online_key
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid
from yosegi.governance.mandates import view
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.mandates.mandate import TOKEN_LIFE, Mandate, MandateRefused, Right
from yosegi.governance.mandates.view import MandatesView
from yosegi.ledger import Draft
from yosegi.trust.document import SKEW
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer

AGENT, HELPER = (Ed25519Signer.from_seed(bytes([n]) * 32).public for n in (21, 22))


def right(**changes: object) -> Right:
    fields = {
        "capabilities": ("nims/colour.*", "riken/*"),
        "purposes": ("research", "calibration"),
        "conduct": ("suggest", "approve", "run"),
        "highest_sensitivity": "team",
        "budget": Amounts({"samples": 10_000, "node_h": 5_000}),
    }
    return Right(**(fields | changes))


def mandate(name: str = "m0", **changes: object) -> Mandate:
    fields = {
        "charter": "demo",
        "id": name,
        "home": "argonne",
        "person": "pi@argonne",
        "team": "colour",
        "campaign": "c1",
        "right": right(),
        "issued": NOW,
        "not_after": NOW + 20 * DAY,
    }
    return Mandate(**(fields | changes))


def agent(**changes: object) -> Mandate:
    return mandate(**({"name": "m1", "agent": "planner", "agent_key": AGENT, "depth": 1, "parent": "m0"} | changes))


def helper(**changes: object) -> Mandate:
    fields = {"name": "m2", "agent": "helper", "agent_key": HELPER, "depth": 2, "parent": "m1"}
    return mandate(**(fields | {"right": right(budget=Amounts({"samples": 4_000}))} | changes))


def living(place: Book, name: str) -> Mandate:
    return Delegation(
        "argonne", place.ledger, online_key("argonne"), place.clock, lambda charter, institution: False
    ).living(name)


def reason_of(place: Book, draft) -> str:
    size = place.ledger.size
    with pytest.raises(MandateRefused) as caught:
        place.write(draft)
    assert place.ledger.size == size
    return caught.value.reason


# --- the document ---------------------------------------------------------------------------------------------------


def test_a_mandate_is_signed_by_the_home_site():
    keys = by_id([online_key("argonne").public])
    signed = mandate().sign(online_key("argonne"))
    assert Mandate.open(signed, keys, now=NOW, charter="demo") == mandate()
    with pytest.raises(Untrusted):
        Mandate.open(mandate().sign(online_key("riken")), keys, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"home": "riken"},
        {"not_after": NOW},
        {"not_after": NOW + 400 * DAY},
        {"agent": "planner"},
        {"agent_key": AGENT},
        {"depth": 1},
        {"agent": "planner", "agent_key": AGENT},
        {"agent": "planner", "agent_key": AGENT, "depth": 2},
        {"agent": "planner", "agent_key": AGENT, "depth": 3, "parent": "m2"},
    ],
)
def test_a_mandate_that_does_not_hold_together_cannot_be_made(changes):
    with pytest.raises(ValueError, match=r"."):
        mandate(**changes)


@pytest.mark.parametrize(
    ("use", "respect"),
    [
        (("nims/press@1", "research", "run", "team"), "capabilities"),
        (("argonne/colour.mix@1", "research", "run", "team"), "capabilities"),
        (("nims/colour.mix@1", "war", "run", "team"), "purposes"),
        (("nims/colour.mix@1", "research", "run", "restricted"), "highest_sensitivity"),
    ],
)
def test_a_use_outside_the_right_is_refused(use, respect):
    mandate().check_use("nims/colour.mix@1", "research", "run", "team")
    with pytest.raises(MandateRefused) as caught:
        mandate().check_use(*use)
    assert (caught.value.reason, caught.value.fields["respect"]) == ("outside_mandate", respect)


def test_a_conduct_outside_the_right_is_refused():
    careful = mandate(right=right(conduct=("suggest",)))
    careful.check_use("nims/colour.mix@1", "research", "suggest", "team")
    with pytest.raises(MandateRefused, match="how far it may go"):
        careful.check_use("nims/colour.mix@1", "research", "run", "team")


# --- tokens under it ------------------------------------------------------------------------------------------------


def test_a_token_under_a_mandate_names_it_and_is_over_after_ten_minutes_by_any_honest_clock():
    token = agent().mint("nims", AGENT, NOW)
    assert (token.mandate, token.agent, token.holder) == ("m1", "planner", AGENT)
    assert token.not_after + SKEW == NOW + timedelta(minutes=10)


def test_a_token_never_outlives_its_mandate():
    end = NOW + 20 * DAY
    assert mandate().mint("nims", AGENT, end - timedelta(minutes=1)).not_after == end


@pytest.mark.parametrize("now", [NOW + 20 * DAY, NOW + 21 * DAY])
def test_after_its_end_a_mandate_mints_nothing(now):
    with pytest.raises(MandateRefused, match="not in force"):
        mandate().mint("nims", AGENT, now)


def test_an_agents_tokens_are_for_its_own_key():
    with pytest.raises(MandateRefused, match="another key asks"):
        agent().mint("nims", HELPER, NOW)


# --- cutting --------------------------------------------------------------------------------------------------------


def test_a_sub_agent_may_have_a_part_of_its_agents_right():
    agent().check_cut_from(mandate())
    helper().check_cut_from(agent())


@pytest.mark.parametrize(
    ("changes", "respect"),
    [
        ({"capabilities": ("argonne/*",)}, "capabilities"),
        ({"capabilities": ("nims/*",)}, "capabilities"),
        ({"capabilities": ("nims/colour.*", "argonne/x@1")}, "capabilities"),
        ({"purposes": ("research", "war")}, "purposes"),
        ({"highest_sensitivity": "restricted"}, "highest_sensitivity"),
        ({"budget": Amounts({"samples": 10_001})}, "budget"),
        ({"budget": Amounts({"usd": 1})}, "budget"),
    ],
)
def test_a_sub_agent_cannot_widen_its_right(changes, respect):
    with pytest.raises(MandateRefused) as caught:
        helper(right=right(**changes)).check_cut_from(agent())
    assert (caught.value.reason, caught.value.fields["respect"]) == ("mandate_wider", respect)


def test_a_sub_agent_cannot_widen_its_conduct():
    with pytest.raises(MandateRefused, match="how far it may go"):
        helper().check_cut_from(agent(right=right(conduct=("suggest",))))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"not_after": NOW + 21 * DAY}, "mandate_wider"),
        ({"person": "student@argonne"}, "mandate_for_another"),
        ({"team": "fusion"}, "mandate_for_another"),
        ({"charter": "other"}, "mandate_for_another"),
        ({"parent": "m7"}, "mandate_of_another_parent"),
        ({"depth": 1}, "mandate_of_another_parent"),
    ],
)
def test_a_sub_agents_mandate_stays_with_its_agents(changes, reason):
    with pytest.raises(MandateRefused) as caught:
        helper(**changes).check_cut_from(agent())
    assert caught.value.reason == reason


def test_there_is_no_third_level():
    with pytest.raises(ValueError, match="depth"):
        helper(name="m3", depth=3, parent="m2")


SELECTORS = ("nims/*", "nims/colour.*", "nims/colour.mix@1", "riken/*", "riken/sim@2")
REFS = ("nims/colour.mix@1", "nims/colour.measure@1", "nims/press@1", "riken/sim@2", "riken/sim@3", "argonne/x@1")


@settings(max_examples=100, deadline=None)
@given(*(st.lists(st.sampled_from(SELECTORS), min_size=1, unique=True).map(tuple) for _ in range(2)))
def test_a_narrower_right_never_covers_what_the_wider_does_not(narrow, wide):
    if not right(capabilities=narrow).wider_than(right(capabilities=wide)):
        for ref in REFS:
            assert right(capabilities=wide).covers(ref) or not right(capabilities=narrow).covers(ref)


# --- in the ledger --------------------------------------------------------------------------------------------------


def test_a_mandate_lives_until_it_is_cancelled(tmp_path):
    with site(tmp_path, view.granted(mandate())) as place:
        assert living(place, "m0") == mandate()
        place.write(view.cancelled("m0", "the campaign is over"))
        with pytest.raises(MandateRefused) as caught:
            living(place, "m0")
        assert caught.value.reason == "mandate_cancelled"
        assert reason_of(place, view.held("m0", "t1", Amounts())) == "mandate_cancelled"


def test_a_mandate_nobody_gave_does_not_live(tmp_path):
    with site(tmp_path) as place:
        with pytest.raises(MandateRefused) as caught:
            living(place, "m0")
        assert caught.value.reason == "mandate_unknown"
        assert reason_of(place, view.cancelled("m0", "why")) == "mandate_unknown"
        assert reason_of(place, view.held("m0", "t1", Amounts())) == "mandate_unknown"


def test_facts_of_another_form_get_a_clear_error(tmp_path):
    with site(tmp_path) as place, pytest.raises(Invalid, match="not of its form"):
        place.write(Draft(view.HELD, {"task": "t1"}))


def test_an_agents_mandate_lives_only_as_long_as_its_parent(tmp_path):
    with site(tmp_path, view.granted(mandate()), view.granted(agent())) as place:
        assert living(place, "m1") == agent()
        place.write(view.cancelled("m0", "enough"))
        with pytest.raises(MandateRefused):
            living(place, "m1")


def test_cancelling_a_mandate_cancels_what_was_cut_from_it(tmp_path):
    cut = [view.granted(made) for made in (mandate(), agent(), helper())]
    with site(tmp_path, *cut) as place:
        place.write(view.cancelled("m0", "enough"))
        for name in ("m1", "m2"):
            assert reason_of(place, view.held(name, "t1", Amounts())) == "mandate_cancelled"


def test_what_was_cut_ends_with_what_it_was_cut_from(tmp_path):
    short = mandate(not_after=NOW + 2 * DAY)
    with site(tmp_path, view.granted(short)) as place:
        assert reason_of(place, view.granted(agent(not_after=NOW + 3 * DAY))) == "mandate_wider"
        place.write(view.granted(agent(not_after=NOW + 2 * DAY)))
        place.clock.time = NOW + 2 * DAY
        assert reason_of(place, view.held("m1", "t1", Amounts())) == "mandate_ended"


@pytest.mark.parametrize("now", [NOW + 20 * DAY, NOW + 21 * DAY])
def test_after_its_end_nothing_starts_under_it(tmp_path, now):
    with site(tmp_path, view.granted(mandate())) as place:
        place.clock.time = now
        assert reason_of(place, view.held("m0", "t1", Amounts())) == "mandate_ended"


def test_a_wider_sub_mandate_is_not_recorded(tmp_path):
    wide = agent(right=right(purposes=("war",)))
    with site(tmp_path, view.granted(mandate())) as place:
        assert reason_of(place, view.granted(wide)) == "mandate_wider"
        assert reason_of(place, view.granted(helper())) == "mandate_unknown"
        assert reason_of(place, view.granted(mandate())) == "mandate_repeated"
        assert reason_of(place, view.granted(mandate("m9", charter="other"))) == "mandate_for_another"


def test_a_sub_agent_spends_its_agents_budget_too(tmp_path):
    cut = [view.granted(made) for made in (mandate(), agent(), helper())]
    with site(tmp_path, *cut) as place:
        place.write(view.held("m2", "t1", Amounts({"samples": 4_000})))
        assert reason_of(place, view.held("m2", "t2", Amounts({"samples": 1}))) == "budget_exceeded"
        place.write(view.held("m1", "t3", Amounts({"samples": 6_000})))
        assert reason_of(place, view.held("m0", "t4", Amounts({"samples": 1}))) == "budget_exceeded"
        place.write(view.settled("m2", "t1", Amounts({"samples": 1_000})))
        place.write(view.held("m0", "t5", Amounts({"samples": 3_000})))


def test_a_use_ends_once_and_within_what_was_held(tmp_path):
    start = [view.granted(mandate()), view.held("m0", "t1", Amounts({"samples": 5}))]
    with site(tmp_path, *start) as place:
        assert reason_of(place, view.held("m0", "t1", Amounts())) == "hold_repeated"
        too_much = view.settled("m0", "t1", Amounts({"samples": 6}))
        assert reason_of(place, too_much) == "spent_more_than_held"
        place.write(view.settled("m0", "t1", Amounts({"samples": 5})))
        assert reason_of(place, view.settled("m0", "t1", Amounts())) == "hold_ended"
        assert reason_of(place, view.settled("m0", "t9", Amounts())) == "hold_unknown"


def test_what_is_left_is_told_by_unit_and_goes_down_as_tasks_are_held(tmp_path):
    with site(tmp_path, view.granted(mandate()), view.held("m0", "t1", Amounts({"samples": 4_000}))) as place:
        assert view.left_of(place.ledger.query, "m0") == {"samples": 6_000, "node_h": 5_000}
        assert view.left_of(place.ledger.query, "m9") == {}


def test_the_mandate_that_holds_a_task_is_found_until_it_is_settled(tmp_path):
    kept = Amounts({"samples": 5, "node_h": 2})
    with site(tmp_path, view.granted(mandate()), view.held("m0", "t1", kept)) as place:
        assert view.holder_of(place.ledger.query, "t1") == ("m0", kept)
        assert view.holder_of(place.ledger.query, "t2") is None
        place.write(view.settled("m0", "t1", Amounts({"samples": 5})))
        assert view.holder_of(place.ledger.query, "t1") is None


def test_an_overspending_use_says_which_unit_what_was_asked_and_what_is_left(tmp_path):
    with site(tmp_path, view.granted(mandate()), view.held("m0", "t1", Amounts({"samples": 9_000}))) as place:
        asked = Amounts({"samples": 1_500})
        for refused in (
            lambda: view.check_budget(place.ledger.query, mandate(), asked),
            lambda: place.write(view.held("m0", "t2", asked)),
        ):
            with pytest.raises(MandateRefused) as caught:
                refused()
            assert (caught.value.mandate, caught.value.reason) == ("m0", "budget_exceeded")
            assert caught.value.fields == {"unit": "samples", "asked": 1.5, "left": 1.0}


def test_a_use_of_all_that_is_left_is_within_the_budget(tmp_path):
    with site(tmp_path, view.granted(mandate())) as place:
        view.check_budget(place.ledger.query, mandate(), Amounts({"samples": 10_000, "node_h": 5_000}))
        place.write(view.held("m0", "t1", Amounts({"samples": 10_000, "node_h": 5_000})))
        with pytest.raises(MandateRefused):
            view.check_budget(place.ledger.query, mandate(), Amounts({"samples": 1}))


def test_a_use_is_looked_at_against_every_mandate_it_was_cut_from(tmp_path):
    cut = [view.granted(made) for made in (mandate(), agent(), helper())]
    with site(tmp_path, *cut, view.held("m0", "t1", Amounts({"samples": 9_000}))) as place:
        with pytest.raises(MandateRefused) as caught:
            view.check_budget(place.ledger.query, helper(), Amounts({"samples": 2_000}))
        assert caught.value.mandate == "m0"
        view.check_budget(place.ledger.query, helper(), Amounts({"samples": 1_000}))


def test_a_unit_no_budget_names_may_be_spent_under_an_unbounded_mandate_alone(tmp_path):
    free, asked = mandate(right=right(bounded=False)), Amounts({"jpy": 7, "samples": 10_000})
    with site(tmp_path, view.granted(free), view.granted(mandate("m1"))) as place:
        view.check_budget(place.ledger.query, free, asked)
        place.write(view.held("m0", "t1", asked))
        assert view.holder_of(place.ledger.query, "t1") == ("m0", asked)
        assert view.left_of(place.ledger.query, "m0") == {"node_h": 5_000, "samples": 0}
        with pytest.raises(MandateRefused) as caught:
            view.check_budget(place.ledger.query, mandate("m1"), Amounts({"jpy": 1}))
        assert caught.value.fields == {"unit": "jpy", "asked": 0.001, "left": 0.0}
        with pytest.raises(MandateRefused) as caught:
            place.write(view.held("m1", "t1", Amounts({"jpy": 1})))
        assert caught.value.fields == {"unit": "jpy", "asked": 0.001, "left": 0.0}


def test_settling_above_what_was_held_says_by_how_much(tmp_path):
    start = [view.granted(mandate()), view.held("m0", "t1", Amounts({"samples": 500, "node_h": 100}))]
    with site(tmp_path, *start) as place, pytest.raises(MandateRefused) as caught:
        place.write(view.settled("m0", "t1", Amounts({"samples": 700, "node_h": 100})))
    assert caught.value.fields == {"task": "t1", "unit": "samples", "asked": 0.7, "left": 0.5}


def test_all_that_was_cut_from_a_mandate_is_found_however_deep(tmp_path):
    cut = [view.granted(made) for made in (mandate(), agent(), helper(), mandate("m7"))]
    with site(tmp_path, *cut) as place:
        assert sorted(view.cut_from(place.ledger.query, "m0")) == ["m0", "m1", "m2"]
        assert view.cut_from(place.ledger.query, "m2") == ["m2"]
        assert view.mandate_of(place.ledger.query, "m2") == helper()
        with pytest.raises(MandateRefused) as caught:
            view.mandate_of(place.ledger.query, "m9")
        assert (caught.value.mandate, caught.value.reason) == ("m9", "mandate_unknown")


@pytest.mark.parametrize(
    ("mine", "theirs", "within"),
    [
        ({"bounded": True}, {"bounded": True}, True),
        ({"bounded": False}, {"bounded": True}, False),
        ({"bounded": True}, {"bounded": False}, True),
        ({"bounded": False}, {"bounded": False}, True),
        ({"bounded": False, "budget": Amounts({"samples": 10_000})}, {"bounded": False}, False),
        ({"bounded": True, "budget": Amounts({"usd": 1})}, {"bounded": False}, True),
        ({"bounded": True, "budget": Amounts({"samples": 10_001})}, {"bounded": False}, False),
        ({"bounded": False, "budget": Amounts({"samples": 10_001, "node_h": 5_000})}, {"bounded": False}, False),
        ({"bounded": True, "budget": Amounts({"samples": 9_999})}, {"bounded": True}, True),
    ],
)
def test_a_right_spends_within_another_where_nothing_it_may_spend_is_beyond_it(mine, theirs, within):
    assert right(**mine).wider_than(right(**theirs)) == ("" if within else "budget")


def test_a_mandate_may_live_for_a_year_and_a_token_for_it_starts_at_its_first_moment():
    long = mandate(not_after=NOW + 366 * DAY)
    with pytest.raises(ValueError, match="366 days"):
        mandate(not_after=NOW + 366 * DAY + timedelta(microseconds=1))
    assert long.mint("nims", AGENT, NOW).issued == NOW
    assert mandate(not_after=NOW + timedelta(microseconds=1)).not_after > NOW


def test_a_right_names_some_capability_and_purpose_and_not_too_many():
    assert len(right(capabilities=("nims/*",) * 200).capabilities) == 200
    for changes in ({"capabilities": ()}, {"purposes": ()}, {"capabilities": ("nims/*",) * 201}):
        with pytest.raises(ValueError, match=r"items?"):
            right(**changes)


def test_the_home_site_asks_with_its_own_key_where_it_says_so():
    own = online_key("argonne").public
    assert agent().mint("nims", own, NOW, site=own).holder == own
    with pytest.raises(MandateRefused) as caught:
        agent().mint("nims", own, NOW)
    assert (caught.value.reason, caught.value.fields) == ("token_for_another_key", {"agent": "planner"})


def test_a_mandate_is_in_force_until_just_before_its_end():
    step, made = timedelta(microseconds=1), mandate()
    made.check_alive(made.not_after - step)
    for now in (made.not_after, made.not_after + step):
        with pytest.raises(MandateRefused) as caught:
            made.check_alive(now)
        assert caught.value.fields == {"until": "2026-12-11 04:00"}


def test_a_mandate_given_while_the_clock_was_ahead_stands_and_what_is_minted_counts_from_now():
    made, now = mandate(), NOW - timedelta(hours=9)
    assert made.issued > now
    minted = made.mint("nims", online_key("argonne").public, now)
    assert (minted.issued, minted.not_after) == (now, now + TOKEN_LIFE)


def test_a_refusal_names_what_was_wrong_with_a_mandate():
    for changes, reason, fields in (
        ({"not_after": NOW + 21 * DAY}, "mandate_wider", {"respect": "not_after", "parent": "m1"}),
        ({"person": "student@argonne"}, "mandate_for_another", {"person": "pi@argonne"}),
        ({"parent": "m7"}, "mandate_of_another_parent", {"parent": "m1"}),
    ):
        with pytest.raises(MandateRefused) as caught:
            helper(**changes).check_cut_from(agent())
        assert (caught.value.mandate, caught.value.reason, caught.value.fields) == ("m2", reason, fields)


class Budgets(RuleBasedStateMachine):
    """Three mandates, each cut from the one before, beside a model: what was held or spent under each and below."""

    LIMITS = (10, 8, 5)

    @initialize()
    def begin(self) -> None:
        self.alone = Alone(MandatesView())
        chain = (mandate, agent, helper)
        for made, limit in zip(chain, self.LIMITS, strict=True):
            document = made(right=right(budget=Amounts({"samples": limit})))
            assert self.alone.write(view.granted(document)) is None
        self.used = [0, 0, 0]
        self.held: dict[tuple[int, str], int] = {}
        self.ended: set[tuple[int, str]] = set()
        self.cancelled = 3

    @rule(level=st.integers(0, 2), task=st.sampled_from("xyz"), asked=st.integers(0, 11))
    def hold(self, level: int, task: str, asked: int) -> None:
        error = self.alone.write(view.held(f"m{level}", task, Amounts({"samples": asked})))
        new = (level, task) not in self.held and (level, task) not in self.ended
        fits = all(self.used[n] + asked <= self.LIMITS[n] for n in range(level + 1))
        allowed = new and fits and level < self.cancelled
        assert (error is None) == allowed
        if allowed:
            self.held[level, task] = asked
            for n in range(level + 1):
                self.used[n] += asked

    @rule(level=st.integers(0, 2), task=st.sampled_from("xyz"), spent=st.integers(0, 11))
    def settle(self, level: int, task: str, spent: int) -> None:
        error = self.alone.write(view.settled(f"m{level}", task, Amounts({"samples": spent})))
        allowed = (level, task) in self.held and spent <= self.held[level, task]
        assert (error is None) == allowed
        if allowed:
            left = self.held.pop((level, task)) - spent
            self.ended.add((level, task))
            for n in range(level + 1):
                self.used[n] -= left

    @rule(level=st.integers(0, 2))
    def cancel(self, level: int) -> None:
        assert self.alone.write(view.cancelled(f"m{level}", "why")) is None
        self.cancelled = min(self.cancelled, level)

    @invariant()
    def the_books_agree(self) -> None:
        if hasattr(self, "alone"):
            rows = self.alone.db.all("SELECT used, amount FROM mandate_budgets ORDER BY mandate")
            assert [row[0] for row in rows] == self.used
            assert all(used <= amount for used, amount in rows)

    def teardown(self) -> None:
        if hasattr(self, "alone"):
            self.alone.close()


TestBudgets = Budgets.TestCase
TestBudgets.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)

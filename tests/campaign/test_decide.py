"""The closed loop as a state machine: whatever owners report and people say, in any order, these things hold.

The machine plays the ledger, the owners and the people; `decide` and the fold are the real ones. What must hold is the
design's own list: one key asks once, a budget is never passed, a stop starts nothing, and the loop never wedges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from federation.toys import make, measure, simulate, spec
from yosegi.campaign import parse_spec
from yosegi.campaign import state as types
from yosegi.campaign.decide import (
    Action,
    EndTrial,
    MoveCampaignTo,
    OpenBreaker,
    Propose,
    RequestStep,
    Withdraw,
    decide,
    enough,
)
from yosegi.campaign.folding import fold, follow
from yosegi.campaign.problem import history_of
from yosegi.campaign.state import Campaign
from yosegi.campaign.trial import Step, Trial, observation_of
from yosegi.core.amounts import Amounts
from yosegi.core.states import CampaignState, TaskState, TrialState, may_follow

SAMPLES = 4
"""Samples in the budget; each experiment uses one."""


@dataclass(frozen=True)
class Said:
    """An entry as a fold sees it."""

    type: str
    position: int
    facts: dict[str, Any]
    body: dict[str, Any]
    time: str = "2026-01-01T00:00:00Z"

    @property
    def sequence(self) -> int:
        return self.position


def started(trials: int, parallel: int, stop: str = "") -> Said:
    text = spec(trials).replace("parallel = 2", f"parallel = {parallel}")
    text = text.replace("stop = {", f"stop = {{ {stop}, " if stop else "stop = {")
    asked = parse_spec(text + f'\n[budget]\nsamples = "{SAMPLES}"\n')
    offered = {"nims/toy.make@1": make, "nims/toy.measure@1": measure, "riken/toy.simulate@1": simulate}
    contracts = {ref: each.contract.model_dump(mode="json", exclude_none=True) for ref, each in offered.items()}
    return Said(
        types.STARTED, 1, {}, {"spec": asked.model_dump(mode="json", exclude_none=True), "contracts": contracts}
    )


ENDS = st.sampled_from(["valid", "valid", "valid", "infeasible", "failed", "refused", "uncertain", "cancelled"])


class ClosedLoop(RuleBasedStateMachine):
    entries: list[Said]
    campaign: Campaign

    @initialize(trials=st.integers(1, 20), parallel=st.integers(1, 4))
    def begin(self, trials: int, parallel: int) -> None:
        self._start(started(trials, parallel))

    def _start(self, first: Said) -> None:
        self.entries = [first]
        self.asked: list[str] = []
        self.taken_back: set[str] = set()
        self.campaign = self._folded()

    def _folded(self) -> Campaign:
        folded = fold(self.entries)  # type: ignore[arg-type]
        assert folded is not None
        return folded

    def _say(self, kind: str, facts: dict[str, Any], body: dict[str, Any] | None = None) -> None:
        entry = Said(kind, len(self.entries) + 1, facts, body or {})
        self.entries.append(entry)
        self.campaign = follow(self.campaign, entry)  # type: ignore[arg-type]

    # -- what the loop does -------------------------------------------------------------------------------------------

    @rule(sources=st.lists(st.sampled_from(["experiment", "experiment", "simulation"]), min_size=1, max_size=4))
    def turn(self, sources: list[str]) -> None:
        """One turn of the loop; the planner gives what is drawn, which may be less than it is asked for, or nothing."""
        for action in decide(self.campaign):
            self._act(action, sources)

    def _act(self, action: Action, sources: list[str]) -> None:
        if isinstance(action, RequestStep):
            assert action.key not in self.asked, "one key asks once"
            self.asked.append(action.key)
            trial = self.campaign.trial(action.trial)
            held = {"samples": 1000} if action.step == "make" else {}
            facts = {"trial": trial.number, "step": action.step, "owner": action.owner, "key": action.key, "held": held}
            self._say(types.ASKED, facts)
        elif isinstance(action, EndTrial):
            # Values repeat, so that the best is found among equals.
            value = {"value": 1.0 + action.trial * 7 % 5} if action.state is TrialState.COMPLETED else {}
            body = {"why": action.why} | value
            self._say(types.ENDED_TRIAL, {"trial": action.trial, "state": str(action.state)}, body)
        elif isinstance(action, Propose):
            point = {"values": {"x": 0.5}, "reason": "", "expected": {}}
            open_ones = [source for source in sources if source not in action.closed][: action.count]
            self._say(types.PROPOSED, {}, {"proposals": [point | {"source": source} for source in open_ones]})
        elif isinstance(action, OpenBreaker):
            self._say(types.BREAKER, {"source": action.source}, {"why": action.why})
        elif isinstance(action, Withdraw):
            self.taken_back.add(action.key)
        else:
            self._say(types.MOVED, {"state": str(action.state)}, {"why": action.why})

    # -- what owners report -------------------------------------------------------------------------------------------

    def _open(self) -> list[tuple[Trial, Step]]:
        return [(t, s) for t in self.campaign.trials if not t.state.final for s in t.steps[-1:] if not s.state.final]

    @precondition(lambda self: bool(self._open()))
    @rule(data=st.data(), end=ENDS)
    def report(self, data: st.DataObject, end: str) -> None:
        """An owner reports one open step."""
        trial, step = data.draw(st.sampled_from(self._open()))
        if step.state is TaskState.UNCERTAIN and end in ("uncertain", "refused", "cancelled"):
            end = "failed"
        self._report(trial, step, end)

    def _report(self, trial: Trial, step: Step, end: str) -> None:
        charge = {} if end in ("refused", "cancelled", "uncertain") else dict(step.held)
        state = {
            "refused": TaskState.REFUSED,
            "uncertain": TaskState.UNCERTAIN,
            "cancelled": TaskState.CANCELLED,
        }.get(end, TaskState.ENDED)
        facts = {"trial": trial.number, "key": step.key, "state": str(state), "charged": charge}
        facts |= {"effect": "done", "result": "valid" if end == "valid" else "invalid"}
        self._say(types.ANSWERED, facts, {"reason": end, "outputs": {"y": 1.0, "sample": "s-0.5"}})

    # -- what people say ----------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.entries) > 20)
    @rule(wish=st.sampled_from([CampaignState.RUNNING, CampaignState.HELD, CampaignState.STOPPING]))
    def person(self, wish: CampaignState) -> None:
        if may_follow(self.campaign.state, wish):
            self._say(types.MOVED, {"state": str(wish)}, {"why": "a person"})

    @precondition(lambda self: len(self.entries) > 30)
    @rule()
    def abort(self) -> None:
        if may_follow(self.campaign.state, CampaignState.ABORTED):
            self._say(types.MOVED, {"state": str(CampaignState.ABORTED)}, {"why": "a person"})

    # -- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def the_fold_of_all_entries_is_the_fold_of_each_in_turn(self) -> None:
        assert self._folded() == self.campaign

    @invariant()
    def what_is_counted_with_each_entry_is_what_walking_through_all_trials_counts(self) -> None:
        campaign, trials = self.campaign, self.campaign.trials
        assert campaign.open_trials() == [trial for trial in trials if not trial.state.final]
        assert campaign.spent() == sum((step.charged for trial in trials for step in trial.steps), Amounts())
        paid = {TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED}
        price = {source.name: source.price for source in campaign.spec.source}
        assert campaign.price() == sum(price[trial.source] for trial in trials if trial.state in paid)
        valued = [trial for trial in trials if trial.source == "experiment" and trial.value is not None]
        assert campaign.spec.main.goal == "minimise"
        assert campaign.best() == min(valued, key=lambda trial: trial.value or 0.0, default=None)

    @invariant()
    def the_planner_learns_of_each_trial_in_the_order_they_ended(self) -> None:
        ended = [self.campaign.trial(number) for number in self.campaign.ended_order]
        assert sorted(self.campaign.ended_order) == [t.number for t in self.campaign.trials if t.state.final]
        assert history_of(self.campaign) == [observation_of(self.campaign.spec, trial) for trial in ended]

    @invariant()
    def the_same_state_decides_the_same(self) -> None:
        assert decide(self.campaign) == decide(self.campaign)

    @invariant()
    def no_more_trials_are_under_way_than_there_are_places(self) -> None:
        # A trial settled after it was set aside comes back beside those that took its place.
        set_aside = sum(any(s.state is TaskState.UNCERTAIN for s in t.steps) for t in self.campaign.trials)
        once_set_aside = sum("uncertain" in str(entry.facts.get("state")) for entry in self.entries)
        assert len(self.campaign.under_way()) <= self.campaign.spec.parallel + max(set_aside, once_set_aside)

    @invariant()
    def nothing_is_asked_that_the_budget_does_not_cover(self) -> None:
        asks = [a for a in decide(self.campaign) if isinstance(a, RequestStep) and a.step == "make"]
        promised = self.campaign.spent()["samples"] + self.campaign.held()["samples"] + 1000 * len(asks)
        assert promised <= SAMPLES * 1000

    @invariant()
    def a_campaign_that_has_enough_begins_no_trial(self) -> None:
        if not enough(self.campaign):
            return
        for action in decide(self.campaign):
            assert not isinstance(action, Propose)
            if isinstance(action, RequestStep):
                assert self.campaign.trial(action.trial).steps

    @invariant()
    def a_campaign_that_is_not_running_begins_no_trial(self) -> None:
        if self.campaign.state is CampaignState.RUNNING:
            return
        for action in decide(self.campaign):
            assert not isinstance(action, Propose)
            if isinstance(action, RequestStep):
                assert self.campaign.state is CampaignState.STOPPING
                assert self.campaign.trial(action.trial).steps, "a safe stop only finishes what has begun"

    @invariant()
    def no_more_is_proposed_than_the_budget_covers(self) -> None:
        spent, held = self.campaign.spent()["samples"], self.campaign.held()["samples"]
        to_make = sum(t.source == "experiment" and not t.steps for t in self.campaign.under_way())
        assert spent + held + 1000 * to_make <= SAMPLES * 1000

    def teardown(self) -> None:
        """Once owners answer and nobody interferes, a loop that is not held comes to its end."""
        if not hasattr(self, "campaign"):
            return
        for _ in range(400):
            actions = decide(self.campaign)
            for action in actions:
                self._act(action, ["experiment"] * 4)
            answered = self._open()
            for trial, step in answered:
                self._report(trial, step, "cancelled" if step.key in self.taken_back else "valid")
            if not actions and not answered:
                break
        assert self.campaign.state in (
            CampaignState.ENDED,
            CampaignState.ABORTED,
            CampaignState.STOPPED,
            CampaignState.HELD,
        )
        assert not self._open()


ClosedLoop.TestCase.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestClosedLoop = ClosedLoop.TestCase


def test_a_campaign_spends_its_whole_budget_and_no_more() -> None:
    loop = ClosedLoop()
    loop.begin(trials=20, parallel=3)
    loop.teardown()
    assert sum(trial.state is TrialState.COMPLETED for trial in loop.campaign.trials) == SAMPLES
    assert loop.campaign.why == "budget of samples is used up"


def test_a_campaign_ends_when_the_best_next_trial_is_not_worth_its_price() -> None:
    loop = ClosedLoop()
    loop._start(started(20, 2, stop="least_gain = 0.1"))
    proposal = {"values": {"x": 0.5}, "reason": "", "source": "experiment"}

    def propose(*gains: float | None) -> list[Action]:
        expected = [{"gain": gain, "cost": 10.0} for gain in gains]
        loop._say(types.PROPOSED, {}, {"proposals": [proposal | {"expected": each} for each in expected]})
        return decide(loop.campaign)

    assert all(isinstance(action, RequestStep) for action in propose(0.9, 1.1)), "0.11 a unit of price is enough"
    assert all(isinstance(action, RequestStep) for action in propose(None, 0.9)), (
        "a starting point is not judged by its gain"
    )
    assert propose(0.9, 0.5) == [MoveCampaignTo(CampaignState.ENDED, "expected gain 0.09 a unit of price is below 0.1")]

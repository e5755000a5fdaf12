"""What an engine's outcome leads to, for every state of a task and every outcome: the table of states allows it."""

from __future__ import annotations

from itertools import product

import pytest

from yosegi.core.engine import Outcome
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result, TaskState, may_follow
from yosegi.execution.charging import follows
from yosegi.execution.tasks import Task

BEGUN = (TaskState.DISPATCHED, TaskState.UNCERTAIN)
OUTCOMES = [
    Outcome(effect=effect, result=result, reason=reason)
    for effect, result, reason in product(Effect, Result, ("", "from another version", *map(str, OutcomeCode)))
]


@pytest.mark.parametrize("state", [state for state in TaskState if state.final])
def test_what_is_over_stays_as_it_is(state: TaskState) -> None:
    assert {follows(Task("task/a/b", state=state), outcome) for outcome in OUTCOMES} == {None}


@pytest.mark.parametrize("state", BEGUN)
def test_what_follows_is_a_state_that_the_table_allows(state: TaskState) -> None:
    found = {follows(Task("task/a/b", state=state), outcome) for outcome in OUTCOMES}
    assert found
    assert all(after is None or may_follow(state, after) for after in found)


def test_whatever_an_engine_says_of_what_runs_leads_somewhere() -> None:
    assert None not in {follows(Task("task/a/b", state=TaskState.DISPATCHED), outcome) for outcome in OUTCOMES}


@pytest.mark.parametrize("state", BEGUN)
def test_an_unknown_effect_never_ends_a_task(state: TaskState) -> None:
    unknown = [outcome for outcome in OUTCOMES if outcome.effect is Effect.UNKNOWN]
    assert {follows(Task("task/a/b", state=state), outcome) for outcome in unknown} <= {None, TaskState.UNCERTAIN}


def test_only_what_did_nothing_is_cancelled() -> None:
    cancelled = [o for o in OUTCOMES if follows(Task("task/a/b", state=TaskState.DISPATCHED), o) is TaskState.CANCELLED]
    assert {(outcome.effect, outcome.code) for outcome in cancelled} == {(Effect.NONE, OutcomeCode.CANCELLED)}

"""The tables of transitions: what is final stays, what is not can end, and nothing crosses from one kind to another."""

from __future__ import annotations

import pytest

from yosegi.core.errors import Conflict
from yosegi.core.states import CampaignState, TaskState, TrialState, may_follow, transition

KINDS = (TaskState, TrialState, CampaignState)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_follows_a_final_state(kind: type[TaskState]) -> None:
    for state in kind:
        followed = any(may_follow(state, after) for after in kind)
        # A campaign that has ended goes on no more by itself; a person may extend it and take it up again.
        assert state.final == (not followed or state is CampaignState.ENDED)


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_can_come_to_an_end(kind: type[TaskState]) -> None:
    for state in kind:
        reached, todo = {state}, [state]
        while todo:
            here = todo.pop()
            new = {after for after in kind if may_follow(here, after)} - reached
            reached |= new
            todo += new
        assert any(one.final for one in reached)


def test_an_uncertain_task_only_ends_and_never_starts_again() -> None:
    assert [after for after in TaskState if may_follow(TaskState.UNCERTAIN, after)] == [TaskState.ENDED]


def test_a_transition_that_is_not_in_the_table_says_what_is() -> None:
    with pytest.raises(Conflict, match="dispatched") as caught:
        transition("task 7", TaskState.ACCEPTED, TaskState.ENDED)
    assert "task 7" in str(caught.value)


def test_states_of_different_kinds_never_follow_each_other() -> None:
    # Both are spelt "refused".
    assert TaskState.REFUSED == "refused" == TrialState.REFUSED
    assert may_follow(TrialState.RUNNING, TrialState.REFUSED)
    assert not may_follow(TaskState.DISPATCHED, TaskState.REFUSED)

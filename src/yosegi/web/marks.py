"""How a state looks: a shape and a tone, beside its word, so that nobody has to tell colours apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from yosegi.core.states import CampaignState, TaskState, TrialState

Tone = Literal["calm", "busy", "good", "watch", "bad"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A shape of the page's sprite, and a tone of its palette."""

    shape: str
    tone: Tone


_TRIAL: dict[TrialState, Mark] = {
    TrialState.PROPOSED: Mark("ring", "calm"),
    TrialState.RUNNING: Mark("play", "busy"),
    TrialState.COMPLETED: Mark("tick", "good"),
    TrialState.INFEASIBLE: Mark("slash", "calm"),
    TrialState.FAILED: Mark("cross", "bad"),
    TrialState.REFUSED: Mark("bar", "bad"),
    TrialState.UNCERTAIN: Mark("triangle", "watch"),
    TrialState.WITHDRAWN: Mark("back", "calm"),
}
_TASK: dict[TaskState, Mark] = {
    TaskState.NEW: Mark("ring", "calm"),
    TaskState.ACCEPTED: Mark("ring", "busy"),
    TaskState.DISPATCHED: Mark("play", "busy"),
    TaskState.UNCERTAIN: Mark("triangle", "watch"),
    TaskState.ENDED: Mark("tick", "good"),
    TaskState.REFUSED: Mark("bar", "bad"),
    TaskState.CANCELLED: Mark("back", "calm"),
}
_CAMPAIGN: dict[CampaignState, Mark] = {
    CampaignState.RUNNING: Mark("play", "busy"),
    CampaignState.HELD: Mark("pause", "watch"),
    CampaignState.STOPPING: Mark("square", "watch"),
    CampaignState.STOPPED: Mark("square", "calm"),
    CampaignState.ENDED: Mark("tick", "good"),
    CampaignState.ABORTED: Mark("cross", "bad"),
}
SHAPES = ("ring", "play", "tick", "slash", "cross", "bar", "triangle", "back", "pause", "square", "wave", "star")


def mark_of(kind: str, state: str) -> Mark:
    """The mark of a trial's, task's or campaign's state.

    Raises:
        ValueError: no such kind, or no such state of that kind.
    """
    if kind == "trial":
        return _TRIAL[TrialState(state)]
    if kind == "task":
        return _TASK[TaskState(state)]
    if kind == "campaign":
        return _CAMPAIGN[CampaignState(state)]
    raise ValueError(f"no states of a {kind}")


def step_mark(state: str, result: str) -> Mark:
    """The mark of a trial's step: one that ended without a usable result is no success."""
    if state == TaskState.ENDED and result not in ("", "valid"):
        return Mark("cross", "bad") if result == "absent" else Mark("slash", "calm")
    return mark_of("task", state)

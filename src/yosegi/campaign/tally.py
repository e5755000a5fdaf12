"""What is counted over all trials of a campaign, kept up with each entry: no decision has to walk through them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from yosegi.campaign.spec import ObjectiveSpec
from yosegi.campaign.trial import Trial
from yosegi.core.amounts import Amounts
from yosegi.core.states import TrialState

BREAKER_AT = 3
"""Trials of one source that fail, are refused or become uncertain in a row before it is left alone."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The sums of a campaign.

    Args:
        open: numbers of the trials that are not over, in order.
        spent: what owners have charged.
        ended: how many trials are over, by source and state.
        best: number of the best trial of the first source that has a value; 0 where there is none.
        recent: by source, numbers of the last trials that ended since the campaign was resumed, enough for a breaker.
        lapsed: number of the first trial since then that was refused because its grant does not cover it; 0 for none.
        front: numbers of the trials of the first source that no other surpasses, where there are several objectives.
        priced: by source, what its trials were worth, where its price depends on the point.
    """

    open: tuple[int, ...] = ()
    spent: Amounts = Amounts()
    ended: Mapping[tuple[str, TrialState], int] = field(default_factory=dict)
    best: int = 0
    recent: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lapsed: int = 0
    front: tuple[int, ...] = ()
    priced: Mapping[str, float] = field(default_factory=dict)

    def count(self, source: str, *states: TrialState) -> int:
        """How many trials of a source ended so."""
        return sum(self.ended.get((source, state), 0) for state in states)

    def proposed(self, trials: tuple[Trial, ...]) -> Tally:
        """With these trials begun."""
        return replace(self, open=(*self.open, *(trial.number for trial in trials)))

    def after(self, before: Trial, trial: Trial) -> Tally:
        """With a trial as it is now, which was otherwise before."""
        here = self
        if trial.steps is not before.steps and (charged := trial.charged()) != (was := before.charged()):
            here = replace(here, spent=here.spent - was + charged)
        if not trial.state.final or before.state.final:
            return here
        key, recent = (trial.source, trial.state), here.recent.get(trial.source, ())
        # One parcel that is lost takes several trials with it, and says nothing of the source.
        last = recent if trial.lost else (*recent, trial.number)
        return replace(
            here,
            open=tuple(number for number in here.open if number != trial.number),
            ended={**here.ended, key: here.ended.get(key, 0) + 1},
            recent={**here.recent, trial.source: last[-BREAKER_AT:]},
            lapsed=here.lapsed or (trial.number if trial.wants_grant else 0),
        )

    def resumed(self) -> Tally:
        """What went wrong before a person resumed the campaign counts no more."""
        return replace(self, recent={}, lapsed=0)


def badness(goal: ObjectiveSpec, trial: Trial) -> tuple[float, int]:
    """Sorts trials that have a value: the best first, of two as good the earlier."""
    value = float("inf") if trial.value is None else trial.value
    return loss(goal, value), trial.number


def loss(goal: ObjectiveSpec, value: float) -> float:
    """What is to be made small: the value, its negative, or its distance from the target, in the objective's unit."""
    if goal.goal == "target":
        return abs(value - (goal.target or 0.0))
    return value if goal.goal == "minimise" else -value


def front_with(
    front: Sequence[tuple[int, tuple[float, ...]]], number: int, losses: tuple[float, ...]
) -> tuple[int, ...]:
    """The trials that no other surpasses in all objectives at once, with one more; of two equal ones, both stay."""
    if any(all(a <= b for a, b in zip(other, losses, strict=True)) and other != losses for _, other in front):
        return tuple(one for one, _ in front)
    kept = [
        one for one, other in front if not (all(a <= b for a, b in zip(losses, other, strict=True)) and other != losses)
    ]
    return (*kept, number)

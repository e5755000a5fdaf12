"""A campaign as the planner sees it: the problem, and the history at one position."""

from __future__ import annotations

from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign, Trial
from yosegi.core.ids import split_capability
from yosegi.core.states import TrialState
from yosegi.planner import (
    Linear,
    Objective,
    Observation,
    Parameter,
    Pending,
    Problem,
    Source,
    Status,
)

STATUS = {
    TrialState.COMPLETED: Status.DONE,
    TrialState.INFEASIBLE: Status.INFEASIBLE,
    TrialState.FAILED: Status.TRANSIENT,
    TrialState.REFUSED: Status.WITHDRAWN,
    TrialState.WITHDRAWN: Status.WITHDRAWN,
}
"""How the planner understands each end of a trial."""


def problem_of(spec: CampaignSpec, closed: frozenset[str] = frozenset()) -> Problem:
    """The planner's problem; sources in `closed` (their breaker is open) are left out."""
    goal = spec.objective
    return Problem(
        parameters=tuple(
            Parameter(
                name=p.name,
                kind=p.kind,
                low=p.low,
                high=p.high,
                levels=p.levels,
                unit=p.unit,
                log=p.log,
                resolution=p.resolution,
            )
            for p in spec.parameter
        ),
        objectives=(Objective(goal.name, goal.goal, target=goal.target, noise=goal.noise, unit=goal.unit),),
        constraints=tuple(
            Linear(dict(c.weights), equals=c.equals, at_least=c.at_least, at_most=c.at_most) for c in spec.constraint
        ),
        sources=tuple(Source(s.name, s.price) for s in spec.source if s.name not in closed),
        starts=spec.starts,
    )


def history_of(campaign: Campaign) -> list[Observation]:
    """Ended trials in the order they ended."""
    return [_observation(campaign, trial) for trial in campaign.ended()]


def pending_of(campaign: Campaign) -> list[Pending]:
    """Everything proposed and not ended, the uncertain included."""
    return [Pending(trial.values, trial.source) for trial in campaign.trials if not trial.state.final]


def _observation(campaign: Campaign, trial: Trial) -> Observation:
    source = campaign.spec.source_named(trial.source)
    name = campaign.spec.objective.name
    return Observation(
        values=dict(trial.values),
        outcomes={} if trial.value is None else {name: trial.value},
        errors={} if trial.error is None else {name: trial.error},
        source=trial.source,
        cost=source.price,
        site=split_capability(source.step[-1].capability)[0],
        # What was measured and erased since has nothing to tell.
        status=STATUS[TrialState.FAILED if trial.erased else trial.state],
    )

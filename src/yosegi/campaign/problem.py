"""A campaign as the planner sees it: the problem, and the history at one position."""

from __future__ import annotations

from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign
from yosegi.planner import (
    Linear,
    Objective,
    Observation,
    Parameter,
    Pending,
    Problem,
    Source,
)


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
    return list(campaign.observed)


def pending_of(campaign: Campaign) -> list[Pending]:
    """Everything proposed and not ended, the uncertain included."""
    return [Pending(trial.values, trial.source) for trial in campaign.open_trials()]

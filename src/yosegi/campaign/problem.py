"""A campaign as the planner sees it: the problem, and the history at one position."""

from __future__ import annotations

from typing import Any

from yosegi.campaign.spec import CampaignSpec, EarlierSpec, Level, ParameterSpec, PriceSpec, SourceSpec
from yosegi.campaign.state import Campaign
from yosegi.planner import (
    Candidates,
    Caution,
    Cost,
    Earlier,
    Linear,
    NoFeasiblePoint,
    Objective,
    Observation,
    OutcomeConstraint,
    Parameter,
    Pending,
    Problem,
    Source,
    Status,
)


def problem_of(spec: CampaignSpec, closed: frozenset[str] = frozenset()) -> Problem:
    """The planner's problem; sources in `closed` (their breaker is open) are left out."""
    return Problem(
        parameters=tuple(_parameter(p, _column(spec, p)) for p in spec.parameter),
        objectives=tuple(
            Objective(o.name, o.goal, target=o.target, noise=o.noise, unit=o.unit, reference=o.reference)
            for o in spec.objective
        ),
        constraints=() if spec.candidates is not None else _constraints(spec),
        candidates=_candidates(spec),
        outcome_constraints=tuple(
            OutcomeConstraint(o.name, o.at_least, o.at_most, o.noise, o.unit) for o in spec.limit
        ),
        sources=tuple(Source(s.name, _cost(s)) for s in spec.source if s.name not in closed),
        earlier=tuple(_earlier(one) for one in spec.earlier if one.rows),
        starts=spec.starts,
        caution=_caution(spec),
    )


def _caution(spec: CampaignSpec) -> Caution | None:
    one = spec.caution
    if one is None:
        return None
    return Caution(tuple(dict(values) for values in one.begin), one.probability, one.reach, one.again)


def _parameter(p: ParameterSpec, column: tuple[Level, ...] = ()) -> Parameter:
    discrete = p.kind in ("ordinal", "categorical")
    return Parameter(
        name=p.name,
        kind=p.kind,
        low=p.low,
        high=p.high,
        levels=p.levels or (tuple(sorted(set(column), key=str)) if discrete else ()),
        unit=p.unit,
        log=p.log,
        resolution=p.resolution,
    )


def _column(spec: CampaignSpec, p: ParameterSpec) -> tuple[Level, ...]:
    return () if spec.candidates is None else spec.candidates.columns[p.name]


def _constraints(spec: CampaignSpec) -> tuple[Linear, ...]:
    return tuple(
        Linear(dict(c.weights), equals=c.equals, at_least=c.at_least, at_most=c.at_most) for c in spec.constraint
    )


def _candidates(spec: CampaignSpec) -> Candidates | None:
    """The candidates that keep every linear constraint.

    Raises:
        NoFeasiblePoint: none does.
    """
    table = spec.candidates
    if table is None:
        return None
    columns: dict[str, Any] = {
        name: column for name, column in table.columns.items() if name in {p.name for p in spec.parameter}
    }
    priced = {name for s in spec.source if isinstance(s.price, PriceSpec) for name in s.price.per}
    columns |= {name: table.columns[name] for name in priced if name in table.columns}
    linear = _constraints(spec)
    kept = [
        row
        for row in range(len(table.ids))
        if all(one.holds({name: columns[name][row] for name in one.coefficients}, 1e-6) for one in linear)
    ]
    if not kept:
        raise NoFeasiblePoint(tuple(str(one) for one in linear))
    ids = {"": [table.ids[row] for row in kept]}
    return Candidates.of({name: [column[row] for row in kept] for name, column in columns.items()} | ids, ids="")


def _cost(source: SourceSpec) -> float | Cost:
    price = source.price
    return Cost(price.base, dict(price.per)) if isinstance(price, PriceSpec) else price


def _earlier(one: EarlierSpec) -> Earlier:
    return Earlier(
        tuple(_parameter(p) for p in one.parameter),
        tuple(
            Observation(dict(row.values), dict(row.outcomes), dict(row.errors), status=Status(row.status))
            for row in one.rows
        ),
        name=one.name,
    )


def history_of(campaign: Campaign) -> list[Observation]:
    """Ended trials in the order they ended."""
    return list(campaign.observed)


def pending_of(campaign: Campaign) -> list[Pending]:
    """Everything proposed and not ended, the uncertain included."""
    return [Pending(trial.values, trial.source) for trial in campaign.open_trials()]

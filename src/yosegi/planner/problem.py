"""The question a planner is asked: parameters, constraints or candidates, objectives, sources and when to stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from yosegi.planner.candidates import Candidates
from yosegi.planner.errors import BadProblem
from yosegi.planner.history import Earlier
from yosegi.planner.objective import Caution, Objective, OutcomeConstraint, Source, Stop
from yosegi.planner.parameter import Linear, Parameter


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """What is asked. Immutable; the history is passed beside it.

    Args:
        parameters: what may be varied.
        objectives: what is wanted; none means to explore the space itself; at most three.
        constraints: linear constraints between continuous and integer parameters.
        candidates: the finite table to choose from; without one the whole space is open.
        outcome_constraints: bounds that outcomes must keep.
        sources: who can answer; the first answers the question itself, the others are judged by how they help it.
        stop: when enough is done.
        earlier: earlier campaigns to learn from, kept only while they help.
        starts: how many points of a space-filling design come before the model speaks; by default
            min(10, parameters // 2 + 2) or fewer in a short table.
        caution: how the bounds are kept during the search; in an open space alone. None to keep them by the answer.

    Raises:
        BadProblem: the parts contradict each other.

    Example:
        >>> problem = Problem(
        ...     parameters=(Parameter.continuous("x", 0, 1),), objectives=(Objective("y", "maximise"),)
        ... )
        >>> problem.names
        ('x',)
    """

    parameters: tuple[Parameter, ...]
    objectives: tuple[Objective, ...] = ()
    constraints: tuple[Linear, ...] = ()
    candidates: Candidates | None = None
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()
    sources: tuple[Source, ...] = field(default_factory=lambda: (Source(),))
    stop: Stop = field(default_factory=Stop)
    earlier: tuple[Earlier, ...] = ()
    starts: int | None = None
    caution: Caution | None = None

    def __post_init__(self) -> None:
        """Refuse a problem that contradicts itself."""
        _unique("parameter", (p.name for p in self.parameters))
        _unique("objective", (o.name for o in self.objectives))
        _unique("source", (s.name for s in self.sources))
        if not self.parameters or not self.sources:
            raise BadProblem("problem", "needs at least one parameter and one source")
        if len(self.objectives) > 3:
            raise BadProblem("objectives", "more than three", "combine some, or make bounds of them")
        if len(self.objectives) > 1 and any(o.goal in ("boundary", "explore") for o in self.objectives):
            raise BadProblem("objectives", "a boundary or an exploration stands alone")
        if self.caution is not None and (self.candidates is not None or not self.outcome_constraints):
            raise BadProblem("caution", "needs bounds on outcomes and an open space")
        if self.candidates is None:
            self._open()
        else:
            self._table(self.candidates)

    def _open(self) -> None:
        known = {p.name: p for p in self.parameters}
        for p in self.parameters:
            if not p.discrete and (p.low is None or p.high is None):
                raise BadProblem(f"parameter {p.name}", "needs low and high", "state them or give candidates")
        for linear in self.constraints:
            for name in linear.coefficients:
                if name not in known or known[name].discrete:
                    raise BadProblem(f"constraint {linear}", f"{name} is not a continuous or integer parameter")

    def _table(self, table: Candidates) -> None:
        for p in self.parameters:
            if p.name not in table.columns:
                raise BadProblem(f"parameter {p.name}", "is not a column of the candidates")
            if not p.discrete and table.columns[p.name].dtype.kind not in "iuf":
                raise BadProblem(f"parameter {p.name}", f"is {p.kind} and its column holds words")

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names, in order."""
        return tuple(p.name for p in self.parameters)

    @property
    def target_source(self) -> Source:
        """The source that answers the question itself."""
        return self.sources[0]

    def source(self, name: str) -> Source | None:
        """The source of that name (empty: the first), None when the problem has none."""
        return next((s for s in self.sources if s.name == name), None if name else self.sources[0])


def _unique(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadProblem(f"{kind} {name}", "stands twice")
        seen.add(name)

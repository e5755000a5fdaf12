"""The planner's own errors: a small tree; each class builds its message from its fields.

The planner stands by itself, so this tree is not the house's: a caller above may turn these into its own.
"""

from __future__ import annotations


class PlannerError(Exception):
    """Anything the planner can explain. `code` is stable and may be matched by callers."""

    code = "planner"


class BadProblem(PlannerError):
    """A problem contradicts itself, so no history could make it answerable.

    Args:
        field: the part of the problem, e.g. `parameter theta`.
        why: what is wrong with it.
        todo: what to do about it.
    """

    code = "bad_problem"

    def __init__(self, field: str, why: str, todo: str = "") -> None:
        self.field, self.why, self.todo = field, why, todo
        super().__init__(f"{field}: {why}" + (f"; {todo}" if todo else ""))


class NoFeasiblePoint(PlannerError):
    """The bounds and linear constraints leave no point, or none on the stated resolution."""

    code = "no_feasible_point"

    def __init__(self, constraints: tuple[str, ...]) -> None:
        self.constraints = constraints
        super().__init__(
            f"no point within the bounds satisfies {'; '.join(constraints)}; widen a bound or loosen a constraint"
        )


class UnknownPlanner(PlannerError):
    """A planner was named that does not exist."""

    code = "unknown_planner"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name, self.known = name, known
        super().__init__(f"no planner {name!r}; known: {', '.join(known)}")

"""The adapters' own error."""

from __future__ import annotations

from yosegi.planner.errors import PlannerError


class Unsupported(PlannerError):
    """A library behind an adapter, or the adapter, has no answer to this kind of problem."""

    code = "unsupported"

    def __init__(self, planner: str, what: str) -> None:
        self.planner, self.what = planner, what
        super().__init__(f"planner {planner!r} does not take {what}; yosegi's own does")

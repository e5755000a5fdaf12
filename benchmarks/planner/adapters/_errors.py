"""The adapters' own errors."""

from __future__ import annotations

from yosegi.planner.errors import PlannerError


class MissingLibrary(PlannerError):
    """A planner was asked for whose library is not installed."""

    code = "missing_library"

    def __init__(self, planner: str, package: str) -> None:
        self.planner, self.package = planner, package
        super().__init__(f"planner {planner!r} needs {package}, which is not installed; pip install {package}")


class Unsupported(PlannerError):
    """A library behind an adapter, or the adapter, has no answer to this kind of problem."""

    code = "unsupported"

    def __init__(self, planner: str, what: str) -> None:
        self.planner, self.what = planner, what
        super().__init__(f"planner {planner!r} does not take {what}; yosegi's own does")

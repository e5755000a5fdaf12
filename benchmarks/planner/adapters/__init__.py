"""Other planners under this planner's interface, for comparison: BoTorch, Optuna and PHYSBO.

A library is imported when it is first asked. All take one objective and one source, with candidates or in an open
space; what they do not take raises `Unsupported`, never a silent answer to another question.
"""

from benchmarks.planner.adapters._errors import MissingLibrary, Unsupported
from benchmarks.planner.adapters.botorch import BoTorch
from benchmarks.planner.adapters.optuna import Optuna
from benchmarks.planner.adapters.physbo import Physbo
from yosegi.planner.suggest import Planner

ADAPTERS: dict[str, Planner] = {p.name: p for p in (BoTorch(), Optuna("tpe"), Optuna("gp"), Physbo())}
"""The adapters by name."""

__all__ = ["ADAPTERS", "BoTorch", "MissingLibrary", "Optuna", "Physbo", "Unsupported"]

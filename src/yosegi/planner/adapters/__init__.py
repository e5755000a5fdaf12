"""Other planners under this planner's interface, each an optional extra: BoTorch, Optuna and PHYSBO.

A laboratory that trusts one of them keeps it: `suggest(problem, history, planner=ADAPTERS["physbo"])`. A library is
imported when it is first asked. All take one objective and one source, with candidates or in an open space; what they
do not take raises `Unsupported`, never a silent answer to another question.
"""

from yosegi.planner.adapters._errors import Unsupported
from yosegi.planner.adapters.botorch import BoTorch
from yosegi.planner.adapters.optuna import Optuna
from yosegi.planner.adapters.physbo import Physbo
from yosegi.planner.suggest import Planner

ADAPTERS: dict[str, Planner] = {p.name: p for p in (BoTorch(), Optuna("tpe"), Optuna("gp"), Physbo())}
"""The adapters by name."""

__all__ = ["ADAPTERS", "BoTorch", "Optuna", "Physbo", "Unsupported"]

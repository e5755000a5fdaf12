"""A search for new particles: limits on a signal, and the event generator behind them tuned to LEP.

Calls pyhf (Heinrich et al., JOSS 6, 2823 (2021)) and PYTHIA 8.3 (Bierlich et al., SciPost Phys. Codebases 8 (2022));
both come with the extra `hep`.
"""

from yosegi_packs.hep.limits import Limits, LimitsToys, limits, limits_toys
from yosegi_packs.hep.tune import Tune, tune, tune_full, tune_interpolated, tune_quick

__all__ = [
    "Limits",
    "LimitsToys",
    "Tune",
    "limits",
    "limits_toys",
    "tune",
    "tune_full",
    "tune_interpolated",
    "tune_quick",
]

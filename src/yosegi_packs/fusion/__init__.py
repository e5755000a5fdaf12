"""Fusion: an ITER-like hybrid scenario by one-dimensional transport, with torax (`pip install yosegi[fusion]`).

`scenario_quick` stops after 5 s of the model's time, before the plasma is steady; `scenario_full` goes on until it is.
"""

from yosegi_packs.fusion.capabilities import scenario_full, scenario_quick
from yosegi_packs.fusion.scenario import Scenario

__all__ = ["Scenario", "scenario_full", "scenario_quick"]

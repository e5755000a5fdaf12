"""Autonomous laboratories: colour matching by a simulated liquid handler, and its simulation.

Three dyes and water, 150 uL in a well: which recipe looks like the target? See `docs/packs/labs.md`.
"""

from yosegi_packs.labs.capabilities import Match, Mixed, measure, mix, simulate

__all__ = ["Match", "Mixed", "measure", "mix", "simulate"]

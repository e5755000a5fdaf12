"""Accelerators: the orbit of a storage ring corrected within its loss limit, behind a real soft IOC. Simulated.

See `docs/packs/accelerator.md`.
"""

from yosegi_packs.accelerator.capabilities import Beam, Shot, apply, model, shot

__all__ = ["Beam", "Shot", "apply", "model", "shot"]

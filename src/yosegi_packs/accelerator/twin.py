"""The ring's twin: a soft IOC with four correctors, an orbit and a loss monitor. Simulated."""

from __future__ import annotations

from yosegi_packs.accelerator.capabilities import PREFIX
from yosegi_packs.accelerator.machine import KNOBS, LIMIT
from yosegi_packs.devices.twin import TwinChannel, TwinDetector, TwinPlan


def ring_plan(machine: int = 1, *, scale: float = 1.0) -> TwinPlan:
    """What the IOC serves.

    Args:
        machine: which errors the ring has; nobody who tunes it is told.
        scale: seconds of drift in one second.
    """
    return TwinPlan(
        prefix=PREFIX,
        channels=tuple(
            TwinChannel(name=name, unit="urad", low=-LIMIT, high=LIMIT, lag=0.05, noise=0.1) for name in KNOBS
        ),
        detectors=(
            TwinDetector(name="ORBIT", unit="mm", noise=0.005),
            TwinDetector(name="LOSS", unit="%/h", noise=0.01),
        ),
        model="yosegi_packs.accelerator.machine:Machine",
        period=0.05,
        seed=machine,
        scale=scale,
    )

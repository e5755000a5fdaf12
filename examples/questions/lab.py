"""Capabilities of the examples beside: pressed tablets of two powders, by a formula, so that they run anywhere.

Strength is greatest at 60 % of the first powder pressed with 140 kN; the harder it is pressed, the slower a tablet
dissolves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import Infeasible, capability, quantity

Share = Annotated[float, quantity("%", ge=0, le=100, resolution=1)]
Force = Annotated[float, quantity("kN", ge=20, le=250, resolution=1)]


@dataclass(frozen=True)
class Tablet:
    strength: Annotated[float, quantity("MPa", ge=0)]
    dissolves: Annotated[float, quantity("min", ge=0)]


@dataclass(frozen=True)
class Weighed:
    strength: Annotated[float, quantity("MPa", ge=0)]


@capability(
    "tablet.press@1", kind="robot", effect="idempotent", field="materials", simulated=True, cost={"samples": "1"}
)
def press(share: Share, force: Force, lot: str = "") -> Tablet:
    """Press a tablet, break it, and dissolve another of the same.

    Args:
        share: of the first powder.
        force: of the press.
        lot: of the powder, for the record.
    """
    if force > 230 and share > 90:
        raise Infeasible("it caps: the lid comes off in the press")
    strength = max(0.0, 8 - (share - 60) ** 2 / 400 - (force - 140) ** 2 / 2500)
    return Tablet(round(strength, 4), round(2 + force / 20, 4))


@capability(
    "tablet.break@1", kind="instrument", effect="idempotent", field="materials", simulated=True, time_limit=30 * 86400
)
def break_by_hand(share: Share, force: Force) -> Weighed:
    """Press a tablet and break it in the old tester; read the scale.

    Args:
        share: of the first powder.
        force: of the press.
    """
    raise NotImplementedError("somebody does it, and enters what the scale said")

"""The example of the how-to: a magnet's current is set, and its field read. Simulated."""

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import Context, capability, quantity
from yosegi_packs.devices.devices import Devices
from yosegi_packs.devices.variable import Variable

CURRENT = Variable(
    name="current", setpoint="ca://MAG:CUR:SP", readback="ca://MAG:CUR:RBV", unit="A", egu="A",
    low=-8.0, high=8.0, tolerance=0.05, timeout=5.0,
)  # fmt: skip
FIELD = Variable(name="field", readback="pva://MAG:FIELD", unit="T", timeout=5.0)


@dataclass(frozen=True)
class Field:
    """What the probe saw."""

    field: Annotated[float, quantity("T")]


@capability(
    "magnet.field@1", kind="instrument", effect="stateful", field="instruments", simulated=True, time_limit=60,
    on_revoked="safe_stop", stop_grace=20, safe_state="the current is back where it was, verified by its readback",
)  # fmt: skip
def field(current: Annotated[float, quantity("A", ge=-8, le=8)], context: Context) -> Field:
    """Field of a magnet at a current, read by a probe (simulated)."""
    with Devices([CURRENT, FIELD], context, simulated=True, identity="MAG:SIMULATED", holder="MAG:HOLDER") as magnet:
        magnet.set({"current": current})
        return Field(magnet.read("field", samples=4).value)

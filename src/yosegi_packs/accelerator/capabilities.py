"""What a site can publish of the ring: its survey's model, one shot at the machine, and leaving it at a setting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np

from yosegi.core.capability import Context, Fidelity, Infeasible, capability, quantity
from yosegi_packs.accelerator.machine import KNOBS, LIMIT, LOSS_LIMIT, loss_of, rms, surveyed
from yosegi_packs.devices import Devices, Variable

FIELD: Final = "particle accelerators"
PREFIX: Final = "RING"
SAFE_STATE: Final = "all four correctors are back where they were before the task, verified by their readbacks"

Kick = Annotated[float, quantity("urad", ge=-250, le=250, resolution=1.0)]

CORRECTORS: Final = tuple(
    Variable(
        name=name, setpoint=f"ca://{PREFIX}:{name}:SP", readback=f"ca://{PREFIX}:{name}:RBV", unit="urad", egu="urad",
        low=-LIMIT, high=LIMIT, tolerance=2.0, deadband=0.01, step=60.0, rate=400.0, timeout=15.0,
    )
    for name in KNOBS
)  # fmt: skip
ORBIT: Final = Variable(name="orbit", readback=f"pva://{PREFIX}:ORBIT", unit="mm", timeout=15.0)
LOSS: Final = Variable(name="loss", readback=f"pva://{PREFIX}:LOSS", unit="%/h", timeout=15.0)
SAMPLES: Final = 4
"""Measurements that one shot takes the mean of."""
TRIP: Final = 10.0 * LOSS_LIMIT
"""Per cent an hour at which a shot gives up on its way, and puts everything back."""


@dataclass(frozen=True, slots=True)
class Beam:
    """What the model expects.

    Args:
        orbit: rms of the horizontal orbit at the monitors.
        log_loss: natural logarithm of the beam loss in per cent an hour.
    """

    orbit: Annotated[float, quantity("mm", ge=0)]
    log_loss: Annotated[float, quantity("1")]


@dataclass(frozen=True, slots=True)
class Shot:
    """What the monitors saw.

    Args:
        orbit: rms of the horizontal orbit at the monitors.
        log_loss: natural logarithm of the beam loss in per cent an hour.
        standard_error: of the orbit, one standard deviation, from the measurements of this shot.
    """

    orbit: Annotated[float, quantity("mm", ge=0)]
    log_loss: Annotated[float, quantity("1")]
    standard_error: Annotated[float, quantity("mm", ge=0)]


@capability(
    "ring.model@1", kind="simulation", effect="pure", field=FIELD, simulated=True, cost={"node_h": "0.001"},
    time_limit=60,
    fidelity=Fidelity(
        of="orbit", level="linear closed orbit from a survey of the quadrupoles",
        noise="none", bias="the survey is wrong by 0.05 mm a quadrupole; gradients, hysteresis and drift are left out",
    ),
)  # fmt: skip
def model(H1: Kick, H2: Kick, H3: Kick, H4: Kick, machine: Annotated[int, quantity("1", ge=0)] = 1) -> Beam:
    """Orbit and loss of a small storage ring as its survey has it (simulated).

    Twelve FODO cells in accelerator-toolbox; the closed orbit is linear in four horizontal kicks.

    Args:
        H1: kick of the corrector at cell 1.
        H2: kick of the corrector at cell 4.
        H3: kick of the corrector at cell 7.
        H4: kick of the corrector at cell 10.
        machine: which of the simulated machines was surveyed.
    """
    orbit = surveyed(machine).orbit(np.array([H1, H2, H3, H4]))
    return Beam(rms(orbit), math.log(loss_of(orbit)))


_MACHINE: Final[dict[str, Any]] = {
    "kind": "instrument", "effect": "stateful", "field": FIELD, "simulated": True, "time_limit": 180,
    "on_revoked": "safe_stop", "stop_grace": 60.0, "safe_state": SAFE_STATE, "can_cancel": "running",
}  # fmt: skip


@capability(
    "ring.shot@1", cost={"instrument_h": "0.01"}, **_MACHINE,
    fidelity=Fidelity(
        of="orbit", level="measurement", noise="standard_error, about 0.005 mm",
        bias="hysteresis of 8 urad a corrector; the ring drifts by some 0.01 mm an hour",
    ),
)  # fmt: skip
def shot(H1: Kick, H2: Kick, H3: Kick, H4: Kick, context: Context) -> Shot:
    """Measure orbit and loss at four kicks, and put the ring back where it was (simulated).

    The correctors go in steps of at most 60 urad and at most 400 urad a second; after each step the loss is looked at,
    and beyond ten times the operators' limit the shot is given up. Whatever happens, the correctors are back where
    they were before the shot, so that nothing needs to be done when contact is lost between two shots.

    Args:
        H1: kick of the corrector at cell 1.
        H2: kick of the corrector at cell 4.
        H3: kick of the corrector at cell 7.
        H4: kick of the corrector at cell 10.
        context: the running task.

    Raises:
        Infeasible: the loss passed ten times the limit on the way; everything is back where it was.
        DeviceError: something could not be set, read or restored; says what.
    """
    with _ring(context, restore=True) as ring:
        _go(ring, (H1, H2, H3, H4), context)
        return _measured(ring)


@capability("ring.apply@1", cost={"instrument_h": "0.01"}, approval=True, **_MACHINE)
def apply(H1: Kick, H2: Kick, H3: Kick, H4: Kick, context: Context) -> Shot:
    """Bring the ring to four kicks and leave it there, if its loss keeps the operators' limit (simulated).

    Args:
        H1: kick of the corrector at cell 1.
        H2: kick of the corrector at cell 4.
        H3: kick of the corrector at cell 7.
        H4: kick of the corrector at cell 10.
        context: the running task.

    Raises:
        Infeasible: the loss is beyond the limit there; everything is back where it was.
        DeviceError: something could not be set, read or restored; says what.
    """
    with _ring(context, restore=False) as ring:
        _go(ring, (H1, H2, H3, H4), context)
        found = _measured(ring)
        if found.log_loss > math.log(LOSS_LIMIT):
            raise Infeasible(f"a loss of {math.exp(found.log_loss):.2g} %/h is beyond the limit of {LOSS_LIMIT:g} %/h")
        return found


def _ring(context: Context, *, restore: bool) -> Devices:
    return Devices(
        [*CORRECTORS, ORBIT, LOSS], context, simulated=True, identity=f"{PREFIX}:SIMULATED", holder=f"{PREFIX}:HOLDER",
        restore=restore,
    )  # fmt: skip


def _go(ring: Devices, kicks: tuple[float, ...], context: Context) -> None:
    """All four together, a step at a time, while the loss stays below the trip."""
    values = dict(zip(KNOBS, kicks, strict=True))
    for at, of in ring.walk(values):
        loss = ring.read("loss").value
        context.progress(at / of, f"step {at} of {of}, loss {loss:.2g} %/h (simulated)")
        if loss > TRIP:
            raise Infeasible(f"the loss reached {loss:.2g} %/h on the way, beyond the trip at {TRIP:g} %/h")


def _measured(ring: Devices) -> Shot:
    orbits = np.array([one.value for one in ring.readings("orbit", SAMPLES)])
    loss = max(ring.read("loss", SAMPLES).value, 1e-6)
    error = float(np.std(orbits, ddof=1) / math.sqrt(len(orbits)))
    return Shot(max(0.0, float(np.mean(orbits))), math.log(loss), error)

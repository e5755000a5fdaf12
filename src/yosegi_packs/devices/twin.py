"""A simulated twin: a real soft IOC with setpoints, readbacks and detectors, served over CA and PVA. Simulated.

Each setpoint has a readback that follows it with a lag and noise, a drive range that the record itself keeps, and a
fault that a test or a demonstration may switch on. `PREFIX:SIMULATED` is 1, `PREFIX:HOLDER` names who drives it.
"""

from __future__ import annotations

import importlib
import math
import os
import random
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Annotated, Any, Final, Protocol

from pydantic import Field, StringConstraints

from yosegi.core import canonical
from yosegi.core.values import Value

FAULTS: Final = ("none", "refuse", "freeze", "stale", "drift", "alarm", "ignore")
"""What can be wrong with a channel: a put is refused without a word · the readback stands still but is measured ·
the readback is not measured any more · it wanders away · it is in MAJOR alarm · the setpoint takes the put and the
device does not follow."""

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,19}$")]


class TwinChannel(Value):
    """A setpoint and its readback.

    Args:
        name: `PREFIX:NAME:SP`, `:RBV` and `:FAULT`.
        unit: what the IOC says.
        low: of the drive range.
        high: of the drive range.
        initial: where it stands after a power cycle.
        lag: seconds in which the readback comes to 1/e of the way.
        noise: one standard deviation of the readback.
    """

    name: _Name
    unit: str = ""
    low: float = -10.0
    high: float = 10.0
    initial: float = 0.0
    lag: float = Field(default=0.05, gt=0)
    noise: float = Field(default=0.0, ge=0)


class TwinDetector(Value):
    """Something that is only read: `PREFIX:NAME`."""

    name: _Name
    unit: str = ""
    noise: float = Field(default=0.0, ge=0)


class TwinPlan(Value):
    """What a twin serves.

    Args:
        prefix: of every process variable.
        channels: what can be set.
        detectors: what can be read.
        model: `module:attribute` of a `Model` factory called with the seed; the sum of the channels where empty.
        period: seconds between two measurements.
        seed: of noise and of the model.
        scale: seconds of the model's time in one second.
    """

    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9\-]{0,19}$")]
    channels: tuple[TwinChannel, ...] = Field(min_length=1)
    detectors: tuple[TwinDetector, ...] = ()
    model: str = ""
    period: float = Field(default=0.05, gt=0)
    seed: int = 0
    scale: float = Field(default=1.0, gt=0)


class Model(Protocol):
    """The physics behind a twin's detectors."""

    def measure(self, actual: Mapping[str, float], seconds: float) -> Mapping[str, float]:
        """What the detectors see, without noise.

        Args:
            actual: where each channel really is, in its unit.
            seconds: since the twin began, in the model's time.
        """
        ...


class SumModel:
    """Every detector sees the sum of all channels."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def measure(self, actual: Mapping[str, float], seconds: float) -> Mapping[str, float]:
        """See `Model.measure`."""
        total = sum(actual.values())
        return _Same(total)


class _Same(dict[str, float]):
    """One value under every name."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self._value = value

    def __missing__(self, name: str) -> float:
        return self._value


def free_port() -> int:
    """A port that is free for TCP and UDP on this machine now."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            try:
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def local_environment(ca: int, pva: int) -> dict[str, str]:
    """What makes an IOC serve this machine alone, Channel Access on port `ca` and PV Access searches on port `pva`."""
    return {
        "EPICS_CAS_SERVER_PORT": str(ca), "EPICS_CA_SERVER_PORT": str(ca), "EPICS_CAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_CAS_BEACON_ADDR_LIST": "127.0.0.1", "EPICS_CAS_AUTO_BEACON_ADDR_LIST": "NO",
        "EPICS_PVAS_BROADCAST_PORT": str(pva), "EPICS_PVAS_SERVER_PORT": "0", "EPICS_PVAS_INTF_ADDR_LIST": "127.0.0.1",
        "EPICS_PVAS_BEACON_ADDR_LIST": "127.0.0.1", "EPICS_PVAS_AUTO_BEACON_ADDR_LIST": "NO",
    }  # fmt: skip


class _Served:
    """One channel while it is served."""

    def __init__(self, plan: TwinChannel, builder: Any, dice: random.Random) -> None:
        self.plan, self._dice = plan, dice
        self.target = self.actual = plan.initial
        self.fault, self._wander = "none", 0.0
        self._setpoint = builder.aOut(
            f"{plan.name}:SP", initial_value=plan.initial, EGU=plan.unit, PREC=6, DRVL=plan.low, DRVH=plan.high,
            on_update=self._put, validate=self._takes, always_update=True,
        )  # fmt: skip
        self._readback = builder.aIn(f"{plan.name}:RBV", initial_value=plan.initial, EGU=plan.unit, PREC=6)
        builder.mbbOut(f"{plan.name}:FAULT", *FAULTS, initial_value=0, on_update=self._break)

    def _takes(self, record: object, value: float) -> bool:
        return self.fault != "refuse"

    def _put(self, value: float) -> None:
        self.target = value

    def _break(self, number: int) -> None:
        self.fault, self._wander = FAULTS[number], 0.0

    def step(self, seconds: float) -> float:
        """Go on by so long, measure, and say where it really is."""
        if self.fault == "drift":
            self._wander += 0.5 * (self.plan.high - self.plan.low) * seconds
        if self.fault not in ("ignore", "freeze"):
            self.actual += (self.target - self.actual) * (1.0 - math.exp(-seconds / self.plan.lag))
        if self.fault != "stale":
            seen = self.actual + self._wander + self._dice.gauss(0.0, self.plan.noise)
            major = self.fault == "alarm"
            # Severity MAJOR with condition STATE, as EPICS' alarm.h numbers them.
            self._readback.set(seen, severity=2 if major else 0, alarm=7 if major else 0)
        return self.actual


def serve(plan: TwinPlan, *, ca: int = 0, pva: int = 0) -> None:
    """Serve a twin until the standard input closes; says as one line of JSON where it is.

    Args:
        plan: what is served.
        ca: port of Channel Access; a free one if 0.
        pva: port of PV Access searches; a free one if 0.
    """
    ca, pva = ca or free_port(), pva or free_port()
    os.environ.update(local_environment(ca, pva))
    # EPICS writes to descriptor 1; what it says goes with the errors, so that ours is one line.
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from softioc import asyncio_dispatcher, builder, softioc

    model = model_of(plan)  # before anything is served: a machine may take seconds to compute
    dispatcher = asyncio_dispatcher.AsyncioDispatcher()
    dice = random.Random(plan.seed)
    builder.SetDeviceName(plan.prefix)
    channels = {one.name: _Served(one, builder, dice) for one in plan.channels}
    detectors = {one.name: builder.aIn(one.name, EGU=one.unit, PREC=9) for one in plan.detectors}
    builder.boolIn("SIMULATED", "real", "simulated", initial_value=1)
    builder.stringOut("HOLDER", initial_value="")
    builder.LoadDatabase()
    softioc.iocInit(dispatcher)
    over = threading.Event()
    turning = threading.Thread(target=_turn, args=(plan, model, channels, detectors, dice, over), daemon=True)
    turning.start()
    own.write(canonical.dumps({"prefix": plan.prefix, "ca": ca, "pva": pva, "simulated": True}).decode() + "\n")
    own.flush()
    sys.stdin.buffer.read()
    over.set()
    os._exit(0)  # EPICS' own threads outlive an ordinary end


def _turn(
    plan: TwinPlan,
    model: Model,
    channels: dict[str, _Served],
    detectors: dict[str, Any],
    dice: random.Random,
    over: threading.Event,
) -> None:
    """Let time go on and measure."""
    seconds = 0.0
    while not over.wait(plan.period):
        seconds += plan.period * plan.scale
        actual = {name: channel.step(plan.period) for name, channel in channels.items()}
        seen = model.measure(actual, seconds)
        for one in plan.detectors:
            detectors[one.name].set(seen[one.name] + dice.gauss(0.0, one.noise))


def model_of(plan: TwinPlan) -> Model:
    """The physics that a plan names."""
    if not plan.model:
        return SumModel(plan.seed)
    module, _, name = plan.model.partition(":")
    made: Model = getattr(importlib.import_module(module), name)(plan.seed)
    return made

"""One real soft IOC for all tests of this folder, an operator's client of its own, and a station's folder."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("softioc", reason="the extra `devices` is not installed")
pytest.importorskip("ophyd_async", reason="the extra `devices` is not installed")

from packs import iocs
from yosegi.core.capability import Context
from yosegi_packs.devices import Devices, Disconnected, Variable
from yosegi_packs.devices.twin import FAULTS, TwinChannel, TwinDetector, TwinPlan
from yosegi_packs.devices.twin_process import TwinProcess

PLAN = TwinPlan(
    prefix="MAG",
    channels=(TwinChannel(name="CUR", unit="A", low=-8.0, high=8.0), TwinChannel(name="AUX", unit="A")),
    detectors=(TwinDetector(name="FIELD", unit="T"),),
)
FIELD = Variable(name="field", readback="pva://MAG:FIELD", unit="T", timeout=20.0)


def current(protocol: str = "ca", **changed: Any) -> Variable:
    """The magnet's current over one of both protocols."""
    fields: dict[str, Any] = {
        "name": "current", "setpoint": f"{protocol}://MAG:CUR:SP", "readback": f"{protocol}://MAG:CUR:RBV",
        "unit": "A", "low": -8.0, "high": 8.0, "tolerance": 0.05, "timeout": 20.0,
    }  # fmt: skip
    return Variable(**(fields | changed))


@dataclass
class Bench:
    """The IOC, the operator beside it (p4p, a client that shares no code with ours), and a station's folder."""

    twin: TwinProcess
    operator: Any
    folder: Path
    stop: list[bool] = field(default_factory=list)

    def devices(self, *variables: Variable, **options: Any) -> Devices:
        """As a capability makes them; `stop` holds answers to `stop_requested`, the last for good."""
        context = Context(key="t1", seed=1, state=self.folder, stopping=self._stopping)
        given = {"simulated": True, "identity": "MAG:SIMULATED"} | options
        return Devices(variables, context, **given)

    def _stopping(self) -> bool:
        return self.stop[0] if len(self.stop) == 1 else self.stop.pop(0) if self.stop else False

    def look(self, pv: str) -> Any:
        return self.operator.get(pv, timeout=30.0)

    def put(self, pv: str, value: Any) -> None:
        self.operator.put(pv, value, timeout=30.0)

    def fault(self, what: str, channel: str = "CUR") -> None:
        self.put(f"MAG:{channel}:FAULT", FAULTS.index(what))

    def _rest(self, channel: str) -> None:
        """Put zero, again while the record still refuses: the IOC hears of a changed fault a moment later."""
        from p4p.client.thread import RemoteError

        while self.look(f"MAG:{channel}:SP") != 0.0:
            with contextlib.suppress(RemoteError):
                self.put(f"MAG:{channel}:SP", 0.0)

    def await_contact(self) -> None:
        """Wait until the client library has found an IOC again that was away; it looks ever more rarely."""
        folder = self.folder.with_name("somebody-else")
        iocs.tell(folder)
        context = Context(key="t0", seed=1, state=folder)
        for _ in range(20):
            try:
                with Devices([current()], context, simulated=True, identity="MAG:SIMULATED"):
                    return
            except Disconnected:
                continue
        raise AssertionError("the IOC was not found again")

    def calm(self) -> None:
        """As after a power cycle, whatever a test did."""
        for channel in ("CUR", "AUX"):
            self.fault("none", channel)
            self._rest(channel)
        self.put("MAG:HOLDER", "")
        while max(abs(self.look(f"MAG:{channel}:RBV")) for channel in ("CUR", "AUX")) > 0.01:
            time.sleep(0.02)


@pytest.fixture(scope="session")
def _twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TwinProcess, Any]]:
    from p4p.client.thread import Context as Operator

    before = dict(os.environ)
    with iocs.start(PLAN, tmp_path_factory.mktemp("twin")) as twin:
        conf = {"EPICS_PVA_ADDR_LIST": f"127.0.0.1:{twin.pva}", "EPICS_PVA_AUTO_ADDR_LIST": "NO"}
        operator = Operator("pva", conf=conf, useenv=False)
        try:
            yield twin, operator
        finally:
            operator.close()
            twin.process.send_signal(signal.SIGCONT)
            for name in os.environ.keys() - before.keys():
                del os.environ[name]


@pytest.fixture
def bench(_twin: tuple[TwinProcess, Any], tmp_path: Path) -> Iterator[Bench]:
    twin, operator = _twin
    made = Bench(twin, operator, tmp_path / "station")
    iocs.tell(made.folder)
    made.calm()
    yield made
    twin.process.send_signal(signal.SIGCONT)

"""A twin as a process of its own, which ends when whoever started it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Self

from yosegi.core import canonical
from yosegi.core.errors import Unavailable
from yosegi_packs.devices.network import FILE, EpicsNetwork
from yosegi_packs.devices.twin import TwinPlan


class TwinProcess:
    """A soft IOC that serves a plan on this machine, started when made.

    Args:
        plan: what it serves.
        folder: where its plan and its log are kept.
        ca: port of Channel Access; a free one if 0.
        pva: port of PV Access searches; a free one if 0.

    Raises:
        Unavailable: it did not start; says what it said.
    """

    def __init__(self, plan: TwinPlan, folder: Path, *, ca: int = 0, pva: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._plan, self._file, self._log = plan.prefix, folder / f"{plan.prefix}.json", folder / f"{plan.prefix}.log"
        self._file.write_bytes(plan.to_bytes())
        self.ca, self.pva = ca, pva
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        ports = ["--ca", str(self.ca), "--pva", str(self.pva)]
        command = [sys.executable, "-m", "yosegi_packs.devices", "twin", str(self._file), *ports]
        with self._log.open("ab") as errors:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            _close(process)
            raise Unavailable(f"twin {self._plan}", self._log.read_text(encoding="utf-8", errors="replace")[-1000:])
        said = canonical.loads(line)
        self.ca, self.pva = int(said["ca"]), int(said["pva"])
        return process

    @property
    def network(self) -> EpicsNetwork:
        """Where it is found."""
        return EpicsNetwork(ca=(f"127.0.0.1:{self.ca}",), pva=(f"127.0.0.1:{self.pva}",))

    def tell(self, station: Path) -> None:
        """Write into a station's folder where it is found."""
        station.mkdir(parents=True, exist_ok=True)
        text = f'ca = ["127.0.0.1:{self.ca}"]\npva = ["127.0.0.1:{self.pva}"]\n'
        (station / FILE).write_text(text, encoding="utf-8")

    def kill(self) -> None:
        """End it by force."""
        self.process.kill()
        _close(self.process)

    def power_cycle(self) -> None:
        """End it by force, and start it again at the same place; every setpoint is what it is at the start."""
        self.kill()
        self.process = self._start()

    def close(self) -> None:
        """End it."""
        _close(self.process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _close(process: subprocess.Popen[bytes]) -> None:
    """The end of its standard input ends it; by force where that does not."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

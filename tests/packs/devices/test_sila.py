"""Commands of a SiLA 2 server in another process: called once, and asked for by their execution."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("sila2", reason="the extra `sila` is not installed")

from yosegi.core.capability import Context, Stopped
from yosegi.core.errors import Conflict, Invalid
from yosegi_packs.devices import sila_connection
from yosegi_packs.devices.__main__ import main as devices_of_a_station
from yosegi_packs.devices.call_journal import CALLS
from yosegi_packs.devices.errors import NotATwin
from yosegi_packs.devices.sila import FILE, SilaDevice, SilaFailed, SilaRefused, SilaUnsettled
from yosegi_packs.devices.sila_connection import SilaLocked
from yosegi_packs.devices.sila_twin import BLOCKED, LARGEST, SERVER

pytestmark = [pytest.mark.processes, pytest.mark.slow]


class Twin:
    """The simulated dispenser in a process of its own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "yosegi_packs.devices.sila_twin", str(self.port)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    def kill(self) -> None:
        if self.process.returncode is not None:
            return
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def restart(self) -> None:
        self.kill()
        self.process = self._start()


@pytest.fixture
def twin() -> Iterator[Twin]:
    found = Twin()
    yield found
    found.kill()


def station(folder: Path, twin: Twin, key: str = "task/7") -> Context:
    """A task of the station of a folder, which is told where the twin is."""
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(f'[dispenser]\naddress = "127.0.0.1:{twin.port}"\nuuid = "{SERVER}"\n')
    return Context(key=key, seed=1, folder=folder, state=folder)


@pytest.fixture
def context(twin: Twin, tmp_path: Path) -> Context:
    return station(tmp_path, twin)


def at_look(number: int, what: Callable[[], object]) -> Callable[[], bool]:
    """Do something when a call looks for the so-manieth time whether it is to stop; it never is."""
    looks = count(1)

    def look() -> bool:
        if next(looks) == number:
            what()
        return False

    return look


def dispensed(context: Context, volume: float) -> float:
    with SilaDevice("dispenser", context, simulated=True) as device:
        found = device.call("Dispenser", "Dispense", Volume=volume)
        return float(found.Dispensed)


def total(context: Context) -> float:
    with SilaDevice("dispenser", context, simulated=True) as device:
        return float(device.get("Dispenser", "Total"))


def test_a_command_is_called_once_and_a_second_attempt_of_the_task_asks_for_its_outcome(context: Context) -> None:
    assert dispensed(context, 5.0) == 5.0
    assert dispensed(context, 5.0) == 5.0
    assert total(context) == 5.0
    states = [json.loads(line)["state"] for line in (context.folder / CALLS).read_text().splitlines()]
    assert states == ["calling", "begun", "done", "done"]


def test_what_the_server_does_not_accept_has_no_effect(context: Context) -> None:
    with pytest.raises(SilaRefused, match="was not accepted") as told:
        dispensed(context, LARGEST + 1)
    assert told.value.effect == "none"
    assert total(context) == 0.0


def test_what_the_server_says_went_wrong_is_told_in_its_words(context: Context) -> None:
    with (
        SilaDevice("dispenser", context, simulated=True) as device,
        pytest.raises(SilaFailed, match="the nozzle is blocked"),
    ):
        device.call("Dispenser", "Dispense", Volume=BLOCKED)


def test_a_server_that_dies_during_a_command_leaves_it_unknown_and_it_is_not_called_again(
    context: Context, twin: Twin
) -> None:
    context.stopping = at_look(3, twin.kill)
    with pytest.raises(SilaUnsettled, match="contact was lost"):
        dispensed(context, 100.0)
    twin.restart()
    with pytest.raises(SilaUnsettled, match="no more"):
        dispensed(context, 100.0)
    assert total(context) == 0.0


def test_a_server_that_is_cut_off_during_a_command_leaves_it_unknown_until_it_is_asked_again(
    context: Context, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process answers as a cut network does: the connection stays, and nothing comes."""
    monkeypatch.setattr(sila_connection, "CONTACT", 2.0)
    context.stopping = at_look(3, lambda: os.kill(twin.process.pid, signal.SIGSTOP))
    with pytest.raises(SilaUnsettled, match="contact was lost"):
        dispensed(context, 20.0)
    with pytest.raises(SilaRefused, match="does not answer"):
        total(context)
    os.kill(twin.process.pid, signal.SIGCONT)
    monkeypatch.setattr(sila_connection, "CONTACT", 30.0)
    assert dispensed(context, 20.0) == 20.0
    assert total(context) == 20.0


def test_a_server_that_was_cut_off_gives_no_reading_from_before(
    context: Context, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sila_connection, "CONTACT", 2.0)
    with SilaDevice("dispenser", context, simulated=True) as device:
        assert device.get("Dispenser", "Total") == 0.0
        os.kill(twin.process.pid, signal.SIGSTOP)
        with pytest.raises(SilaFailed, match="cannot be read"):
            device.get("Dispenser", "Total")
    os.kill(twin.process.pid, signal.SIGCONT)


def test_a_power_cycle_between_two_attempts_of_a_task_calls_nothing_again(
    context: Context, twin: Twin, tmp_path: Path
) -> None:
    assert dispensed(context, 5.0) == 5.0
    twin.restart()
    with pytest.raises(SilaUnsettled, match="no more"):
        dispensed(context, 5.0)
    assert total(context) == 0.0
    assert dispensed(station(tmp_path, twin, "task/8"), 3.0) == 3.0
    assert total(context) == 3.0


def test_two_stations_never_command_one_server(context: Context, twin: Twin, tmp_path: Path) -> None:
    other = station(tmp_path / "other", twin)
    with SilaDevice("dispenser", context, simulated=True) as device:
        with pytest.raises(SilaLocked, match="another client has locked the server") as told:
            dispensed(other, 5.0)
        assert told.value.effect == "none"
        assert device.get("Dispenser", "Total") == 0.0
    assert dispensed(other, 5.0) == 5.0


def test_two_tasks_of_one_station_never_command_one_server_at_once(
    context: Context, twin: Twin, tmp_path: Path
) -> None:
    with SilaDevice("dispenser", context, simulated=True):
        with pytest.raises(Conflict, match="another task of this station") as told:
            dispensed(station(tmp_path, twin, "task/8"), 5.0)
        assert told.value.effect == "none"


def test_two_devices_of_one_task_are_each_commanded(context: Context, twin: Twin) -> None:
    other = Twin()
    try:
        told = (context.folder / FILE).read_text()
        (context.folder / FILE).write_text(
            told + told.replace("dispenser", "second").replace(f"{twin.port}", f"{other.port}")
        )
        for name in ("dispenser", "second"):
            with SilaDevice(name, context, simulated=True) as device:
                device.call("Dispenser", "Dispense", Volume=2.0)
                assert device.get("Dispenser", "Total") == 2.0
    finally:
        other.kill()


def test_a_call_that_is_not_known_to_be_over_is_on_the_operator_s_page_until_a_person_has_looked(
    tmp_path: Path,
) -> None:
    call = {"key": "task/7", "number": 1, "feature": "Dispenser", "command": "Dispense", "device": "dispenser"}
    steps = [call | {"state": "calling"}, call | {"state": "begun", "execution": "e1"}]
    (tmp_path / CALLS).write_text("".join(json.dumps(step) + "\n" for step in steps))
    shown = CliRunner().invoke(devices_of_a_station, ["show", str(tmp_path)])
    assert shown.output == (
        "task task/7: dispenser Dispenser.Dispense was asked for as execution e1, and is not known to be over."
        " Look at the device\n"
    )
    CliRunner().invoke(devices_of_a_station, ["accept", str(tmp_path), "--note", "2 uL were there"])
    assert CliRunner().invoke(devices_of_a_station, ["show", str(tmp_path)]).output == "every call is over\n"


CUT_SHORT = """
import os, signal, sys
from pathlib import Path
from yosegi.core.capability import Context
from yosegi_packs.devices.sila import SilaDevice

looks = iter(range(3))
def look():
    if next(looks, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

folder = Path(sys.argv[1])
context = Context(key="task/7", seed=1, folder=folder, state=folder)
context.stopping = look
with SilaDevice("dispenser", context, simulated=True) as device:
    device.call("Dispenser", "Dispense", Volume=20.0)
"""


def test_a_station_killed_during_a_command_asks_for_its_outcome_and_keeps_others_from_the_server(
    context: Context, twin: Twin, tmp_path: Path
) -> None:
    killed = subprocess.run([sys.executable, "-c", CUT_SHORT, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with pytest.raises(SilaLocked):
        dispensed(station(tmp_path / "other", twin, "task/9"), 5.0)
    assert dispensed(context, 20.0) == 20.0
    assert total(context) == 20.0


def test_a_task_that_was_cut_off_before_its_execution_was_known_calls_nothing(context: Context) -> None:
    call = {"key": "task/7", "number": 1, "feature": "Dispenser", "command": "Dispense", "state": "calling"}
    (context.folder / CALLS).write_text(json.dumps(call) + "\n")
    with pytest.raises(SilaUnsettled, match="before its execution was known"):
        dispensed(context, 5.0)
    assert total(context) == 0.0


def test_a_stop_is_heard_while_a_command_runs(context: Context) -> None:
    answers = iter([False] * 3)
    context.stopping = lambda: next(answers, True)
    with pytest.raises(Stopped, match=r"Dispenser\.Dispense was under way"):
        dispensed(context, 100.0)


def test_another_server_than_is_meant_is_told_nothing(context: Context, twin: Twin) -> None:
    (context.folder / FILE).write_text(f'[dispenser]\naddress = "127.0.0.1:{twin.port}"\nuuid = "{"0" * 8}"\n')
    with pytest.raises(SilaRefused, match="is meant"):
        dispensed(context, 5.0)


def test_a_simulated_server_is_no_real_one(context: Context) -> None:
    with pytest.raises(NotATwin), SilaDevice("dispenser", context, simulated=False):
        pass


def test_a_server_on_another_computer_needs_a_certificate(context: Context) -> None:
    (context.folder / FILE).write_text(f'[dispenser]\naddress = "192.0.2.1:50052"\nuuid = "{SERVER}"\n')
    with pytest.raises(Invalid, match="no certificate"):
        dispensed(context, 5.0)

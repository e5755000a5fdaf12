"""Commands of a SiLA 2 server in another process: called once, and asked for by their execution."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sila2", reason="the extra `sila` is not installed")

from yosegi.core.capability import Context, Stopped
from yosegi.core.errors import Invalid
from yosegi_packs.devices.errors import NotATwin
from yosegi_packs.devices.sila import CALLS, FILE, SilaDevice, SilaFailed, SilaRefused, SilaUnsettled
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


@pytest.fixture
def context(twin: Twin, tmp_path: Path) -> Context:
    (tmp_path / FILE).write_text(f'[dispenser]\naddress = "127.0.0.1:{twin.port}"\nuuid = "{SERVER}"\n')
    return Context(key="task/7", seed=1, folder=tmp_path, state=tmp_path)


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
    assert states == ["calling", "begun"]


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
    killer = threading.Timer(1.0, twin.process.kill)
    killer.start()
    with pytest.raises(SilaUnsettled, match="contact was lost"):
        dispensed(context, 100.0)
    twin.restart()
    with pytest.raises(SilaUnsettled, match="no more"):
        dispensed(context, 100.0)
    assert total(context) == 0.0


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

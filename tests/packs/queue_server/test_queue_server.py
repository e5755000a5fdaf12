"""An item in a real Bluesky queue server: added once, followed by our key, unknown when it vanished.

Run by `make test-queueserver`: needs the extra `queueserver` and a `redis-server` (Debian: redis-server).
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("bluesky_queueserver_api", reason="the extra `queueserver` is not installed")
if shutil.which("redis-server") is None:
    pytest.skip("there is no redis-server, which a queue server keeps its queue in", allow_module_level=True)

from bluesky_queueserver_api.zmq import REManagerAPI

from yosegi.core.capability import Context, Stopped
from yosegi_packs.devices import queue_server
from yosegi_packs.devices.__main__ import main as devices_of_a_station
from yosegi_packs.devices.call_journal import ITEMS
from yosegi_packs.devices.queue_server import FILE, ItemFailed, ItemRefused, ItemVanished, QueueServer

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    # The library leaves contexts of ZeroMQ to the garbage collector, which says so.
    pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

START = "from bluesky_queueserver.manager.start_manager import start_manager; start_manager()"
STARTUP = '''
from bluesky import RunEngine
from bluesky.plan_stubs import close_run, null, open_run, sleep

RE = RunEngine({})


def wait_for(seconds: float):
    """Wait."""
    yield from open_run()
    yield from sleep(seconds)
    yield from close_run()


def blocked():
    """Fail."""
    yield from null()
    raise RuntimeError("the shutter is closed")
'''
PERMISSIONS = """
user_groups:
  root: {allowed_plans: [null], forbidden_plans: [null], allowed_devices: [null], forbidden_devices: [null],
    allowed_functions: [null], forbidden_functions: [null]}
  primary: {allowed_plans: [":.*"], forbidden_plans: [null], allowed_devices: [":?.*:depth=5"],
    forbidden_devices: [null], allowed_functions: [":.*"], forbidden_functions: [null]}
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Server:
    """A queue server of its own: a manager with its worker, and the Redis that has its queue."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._redis = folder, free_port()
        self.control, self._info = (f"tcp://127.0.0.1:{free_port()}" for _ in range(2))
        (folder / "startup").mkdir()
        (folder / "startup" / "00.py").write_text(STARTUP)
        (folder / "startup" / "user_group_permissions.yaml").write_text(PERMISSIONS)
        self._store = self._start_store()
        self.start()

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def _start_store(self) -> subprocess.Popen[bytes]:
        kept_in_memory_alone = ("--save", "", "--dir", str(self._folder))
        return self._run("redis-server", "--port", str(self._redis), "--bind", "127.0.0.1", *kept_in_memory_alone)

    def start(self) -> None:
        """Start the manager, and open its environment."""
        self._manager = self._run(
            sys.executable, "-c", START, "--startup-dir", str(self._folder / "startup"),
            "--redis-addr", f"localhost:{self._redis}", "--zmq-control-addr", self.control,
            "--zmq-info-addr", self._info,
        )  # fmt: skip
        api = REManagerAPI(zmq_control_addr=self.control, zmq_info_addr=self._info)
        ends = time.monotonic() + 60
        while True:
            try:
                api.environment_open()
                break
            except (api.RequestTimeoutError, api.RequestFailedError):
                assert time.monotonic() < ends, (self._folder / "log").read_text()[-2000:]
                time.sleep(0.2)
        api.wait_for_idle(timeout=60)
        api.close()

    def signal(self, number: int) -> None:
        """To the manager and its worker."""
        os.killpg(self._manager.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._manager.wait(20)

    def power_cycle(self) -> None:
        """Everything is ended by force and started anew; what was in its queue is lost."""
        self.kill()
        self.close_store()
        self._store = self._start_store()
        self.start()

    def close_store(self) -> None:
        self._store.kill()
        self._store.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("queue"))
    yield made
    made.kill()
    made.close_store()
    with warnings.catch_warnings():
        # The library leaves contexts of ZeroMQ to the garbage collector, which says so.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def control(server: Server) -> str:
    return server.control


@pytest.fixture
def beamline(control: str) -> Iterator[REManagerAPI]:
    """The beamline's own hand on its queue, which is empty and runs what comes."""
    api = REManagerAPI(zmq_control_addr=control)
    api.queue_clear()
    api.queue_autostart(True)
    yield api
    api.queue_autostart(False)
    api.wait_for_idle(timeout=60)
    api.queue_clear()
    api.close()


def ours(beamline: REManagerAPI, key: str) -> list[dict[str, Any]]:
    """The items of a task, whether they wait, run or are over."""
    queue = beamline.queue_get(reload=True)
    found = [*beamline.history_get(reload=True)["items"], queue["running_item"], *queue["items"]]
    return [item for item in found if item.get("meta") == {"yosegi_key": key}]


def once_it_runs(beamline: REManagerAPI, what: Callable[[], object]) -> Callable[[], bool]:
    """Do something once, at a look of a task whether it is to stop, when something runs; it is not stopped."""
    todo = [what]

    def look() -> bool:
        if todo and beamline.queue_get(reload=True)["running_item"]:
            todo.pop()()
        return False

    return look


@pytest.fixture
def context(control: str, tmp_path: Path) -> Context:
    return station(tmp_path, control)


def station(folder: Path, control: str) -> Context:
    """A task of the station of a folder."""
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_text(f'control = "{control}"\n')
    return Context(key=f"task/argonne/{folder.name}", seed=1, folder=folder, state=folder)


def test_a_plan_is_an_item_with_our_key_and_a_second_attempt_finds_it(beamline: REManagerAPI, context: Context) -> None:
    with QueueServer(context) as queue:
        first = queue.run("wait_for", seconds=0.1)
        again = queue.run("wait_for", seconds=0.1)
    assert first == again
    assert (first.exit_status, len(first.runs)) == ("completed", 1)
    ours = [one for one in beamline.history_get()["items"] if one.get("meta") == {"yosegi_key": context.key}]
    assert [one["item_uid"] for one in ours] == [first.uid]


def test_a_plan_that_the_beamline_does_not_have_has_no_effect(beamline: REManagerAPI, context: Context) -> None:
    for _ in range(2):
        with QueueServer(context) as queue, pytest.raises(ItemRefused, match="did not take it") as told:
            queue.run("melt")
        assert told.value.effect == "none"


def test_a_plan_that_fails_says_why(beamline: REManagerAPI, context: Context) -> None:
    with QueueServer(context) as queue, pytest.raises(ItemFailed, match="the shutter is closed"):
        queue.run("blocked")


def test_an_item_that_vanished_is_unknown_and_is_not_added_again(beamline: REManagerAPI, context: Context) -> None:
    beamline.queue_autostart(False)
    (context.folder / ITEMS).write_text(json.dumps({"key": context.key, "state": "adding", "plan": "wait_for"}) + "\n")
    with QueueServer(context) as queue, pytest.raises(ItemVanished, match="in no list"):
        queue.run("wait_for", seconds=0.1)
    assert beamline.queue_get()["items"] == []


def test_an_item_that_waits_is_taken_out_when_the_task_is_stopped(beamline: REManagerAPI, context: Context) -> None:
    beamline.queue_autostart(False)
    context.stopping = lambda: True
    with QueueServer(context) as queue, pytest.raises(Stopped, match="taken out") as told:
        queue.run("wait_for", seconds=0.1)
    assert told.value.effect == "none"
    assert beamline.queue_get()["items"] == []


def test_a_queue_server_that_says_nothing_leaves_the_item_unknown_and_a_second_attempt_adds_none(
    beamline: REManagerAPI, context: Context, control: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address at which nobody answers is what a cut network is: whether the item was added is not known."""
    monkeypatch.setattr(queue_server, "PATIENCE", 1.0)
    assert context.state is not None
    (context.state / FILE).write_text(f'control = "tcp://127.0.0.1:{free_port()}"\n')
    with QueueServer(context) as queue, pytest.raises(ItemVanished, match="said nothing") as told:
        queue.run("wait_for", seconds=0.1)
    assert told.value.effect == ""
    (context.state / FILE).write_text(f'control = "{control}"\n')
    with QueueServer(context) as queue, pytest.raises(ItemVanished, match="in no list"):
        queue.run("wait_for", seconds=0.1)
    assert [one for one in beamline.history_get()["items"] if one.get("meta") == {"yosegi_key": context.key}] == []


def test_a_queue_server_that_is_cut_off_while_a_plan_runs_leaves_it_unknown_until_it_is_asked_again(
    beamline: REManagerAPI, server: Server, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process answers as a cut network does: the connection stays, and nothing comes."""
    monkeypatch.setattr(queue_server, "PATIENCE", 1.0)
    context.stopping = once_it_runs(beamline, lambda: server.signal(signal.SIGSTOP))
    with QueueServer(context) as queue, pytest.raises(ItemVanished, match="said nothing") as told:
        queue.run("wait_for", seconds=2.0)
    assert told.value.effect == ""
    server.signal(signal.SIGCONT)
    monkeypatch.setattr(queue_server, "PATIENCE", 60.0)
    with QueueServer(context) as queue:
        assert queue.run("wait_for", seconds=2.0).exit_status == "completed"
    assert len(ours(beamline, context.key)) == 1


def test_a_queue_server_that_is_killed_while_a_plan_runs_leaves_it_unknown_and_nothing_is_added_again(
    beamline: REManagerAPI, server: Server, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_server, "PATIENCE", 1.0)
    context.stopping = once_it_runs(beamline, server.kill)
    with QueueServer(context) as queue, pytest.raises(ItemVanished, match="said nothing") as told:
        queue.run("wait_for", seconds=5.0)
    assert told.value.effect == ""
    server.start()
    monkeypatch.setattr(queue_server, "PATIENCE", 60.0)
    with QueueServer(context) as queue, pytest.raises(ItemFailed, match="it ended as unknown") as again:
        queue.run("wait_for", seconds=5.0)
    assert again.value.effect == ""
    assert len(ours(beamline, context.key)) == 1
    shown = CliRunner().invoke(devices_of_a_station, ["show", str(context.state)])
    assert f"task {context.key}: wait_for was asked for, and ended as unknown" in shown.output


def test_after_a_power_cycle_that_lost_the_queue_the_item_is_unknown_and_nothing_is_added_again(
    beamline: REManagerAPI, server: Server, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_server, "PATIENCE", 120.0)
    context.stopping = once_it_runs(beamline, server.power_cycle)
    with QueueServer(context) as queue, pytest.raises(ItemVanished, match="in no list"):
        queue.run("wait_for", seconds=5.0)
    with QueueServer(context) as queue, pytest.raises(ItemVanished, match="in no list"):
        queue.run("wait_for", seconds=5.0)
    assert ours(beamline, context.key) == []
    beamline.queue_autostart(True)  # which its Redis has forgotten with the queue
    with QueueServer(station(context.folder / "next", server.control)) as queue:
        assert queue.run("wait_for", seconds=0.1).exit_status == "completed"


CUT_SHORT = """
import os, signal, sys
from pathlib import Path
from yosegi.core.capability import Context
from yosegi_packs.devices.queue_server import QueueServer

looks = iter(range(2))
def look():
    if next(looks, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

folder = Path(sys.argv[1])
context = Context(key=f"task/argonne/{folder.name}", seed=1, folder=folder, state=folder)
context.stopping = look
with QueueServer(context) as queue:
    queue.run("wait_for", seconds=5.0)
"""


def test_a_station_killed_while_its_item_runs_follows_it_to_its_end_and_adds_nothing(
    beamline: REManagerAPI, context: Context
) -> None:
    killed = subprocess.run([sys.executable, "-c", CUT_SHORT, str(context.folder)], check=False)
    assert killed.returncode == -signal.SIGKILL
    with QueueServer(context) as queue:
        assert queue.run("wait_for", seconds=5.0).exit_status == "completed"
    assert len(ours(beamline, context.key)) == 1


@pytest.mark.parametrize("folders", [("north", "south"), ("north", "north")], ids=["stations", "tasks"])
def test_of_two_stations_or_tasks_at_one_queue_each_item_runs_once_and_never_beside_the_other(
    folders: tuple[str, str], beamline: REManagerAPI, control: str, tmp_path: Path
) -> None:
    def run(task: Context) -> None:
        with QueueServer(task) as queue:
            queue.run("wait_for", seconds=1.0)
        (item,) = ours(beamline, task.key)
        spans.append((item["result"]["time_start"], item["result"]["time_stop"]))

    spans: list[tuple[float, float]] = []
    # Described before either begins: a station's settings are there when its tasks run.
    tasks = [
        replace(station(tmp_path / name, control), key=f"task/{folders}/{number}")
        for number, name in enumerate(folders)
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, tasks))
    first, second = sorted(spans)
    assert first[1] <= second[0]

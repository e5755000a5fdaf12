"""An item in a real Bluesky queue server: added once, followed by our key, unknown when it vanished.

Needs the extra `queueserver` and a `redis-server` (Debian: redis-server).
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
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("bluesky_queueserver_api", reason="the extra `queueserver` is not installed")
if shutil.which("redis-server") is None:
    pytest.skip("there is no redis-server, which a queue server keeps its queue in", allow_module_level=True)

from bluesky_queueserver_api.zmq import REManagerAPI

from yosegi.core.capability import Context, Stopped
from yosegi_packs.devices import queue_server
from yosegi_packs.devices.queue_server import FILE, ITEMS, ItemFailed, ItemRefused, ItemVanished, QueueServer

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


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a queue server of its own, with its environment open."""
    folder = tmp_path_factory.mktemp("queue")
    (folder / "startup").mkdir()
    (folder / "startup" / "00.py").write_text(STARTUP)
    (folder / "startup" / "user_group_permissions.yaml").write_text(PERMISSIONS)
    redis, address, info = free_port(), f"tcp://127.0.0.1:{free_port()}", f"tcp://127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        store = subprocess.Popen(
            ["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        manager = subprocess.Popen(
            [sys.executable, "-c", START, "--startup-dir", str(folder / "startup"), "--redis-addr",
             f"localhost:{redis}", "--zmq-control-addr", address, "--zmq-info-addr", info],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        api = REManagerAPI(zmq_control_addr=address, zmq_info_addr=info)
        try:
            ends = time.monotonic() + 60
            while True:
                try:
                    api.environment_open()
                    break
                except (api.RequestTimeoutError, api.RequestFailedError):
                    assert time.monotonic() < ends, (folder / "log").read_text()[-2000:]
                    time.sleep(0.2)
            api.wait_for_idle(timeout=60)
            yield address
        finally:
            api.close()
            for process in (manager, store):
                os.killpg(process.pid, signal.SIGKILL)  # with the manager's own children
                process.wait(20)
            with warnings.catch_warnings():
                # The library leaves contexts of ZeroMQ to the garbage collector, which says so.
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()


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


@pytest.fixture
def context(control: str, tmp_path: Path) -> Context:
    (tmp_path / FILE).write_text(f'control = "{control}"\n')
    return Context(key=f"task/argonne/{tmp_path.name}", seed=1, folder=tmp_path, state=tmp_path)


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

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from execution.conftest import HERE, can_shut_in, gone, process_engine, until, work
from yosegi.core.engine import Outcome, Progress, Work
from yosegi.core.errors import Invalid
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process._sandbox import Sandbox
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.execution.engines.process.settings import ProcessSettings
from yosegi.execution.engines.process.worker_terms import WorkerTerms

pytestmark = pytest.mark.processes


@asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[ProcessEngine]:
    engine = process_engine(folder, **options)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


Ends = Callable[..., list[Outcome]]


def ignore(progress: Progress) -> None:
    pass


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def shared(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessEngine]:
    """One engine for the tests that need none of their own, since its processes take a while to start."""
    engine = process_engine(tmp_path_factory.mktemp("shared"))
    runner.run(engine.start())
    yield engine
    runner.run(engine.close())


@pytest.fixture
def ends(runner: asyncio.Runner, shared: ProcessEngine) -> Ends:
    """Each outcome of some works, run one after another."""

    async def main(works: tuple[Work, ...]) -> list[Outcome]:
        return [await shared.run(each, ignore) for each in works]

    return lambda *works: runner.run(main(works))


def test_progress_and_actual_cost_arrive(tmp_path: Path) -> None:
    heard: list[Progress] = []

    async def main() -> Outcome:
        async with running(tmp_path) as engine:
            return await engine.run(work("twice", "task/a/1", x=2.0), heard.append)

    outcome = asyncio.run(main())
    assert outcome.outputs == {"value": 4}
    assert outcome.spent is not None
    assert dict(outcome.spent) == {"node_h": 250}
    assert heard == [Progress("task/a/1", 0.5, "half")]


def test_chance_follows_from_the_key_alone(ends: Ends) -> None:
    first, again, other = ends(work("draw", "k1"), work("draw", "k1"), work("draw", "k2"))
    assert first.outputs == again.outputs
    assert first.outputs != other.outputs


@pytest.mark.parametrize(
    ("name", "reason", "says"),
    [
        ("segfault", "crashed", "SIGSEGV; the last it printed: about to fall"),
        ("leave", "crashed", "exited with status 3"),
        ("close_everything", "crashed", "exited with status"),
        ("talkative", "output_too_large", "printed more than"),
        ("flood", "output_too_large", "answered"),
        ("rubbish", "bad_output", "NaN is not a JSON number"),
        ("nan", "bad_output", "value"),
        ("wrong_type", "bad_output", '"seven" is not of type "number"'),
        ("unserialisable", "bad_output", "not its return type"),
        ("memory", "failed", "MemoryError"),
    ],
)
def test_misbehaviour_is_a_failed_task_and_the_next_one_runs(ends: Ends, name: str, reason: str, says: str) -> None:
    outcome, after = ends(work(name), work("noop", x=1.0))
    assert (outcome.reason, outcome.effect) == (reason, Effect.NONE)
    assert says in outcome.message
    assert after.result is Result.VALID


def test_a_hundred_megabytes_are_not_taken(ends: Ends) -> None:
    (outcome,) = ends(work("huge"))
    assert outcome.reason == "output_too_large"


def test_one_that_does_not_listen_is_ended_by_force_and_one_that_listens_may_still_answer(ends: Ends) -> None:
    deaf, asked = ends(work("hang", limit=0.2), work("last_moment", limit=0.5))
    assert deaf.reason == "time_limit"
    assert asked.outputs == {"value": 1}


def test_nothing_that_a_task_started_outlives_it(ends: Ends, runner: asyncio.Runner, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    (outcome,) = ends(work("forks", folder=str(marks)))
    assert outcome.result is Result.VALID
    started = [int(mark.name) for mark in marks.iterdir()]
    assert len(started) == 3
    runner.run(until(lambda: all(gone(pid) for pid in started)))


def test_a_task_sees_little_of_its_site(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    (outcome,) = ends(work("surroundings"))
    assert outcome.outputs is not None
    names, stdin, leads = outcome.outputs["text"].split(" ")
    assert set(names.split(",")) <= {
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV", "HOME", "TMPDIR",
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONUNBUFFERED",
    }  # fmt: skip
    assert (stdin, leads) == ("''", "True")


@pytest.mark.parametrize("worker", ["per_task", "warm"])
def test_a_task_sees_the_variables_that_its_operator_names(tmp_path: Path, worker: str) -> None:
    async def main() -> str:
        given = {"JAX_COMPILATION_CACHE_DIR": "/var/cache"}
        async with running(tmp_path, publish=("surroundings",), worker=worker, environment=given) as engine:
            outcome = await engine.run(work("surroundings"), ignore)
            assert outcome.outputs is not None, outcome.message
            return str(outcome.outputs["text"])

    assert "JAX_COMPILATION_CACHE_DIR" in asyncio.run(main()).split(" ")[0].split(",")


def test_what_a_task_left_in_its_folder_is_removed(tmp_path: Path) -> None:
    async def main() -> Path:
        async with running(tmp_path) as engine:
            outcome = await engine.run(work("litter"), ignore)
            assert outcome.outputs is not None
            folder = Path(outcome.outputs["text"])
            await until(lambda: not folder.exists())
            return folder

    assert asyncio.run(main()).is_relative_to(tmp_path / "scratch")


def test_no_task_finds_what_another_left(ends: Ends) -> None:
    # It makes folders that must not be there yet.
    first, second, third = ends(work("litter"), work("litter"), work("litter"))
    assert first.result is second.result is third.result is Result.VALID


def test_a_task_larger_than_a_waiting_child_is_told_runs_too(ends: Ends) -> None:
    (outcome,) = ends(work("read_out", what="x" * 50_000))
    assert outcome.outputs == {"text": "x" * 50_000}


def waiting(engine: ProcessEngine) -> set[int]:
    """Children that wait for a task."""
    (module,) = engine._modules.values()
    assert module.server is not None
    return set(module.server.children)


def test_children_killed_while_they_wait_are_replaced_before_they_are_told_anything(tmp_path: Path) -> None:
    async def main() -> Outcome:
        async with running(tmp_path) as engine:
            await engine.run(work("noop", "k1", x=1.0), ignore)
            await until(lambda: bool(waiting(engine)))
            killed = waiting(engine)
            for pid in killed:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await until(lambda: all(gone(pid) for pid in killed))
            return await engine.run(work("noop", "k2", x=1.0), ignore)

    assert asyncio.run(main()).result is Result.VALID


def test_where_children_cannot_settle_in_none_are_forked_but_for_a_task(tmp_path: Path) -> None:
    async def main() -> tuple[Outcome, Outcome]:
        async with running(tmp_path) as engine:
            await engine.run(work("noop", "k1", x=1.0), ignore)
            # Nobody can make a folder here: children die at once.
            while (tmp_path / "scratch").exists():
                shutil.rmtree(tmp_path / "scratch", ignore_errors=True)  # those that settle in make theirs meanwhile
            while (failed := await engine.run(work("noop", "k2", x=1.0), ignore)).result is Result.VALID:
                pass
            # Were they forked again and again, these would never be the same: the test's time limit would end it.
            before: set[int] | None = None
            while before != (after := waiting(engine)):
                before = after
                await asyncio.sleep(0.1)
            (tmp_path / "scratch").mkdir()
            return failed, await engine.run(work("noop", "k3", x=1.0), ignore)

    failed, mended = asyncio.run(main())
    assert failed.reason == "crashed"
    assert mended.result is Result.VALID


def test_what_one_task_imported_is_there_for_the_next(ends: Ends) -> None:
    first, second = ends(work("late_import"), work("late_import"))
    assert first.outputs == {"text": "False colorsys"}
    assert second.outputs == {"text": "True colorsys"}


def test_inputs_are_held_against_the_contract_before_the_call(ends: Ends) -> None:
    outcome = ends(work("dispense", what=7))[0]
    assert (outcome.reason, outcome.effect) == ("bad_inputs", Effect.NONE)


def test_a_failure_of_consuming_work_has_an_unknown_effect_unless_it_says_otherwise(ends: Ends) -> None:
    stuck, empty, died = ends(
        work("dispense", what="raise_after"),
        work("dispense", what="empty"),
        work("dispense", what="die_after"),
    )
    assert (stuck.reason, stuck.effect) == ("failed", Effect.UNKNOWN)
    assert (empty.reason, empty.effect) == ("failed", Effect.NONE)
    assert (died.reason, died.effect) == ("crashed", Effect.UNKNOWN)


async def started(folder: Path) -> tuple[int, int]:
    """Process and parent of the task that waits for the folder."""
    await until(lambda: any("." in mark.name for mark in folder.iterdir()))
    pid, parent = next(mark.name for mark in folder.iterdir() if "." in mark.name).split(".")
    return int(pid), int(parent)


def test_killing_one_child_does_not_touch_its_neighbour(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()

    async def main() -> tuple[Outcome, Outcome]:
        async with running(tmp_path) as engine:
            first = asyncio.create_task(engine.run(work("wait_for", "k1", folder=str(one)), ignore))
            second = asyncio.create_task(engine.run(work("wait_for", "k2", folder=str(two)), ignore))
            pid, _ = await started(one)
            await started(two)
            os.kill(pid, signal.SIGKILL)
            killed = await first
            (two / "go").touch()
            return killed, await second

    killed, neighbour = asyncio.run(main())
    assert killed.message == "ended by SIGKILL"
    assert neighbour.result is Result.VALID


def test_a_killed_fork_server_fails_its_tasks_ends_its_children_and_is_replaced(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    async def main() -> tuple[Outcome, Outcome, int, dict[str, Any]]:
        async with running(tmp_path) as engine:
            first = asyncio.create_task(engine.run(work("wait_consuming", "k1", folder=str(marks)), ignore))
            pid, parent = await started(marks)
            os.kill(parent, signal.SIGKILL)
            lost = await first
            await until(lambda: gone(pid))
            return lost, await engine.run(work("noop", "k2", x=1.0), ignore), pid, engine.statistics()

    lost, after, _, statistics = asyncio.run(main())
    assert (lost.reason, lost.effect) == ("crashed", Effect.UNKNOWN)
    assert after.result is Result.VALID
    assert statistics["restarts"] == 1


def test_a_fork_server_that_its_task_stops_goes_on(ends: Ends) -> None:
    first, after = ends(work("stop_parent"), work("noop", x=1.0))
    assert first.outputs == {"value": 1}
    assert after.result is Result.VALID


def test_a_stopped_fork_server_is_ended_when_it_does_not_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yosegi.execution.engines.process.engine._KILL_GRACE", 0.1)
    marks = tmp_path / "marks"
    marks.mkdir()

    async def main() -> tuple[Outcome, Outcome]:
        async with running(tmp_path) as engine:
            first = asyncio.create_task(engine.run(work("wait_for", "k1", limit=0.5, folder=str(marks)), ignore))
            _, parent = await started(marks)
            # Its keeper first, which would have it go on.
            for pid in (keeper_of(parent), parent):
                os.kill(pid, signal.SIGSTOP)
            return await first, await engine.run(work("noop", "k2", x=1.0), ignore)

    frozen, after = asyncio.run(main())
    assert frozen.reason == "time_limit"
    assert after.result is Result.VALID


def keeper_of(pid: int) -> int:
    """The parent of a process (proc(5), the fourth field of stat)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("group", ["", "/nowhere"], ids=["as the machine offers", "without control groups"])
@pytest.mark.parametrize("then", ["answer", "die", "end parent"])
def test_no_daemon_that_a_task_made_outlives_it_whatever_it_does_to_what_runs_it(
    tmp_path: Path, then: str, group: str
) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    async def main() -> Outcome:
        async with running(tmp_path, control_group=group) as engine:
            outcome = await engine.run(work("daemons", folder=str(marks), then=then), ignore)
            await until(lambda: all(gone(int(mark.name)) for mark in marks.iterdir()))
            assert (await engine.run(work("noop", "k2", x=1.0), ignore)).result is Result.VALID
            return outcome

    outcome = asyncio.run(main())
    assert (outcome.result is Result.VALID) == (then == "answer")
    assert len(list(marks.iterdir())) == 40


def test_a_task_opens_as_many_files_as_it_may(tmp_path: Path) -> None:
    async def main() -> Outcome:
        async with running(tmp_path, limits=TaskLimits(files=64)) as engine:
            return await engine.run(work("open_files"), ignore)

    outcome = asyncio.run(main())
    assert outcome.outputs is not None
    # Some are open already: standard input and output, and the line on which it answers.
    assert 32 < outcome.outputs["value"] < 64


@pytest.mark.parametrize("network", [False, True])
def test_in_a_sandbox_a_task_sees_no_other_process_nothing_of_the_site_and_no_network_unless_it_may(
    tmp_path: Path, network: bool
) -> None:
    if not can_shut_in():
        pytest.skip("bubblewrap is not installed, or may not make namespaces here")
    home = tmp_path / "home"
    home.mkdir()
    (home / "site.key").write_text("secret")

    async def main(port: int) -> list[Outcome]:
        async with running(home, sandbox=Sandbox(home / "scratch", (home,), network, (HERE,))) as engine:
            where = {"path": str(home / "site.key"), "address": f"127.0.0.1:{port}"}
            return [
                await engine.run(work("look_around", "k1", **where), ignore),
                await engine.run(work("daemons", "k2", folder=str(home / "scratch"), then="end parent"), ignore),
                await engine.run(work("look_around", "k3", **where), ignore),
            ]

    with socket.create_server(("127.0.0.1", 0)) as server:
        first, ended, after = asyncio.run(main(server.getsockname()[1]))
    assert first.outputs is not None
    said = dict(part.split("=") for part in str(first.outputs["text"]).split())
    assert (said["file"], said["network"]) == ("False", str(network))
    assert int(said["processes"]) < 20
    assert ended.reason == "crashed"
    assert after.result is Result.VALID


def test_without_what_shuts_workers_in_an_engine_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = process_engine(tmp_path, sandbox=Sandbox(tmp_path, ()))
    with pytest.raises(Invalid, match="Install bubblewrap"):
        asyncio.run(engine.start())


def test_a_warm_worker_is_never_in_a_sandbox() -> None:
    with pytest.raises(Invalid, match="warm worker"):
        ProcessSettings.read({"worker": "warm", "sandbox": "bubblewrap"})


SITE = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from execution.conftest import process_engine, work

async def main():
    engine = process_engine(Path(sys.argv[2]))
    await engine.start()
    await engine.run(work("wait_for", folder=sys.argv[3]), print)

asyncio.run(main())
"""


def test_when_the_site_is_killed_everything_it_started_ends(ends: Ends, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    async def main() -> None:
        site = await asyncio.create_subprocess_exec(sys.executable, "-c", SITE, HERE, tmp_path, marks)
        pid, parent = await started(marks)
        site.kill()
        await site.wait()
        await until(lambda: gone(pid) and gone(parent))

    asyncio.run(main())


def test_a_child_whose_parent_died_before_it_looked_ends_at_once() -> None:
    module = "yosegi.execution.engines.process._system"
    code = f"import os, sys\nfrom {module} import die_with\ndie_with(int(sys.argv[1]))\nprint('still here')\n"
    # Process 1 is never the parent of a test's child: it stands for one that has died in the meantime.
    result = subprocess.run([sys.executable, "-c", code, "1"], capture_output=True, check=False, timeout=60)
    assert (result.returncode, result.stdout) == (1, b"")


def test_running_pure_work_is_cancelled_and_consuming_work_is_not(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()

    async def main() -> tuple[bool, bool, Outcome, Outcome]:
        async with running(tmp_path) as engine:
            pure = asyncio.create_task(engine.run(work("wait_for", "k1", folder=str(one)), ignore))
            consuming = asyncio.create_task(engine.run(work("wait_consuming", "k2", folder=str(two)), ignore))
            await started(one)
            await started(two)
            answers = await engine.cancel("k1"), await engine.cancel("k2")
            (two / "go").touch()
            return *answers, await pure, await consuming

    pure, consuming, cancelled, finished = asyncio.run(main())
    assert (pure, consuming) == (True, False)
    assert (cancelled.reason, cancelled.effect) == ("cancelled", Effect.NONE)
    assert finished.result is Result.VALID


def test_what_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    async def main() -> None:
        async with running(tmp_path, slots=1) as engine:
            task = asyncio.create_task(engine.run(work("wait_for", folder=str(marks)), ignore))
            pid, _ = await started(marks)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: gone(pid))
            assert (await engine.run(work("noop", x=1.0), ignore)).result is Result.VALID

    asyncio.run(main())


def test_a_module_that_cannot_be_imported_starts_nothing(tmp_path: Path) -> None:
    engine = process_engine(tmp_path)
    engine = ProcessEngine(
        {"sample.noop@1": "execution.absent:noop"},
        tmp_path,
        WorkerTerms(import_path=(HERE,)),
        clock=engine._clock,
        scope=engine._scope,
    )

    async def main() -> Outcome:
        await engine.start()
        try:
            return await engine.run(work("noop", x=1.0), ignore)
        finally:
            await engine.close()

    outcome = asyncio.run(main())
    assert (outcome.reason, outcome.effect) == ("not_started", Effect.NONE)
    assert "No module named 'execution.absent'" in outcome.message


def test_nothing_starts_during_a_safe_stop_and_what_runs_is_finished(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()

    async def main() -> tuple[Outcome, bool, Outcome]:
        async with running(tmp_path) as engine:
            first = asyncio.create_task(engine.run(work("wait_for", "k1", folder=str(marks)), ignore))
            await started(marks)
            await engine.safe_stop()
            second = asyncio.create_task(engine.run(work("noop", "k2", x=1.0), ignore))
            (marks / "go").touch()
            finished = await first
            waiting = engine.statistics()["waiting"] == 1
            await engine.resume()
            return finished, waiting, await second

    finished, waiting, after = asyncio.run(main())
    assert waiting
    assert finished.result is after.result is Result.VALID


def test_slots_bound_how_many_run_at_a_time(tmp_path: Path) -> None:
    async def main() -> list[Outcome]:
        async with running(tmp_path, slots=2) as engine:
            runs = [asyncio.create_task(engine.run(work("noop", f"k{n}", x=1.0), ignore)) for n in range(12)]
            await asyncio.sleep(0)
            assert repr(engine) == "<process engine: 2 of 2 slots busy, 10 waiting>"
            return await asyncio.gather(*runs)

    assert all(outcome.result is Result.VALID for outcome in asyncio.run(main()))

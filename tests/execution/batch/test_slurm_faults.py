"""What dies, and when: on a real Slurm every task ends, nothing is lost, and nothing that consumes happens twice.

What is to be expected follows from the engine's own promise (`yosegi.core.engine`), and from what Slurm was seen to do:
it forgets jobs that it accepted in its last seconds, starts a job twice, and gives a number to two jobs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from execution.batch.clusters import CAPABILITIES, batch_engine, slurm
from processes.sites import alive, descendants
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Progress, Work
from yosegi.core.object import ObjectRef
from yosegi.core.states import Effect, Result
from yosegi.data import FileStore
from yosegi.execution.engines.batch.dialect import SubmitAnswer
from yosegi.execution.engines.batch.engine import BatchEngine
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.slurm import SlurmDialect
from yosegi.testing import slurm_cluster
from yosegi.testing.engine_suite import fresh
from yosegi.testing.slurm_cluster import Cluster

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(slurm_cluster.ABSENT), reason=slurm_cluster.ABSENT),
]

CPUS = 4


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Each test's own: a controller that was killed keeps jobs that ended meanwhile, and their processors."""
    with slurm_cluster.running(cpus=CPUS) as cluster:
        yield cluster


class LossySlurm(SlurmDialect):
    """Loses the question, or the answer, of the first submissions."""

    def __init__(self, *args: Any, before: int = 0, after: int = 0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.before, self.after, self.sent = before, after, list[str]()

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        if self.before:
            self.before -= 1
            return SubmitAnswer(words="the question was lost")
        answer = await super().submit(spec, user)
        self.sent.append(spec.name)
        if self.after:
            self.after -= 1
            return SubmitAnswer(words="the answer was lost")
        return answer


@dataclass
class Bench:
    """An engine over a cluster, and the world in which effects are counted."""

    cluster: Cluster
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = self.folder / "world"
        self.world.mkdir()
        self.dialect: SlurmDialect = slurm(self.cluster.variables)
        self.engine: BatchEngine | None = None
        self.tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> BatchEngine:
        """Start the engine, as a site does that was killed or not: all it has are its folders."""
        self.engine = batch_engine(self.folder, self.dialect, **self.options)
        await self.engine.start()
        return self.engine

    async def die(self) -> None:
        """The site is gone between two lines: nothing of it is closed in order."""
        assert self.engine is not None
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, self.engine._scope.close(), return_exceptions=True)
        self.tasks.clear()

    def work(self, name: str = "processes.toys:use", key: str = "", **inputs: Any) -> Work:
        contract = CAPABILITIES[name].contract
        if name == "processes.toys:use":
            inputs = {"x": 0.5, "world": str(self.world)}
        return Work(key or fresh(), contract.name, inputs, 60.0, EffectClass(contract.effect))

    def run(self, work: Work) -> asyncio.Task[Outcome]:
        assert self.engine is not None
        task = asyncio.create_task(self.engine.run(work, self.hear))
        self.tasks.append(task)
        return task

    def hear(self, progress: Progress) -> None:
        self.told.append(progress.text)

    def effects(self) -> list[str]:
        path = self.world / "effects"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []

    def pids(self) -> list[int]:
        return [int(line.split()[1]) for line in (self.world / "effects").read_text().splitlines()]

    async def begun(self, count: int = 1) -> None:
        await until(lambda: len(self.effects()) >= count, "it has begun", lambda: f"{self.told}; {self.cluster.told}")

    async def filled(self) -> str:
        """The number of a job that holds all processors, so that any other waits."""
        blocker = self.cluster.ask(
            "sbatch", "--parsable", "--export=NIL", "-o", "/dev/null", "-n", str(CPUS), "--wrap", "sleep 600"
        )
        running = ("squeue", "-h", "-j", blocker, "-o", "%T")
        await until(lambda: self.cluster.ask(*running) == "RUNNING", "it is full", lambda: self.cluster.told)
        return blocker

    def hold(self) -> None:
        (self.world / "hold").touch()

    def let_go(self) -> None:
        (self.world / "hold").unlink()

    def number(self) -> str:
        """The number of the one job that is there."""
        return self.cluster.ask("squeue", "-h", "-o", "%i").split()[0]


PATIENCE = 120.0
"""Seconds that something may take on a busy machine."""


async def until(condition: Callable[[], Any], what: str, told: Callable[[], str] = str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}; {told()}"
        await asyncio.sleep(0.02)
    return found


@pytest.fixture
def bench(cluster: Cluster, tmp_path: Path) -> Callable[..., Any]:
    """Runs a test's coroutine with a bench."""

    def runs(main: Callable[[Bench], Coroutine[Any, Any, None]], **options: Any) -> None:
        async def whole() -> None:
            bench = Bench(cluster, tmp_path, options)
            await bench.start()
            try:
                await main(bench)
            finally:
                await bench.die()

        asyncio.run(whole())

    return runs


def done_once(bench: Bench, outcome: Outcome) -> None:
    assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID), outcome
    assert len(bench.effects()) == 1


def test_a_question_that_was_lost_is_asked_again_and_happens_once(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        bench.dialect = LossySlurm(bench.dialect._commands, accounting="completion", before=1)
        await bench.die()
        await bench.start()
        done_once(bench, await bench.run(bench.work()))

    bench(main)


def test_a_job_whose_answer_was_lost_is_found_by_its_name(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        bench.dialect = lossy = LossySlurm(bench.dialect._commands, accounting="completion", after=1)
        await bench.die()
        await bench.start()
        done_once(bench, await bench.run(bench.work()))
        assert len(lossy.sent) == 1

    bench(main)


def test_a_controller_that_is_held_up_while_it_is_asked_has_the_job_all_the_same(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        bench.dialect._commands._patience = 2.0
        bench.cluster.kill("slurmctld", signal.SIGSTOP)
        try:
            task = bench.run(bench.work())
            await until(lambda: any("not known" in text for text in bench.told), "sbatch gave up")
        finally:
            bench.cluster.kill("slurmctld", signal.SIGCONT)
        bench.dialect._commands._patience = 30.0
        done_once(bench, await task)

    bench(main)


@pytest.mark.parametrize("when", ["before_submission", "after_submission", "while_it_runs", "after_it_has_ended"])
def test_a_site_that_dies_takes_its_job_up_again(bench: Any, when: str) -> None:
    async def main(bench: Bench) -> None:
        if when == "before_submission":
            bench.dialect = LossySlurm(bench.dialect._commands, accounting="completion", before=1)
        await bench.die()
        engine = await bench.start()
        work = bench.work()
        bench.hold()
        bench.run(work)
        if when == "before_submission":
            await until(lambda: any("not known" in text for text in bench.told), "it was to be submitted")
        elif when == "after_submission":
            await until(lambda: engine.statistics()["submitted"], "it is submitted")
        else:
            await bench.begun()
        await bench.die()
        bench.let_go()
        if when == "after_it_has_ended":
            spool = bench.folder / "spool"
            await until(lambda: list(spool.glob("*/exit")), "it has ended")
        again = await bench.start()
        done_once(bench, await again.attach(work, bench.hear))
        first = await again.attach(work, bench.hear)
        assert first.result is Result.VALID
        assert len(bench.effects()) == 1

    bench(main)


def test_a_controller_that_dies_while_a_job_runs_loses_nothing(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        bench.hold()
        task = bench.run(bench.work())
        await bench.begun()
        bench.cluster.kill("slurmctld")
        bench.let_go()
        await until(
            lambda: list((bench.folder / "spool").glob("*/exit")) or task.done(), "it ends without a controller"
        )
        bench.cluster.start_controller()
        bench.cluster.wait_ready()
        done_once(bench, await task)

    bench(main)


def test_a_job_that_a_dead_controller_forgot_is_submitted_again_and_happens_once(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        # It has nowhere to run, so it waits.
        blocker = await bench.filled()
        state = bench.cluster.base / "state" / "job_state"
        before = await until(lambda: state.exists() and state.read_bytes(), "what there was before is on disk")
        task = bench.run(bench.work())
        assert bench.engine is not None
        await until(lambda: bench.engine.statistics()["submitted"] and "queued" in " ".join(bench.told), "it waits")
        bench.cluster.kill("slurmctld")
        # As if it had died before it wrote that down: it does so up to five seconds late.
        state.write_bytes(before)
        bench.cluster.start_controller()
        bench.cluster.wait_ready()
        bench.cluster.ask("scancel", blocker)
        done_once(bench, await task)

    bench(main)


def test_a_node_daemon_that_dies_leaves_the_job_and_its_end_is_told(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        bench.hold()
        task = bench.run(bench.work())
        await bench.begun()
        node = bench.cluster.nodes[0]
        bench.cluster.kill(f"slurmd-{node}")
        bench.let_go()
        done_once(bench, await task)
        bench.cluster.start_node(node)
        bench.cluster.wait_ready()

    bench(main)


@pytest.mark.parametrize("who", ["wrapper", "worker"])
def test_a_process_of_the_job_that_dies_after_the_effect_leaves_it_unknown_and_nothing_behind(
    bench: Any, who: str
) -> None:
    async def main(bench: Bench) -> None:
        bench.hold()
        task = bench.run(bench.work())
        await bench.begun()
        (worker,) = bench.pids()
        claim = next((bench.folder / "spool").glob("*/fence/claim")).read_text()
        wrapper = int(claim.partition('"pid": ')[2].split(",")[0].rstrip("}"))
        below = [pid for pid, _ in descendants(wrapper)]
        assert worker in below
        os.kill(wrapper if who == "wrapper" else worker, signal.SIGKILL)
        outcome = await task
        assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "job_ended" if who == "wrapper" else "crashed")
        await until(lambda: not any(map(alive, [*below, wrapper])), "everything of the job has ended")
        assert len(bench.effects()) == 1

    bench(main)


def test_a_repeatable_task_whose_job_is_lost_with_its_node_is_run_again(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        folder = bench.folder / "wait"
        folder.mkdir()
        task = bench.run(bench.work("execution.samples:wait_for", folder=str(folder)))
        first = await until(lambda: list(folder.glob("*.*")), "it runs")
        node = bench.cluster.nodes[0]
        bench.cluster.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        bench.cluster.ask("scontrol", "update", f"nodename={node}", "state=resume")
        await until(lambda: len(list(folder.glob("*.*"))) == 2, f"it runs again after {first}")
        (folder / "go").touch()
        outcome = await task
        assert outcome.result is Result.VALID

    bench(main)


def test_a_job_that_is_made_to_run_again_stops_itself(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        bench.hold()
        task = bench.run(bench.work())
        await bench.begun()
        number = bench.number()
        bench.cluster.ask("scontrol", "update", f"jobid={number}", "requeue=1")
        bench.cluster.ask("scontrol", "requeue", number)
        outcome = await task
        (worker,) = bench.pids()

        def said() -> str:
            return bench.cluster.ask("scontrol", "show", "job", number)

        await until(lambda: not alive(worker) and "JobState=PENDING" in said(), "the first start has ended")
        bench.let_go()
        # A node refuses a start whose credential is of the second in which the start before was ended, or earlier
        # ("already killed, do not launch batch job"): its clock for that counts whole seconds.
        ended = int(time.time())
        await until(lambda: int(time.time()) > ended, "another second has begun")
        bench.cluster.ask("scontrol", "update", f"jobid={number}", "StartTime=now")
        await until(lambda: "JobState=FAILED" in said(), "it has been started again")
        assert "ExitCode=99:0" in said()
        # The first was ended in the middle of it: what it did is not known, and is not done again.
        assert outcome.effect is Effect.UNKNOWN, outcome
        assert len(bench.effects()) == 1

    bench(main)


def test_a_job_that_waits_is_taken_back_for_certain_and_one_that_consumes_is_not(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        engine = bench.engine
        assert engine is not None
        blocker = await bench.filled()
        waits = bench.work()
        task = bench.run(waits)
        await until(lambda: "queued" in " ".join(bench.told), "it waits")
        assert await engine.cancel(waits.key)
        outcome = await task
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "cancelled")
        bench.cluster.ask("scancel", blocker)
        await until(lambda: not bench.cluster.ask("squeue", "-h", "-o", "%i"), "no job is left")
        assert bench.effects() == []
        bench.hold()
        runs = bench.work()
        task = bench.run(runs)
        await bench.begun()
        assert not await engine.cancel(runs.key)
        bench.let_go()
        done_once(bench, await task)
        assert not await engine.cancel(runs.key)

    bench(main)


def test_a_pure_task_is_ended_at_any_moment(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        engine = bench.engine
        assert engine is not None
        work = bench.work("execution.samples:wait_for", folder=str(bench.world))
        task = bench.run(work)
        await until(lambda: any(bench.world.glob("*.*")), "it runs")
        assert await engine.cancel(work.key)
        assert (await task).reason == "cancelled"
        await until(lambda: not bench.cluster.ask("squeue", "-h", "-o", "%i"), "its job is gone")

    bench(main)


@pytest.mark.parametrize("word", ["hold", "safe_stop"])
def test_a_job_that_waits_does_not_begin_while_the_site_is_stopped(bench: Any, word: str) -> None:
    async def main(bench: Bench) -> None:
        engine = bench.engine
        assert engine is not None
        blocker = await bench.filled()
        task = bench.run(bench.work())
        await until(lambda: "queued" in " ".join(bench.told), "it waits")
        await getattr(engine, word)()
        bench.cluster.ask("scancel", blocker)
        await until(lambda: not bench.cluster.ask("squeue", "-h", "-o", "%i"), "its turn has come, and it ended itself")
        assert bench.effects() == []
        await engine.resume()
        done_once(bench, await task)

    bench(main)


def test_what_is_refused_is_told_in_the_schedulers_words_and_nothing_happens(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        outcome = await bench.run(bench.work())
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "not_started")
        assert "nvalid partition" in outcome.message

    bench(main, job={"queue_name": "absent"})


def test_what_will_never_start_is_told_and_taken_away(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        outcome = await bench.run(bench.work())
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "not_started")
        assert "PartitionNodeLimit" in outcome.message or "node" in outcome.message
        await until(lambda: not bench.cluster.ask("squeue", "-h", "-o", "%i"), "no job is left")

    bench(main, job={"node_count": 3})


def test_a_secret_of_the_site_does_not_reach_the_job(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_SECRET", "hunter2")

    async def main(bench: Bench) -> None:
        outcome = await bench.run(bench.work("execution.samples:surroundings", **{}))
        assert outcome.outputs is not None
        assert "SITE_SECRET" not in outcome.outputs["text"]
        assert "SLURM_JOB_ID" in outcome.outputs["text"]

    bench(main)


def test_objects_go_in_and_out_and_what_is_printed_is_kept(bench: Any) -> None:
    async def main(bench: Bench) -> None:
        made = await bench.run(bench.work("execution.tables:make", rows=3))
        assert made.outputs is not None
        ref = ObjectRef.read(made.outputs["table"])
        store = FileStore(bench.folder / "store")
        assert store.read(ref.sha256) == b"0\n1\n2\n"
        asked = bench.work("execution.tables:add", table=made.outputs["table"])
        added = await bench.run(replace(asked, objects={"table": ref}))
        assert added.outputs == {"total": 3}
        fell = await bench.run(bench.work("execution.samples:segfault"))
        assert fell.reason == "crashed"
        assert "about to fall" in fell.message
        (output,) = (bench.folder / "spool").glob("*/output")
        assert output.read_text() == "about to fall\n"

    bench(main)

"""Pilots on a real Slurm: many short tasks in one job, by Parsl's HighThroughputExecutor inside its allocation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from execution.batch.clusters import CAPABILITIES, batch_engine, slurm
from execution.batch.test_slurm_faults import until
from execution.conftest import HERE
from execution.test_engines import kept
from yosegi.core.clock import SystemClock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.batch.engine import BatchEngine
from yosegi.execution.engines.batch.pilot_dialect import PilotDialect
from yosegi.execution.engines.batch.pilot_settings import PilotSettings
from yosegi.testing import slurm_cluster
from yosegi.testing.engine_suite import EngineSuite, Opened, Run, fresh, ignore
from yosegi.testing.slurm_cluster import Cluster

pytest.importorskip("parsl", reason="Parsl is not installed (pip install 'yosegi[pilot]')")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(slurm_cluster.ABSENT), reason=slurm_cluster.ABSENT),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with slurm_cluster.running(cpus=8) as cluster:
        yield cluster


@asynccontextmanager
async def pilots(folder: Path, cluster: Cluster, **pilot: Any) -> AsyncIterator[BatchEngine]:
    import sys

    settings = PilotSettings.read({"workers_per_node": 2, "seconds": 600.0, "idle_seconds": 60.0} | pilot)
    inner = slurm(cluster.variables)
    dialect = PilotDialect(
        inner, folder / "spool", settings, SystemClock(), python=sys.executable, import_path=(str(HERE),)
    )
    engine = batch_engine(folder, dialect, pilot=settings.model_dump())
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()
        if jobs := cluster.ask("squeue", "-h", "-o", "%i").split():
            cluster.ask("scancel", *jobs)


class TestPilots(EngineSuite):
    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[asyncio.Runner]:
        with asyncio.Runner() as runner:
            yield runner

    @pytest.fixture
    def run(self, runner: asyncio.Runner) -> Run:
        return runner.run

    @pytest.fixture(scope="class")
    @classmethod
    def opened(
        cls, runner: asyncio.Runner, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Opened]:
        yield from kept(runner, pilots(tmp_path_factory.mktemp("pilots"), cluster))


def work(entry: str, **inputs: Any) -> Work:
    contract = CAPABILITIES[entry].contract
    return Work(fresh(), contract.name, inputs, 60.0, EffectClass(contract.effect))


def test_many_tasks_share_one_job_each_happens_once_and_an_idle_pilot_gives_its_nodes_back(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def main() -> list[Outcome]:
        async with pilots(tmp_path, cluster, idle_seconds=3.0) as engine:
            tasks = [work("processes.toys:use", x=0.5, world=str(tmp_path)) for _ in range(100)]
            outcomes = await asyncio.gather(*(engine.run(task, ignore) for task in tasks))
            assert len(list((tmp_path / "spool" / "pilots").iterdir())) == 1
            await until(lambda: not cluster.ask("squeue", "-h", "-o", "%i"), "the pilot has ended")
            return [*outcomes, await engine.run(work("execution.samples:noop", x=1.0), ignore)]

    outcomes = asyncio.run(main())
    assert [outcome.result for outcome in outcomes] == [Result.VALID] * 101
    keys = [line.split()[0] for line in (tmp_path / "effects").read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 100


def test_workers_that_srun_starts_do_tasks(cluster: Cluster, tmp_path: Path) -> None:
    async def main() -> Outcome:
        async with pilots(tmp_path, cluster, launcher="srun") as engine:
            return await engine.run(work("execution.samples:noop", x=1.0), ignore)

    assert asyncio.run(main()).result is Result.VALID


def test_tasks_of_a_pilot_whose_node_dies_go_to_another_and_what_consumed_is_unknown(
    cluster: Cluster, tmp_path: Path
) -> None:
    async def main() -> tuple[Outcome, Outcome]:
        async with pilots(tmp_path, cluster, workers_per_node=1) as engine:
            (tmp_path / "hold").touch()
            consuming = asyncio.create_task(engine.run(work("processes.toys:use", x=0.5, world=str(tmp_path)), ignore))
            await until(lambda: (tmp_path / "effects").exists(), "it has begun")
            waiting = asyncio.create_task(engine.run(work("execution.samples:noop", x=1.0), ignore))
            await until(lambda: engine.statistics()["submitted"] == 2, "another waits in the same pilot")
            node = cluster.nodes[0]
            cluster.ask("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
            cluster.ask("scontrol", "update", f"nodename={node}", "state=resume")
            return await consuming, await waiting

    consuming, waiting = asyncio.run(main())
    assert (consuming.effect, consuming.result) == (Effect.UNKNOWN, Result.ABSENT), consuming
    assert waiting.result is Result.VALID
    assert len((tmp_path / "effects").read_text().splitlines()) == 1


def test_a_capability_that_ends_its_worker_is_a_crash_and_the_next_task_runs(cluster: Cluster, tmp_path: Path) -> None:
    async def main() -> list[Outcome]:
        async with pilots(tmp_path, cluster) as engine:
            return [
                await engine.run(work("execution.samples:leave"), ignore),
                await engine.run(work("execution.samples:noop", x=1.0), ignore),
            ]

    crashed, after = asyncio.run(main())
    assert (crashed.effect, crashed.reason) == (Effect.NONE, "crashed")
    assert after.result is Result.VALID


def test_objects_go_in_and_out(cluster: Cluster, tmp_path: Path) -> None:
    async def main() -> Outcome:
        async with pilots(tmp_path, cluster) as engine:
            return await engine.run(work("execution.tables:make", rows=3), ignore)

    outcome = asyncio.run(main())
    assert outcome.outputs is not None
    digest = outcome.outputs["table"]["sha256"].removeprefix("sha256:")
    assert (tmp_path / "store" / digest[:2] / digest).read_text() == "0\n1\n2\n"

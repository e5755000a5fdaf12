"""The suite that every engine passes, over jobs of a real Slurm."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from execution.batch.clusters import opened_engine, slurm
from execution.batch.test_slurm_faults import until
from execution.test_engines import kept
from yosegi.execution.engines.batch.job_spec import BatchJobTemplate, JobSpec
from yosegi.testing import slurm_cluster
from yosegi.testing.engine_suite import ForcefulEngineSuite, Opened, Run

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(bool(slurm_cluster.ABSENT), reason=slurm_cluster.ABSENT),
]


class TestBatchOnSlurm(ForcefulEngineSuite):
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
    def opened(cls, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
        with slurm_cluster.running() as cluster:
            folder = tmp_path_factory.mktemp("batch")
            yield from kept(runner, opened_engine(folder, slurm(cluster.variables)))


def test_a_parallel_step_that_a_job_starts_has_the_jobs_variables(tmp_path: Path) -> None:
    told = tmp_path / "told"
    launch = ("srun", "-n1", "sh", "-c", f"printenv PATH > {told}.part && mv {told}.part {told}")
    spec = JobSpec("y" + "a" * 26, "task/argonne/k", tmp_path, launch, 60.0, 10.0, BatchJobTemplate())
    with slurm_cluster.running() as cluster:
        answer = asyncio.run(slurm(cluster.variables).submit(spec))
        assert answer.job, answer.words
        asyncio.run(until(told.exists, "the step has run"))
    assert "/bin" in told.read_text()

"""The suite that every engine passes, over jobs of a real Slurm."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from execution.batch.clusters import opened_engine, slurm
from execution.test_engines import kept
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

"""Many jobs at once, jobs that Slurm has forgotten, and a wall time that is over, on a real Slurm.

Where the capability does not matter, the job's program is a few lines of shell that keep to the files that a wrapper
writes: 200 Pythons would only measure this machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from execution.batch.clusters import CAPABILITIES, batch_engine, slurm
from execution.batch.test_slurm_faults import Bench, done_once, until
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.states import Effect, Result
from yosegi.testing import slurm_cluster
from yosegi.testing.engine_suite import fresh, ignore
from yosegi.testing.slurm_cluster import Cluster

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(slurm_cluster.ABSENT), reason=slurm_cluster.ABSENT),
]

PROGRAM = """\
#!/bin/sh
# Called as the Python of a job: -m MODULE FOLDER
cd "$3" || exit 97
mkdir .fence-$$ && printf '{"by": "job", "job": "%s"}' "$SLURM_JOB_ID" > .fence-$$/claim
mv -T .fence-$$ fence || exit 99
: > fence/started
echo "$3" >> ../effects
{then}
printf '{"effect": "done", "result": "valid", "outputs": {"value": 1}}' > exit.part && mv exit.part exit
"""


@pytest.fixture
def forgetful() -> Iterator[Cluster]:
    """Forgets a job two seconds after it has ended."""
    with slurm_cluster.running(age=2, cpus=8) as cluster:
        yield cluster


def program(folder: Path, then: str = "") -> str:
    path = folder / "program"
    path.write_text(PROGRAM.replace("{then}", then))
    path.chmod(0o755)
    return str(path)


def noop() -> Work:
    contract = CAPABILITIES["execution.samples:noop"].contract
    return Work(fresh(), contract.name, {"x": 1.0}, 20.0, EffectClass.PURE)


def test_two_hundred_jobs_at_once_each_happen_once_and_are_asked_about_together(
    forgetful: Cluster, tmp_path: Path
) -> None:
    async def main() -> tuple[list[Outcome], dict[str, Any]]:
        settings = {"python": program(tmp_path), "slots": 200, "accounting": "none"}
        engine = batch_engine(tmp_path, slurm(forgetful.variables, accounting="none"), **settings)
        await engine.start()
        try:
            outcomes = await asyncio.gather(*(engine.run(noop(), ignore) for _ in range(200)))
            return outcomes, engine.statistics()
        finally:
            await engine.close()

    outcomes, statistics = asyncio.run(main())
    assert [outcome.result for outcome in outcomes] == [Result.VALID] * 200
    effects = (tmp_path / "spool" / "effects").read_text().split()
    assert len(effects) == len(set(effects)) == 200
    assert statistics["polls"] < 200, "one question is about all jobs"


def test_a_job_that_ended_and_was_forgotten_while_the_site_was_down_is_known_by_its_files(
    forgetful: Cluster, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(forgetful, tmp_path, {"accounting": "none"})
        bench.dialect = slurm(forgetful.variables, accounting="none")
        await bench.start()
        work = bench.work()
        bench.hold()
        bench.run(work)
        await bench.begun()
        await bench.die()
        bench.let_go()
        await until(lambda: not forgetful.ask("squeue", "-h", "-t", "all", "-o", "%i"), "Slurm has forgotten it")
        engine = await bench.start()
        done_once(bench, await engine.attach(work, bench.hear))
        await bench.die()

    asyncio.run(main())


def test_a_job_that_was_taken_away_before_it_began_and_forgotten_is_submitted_again(
    forgetful: Cluster, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(forgetful, tmp_path, {"accounting": "none"})
        bench.dialect = slurm(forgetful.variables, accounting="none")
        await bench.start()
        forgetful.ask("scontrol", "update", "partitionname=main", "state=down")
        work = bench.work()
        bench.run(work)
        await until(lambda: "queued" in " ".join(bench.told), "it waits")
        await bench.die()
        forgetful.ask("scancel", bench.number())
        forgetful.ask("scontrol", "update", "partitionname=main", "state=up")
        await until(lambda: not forgetful.ask("squeue", "-h", "-t", "all", "-o", "%i"), "Slurm has forgotten it")
        engine = await bench.start()
        done_once(bench, await engine.attach(work, bench.hear))
        await bench.die()

    asyncio.run(main())


def test_a_wall_time_that_is_over_is_told_and_what_began_is_unknown(forgetful: Cluster, tmp_path: Path) -> None:
    """Slurm counts minutes; the two jobs wait for theirs at once, and do not heed its warning."""

    async def one(name: str, **settings: Any) -> Outcome:
        (tmp_path / name).mkdir()
        quick = {
            "start_seconds": 1.0,
            "stop_grace_seconds": 0.0,
            "python": program(tmp_path / name, "trap '' TERM\nsleep 600"),
        }
        dialect = slurm(forgetful.variables)
        engine = batch_engine(tmp_path / name, dialect, **(quick | settings))
        await engine.start()
        contract = CAPABILITIES["execution.samples:dispense"].contract
        try:
            work = Work(fresh(), contract.name, {"what": "x"}, 10.0, EffectClass.CONSUMING)
            return await engine.run(work, ignore)
        finally:
            await engine.close()

    async def main() -> list[Outcome]:
        return await asyncio.gather(one("began"), one("never", setup=["trap '' TERM", "sleep 600"]))

    began, never = asyncio.run(main())
    assert (began.effect, began.reason) == (Effect.UNKNOWN, "time_limit"), began
    assert (never.effect, never.reason) == (Effect.NONE, "not_started"), never
    assert "time limit" in never.message

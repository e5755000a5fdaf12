"""Short tasks a second: through the engine and a pilot, beside Parsl's HighThroughputExecutor alone in the same job.

    python -m benchmarks.pilot [--tasks 300] [--workers 2]      # root, with Slurm and Parsl; starts a private Slurm

Both have the same executor in one job of a private Slurm, and the same function. Parsl alone keeps nothing; the engine
puts each task on disk before it begins, lets it begin once, and keeps its outcome.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.batch import ENTRY, TOP, submit, work_of
from benchmarks.noop import noop
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome
from yosegi.core.supervision import Supervisor
from yosegi.execution.engines.batch.dialect import Commands
from yosegi.execution.engines.batch.engine import BatchEngine
from yosegi.execution.engines.batch.pilot_dialect import PilotDialect
from yosegi.execution.engines.batch.records import JobRecords
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.execution.engines.batch.slurm import SlurmDialect
from yosegi.execution.engines.batch.spool import JobSpool
from yosegi.testing import slurm_cluster

BARE = """\
#!/bin/bash
#SBATCH --output={folder}/output --time=10 --export=NIL
cd {top} && {python} -m benchmarks.pilot --inside {folder} --tasks {tasks} --workers {workers}
"""


def bare(folder: Path, tasks: int, workers: int) -> None:
    """Inside the job: the executor alone."""
    from yosegi.execution.engines.batch.pilot import executor

    programs = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    # Its workers are processes of their own, and import the function that they are handed the name of.
    os.environ |= {"PATH": programs, "PYTHONPATH": str(TOP)}
    settings = {"nodes": 1, "workers_per_node": workers, "launcher": "single"}
    with executor(folder, settings) as htex:
        htex.submit(noop.function, {}, 0.5).result()
        before = time.perf_counter()
        for future in [htex.submit(noop.function, {}, 0.5) for _ in range(tasks)]:
            future.result()
        seconds = time.perf_counter() - before
    (folder / "part").write_text(json.dumps(seconds))
    (folder / "part").rename(folder / "done")


async def through_a_pilot(folder: Path, inner: SlurmDialect, tasks: int, workers: int) -> float:
    settings = BatchSettings.read(
        {"dialect": "slurm", "folder": str(folder / "jobs"), "import_path": [str(TOP)], "look_seconds": 0.1,
         "poll_seconds": 2.0, "accounting": "none", "pilot": {"workers_per_node": workers, "seconds": 600.0}}
    )  # fmt: skip
    assert settings.pilot is not None
    dialect = PilotDialect(
        inner, settings.spool(), settings.pilot, SystemClock(), python=settings.python, import_path=(str(TOP),)
    )

    async def unheard(key: str, outcome: Outcome) -> None:
        return None

    engine = BatchEngine(
        "short", settings, dialect, JobRecords(folder / "records"), JobSpool(settings.spool(), None), SystemClock(),
        Supervisor(SystemClock()).scope("engine"),
        site="here", contracts={"bench.noop@1": noop.contract}, entries={"bench.noop@1": ENTRY}, on_late=unheard,
    )  # fmt: skip
    await engine.start()
    await engine.run(work_of(-1), lambda progress: None)
    before = time.perf_counter()
    outcomes = await asyncio.gather(*(engine.run(work_of(n), lambda progress: None) for n in range(tasks)))
    seconds = time.perf_counter() - before
    assert not any(outcome.reason for outcome in outcomes)
    await engine.close()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside is not None:
        bare(given.inside, given.tasks, given.workers)
        return
    if slurm_cluster.ABSENT:
        raise SystemExit(slurm_cluster.ABSENT)
    with slurm_cluster.running() as cluster, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inside = folder / "bare"
        inside.mkdir()
        words = {"top": TOP, "python": sys.executable, "folder": inside}
        script = BARE.format(tasks=given.tasks, workers=given.workers, **words)
        try:
            submit(script, cluster.variables, inside / "done")
        except SystemExit as error:
            raise SystemExit(f"{error}\n{(inside / 'output').read_text()[-4000:]}") from None
        alone = json.loads((inside / "done").read_text())
        inner = SlurmDialect(Commands(variables=cluster.variables), accounting="none")
        ours = asyncio.run(through_a_pilot(folder, inner, given.tasks, given.workers))
    rates = {"parsl alone": round(given.tasks / alone, 1), "through the engine": round(given.tasks / ours, 1)}
    print(json.dumps({"tasks": given.tasks, "load": round(os.getloadavg()[0], 1), "a second": rates}, indent=2))


if __name__ == "__main__":
    main()

"""What one task as a batch job costs beside the bare scheduler: the same work by `sbatch` alone, and by the engine.

    python -m benchmarks.batch [--jobs 8]      # root, with Slurm installed; starts a private one

Three are told, each a job after the other, in seconds from asking to knowing that it has ended:

- bare: `sbatch` of a script that calls the function in one Python, until it has left a file;
- wrapper: `sbatch` of the engine's own script, in a folder that was made ready before, until it has left its outcome;
- engine: the engine's `run`, by which the end is known.

(`sbatch --wait` looks every ten seconds, and would hide both.)

The middle one says what the wrapper costs on the node, the last one what recording, staging and looking cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.noop import noop
from yosegi.core.clock import SystemClock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.supervision import Supervisor
from yosegi.data import FileStore
from yosegi.execution.engines.batch.dialect import Commands
from yosegi.execution.engines.batch.engine import BatchEngine
from yosegi.execution.engines.batch.job_spec import BatchJobTemplate, JobSpec
from yosegi.execution.engines.batch.records import JobRecords
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.execution.engines.batch.slurm import SlurmDialect
from yosegi.execution.engines.batch.spool import JobProgram, JobSpool
from yosegi.testing import slurm_cluster

TOP = Path(__file__).parent.parent
ENTRY = "benchmarks.noop:noop"
OVER = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL")
BARE = f"""\
#!/bin/bash
#SBATCH --output=/dev/null --time=2 --export=NIL
cd {TOP} && {sys.executable} -c "from benchmarks.noop import noop; noop.function(0.5)" && touch DONE
"""


def timed(work: Callable[[int], None], jobs: int) -> list[float]:
    """Seconds that each took."""
    found = []
    for number in range(jobs):
        before = time.perf_counter()
        work(number)
        found.append(time.perf_counter() - before)
    return found


def submit(script: str, variables: dict[str, str], done: Path) -> None:
    """Until a job has left a file.

    Raises:
        SystemExit: it ended and left none.
    """
    known = os.environ | variables

    def said(*argv: str) -> str:
        return subprocess.run(argv, input=script, text=True, check=True, capture_output=True, env=known).stdout.strip()

    job, looks = said("sbatch", "--parsable"), 0
    while not done.exists():
        time.sleep(0.02)
        looks += 1
        # Seldom, for asking costs the machine that is measured.
        if looks % 250:
            continue
        state = said("squeue", "-h", "-t", "all", "-j", job, "-o", "%T")
        if state in OVER and not done.exists():
            raise SystemExit(f"job {job} has left no {done.name}: {state}")


def work_of(number: int) -> Work:
    return Work(f"task/home/{number}", "bench.noop@1", {"x": 0.5}, 60.0, EffectClass.PURE)


async def through_the_engine(folder: Path, dialect: SlurmDialect, jobs: int) -> list[float]:
    settings = BatchSettings.read(
        {"dialect": "slurm", "folder": str(folder / "jobs"), "import_path": [str(TOP)], "look_seconds": 0.1,
         "poll_seconds": 2.0, "accounting": "none"}
    )  # fmt: skip

    async def unheard(key: str, outcome: Outcome) -> None:
        return None

    engine = BatchEngine(
        "cluster", settings, dialect, JobRecords(folder / "records"), JobSpool(folder / "jobs", None), SystemClock(),
        Supervisor(SystemClock()).scope("engine"),
        site="here", contracts={"bench.noop@1": noop.contract}, entries={"bench.noop@1": ENTRY}, on_late=unheard,
    )  # fmt: skip
    await engine.start()
    found = []
    for number in range(jobs):
        before = time.perf_counter()
        outcome = await engine.run(work_of(number), lambda progress: None)
        assert not outcome.reason, outcome
        found.append(time.perf_counter() - before)
    await engine.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=8)
    jobs = parser.parse_args().jobs
    if slurm_cluster.ABSENT:
        raise SystemExit(slurm_cluster.ABSENT)
    with slurm_cluster.running() as cluster, tempfile.TemporaryDirectory() as name:
        folder, variables = Path(name), cluster.variables
        dialect = SlurmDialect(Commands(variables=variables), accounting="none")
        settings = BatchSettings.read({"dialect": "slurm", "folder": "/nowhere"})
        spool = JobSpool(folder / "bare", FileStore(folder / "store"))
        spool.open()
        scripts = []
        for number in range(jobs):
            spool.prepare(f"y{number}", work_of(number), JobProgram(ENTRY, settings.limits(), (str(TOP),)))
            where = spool.folder(f"y{number}")
            launch = (sys.executable, "-m", "yosegi.execution.engines.batch.wrapper", str(where))
            scripts.append(dialect.script(JobSpec(f"y{number}", "key", where, launch, 120.0, 10.0, BatchJobTemplate())))
        figures = {
            "bare": timed(lambda n: submit(BARE.replace("DONE", f"{folder}/{n}"), variables, folder / f"{n}"), jobs),
            "wrapper": timed(lambda n: submit(scripts[n], variables, spool.folder(f"y{n}") / "exit"), jobs),
            "engine": asyncio.run(through_the_engine(folder, dialect, jobs)),
        }
    told = {name: {"median": round(statistics.median(found), 2), "least": round(min(found), 2)}
            for name, found in figures.items()}  # fmt: skip
    print(json.dumps({"jobs": jobs, "load": round(os.getloadavg()[0], 1), "seconds": told}, indent=2))


if __name__ == "__main__":
    main()

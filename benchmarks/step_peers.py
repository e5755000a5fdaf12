"""One no-op task through other programs, for `benchmarks.step`: `python step_peers.py parsl|dbos TASKS`, JSON out.

Needs nothing of Yosegi, so that it can run in a virtual environment of its own:

    python -m venv peers && peers/bin/pip install parsl dbos
    python -m benchmarks.step --peers peers/bin/python

Neither does the same as Yosegi: Parsl records nothing durably and signs nothing; DBOS records durably in SQLite within
one process and signs nothing. None of them crosses from one organisation to another.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

FLIGHT = 64


def noop(x: float) -> float:
    return x


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measured(begin: Callable[[float], Any], tasks: int) -> dict[str, float]:
    """One at a time, then 64 in flight. `begin` returns something that gives its result to `.result()`."""
    for _ in range(5):
        begin(0.5).result()
    times = []
    for number in range(tasks):
        start = time.perf_counter()
        begin(number / tasks).result()
        times.append(time.perf_counter() - start)
    start, used = time.perf_counter(), cpu()
    waiting: list[Any] = []
    for number in range(tasks * 2):
        if len(waiting) >= FLIGHT:
            waiting.pop(0).result()
        waiting.append(begin(number / tasks))
    for one in waiting:
        one.result()
    seconds = time.perf_counter() - start
    rate = tasks * 2 / seconds
    return {"median_ms": statistics.median(times) * 1e3, "per_second": rate, "cpu_ms": (cpu() - used) / tasks / 2 * 1e3}


def parsl_threads(tasks: int) -> dict[str, float]:
    import parsl
    from parsl.config import Config
    from parsl.executors import ThreadPoolExecutor

    config = Config(executors=[ThreadPoolExecutor(max_threads=2)], run_dir="runinfo", usage_tracking=0)
    with parsl.load(config):
        return measured(parsl.python_app(noop), tasks)


def parsl_processes(tasks: int) -> dict[str, float]:
    import parsl
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    executor = HighThroughputExecutor(
        max_workers_per_node=2, address="127.0.0.1", provider=LocalProvider(init_blocks=1, max_blocks=1)
    )
    with parsl.load(Config(executors=[executor], run_dir="runinfo", usage_tracking=0)):
        return measured(parsl.python_app(noop), tasks)


def dbos(tasks: int) -> dict[str, float]:
    from dbos import DBOS, DBOSConfig

    config: DBOSConfig = {"name": "bench", "system_database_url": "sqlite:///dbos.sqlite", "run_admin_server": False}
    DBOS(config=config)
    step = DBOS.step()(noop)

    @DBOS.workflow()
    def one_step(x: float) -> float:
        return step(x)

    DBOS.launch()
    try:

        class Handle:
            def __init__(self, handle: Any) -> None:
                self.result = handle.get_result

        return measured(lambda x: Handle(DBOS.start_workflow(one_step, x)), tasks)
    finally:
        DBOS.destroy()


def main() -> None:
    logging.disable(logging.CRITICAL)
    which, tasks = sys.argv[1], int(sys.argv[2])
    chosen = {"parsl-threads": parsl_threads, "parsl-processes": parsl_processes, "dbos": dbos}[which]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        result = chosen(tasks)
        os.chdir("/")
    sys.stdout.write("\n" + json.dumps(result) + "\n")


if __name__ == "__main__":
    main()

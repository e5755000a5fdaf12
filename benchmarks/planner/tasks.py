"""The runs that a comparison is made of, and making those that are not made yet."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context

from benchmarks.planner import datasets, loop, record, sources, transfer
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import Run

STUDIES = ("single", "batch", "sources", "transfer")
_OWN = {"sources": sources, "transfer": transfer}  # of Yosegi alone, with pools and variants of their own


@dataclass(frozen=True, slots=True)
class Task:
    """One run to make."""

    study: str
    data: str
    planner: str
    seed: int
    horizon: int
    until: str = "all"

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The key that the run will have."""
        return (self.study, self.data, self.planner, self.seed)

    def made(self, run: Run | None) -> bool:
        """Whether that run exists, is long enough, and is of the planner as it stands."""
        if run is None or run.version != COMPETITORS[self.planner].version():
            return False
        if self.study in _OWN:
            return True
        pool = datasets.load(self.data)
        return loop.ended(pool, run.order, self.until) or len(run.order) >= min(self.horizon, len(pool))

    def make(self) -> Run:
        """Measure, without the peers' own warnings, which would bury the progress."""
        warnings.simplefilter("ignore")
        if self.study in _OWN:
            return _OWN[self.study].run(self.data, self.seed, self.horizon)
        count = loop.BATCH if self.study == "batch" else 1
        return loop.run(self.data, self.planner, self.seed, self.horizon, count, self.until)


def execute(options: argparse.Namespace) -> None:
    """Make what is missing, in the order of seeds, so that an interrupted comparison is balanced."""
    known = {} if options.again else {run.key: run for run in record.read()}
    own = _OWN.get(options.study)
    wanted = [
        Task(options.study, data, planner, seed, options.horizon, options.until)
        for seed in loop.seeds(options.seeds)
        for data in (own.names() if own else options.data.split(","))
        for planner in (["yosegi"] if own else options.planners.split(","))
    ]
    missing = [task for task in wanted if not task.made(known.get(task.key))]
    print(f"{len(missing)} of {len(wanted)} runs to make", flush=True)
    for done, run in enumerate(_results(missing, options.jobs), start=1):
        record.append(run)
        print(f"{done}/{len(missing)} {run.data} {run.planner} seed {run.seed}: {len(run.order)}", flush=True)
    for study, planner in sorted({(task.study, task.planner) for task in missing}):
        record.compact(study, planner)


def _results(missing: Sequence[Task], jobs: int) -> Iterator[Run]:
    if jobs == 1:
        yield from (task.make() for task in missing)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(task.make) for task in missing]):
            yield future.result()

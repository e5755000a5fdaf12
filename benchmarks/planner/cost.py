"""What a suggestion costs: processor seconds against the length of the history, and a million candidates.

Processor time is taken rather than wall time: with one thread the two agree on an idle core, and only the first can be
trusted on a machine that does other work.
"""

from __future__ import annotations

import json
import os
import resource
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.planner import loop
from benchmarks.planner.datasets import load
from benchmarks.planner.planners import COMPETITORS
from benchmarks.planner.record import RESULTS
from yosegi.planner import Candidates, Objective, Observation, Parameter, Problem

LENGTHS = (20, 50, 100, 200, 500)
_POOL = "crossed-barrel"
SECONDS, MILLION = RESULTS / "seconds.jsonl", RESULTS / "million.jsonl"


def seconds(names: Iterable[str], repeats: int) -> None:
    """Time one suggestion among 600 candidates after n random measurements; the first call is not counted."""
    warnings.simplefilter("ignore")
    pool, problem = load(_POOL), loop.problem_of(_POOL)
    for name in names:
        planner = COMPETITORS[name].load()
        planner.suggest(problem, [loop.observe(pool, r) for r in range(8)], pending=(), count=1, seed=0)
        for n in LENGTHS:
            taken = []
            for seed in range(repeats):
                history = [loop.observe(pool, r) for r in loop.starts_of(pool, 1000 + seed, n)]
                began = time.process_time()
                planner.suggest(problem, history, pending=(), count=1, seed=seed)
                taken.append(round(time.process_time() - began, 5))
            busy = round(os.getloadavg()[0], 1)  # how many processes competed for the machine
            line = {"planner": name, "n": n, "seconds": taken, "version": COMPETITORS[name].version(), "load": busy}
            print(name, n, f"{np.median(taken):.4f} s", flush=True)
            with SECONDS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def million(rows: int, measured: int = 100) -> None:
    """Time and peak memory of one suggestion of Yosegi among `rows` candidates of six numbers."""
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.random(rows) for i in range(6)}
    parameters = tuple(Parameter.continuous(name, 0.0, 1.0) for name in columns)
    problem = Problem(parameters, (Objective("y", "maximise"),), candidates=Candidates.of(columns))
    history = []
    for row in range(measured):
        point = {name: float(column[row]) for name, column in columns.items()}
        history.append(Observation(point, {"y": -sum((v - 0.6) ** 2 for v in point.values())}))
    before = _peak()
    began, began_wall = time.process_time(), time.perf_counter()
    COMPETITORS["yosegi"].load().suggest(problem, history, pending=(), count=1, seed=0)
    line = {
        "rows": rows,
        "measured": measured,
        "seconds": round(time.process_time() - began, 3),
        "wall_seconds": round(time.perf_counter() - began_wall, 3),
        "megabytes_before": before,
        "megabytes_peak": _peak(),
        "version": COMPETITORS["yosegi"].version(),
    }
    print(line)
    with MILLION.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _peak() -> int:
    """Peak resident memory of this process, in megabytes (Linux counts kibibytes)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)


def timed() -> dict[str, dict[int, float]]:
    """Median processor seconds by planner and length of history, of the last timing of each."""
    out: dict[str, dict[int, float]] = {}
    for line in _lines(SECONDS):
        out.setdefault(line["planner"], {})[line["n"]] = float(np.median(line["seconds"]))
    return {name: out[name] for name in COMPETITORS if name in out}


def loads() -> dict[str, str]:
    """Load average of the machine while each planner was timed, as a range."""
    out: dict[str, list[float]] = {}
    for line in _lines(SECONDS):
        out.setdefault(line["planner"], []).append(line["load"])
    return {name: f"{min(found):.0f}–{max(found):.0f}" for name, found in out.items()}


def largest() -> dict[int, dict[str, float]]:
    """The last measurement of each number of candidates."""
    return {line["rows"]: line for line in _lines(MILLION)}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

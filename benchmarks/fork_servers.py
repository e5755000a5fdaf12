"""One step with our fork server and with the standard library's, in one run: rounds of each, one after the other.

    python -m benchmarks.fork_servers                 # a table
    python -m benchmarks.fork_servers --rounds 6 --steps 200 --json

Each round founds two sites as `benchmarks.step` does, and asks for steps one at a time and 64 in flight. The round of
the one follows that of the other, so that whatever else the machine does falls on both; figures are medians of rounds.
CPU time is that of both sites' process trees, children included.

    python -m benchmarks.fork_servers --alone         # the engines by themselves, one task at a time

On a machine that others use, a step waits for a core some forty times. One task of an engine waits a few times, so the
quickest of many were hardly kept waiting: what they take is what an idle machine would.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.noop import noop
from benchmarks.stdlib_engine import StdlibEngine
from benchmarks.step import ROOT, machine, measure_steps
from benchmarks.timings import tree_cpu
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Engine, Work
from yosegi.core.states import Result
from yosegi.core.supervision import Supervisor
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.execution.engines.process.worker_terms import WorkerTerms

KINDS = ("process", "forkserver")


def measure(folder: Path, rounds: int, steps: int) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for number in range(rounds):
        # Which goes first changes from round to round.
        for kind in KINDS if number % 2 == 0 else KINDS[::-1]:
            own = folder / f"{number}-{kind}"
            own.mkdir()
            found[kind].append(asyncio.run(measure_steps(own, steps, timed=False, kind=kind)))
    return {"machine": machine(), "rounds": rounds, "steps": steps} | {k: _summed(found[k]) for k in KINDS}


def _summed(rounds: list[dict[str, Any]]) -> dict[str, float]:
    def middle(values: list[float]) -> float:
        return statistics.median(values)

    return {
        "median_ms": middle([one["median_ms"] for one in rounds]),
        "fastest_ms": min(one["fastest_ms"] for one in rounds),
        "per_second": middle([one["per_second"] for one in rounds]),
        "cpu_ms_alone": middle([sum(one["cpu_ms_alone"].values()) for one in rounds]),
        "cpu_ms": middle([sum(one["cpu_ms"].values()) for one in rounds]),
    }


async def measure_alone(folder: Path, rounds: int, tasks: int) -> dict[str, Any]:
    """One task at a time by each engine, in turns; seconds by quantile."""
    os.environ["PYTHONPATH"] = str(ROOT)
    entries = {noop.contract.name: "benchmarks.noop:noop"}
    engines: dict[str, Engine] = {
        "process": ProcessEngine(
            entries,
            folder / "process",
            WorkerTerms(),
            clock=SystemClock(),
            scope=Supervisor(SystemClock()).scope("engine"),
        ),
        "forkserver": StdlibEngine("forkserver", entries, folder / "forkserver", 2),
    }
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    used = dict.fromkeys(KINDS, 0.0)
    for engine in engines.values():
        await engine.start()
    try:
        for number in range(rounds + 1):
            for kind in KINDS if number % 2 == 0 else KINDS[::-1]:
                before = tree_cpu(os.getpid())
                for one in range(tasks):
                    work = Work(f"{kind}/{number}/{one}", noop.contract.name, {"x": 0.5}, 30.0, noop.contract.effect)
                    start = time.perf_counter()
                    outcome = await engines[kind].run(work, lambda progress: None)
                    if outcome.result is not Result.VALID:
                        raise RuntimeError(f"{kind}: {outcome}")
                    if number:  # the first round only warms up
                        taken[kind].append(time.perf_counter() - start)
                    # As between two steps: there is time to get ready for the next task.
                    await asyncio.sleep(0.01)
                used[kind] += tree_cpu(os.getpid()) - before if number else 0.0
    finally:
        for engine in engines.values():
            await engine.close()
    return {"machine": machine(), "tasks": rounds * tasks} | {
        kind: _quantiles(taken[kind]) | {"CPU each": used[kind] / rounds / tasks * 1e3} for kind in KINDS
    }


def _quantiles(taken: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(taken, n=100)
    return {"fastest": min(taken) * 1e3, "5%": cuts[4] * 1e3, "25%": cuts[24] * 1e3, "median": cuts[49] * 1e3}


def alone_table(result: dict[str, Any]) -> str:
    machine = result["machine"]
    lines = [
        f"One task by the engine alone, ms; {result['tasks']} of each in turns; {machine['cpus']} cores, Python "
        f"{machine['python']}, load average {machine['load_at_the_start']}; {machine['when']}.",
        "",
        f"| | {' | '.join(result[KINDS[0]])} |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for kind, name in zip(KINDS, ("ours", "multiprocessing's"), strict=True):
        lines.append(f"| {name} | {' | '.join(f'{value:.1f}' for value in result[kind].values())} |")
    return "\n".join(lines) + "\n"


def table(result: dict[str, Any]) -> str:
    machine = result["machine"]
    lines = [
        f"{machine['cpus']} cores, {machine['system']}, Python {machine['python']}, load average "
        f"{machine['load_at_the_start']}; {result['rounds']} rounds of {result['steps']} steps; {machine['when']}.",
        "",
        "| | median, one at a time | fastest | CPU, one at a time | a second, 64 in flight | CPU, in flight |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for kind, name in zip(KINDS, ("ours", "multiprocessing's"), strict=True):
        one = result[kind]
        lines.append(
            f"| {name} | {one['median_ms']:.1f} ms | {one['fastest_ms']:.1f} ms | {one['cpu_ms_alone']:.1f} ms | "
            f"{one['per_second']:.0f} | {one['cpu_ms']:.1f} ms |"
        )
    ours, theirs = (result[kind] for kind in KINDS)
    more = {name: theirs[name] / ours[name] for name in ("median_ms", "fastest_ms", "cpu_ms_alone", "cpu_ms")}
    more["per_second"] = ours["per_second"] / theirs["per_second"]
    names = ("median_ms", "fastest_ms", "cpu_ms_alone", "per_second", "cpu_ms")
    lines.append(f"| times slower | {' | '.join(f'{more[name]:.2f}' for name in names)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=150, help="one at a time in each round; twice as many in flight")
    parser.add_argument("--alone", action="store_true", help="the engines by themselves; --steps is tasks in a round")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--save", type=Path, default=None, help="also write JSON there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.alone:
            result = asyncio.run(measure_alone(Path(folder), options.rounds, options.steps))
        else:
            result = measure(Path(folder), options.rounds, options.steps)
    if options.save:
        options.save.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    told = alone_table if options.alone else table
    print(json.dumps(result, indent=2) if options.json else told(result))


if __name__ == "__main__":
    main()

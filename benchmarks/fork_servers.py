"""One step with our fork server and with the standard library's, in one run: rounds of each, one after the other.

    python -m benchmarks.fork_servers                 # a table
    python -m benchmarks.fork_servers --rounds 6 --steps 200 --json

Each round founds two sites as `benchmarks.step` does, and asks for steps one at a time and 64 in flight. The round of
the one follows that of the other, so that whatever else the machine does falls on both; figures are medians of rounds.
CPU time is that of both sites' process trees, children included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.step import machine, measure_steps

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
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--save", type=Path, default=None, help="also write JSON there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), options.rounds, options.steps)
    if options.save:
        options.save.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()

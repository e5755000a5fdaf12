"""Run it: `python -m assure` with `tests` on the path, which is what `make assure` does."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from assure import fuzz, mutants, report
from assure.refusals import Trial, rows
from assure.workplace import KEPT, ROOT, Found
from yosegi.core.clock import SystemClock

WHOLE = 24 * 60.0


def api(seconds: float) -> str:
    """Run schemathesis for longer than the ordinary tests do; what came of it, in a sentence."""
    examples = max(6, int(seconds / 8))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "timeout=0",
        "tests/web/test_api_fuzz.py",
    ]
    environment = os.environ | {"YOSEGI_API_EXAMPLES": str(examples)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-300:]
    return f"{examples} examples a call and kind, by a stranger and by an operator (schemathesis): {last}."


def main() -> int:
    """Everything within the time; how many guards nothing watches, and findings of fuzzers."""
    parser = argparse.ArgumentParser(prog="make assure", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all of it, however long it takes (hours)")
    parser.add_argument("--minutes", type=float, default=20.0, help="how long, without --full")
    parser.add_argument("--only", choices=["refusals", "mutants", "fuzz", "api"], help="one part alone")
    parser.add_argument("--at-once", type=int, default=os.cpu_count() or 1, help="guards taken away at once")
    parser.add_argument("words", nargs="*", help="mutants in files, or refusals by number or test, with one of these")
    chosen = parser.parse_args()
    seconds = 60 * (WHOLE if chosen.full else chosen.minutes)
    end = time.monotonic() + seconds

    def wanted(part: str) -> bool:
        return chosen.only in (None, part)

    trial, study, kept = Trial(), mutants.Study(), Found(KEPT / "others.jsonl")
    every = mutants.in_turn(chosen.words)
    if wanted("refusals"):
        trial.run(end, chosen.words if chosen.only == "refusals" else (), chosen.at_once)
    if wanted("fuzz"):
        share = seconds * (0.3 if chosen.only is None else 1.0) / len(fuzz.PARSERS)
        each = 600 if chosen.full else max(2, int(share))
        for target in fuzz.PARSERS:
            if chosen.full or time.monotonic() < end:
                kept.add(f"fuzz {target}", **fuzz.run(target, each))
    if wanted("api"):
        kept.add("api", told=api(2000 if chosen.full else seconds * 0.1))
    if wanted("mutants"):
        study.run(every, end)
    day = SystemClock().now().strftime("%Y-%m-%d")
    fuzzed = [row for target in fuzz.PARSERS if (row := kept.known.get(f"fuzz {target}"))]
    told = kept.known.get("api", {"told": ""})["told"]
    print(report.write(day, study, mutants.in_turn([]), trial, fuzzed, told))
    bad = ("nothing notices", "fails with its guard", "cannot be tried")
    missed = sum(trial.outcome(row) in bad for row in rows())
    return min(100, missed + sum(len(one["found"]) for one in fuzzed))


if __name__ == "__main__":
    sys.exit(main())

"""What `make assure` found, as `docs/assurance.md`."""

from __future__ import annotations

import os
import platform
from collections import Counter, defaultdict
from typing import Any

from assure.fuzz import PARSERS
from assure.mutants import ROOMS, Mutant, Study
from assure.refusals import Trial, rows
from assure.workplace import ROOT

PAGE = ROOT / "docs/assurance.md"
HEAD = """# Assurance

What `make assure` found. It is too long for the ordinary tests; it works in a copy, remembers what it found and goes
on where it was. `make assure` takes some twenty minutes, `make assure ARGS=--full` as long as all of it needs. This
page is written by it.

"""


def write(day: str, study: Study, mutants: list[Mutant], trial: Trial, fuzzed: list[dict[str, Any]], api: str) -> str:
    """Write the page; its first lines, to be shown."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    parts = [f"{day}, {machine}, load averages {load}.\n\n", _refusals(trial), _mutants(study, mutants)]
    parts += [_fuzzed(fuzzed), _api(api)]
    PAGE.write_text(HEAD + "\n".join(parts), "utf-8")
    return "".join(parts[:2]) + parts[2]


def _refusals(trial: Trial) -> str:
    outcomes = Counter(trial.outcome(row) for row in rows())
    by_number: dict[int, list[str]] = defaultdict(list)
    words = {}
    for row in rows():
        words[row.number] = row.refused
        name = row.test.partition("::")[2]
        by_number[row.number].append(f"{row.level}: `{name}` {trial.outcome(row)}")
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    lines = [
        "## What must be refused",
        "",
        "Each guard is taken away (with those behind it, where there are several) and its test must fail (*watched*).",
        "A test without a guard of its own must pass: its guard is another row's. The table is",
        "`tests/assure/refusals.toml`.",
        "",
        f"{counted}.",
        "",
        "| | refused | shown by |",
        "|--:|---|---|",
    ]
    lines += [f"| {number} | {words[number]} | {'<br>'.join(by_number[number])} |" for number in sorted(by_number)]
    return "\n".join(lines) + "\n"


def _mutants(study: Study, mutants: list[Mutant]) -> str:
    lines = [
        "## Mutants",
        "",
        "Small faults, one at a time (cosmic-ray's operators of the kinds that are sufficient after Offutt and others,",
        "1996; and dropped guards). Mutants are tried in an order that looks random and is always the same, so what",
        "was tried is a fair sample. Only the room's own quick tests are asked; tests of whole federations are not.",
        "`postgres.py` is left out: its tests need a server. A mutant whose tests never end counts as killed.",
        "",
        "| room | mutants | tried | killed | survived | share killed |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    survivors: list[Mutant] = []
    for room in ROOMS:
        mine = [(mutant, study.known(mutant)) for mutant in mutants if mutant.room == room]
        counts = Counter(outcome for _, outcome in mine)
        killed = counts["killed"] + counts["endless"]
        survived = counts["survived"]
        share = f"{killed / (killed + survived):.0%}" if killed + survived else "not tried"
        lines.append(f"| {room} | {len(mine)} | {killed + survived} | {killed} | {survived} | {share} |")
        survivors += [mutant for mutant, outcome in mine if outcome == "survived"]
    if survivors:
        lines += ["", "Those that survived:", "", "| where | fault | line |", "|---|---|---|"]
        lines += [_survivor(mutant) for mutant in sorted(survivors, key=lambda m: (m.path, m.line, m.kind))]
    return "\n".join(lines) + "\n"


def _survivor(mutant: Mutant) -> str:
    text = (ROOT / mutant.path).read_text("utf-8").splitlines()[mutant.line - 1].strip().replace("|", "\\|")
    place = f"{mutant.path.removeprefix('src/yosegi/')}:{mutant.line}"
    return f"| {place} | {mutant.kind.partition('/')[2]} | `{text[:90]}` |"


def _fuzzed(fuzzed: list[dict[str, Any]]) -> str:
    found = sum(len(one["found"]) for one in fuzzed)
    lines = [
        "## Parsers under fuzz",
        "",
        f"{len(fuzzed)} of {len(PARSERS)} parsers that take bytes from outside, each fed by a coverage-guided fuzzer",
        f"(atheris); {found} findings. What was interesting is kept, and the next run goes on from it.",
        "",
        "| parser | calls | branches covered | findings |",
        "|---|--:|--:|---|",
    ]
    for one in fuzzed:
        told = ", ".join(one["found"]) or ("did not run" if one["trouble"] else "none")
        lines.append(f"| {one['target']} | {one['calls']:,} | {one['covered']:,} | {told} |")
    return "\n".join(lines) + "\n"


def _api(api: str) -> str:
    return f"## The API under what its description suggests\n\n{api}\n"

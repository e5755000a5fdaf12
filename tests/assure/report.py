"""What `make assure` found, as `docs/assurance.md`: what was not tried anew stays as the page has it, and says so."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from assure import equivalent
from assure.fuzz import PARSERS
from assure.mutants import ROOMS, Mutant, Study, is_fresh
from assure.refusals import Row, Trial, rows
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
    before = PAGE.read_text("utf-8") if PAGE.exists() else ""
    tried = any(study.known(mutant) for mutant in mutants)
    parts = [
        f"{day}, {machine}, load averages {load}.\n\n",
        _refusals(trial, before),
        _mutants(study, mutants) if tried else _as_it_was("Mutants", before) or _mutants(study, mutants),
        _fuzzed(fuzzed) if fuzzed else _as_it_was("Parsers under fuzz", before) or _fuzzed(fuzzed),
        _api(api) if api else _as_it_was(_API, before) or _api("Not run yet."),
    ]
    PAGE.write_text(HEAD + "\n".join(parts), "utf-8")
    return "".join(parts[:2]) + parts[2]


def _as_it_was(title: str, page: str) -> str:
    """A part of the page of before, with the day on which it was found; empty where the page has none."""
    found = re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", page, re.S | re.M)
    day = re.search(r"^(\d{4}-\d\d-\d\d), ", page, re.M)
    if found is None or day is None:
        return ""
    said = found[0].rstrip() + "\n"
    return said if _OF in said else said.replace("\n\n", f"\n\n{_OF}{day[1]}.\n\n", 1)


_OF = "Found on "


def _refusals(trial: Trial, before: str) -> str:
    earlier = set(re.findall(r"`(test_[^`]+)` watched", before))

    def outcome(row: Row) -> str:
        known, name = trial.outcome(row), row.test.partition("::")[2]
        return "watched when last tried" if known == "not tried" and name in earlier else known

    outcomes = Counter(map(outcome, rows()))
    by_number: dict[int, list[str]] = defaultdict(list)
    words = {}
    for row in rows():
        words[row.number] = row.refused
        name = row.test.partition("::")[2]
        by_number[row.number].append(f"{row.level}: `{name}` {outcome(row)}")
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    lines = [
        "## What must be refused",
        "",
        "Each guard is taken away (with those behind it, where there are several) and its test must fail (*watched*).",
        "A test without a guard of its own must pass: its guard is another row's. The table is",
        "`tests/assure/refusals.toml`. *Watched when last tried*: by an earlier run; it may rest on other code.",
        "",
        f"{counted}.",
        "",
        "| | refused | shown by |",
        "|--:|---|---|",
    ]
    lines += [f"| {number} | {words[number]} | {'<br>'.join(by_number[number])} |" for number in sorted(by_number)]
    return "\n".join(lines) + "\n"


KILLED, SURVIVED = ("killed", "endless"), ("survived", "unreached")


def _mutants(study: Study, mutants: list[Mutant]) -> str:
    tried = [(mutant, outcome) for mutant in mutants if (outcome := study.known(mutant)) in (*KILLED, *SURVIVED)]
    survived = [mutant for mutant, outcome in tried if outcome in SURVIVED]
    unnoticed = {one: why for one in survived if (why := equivalent.why(one.path, *one.change()))}
    lines = [
        "## Mutants",
        "",
        "Small faults, one at a time (cosmic-ray's operators of the kinds that are sufficient after Offutt and others,",
        "1996; and dropped guards). Mutants are tried in an order that looks random and is always the same, so what",
        "was tried is a fair sample. Of the quick tests of these three rooms those are asked that reach the line, the",
        "nearest first, for two seconds of processor time; tests of whole federations are not asked.",
        "`postgres.py` is left out: its tests need a server. A mutant whose tests never end counts as killed. Tests",
        "were written with an eye on survivors of one half of all mutants, chosen by chance: the *fresh* share is that",
        "of the other half. *Without* leaves out those that nobody can tell from the original, listed below; they are",
        "not tried, and count as survived in the other columns.",
        "",
        "| room | mutants | tried | killed | survived | share killed | without equivalents | fresh | share | without |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name in (*ROOMS, "all"):
        all_ = [mutant for mutant in mutants if name in ("all", mutant.room)]
        mine = [(mutant, outcome) for mutant, outcome in tried if name in ("all", mutant.room)]
        fresh = [one for one in mine if is_fresh(one[0])]
        killed = sum(outcome in KILLED for _, outcome in mine)
        rest, fresh_rest = ([one for one in some if one[0] not in unnoticed] for some in (mine, fresh))
        counts = f"{len(all_)} | {len(mine)} | {killed} | {len(mine) - killed}"
        shares = f"{_share(mine)} | {_share(rest)} | {len(fresh)} | {_share(fresh)} | {_share(fresh_rest)}"
        lines.append(f"| {name} | {counts} | {shares} |")
    left = [mutant for mutant in survived if mutant not in unnoticed]
    unreached = {mutant for mutant, outcome in tried if outcome == "unreached"}
    if left:
        lines += ["", "Those that survived:", "", "| where | line | with the fault | |", "|---|---|---|---|"]
        lines += [_survivor(mutant, "no test reaches it" if mutant in unreached else "") for mutant in _sorted(left)]
    if unnoticed:
        lines += ["", "Those that nobody can tell from the original (`tests/assure/equivalent.toml`):", ""]
        lines += ["| where | line | with the fault | why |", "|---|---|---|---|"]
        lines += [_survivor(mutant, unnoticed[mutant]) for mutant in _sorted(unnoticed)]
    return "\n".join(lines) + "\n"


def _share(tried: list[tuple[Mutant, str]]) -> str:
    return f"{sum(outcome in KILLED for _, outcome in tried) / len(tried):.1%}" if tried else "not tried"


def _sorted(mutants: Iterable[Mutant]) -> list[Mutant]:
    return sorted(mutants, key=lambda mutant: (mutant.path, mutant.line, mutant.kind, mutant.number))


def _survivor(mutant: Mutant, note: str) -> str:
    was, made = (f"`{text[:90]}`".replace("|", "\\|") for text in mutant.change())
    return f"| {mutant.path.removeprefix('src/yosegi/')}:{mutant.line} | {was} | {made} | {note} |"


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


_API = "The API under what its description suggests"


def _api(api: str) -> str:
    return f"## {_API}\n\n{api}\n"

"""Asks the command line, in this process, and looks at how it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from processes.sites import PURE_SOURCE, Town
from yosegi.cli import main
from yosegi.cli.output import STATUS


@contextmanager
def served(folder: Path) -> Iterator[Town]:
    """A running home site and a running owner, with one campaign that has ended."""
    town = Town(folder / "town")
    with (town.folder / "riken" / "site.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[instrument.bench]\ncapabilities = ["toy.shoot@1"]\n')
    try:
        town.start("argonne", "riken")
        town.campaign("toy", PURE_SOURCE, offers=3)
        town.ended("toy")
        yield town
    finally:
        town.end()


def yosegi(*arguments: object, given: str | None = None) -> Result:
    """One call; `given` is what is typed."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)


def told(*arguments: object) -> str:
    """What a call that succeeds says to people."""
    result = yosegi(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def document(*arguments: object) -> Any:
    """What a call says to programs: one JSON document, in one line."""
    text = told(*arguments, "--json")
    assert text.count("\n") == 1
    return json.loads(text)


def answered(*arguments: object) -> Any:
    """What a call says to programs, of something that may be refused: then its status says so too."""
    result = yosegi(*arguments, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == (STATUS["refused"] if found["state"] == "refused" else 0), result.output
    return found


def refused(*arguments: object) -> str:
    """The one error on standard error, but for who asks, of a call that changes nothing and ends as an error does.

    One line; of a file with several faults, a line for each below it.
    """
    result = yosegi(*arguments)
    assert result.exit_code in {1, *STATUS.values()} - {STATUS["usage"]}, result.output
    assert result.stdout == ""
    line, *below = [line for line in result.stderr.splitlines() if not line.startswith("acting as ")]
    assert line.startswith("Error: ")
    assert all(one.startswith("  ") for one in below)
    assert not below or line.endswith(f"{len(below)} findings")
    return "\n".join([line, *below])


def entries(town: Town, site: str) -> int:
    """How many entries a site's ledger holds, but for what sites tell each other by themselves, and signing in."""
    own = "stream NOT LIKE 'exchange/%' AND stream NOT LIKE 'witness%' AND stream NOT LIKE 'session/%'"
    own += " AND stream NOT LIKE 'access/%'"
    return int(town.ask(site, f"SELECT COUNT(*) FROM ledger_entries WHERE {own}")[0][0])


def pi(town: Town) -> tuple[object, ...]:
    """The options by which pi@argonne asks argonne."""
    return "--home", town.folder / "argonne", "--as", "pi@argonne"


def operator(town: Town) -> tuple[object, ...]:
    """The options by which operator@riken asks riken."""
    return "--home", town.folder / "riken", "--as", "operator@riken"

"""The stated budget of a peer is the one that the program keeps."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from federation import peer_budget
from yosegi.app.settings import Settings
from yosegi.exchange.budget import AHEAD, OVERHEAD, RECORDED, REFUSALS, Rate
from yosegi.exchange.mailbox import MOST_LETTERS_OF_A_SENDER
from yosegi.exchange.parcel_codec import MOST_REMEMBERED
from yosegi.exchange.received import MOST_PARTS
from yosegi.execution.admission import BYTES_OF_A_TASK, REFUSED_BYTES, REFUSED_ON_RECORD
from yosegi.services.document_kinds import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "security" / "threat-model.md"
_ROW = re.compile(r"^\| (?P<what>[^|]+) \| (?P<burst>\d+) \| *(?P<hourly>\d*) *\| [^|]+ \|$", re.MULTILINE)


def stated() -> dict[str, tuple[int, int]]:
    """At once and an hour, by kind of document or by the words of the row."""
    found: dict[str, tuple[int, int]] = {}
    for row in _ROW.finditer(PAGE.read_text(encoding="utf-8")):
        kinds = re.findall(r"`(\w+)`", row["what"]) if "`" in row["what"] and "refused" not in row["what"] else []
        for name in kinds or [row["what"]]:
            found[name] = int(row["burst"]), int(row["hourly"] or 0)
    return found


def test_every_kind_of_document_with_a_rate_is_stated_with_it() -> None:
    kept = {row.document.__name__: (row.rate.burst, row.rate.hourly) for row in TABLE if row.rate is not None}
    said = {name: numbers for name, numbers in stated().items() if name.isidentifier()}
    assert said == kept


def test_every_kind_of_document_is_bounded_by_a_rate_or_by_what_this_site_asked() -> None:
    """Those without a rate, as the page names them; another kind needs a rate, or a word on that page."""
    text = PAGE.read_text(encoding="utf-8")
    for row in TABLE:
        if row.rate is None:
            assert f"`{row.document.__name__}`" in text, row.document.__name__


def test_the_rates_of_refusals_and_what_is_remembered_are_stated() -> None:
    said = stated()

    def numbers(rate: Rate) -> tuple[int, int]:
        return rate.burst, rate.hourly

    assert said["`Request`, refused on record"] == numbers(REFUSED_ON_RECORD)
    assert said["bytes recorded, of all kinds with a rate together"] == numbers(RECORDED)
    assert said["bytes of requests refused on record"] == numbers(REFUSED_BYTES)
    assert said["documents signed ahead, noted"] == numbers(AHEAD)
    assert said["bytes of one parcel, and values in it or in a document"][0] == MOST_PARTS
    assert f"{OVERHEAD:,} more of each" in PAGE.read_text(encoding="utf-8")
    assert said["any kind, examined and refused"] == numbers(REFUSALS)
    assert said["mail for one receiver, kept here"][0] == MOST_LETTERS_OF_A_SENDER
    assert said["parcels, remembered so that none counts twice"][0] == MOST_REMEMBERED


def test_how_many_tasks_of_a_peer_are_admitted_is_stated() -> None:
    most = Settings.model_fields["most_tasks_an_hour"].default
    said = stated()
    assert said["tasks admitted"] == (most, most)
    assert said["bytes of tasks admitted"] == (most * BYTES_OF_A_TASK, most * BYTES_OF_A_TASK)


def test_the_sums_of_a_peers_budget_are_stated_as_the_settings_make_them() -> None:
    row = re.compile(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
    said = {what: tuple(map(int, numbers)) for what, *numbers in row.findall(PAGE.read_text(encoding="utf-8"))}

    def most(within: Callable[..., int], tasks: bool) -> tuple[int, int, int]:
        at_once, first, both = (within(hours, tasks=tasks) for hours in (0, 1, 2))
        return at_once, first, both - first

    assert said == {
        "entries, of all that it may send unasked": most(peer_budget.entries_within, False),
        "bytes of entries, of all that it may send unasked": most(peer_budget.recorded_within, False),
        "entries, with those of the tasks that policy lets it ask for": most(peer_budget.entries_within, True),
        "bytes of entries, with those of tasks": most(peer_budget.recorded_within, True),
        "bytes of memory that the site holds more than before": (peer_budget.MEMORY, peer_budget.MEMORY, 0),
    }

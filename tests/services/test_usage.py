"""Usage for the programme office: exact sums that never mix units, and tables that are safe in a spreadsheet."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from governance.ledgers import StillClock
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid
from yosegi.core.period import begins_at, ends_at
from yosegi.execution.tasks import ACCEPTED
from yosegi.governance.grants import grant as grants
from yosegi.governance.grants.balances import GrantsView
from yosegi.governance.grants.grant import Grant, Tranche
from yosegi.ledger import Draft, Ledger, SqliteStore, Write
from yosegi.services.grants.usage_table import to_csv
from yosegi.services.grants.view import SpendingView, usage
from yosegi.trust.signer import Ed25519Signer


def award(name: str, funder: str, **milli: int) -> Draft:
    tranche = Tranche(id="fy26", amounts=Amounts(milli))
    return grants.awarded(Grant(id=name, charter="demo", team="colour", funder=funder, title="T", tranches=(tranche,)))


def drawn(grant: str, key: str, held: dict[str, int], spent: dict[str, int] | None = None) -> list[tuple[str, Draft]]:
    """A task of riken's that draws on a grant, and what became of it."""
    stream = f"task/riken/{key}"
    facts = {"grant": grant, "team": "colour", "capability": "nims/toy.make@1", "by": "sato@riken"}
    entries = [
        (stream, Draft(ACCEPTED, facts, {"decision": {"reasons": ["colour-2026"]}})),
        (f"grant/{grant}", grants.held(grant, "colour", stream, Amounts(held))),
    ]
    if spent is not None:
        entries.append((f"grant/{grant}", grants.settled(grant, stream, "done", Amounts(spent))))
    return entries


def rows(folder: Path, *groups: str) -> list[dict[str, Any]]:
    """The usage at nims, where two grants of two funders were drawn on by three tasks."""
    entries = [
        ("grant/g1", award("g1", "nims", samples=10_000, jpy=500_000)),
        ("grant/g2", award("g2", "riken", samples=5_000)),
        *drawn("g1", "t1", {"samples": 3_000}, {"samples": 2_500}),
        *drawn("g1", "t2", {"jpy": 7}),
        *drawn("g2", "t3", {"samples": 1_000}),
    ]

    async def story() -> list[dict[str, Any]]:
        store, signer = SqliteStore(folder / "ledger.db", durable=False), Ed25519Signer.from_seed(bytes(32))
        views = [GrantsView(), SpendingView()]
        ledger = await Ledger.open(store, site="nims", signer=signer, clock=StillClock(), views=views, inline=True)
        for stream, draft in entries:
            await ledger.append(Write(stream, None, (draft,), "demo", "operator@nims"))
        found = usage(ledger.query, groups)
        ledger.close()
        return found

    return asyncio.run(story())


def test_sums_are_exact_and_units_stay_apart(tmp_path: Path) -> None:
    assert rows(tmp_path, "team") == [
        {"team": "colour", "unit": "jpy", "tasks": 1, "held": "0.007", "spent": "0"},
        {"team": "colour", "unit": "samples", "tasks": 2, "held": "1", "spent": "2.5"},
    ]


def test_sums_are_made_by_the_columns_that_are_named(tmp_path: Path) -> None:
    found = rows(tmp_path, "funder", "grant")
    assert [(one["funder"], one["grant"], one["unit"], one["spent"]) for one in found] == [
        ("nims", "g1", "jpy", "0"),
        ("nims", "g1", "samples", "2.5"),
        ("riken", "g2", "samples", "0"),
    ]


def test_the_table_reads_back_as_it_was_written(tmp_path: Path) -> None:
    found = rows(tmp_path, "funder", "agreement")
    read = list(csv.DictReader(io.StringIO(to_csv(found))))
    assert read == [{key: str(value) for key, value in row.items()} for row in found]
    assert {row["agreement"] for row in read} == {"colour-2026"}


def test_every_cell_of_a_table_stays_in_its_column() -> None:
    (read,) = csv.DictReader(io.StringIO(to_csv([{"grant": 'g"2', "funder": "a,b"}])))
    assert read == {"grant": 'g"2', "funder": "a,b"}


# CWE-1236 names these: https://cwe.mitre.org/data/definitions/1236.html and OWASP's page on CSV injection.
@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(first: str) -> None:
    (_, line) = csv.reader(io.StringIO(to_csv([{"grant": f"{first}x", "unit": "usd"}])))
    assert line == [f"'{first}x", "usd"]


ACCEPTED_AT = (
    "2026-03-31T14:00",
    "2026-03-31T15:00",
    "2026-03-31T23:59:59.999999",
    "2026-04-01T00:00",
    "2026-04-01T12:30",
)
"""In UTC; 15:00 is midnight in Japan."""


def accepted(folder: Path, since: str = "", until: str = "") -> int:
    """Tasks of a time, of the five that were accepted at these moments."""

    async def story() -> int:
        store, signer = SqliteStore(folder / "ledger.db", durable=False), Ed25519Signer.from_seed(bytes(32))
        views, clock = [GrantsView(), SpendingView()], StillClock()
        ledger = await Ledger.open(store, site="nims", signer=signer, clock=clock, views=views, inline=True)
        await ledger.append(Write("grant/g1", None, (award("g1", "nims", samples=10_000),), "demo", "operator@nims"))
        for number, moment in enumerate(ACCEPTED_AT):
            clock.time = datetime.fromisoformat(moment).replace(tzinfo=UTC)
            for stream, draft in drawn("g1", f"t{number}", {"samples": 1}):
                await ledger.append(Write(stream, None, (draft,), "demo", "operator@nims"))
        found = usage(ledger.query, ["team"], begins_at(since, "since"), ends_at(until, "until"))
        ledger.close()
        return sum(int(row["tasks"]) for row in found)

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("since", "until", "tasks"),
    [
        ("", "", 5),
        ("2026-04-01", "", 2),
        ("", "2026-03-31", 3),
        ("2026-04-01", "2026-04-01", 2),
        ("2026-04-01T12:00:00Z", "", 1),
        ("", "2026-04-01T12:30:00Z", 4),
        ("2026-04-01T00:00:00+09:00", "2026-04-02T00:00:00+09:00", 4),
        ("2026-03-31T15:00Z", "2026-03-31T15:00Z", 0),
        ("2026-04-02", "", 0),
    ],
)
def test_a_time_holds_whole_days_of_utc_or_what_lies_between_two_moments(
    tmp_path: Path, since: str, until: str, tasks: int
) -> None:
    assert accepted(tmp_path, since, until) == tasks


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-04-01T12:00:00", "has no offset from UTC"),
        ("2026-04-01 12:00Z", "is no moment"),
        ("01/04/2026", "is no moment"),
        ("20260401", "is no moment"),
        ("2026-W14-1", "is no moment"),
        ("2026-02-30", "of any calendar"),
        ("yesterday", "is no moment"),
    ],
)
def test_what_would_mean_another_time_to_each_reader_is_refused(text: str, why: str) -> None:
    for read in (begins_at, ends_at):
        with pytest.raises(Invalid, match=why):
            read(text, "--since")


def test_a_table_without_rows_has_its_heading_where_its_columns_are_named() -> None:
    assert to_csv([], ("team", "unit", "spent")) == "team,unit,spent\r\n"
    assert to_csv([]) == ""

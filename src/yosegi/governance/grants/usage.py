"""What was given, held and spent, as tables for the programme office. Amounts are exact decimals of whole units."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Literal

from yosegi.core.amounts import Amounts
from yosegi.governance.grants.balances import Query


@dataclass(frozen=True, slots=True)
class Usage:
    """One row. Amounts in milli-units of `unit`.

    Args:
        charter: under which charter.
        funder: whose money.
        team: whose grant.
        grant: which grant.
        tranche: which part.
        unit: of what.
        awarded: given, claw-backs deducted.
        held: set aside for tasks that have not ended.
        spent: settled.
        locked: whether it waits for a release.
    """

    charter: str
    funder: str
    team: str
    grant: str
    tranche: str
    unit: str
    awarded: int
    held: int
    spent: int
    locked: bool


Group = Literal["charter", "funder", "team", "grant", "tranche"]


def usage(query: Query) -> list[Usage]:
    """Every tranche and unit at this site."""
    rows = query(
        'SELECT g.charter, g.funder, g.team, g.id AS "grant", t.tranche, t.unit, t.amount AS awarded, t.held, t.spent,'
        " t.locked"
        " FROM grants g JOIN grant_tranches t ON t.grant_id = g.id"
        " ORDER BY g.charter, g.funder, g.team, g.id, t.tranche, t.unit",
        (),
    )
    return [Usage(**row | {"locked": bool(row["locked"])}) for row in rows]


def by(rows: Iterable[Usage], *groups: Group) -> list[dict[str, str]]:
    """Sums by some of the columns and unit, as exact decimals; units are never added to one another."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        key = (*(str(getattr(row, group)) for group in groups), row.unit)
        total = sums.setdefault(key, [0, 0, 0])
        for place, milli in enumerate((row.awarded, row.held, row.spent)):
            total[place] += milli
    names = (*groups, "unit")
    return [
        dict(zip(names, key, strict=True))
        | {"awarded": _whole(key[-1], given), "held": _whole(key[-1], held), "spent": _whole(key[-1], spent)}
        for key, (given, held, spent) in sorted(sums.items())
    ]


def to_csv(rows: Sequence[Usage]) -> str:
    """All rows as CSV (RFC 4180), safe to open in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([field.name for field in fields(Usage)])
    for row in rows:
        amounts = (_whole(row.unit, milli) for milli in (row.awarded, row.held, row.spent))
        writer.writerow([*(_cell(value) for value in astuple(row)[:6]), *amounts, "yes" if row.locked else "no"])
    return text.getvalue()


def _whole(unit: str, milli: int) -> str:
    return Amounts({unit: milli}).decimals().get(unit, "0")


def _cell(text: str) -> str:
    # A spreadsheet would run what begins like a formula (CWE-1236).
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

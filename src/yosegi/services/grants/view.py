"""What tasks held and spent, for the programme office: by funder, team, home site, agreement, campaign, capability."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from yosegi.core.amounts import Amounts
from yosegi.core.errors import NotFound
from yosegi.core.identifiers import home_of
from yosegi.execution.instruments.reservation import BOOKED
from yosegi.execution.tasks import ACCEPTED
from yosegi.governance.grants.balances import Query
from yosegi.ledger import ERASED, Db, Entry

GROUPS = (
    "charter",
    "funder",
    "team",
    "home",
    "institution",
    "agreement",
    "challenge",
    "campaign",
    "capability",
    "person",
    "grant",
    "month",
)
"""What usage may be summed by; `home` is the site that asked, `institution` the person's own (not the same where
the site hosts them), `month` when it was accepted, `challenge` what the campaign named of those its team works on."""


USUAL = ("funder", "team", "agreement", "campaign")
"""What usage is summed by if nothing is said."""
_LAST_DAY = "9999-12-31"


class SpendingView:
    """Table `spending`: one row a task, or a reservation, that drew on a grant: who asked, and by which agreement.

    The capability of a reservation is the instrument's name.
    """

    name = "spending"
    version = 5
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE spending (task TEXT PRIMARY KEY, sequence INTEGER NOT NULL, charter TEXT NOT NULL,"
        " grant_id TEXT NOT NULL, team TEXT NOT NULL, home TEXT NOT NULL, institution TEXT NOT NULL,"
        " agreement TEXT NOT NULL, challenge TEXT NOT NULL, campaign TEXT NOT NULL, capability TEXT NOT NULL,"
        " person TEXT NOT NULL, month TEXT NOT NULL, day TEXT NOT NULL)",
        "CREATE INDEX spending_grant ON spending (grant_id, task)",
        "CREATE INDEX spending_sequence ON spending (sequence)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Note who asked; the agreement stands in the body, and is given up with it."""
        if entry.type == ERASED:
            db.execute("UPDATE spending SET agreement = '' WHERE sequence = ?", (int(entry.facts["sequence"]),))
        if entry.type not in (ACCEPTED, BOOKED) or not entry.facts.get("grant"):
            return
        facts, body = entry.facts, entry.body or {}
        home = home_of(str(facts["by"])) if entry.type == BOOKED else entry.stream.split("/")[1]
        used = entry.stream.split("/")[1] if entry.type == BOOKED else str(facts["capability"])
        row = (
            entry.stream,
            entry.sequence,
            entry.header.charter,
            str(facts["grant"]),
            str(facts["team"]),
            home,
            home_of(str(facts.get("by", ""))),
            " ".join(body.get("decision", {}).get("reasons", ())),
            str(facts.get("challenge") or ""),
            str(facts.get("campaign") or ""),
            used,
            str(facts.get("by", "")),
            entry.time[:7],
            entry.time[:10],
        )
        db.execute(f"INSERT INTO spending VALUES ({', '.join('?' * len(row))})", row)


def usage(query: Query, groups: Sequence[str] = USUAL, since: str = "", until: str = "") -> list[dict[str, Any]]:
    """Held and spent, summed by some of `GROUPS` and by unit, as exact decimals; units are never added to one another.

    Args:
        query: asks the ledger's views.
        groups: by which columns.
        since: of tasks accepted on this day (YYYY-MM-DD, UTC) or later; all if empty.
        until: of tasks accepted on this day or earlier.

    Raises:
        NotFound: no such group.
    """
    for group in groups:
        if group not in GROUPS:
            raise NotFound("group", group, GROUPS)
    names = {"funder": "g.funder", "grant": "s.grant_id"}
    columns = [f'{names.get(group, f"s.{group}")} AS "{group}"' for group in groups]
    keys = [names.get(group, f"s.{group}") for group in groups]
    rows = query(
        f"SELECT {', '.join([*columns, 'd.unit AS unit'])},"
        " COUNT(*) AS tasks, SUM(CASE WHEN h.state = 'held' THEN d.held ELSE 0 END) AS held, SUM(d.spent) AS spent"
        " FROM spending s JOIN grants g ON g.id = s.grant_id"
        " JOIN grant_draws d ON d.grant_id = s.grant_id AND d.task = s.task"
        " JOIN grant_holds h ON h.grant_id = s.grant_id AND h.task = s.task"
        " WHERE s.day >= ? AND s.day <= ?"
        f" GROUP BY {', '.join([*keys, 'd.unit'])} ORDER BY {', '.join([*keys, 'd.unit'])}",
        (since, until or _LAST_DAY),
    )
    return [_decimal(row) for row in rows]


def _decimal(row: Mapping[str, Any]) -> dict[str, Any]:
    unit = str(row["unit"])
    amounts = {kind: Amounts({unit: int(row[kind])}).decimals().get(unit, "0") for kind in ("held", "spent")}
    return dict(row) | amounts


def to_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """A table as CSV (RFC 4180), safe to open in a spreadsheet; empty where there are no rows."""
    kept = list(rows)
    text = io.StringIO()
    if kept:
        writer = csv.DictWriter(text, list(kept[0]))
        writer.writeheader()
        writer.writerows({key: cell(value) for key, value in row.items()} for row in kept)
    return text.getvalue()


def cell(value: Any) -> str:
    """A value as a spreadsheet may hold it: what begins like a formula is text there (CWE-1236)."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

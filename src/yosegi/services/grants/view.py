"""What tasks held and spent, for the programme office: by funder, team, home site, agreement, campaign, capability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from yosegi.core.amounts import Amounts
from yosegi.core.clock import timestamp
from yosegi.core.errors import NotFound
from yosegi.core.identifiers import home_of
from yosegi.execution.tasks import ACCEPTED
from yosegi.governance.grants.balances import Query
from yosegi.ledger import ERASED, Db, Entry
from yosegi.services.grants.usage_table import GROUPS, USUAL

_AFTER_ALL = "a"
"""Follows every time, as text."""


class SpendingView:
    """Table `spending`: one row a task that drew on a grant, with who asked and by which agreement."""

    name = "spending"
    version = 5
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE spending (task TEXT PRIMARY KEY, sequence INTEGER NOT NULL, charter TEXT NOT NULL,"
        " grant_id TEXT NOT NULL, team TEXT NOT NULL, home TEXT NOT NULL, institution TEXT NOT NULL,"
        " agreement TEXT NOT NULL, challenge TEXT NOT NULL, campaign TEXT NOT NULL, capability TEXT NOT NULL,"
        " person TEXT NOT NULL, month TEXT NOT NULL, accepted TEXT NOT NULL)",
        "CREATE INDEX spending_grant ON spending (grant_id, task)",
        "CREATE INDEX spending_sequence ON spending (sequence)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Note who asked; the agreement stands in the body, and is given up with it."""
        if entry.type == ERASED:
            db.execute("UPDATE spending SET agreement = '' WHERE sequence = ?", (int(entry.facts["sequence"]),))
        if entry.type != ACCEPTED or not entry.facts.get("grant"):
            return
        facts, body = entry.facts, entry.body or {}
        row = (
            entry.stream,
            entry.sequence,
            entry.header.charter,
            str(facts["grant"]),
            str(facts["team"]),
            entry.stream.split("/")[1],
            home_of(str(facts.get("by", ""))),
            " ".join(body.get("decision", {}).get("reasons", ())),
            str(facts.get("challenge") or ""),
            str(facts.get("campaign") or ""),
            str(facts["capability"]),
            str(facts.get("by", "")),
            entry.time[:7],
            entry.time,
        )
        db.execute(f"INSERT INTO spending VALUES ({', '.join('?' * len(row))})", row)


def usage(
    query: Query, groups: Sequence[str] = USUAL, since: datetime | None = None, until: datetime | None = None
) -> list[dict[str, Any]]:
    """Held and spent, summed by some of `GROUPS` and by unit, as exact decimals; units are never added to one another.

    Args:
        query: asks the ledger's views.
        groups: by which columns.
        since: of tasks accepted then or later; all if none.
        until: of tasks accepted before.

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
        " WHERE s.accepted >= ? AND s.accepted < ?"
        f" GROUP BY {', '.join([*keys, 'd.unit'])} ORDER BY {', '.join([*keys, 'd.unit'])}",
        ("" if since is None else timestamp(since), _AFTER_ALL if until is None else timestamp(until)),
    )
    return [_decimal(row) for row in rows]


def _decimal(row: Mapping[str, Any]) -> dict[str, Any]:
    unit = str(row["unit"])
    amounts = {kind: Amounts({unit: int(row[kind])}).decimals().get(unit, "0") for kind in ("held", "spent")}
    return dict(row) | amounts

"""What is left of each grant: a view that refuses, inside the append's transaction, what a grant does not allow.

Invariant of each tranche and unit: held + spent never exceeds the amount. A hold draws on the open tranche that ends
first. Every hold ends once: settled at actual cost (at most what was held) or refunded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from yosegi.core.amounts import Amounts
from yosegi.core.clock import timestamp
from yosegi.governance.grants import transfers
from yosegi.governance.grants.grant import (
    AWARDED,
    CLAWED_BACK,
    HELD,
    REFUNDED,
    RELEASED,
    SETTLED,
    Grant,
    GrantExceeded,
    GrantRefused,
)
from yosegi.ledger import Db, Entry
from yosegi.ledger.view import apply_by_type

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]
"""Reads committed rows: a ledger's `query`."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a grant stands. Amounts in milli-units.

    Args:
        grant: which grant.
        team: whose it is.
        awarded: all tranches, claw-backs deducted.
        locked: in tranches that wait for a release.
        held: set aside for tasks that have not ended.
        spent: settled.
        left: free in tranches that are open at the moment asked about.
    """

    grant: str
    team: str
    awarded: Amounts
    locked: Amounts
    held: Amounts
    spent: Amounts
    left: Amounts


class GrantsView:
    """Grants, tranches, holds, what each hold draws from which tranche, and amounts on their way to or from peers."""

    name = "grants"
    version = 2
    ddl: Sequence[str] = (
        "CREATE TABLE grants (id TEXT PRIMARY KEY, charter TEXT NOT NULL, team TEXT NOT NULL, funder TEXT NOT NULL,"
        " title TEXT NOT NULL)",
        "CREATE INDEX grants_by_team ON grants (charter, team)",
        "CREATE TABLE grant_tranches (grant_id TEXT NOT NULL, tranche TEXT NOT NULL, unit TEXT NOT NULL,"
        " amount INTEGER NOT NULL, held INTEGER NOT NULL, spent INTEGER NOT NULL, locked INTEGER NOT NULL,"
        " starts TEXT NOT NULL, ends TEXT NOT NULL, PRIMARY KEY (grant_id, tranche, unit))",
        "CREATE TABLE grant_holds (grant_id TEXT NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL,"
        " PRIMARY KEY (grant_id, task))",
        "CREATE TABLE grant_draws (grant_id TEXT NOT NULL, task TEXT NOT NULL, tranche TEXT NOT NULL,"
        " unit TEXT NOT NULL, held INTEGER NOT NULL, spent INTEGER NOT NULL,"
        " PRIMARY KEY (grant_id, task, tranche, unit))",
        *transfers.DDL,
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Fold one entry of a grant, or refuse it.

        Raises:
            GrantExceeded: a hold asks for more than is left.
            GrantRefused: a grant, tranche or hold that is unknown, of another team, ended already or there already;
                a settlement above what was held; a claw-back below what is held and spent.
            Invalid: facts of the wrong form: an amount that is negative, no whole number, or too large.
        """
        apply_by_type(_HANDLERS, db, entry)


def grant_of(query: Query, task: str) -> str | None:
    """The grant on which a task's hold is still open, if there is one."""
    rows = query("SELECT grant_id FROM grant_holds WHERE task = ? AND state = 'held'", (task,))
    return str(rows[0]["grant_id"]) if rows else None


def grants_of(query: Query, charter: str, team: str) -> list[str]:
    """The grants a team may draw on at this site."""
    rows = query("SELECT id FROM grants WHERE charter = ? AND team = ? ORDER BY id", (charter, team))
    return [str(row["id"]) for row in rows]


def balance(query: Query, grant: str, now: datetime) -> Balance:
    """Where a grant stands at a moment.

    Raises:
        GrantRefused: no such grant.
    """
    found = query("SELECT team FROM grants WHERE id = ?", (grant,))
    if not found:
        raise GrantRefused(grant, "grant_unknown")
    totals: dict[str, dict[str, int]] = {kind: {} for kind in ("awarded", "locked", "held", "spent", "left")}
    moment = timestamp(now)
    for row in query("SELECT * FROM grant_tranches WHERE grant_id = ?", (grant,)):
        free = row["amount"] - row["held"] - row["spent"]
        is_open = not row["locked"] and row["starts"] <= moment < row["ends"]
        parts = {"awarded": row["amount"], "held": row["held"], "spent": row["spent"]}
        parts |= {"locked": free} if row["locked"] else {"left": free} if is_open else {}
        for kind, milli in parts.items():
            totals[kind][row["unit"]] = totals[kind].get(row["unit"], 0) + milli
    return Balance(
        grant=grant, team=str(found[0]["team"]), **{kind: Amounts(by_unit) for kind, by_unit in totals.items()}
    )


def _awarded(db: Db, entry: Entry) -> None:
    grant = Grant.read(dict(entry.facts["grant"]), what=f"grant in {entry.type}")
    if db.one("SELECT 1 FROM grants WHERE id = ?", (grant.id,)) is not None:
        raise GrantRefused(grant.id, "grant_repeated")
    db.execute(
        "INSERT INTO grants (id, charter, team, funder, title) VALUES (?, ?, ?, ?, ?)",
        (grant.id, grant.charter, grant.team, grant.funder, grant.title),
    )
    for tranche in grant.tranches:
        starts = timestamp(tranche.starts) if tranche.starts else transfers.ALWAYS
        ends = timestamp(tranche.ends) if tranche.ends else transfers.NEVER
        for unit, amount in tranche.amounts.items():
            db.execute(
                "INSERT INTO grant_tranches (grant_id, tranche, unit, amount, held, spent, locked, starts, ends)"
                " VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?)",
                (grant.id, tranche.id, unit, amount, int(tranche.contingent), starts, ends),
            )


def _released(db: Db, entry: Entry) -> None:
    grant, tranche = str(entry.facts["grant"]), str(entry.facts["tranche"])
    rows = db.all("SELECT locked FROM grant_tranches WHERE grant_id = ? AND tranche = ?", (grant, tranche))
    if not rows:
        raise GrantRefused(grant, "tranche_unknown", tranche=tranche)
    if not any(row[0] for row in rows):
        raise GrantRefused(grant, "tranche_open", tranche=tranche)
    db.execute("UPDATE grant_tranches SET locked = 0 WHERE grant_id = ? AND tranche = ?", (grant, tranche))


def _clawed_back(db: Db, entry: Entry) -> None:
    grant, tranche = str(entry.facts["grant"]), str(entry.facts["tranche"])
    for unit, milli in Amounts(entry.facts["amounts"]).items():
        row = db.one(
            "SELECT amount - held - spent FROM grant_tranches WHERE grant_id = ? AND tranche = ? AND unit = ?",
            (grant, tranche, unit),
        )
        if row is None:
            raise GrantRefused(grant, "tranche_unknown", tranche=tranche)
        if milli > row[0]:
            raise GrantRefused(grant, "claw_back_too_deep", unit=unit, asked=milli / 1000, left=row[0] / 1000)
        db.execute(
            "UPDATE grant_tranches SET amount = amount - ? WHERE grant_id = ? AND tranche = ? AND unit = ?",
            (milli, grant, tranche, unit),
        )


def _held(db: Db, entry: Entry) -> None:
    grant, task, team = (str(entry.facts[name]) for name in ("grant", "task", "team"))
    amounts = Amounts(entry.facts["amounts"])
    charter, owner = _grant(db, grant)
    if (charter, owner) != (entry.header.charter, team):
        raise GrantRefused(grant, "grant_of_another_team", team=team)
    if db.one("SELECT 1 FROM grant_holds WHERE grant_id = ? AND task = ?", (grant, task)) is not None:
        raise GrantRefused(grant, "hold_repeated", task=task)
    db.execute("INSERT INTO grant_holds (grant_id, task, state) VALUES (?, ?, 'held')", (grant, task))
    for unit, milli in amounts.items():
        _draw(db, grant, task, unit, milli, entry.time)


def _draw(db: Db, grant: str, task: str, unit: str, asked: int, now: str) -> None:
    """Set milli-units aside, from the open tranche that ends first."""
    tranches = db.all(
        "SELECT tranche, amount - held - spent FROM grant_tranches WHERE grant_id = ? AND unit = ? AND locked = 0"
        " AND starts <= ? AND ends > ? AND amount - held - spent > 0 ORDER BY ends, tranche",
        (grant, unit, now, now),
    )
    left = sum(int(free) for _, free in tranches)
    if asked > left:
        raise GrantExceeded(grant, unit, asked, left)
    for tranche, free in tranches:
        taken = min(asked, int(free))
        if taken == 0:
            break
        asked -= taken
        db.execute(
            "UPDATE grant_tranches SET held = held + ? WHERE grant_id = ? AND tranche = ? AND unit = ?",
            (taken, grant, tranche, unit),
        )
        db.execute(
            "INSERT INTO grant_draws (grant_id, task, tranche, unit, held, spent) VALUES (?, ?, ?, ?, ?, 0)",
            (grant, task, tranche, unit, taken),
        )


def _settled(db: Db, entry: Entry) -> None:
    grant, task = str(entry.facts["grant"]), str(entry.facts["task"])
    spent, effect = Amounts(entry.facts["spent"]), entry.facts["effect"]
    if effect not in ("none", "done"):
        raise GrantRefused(grant, "effect_unsettled", task=task)
    if effect == "none" and spent:
        raise GrantRefused(grant, "spent_without_effect", task=task)
    _end(db, grant, task, "settled", spent)


def _refunded(db: Db, entry: Entry) -> None:
    _end(db, str(entry.facts["grant"]), str(entry.facts["task"]), "refunded", Amounts())


def _end(db: Db, grant: str, task: str, state: str, spent: Amounts) -> None:
    """End a hold: what was spent moves from held to spent, the rest is free again."""
    row = db.one("SELECT state FROM grant_holds WHERE grant_id = ? AND task = ?", (grant, task))
    if row is None:
        raise GrantRefused(grant, "hold_unknown", task=task)
    if row[0] != "held":
        raise GrantRefused(grant, "hold_ended", task=task, state=row[0])
    draws = db.all(
        "SELECT d.tranche, d.unit, d.held FROM grant_draws d JOIN grant_tranches t ON t.grant_id = d.grant_id"
        " AND t.tranche = d.tranche AND t.unit = d.unit WHERE d.grant_id = ? AND d.task = ? ORDER BY t.ends, d.tranche",
        (grant, task),
    )
    owed = dict(spent)
    for tranche, unit, held in draws:
        part = min(owed.get(unit, 0), int(held))
        owed[unit] = owed.get(unit, 0) - part
        db.execute(
            "UPDATE grant_tranches SET held = held - ?, spent = spent + ?"
            " WHERE grant_id = ? AND tranche = ? AND unit = ?",
            (held, part, grant, tranche, unit),
        )
        db.execute(
            "UPDATE grant_draws SET spent = ? WHERE grant_id = ? AND task = ? AND tranche = ? AND unit = ?",
            (part, grant, task, tranche, unit),
        )
    for unit, milli in owed.items():
        if milli:
            most = sum(int(held) for _, of, held in draws if of == unit)
            asked = spent[unit] / 1000
            raise GrantRefused(grant, "spent_more_than_held", task=task, unit=unit, asked=asked, left=most / 1000)
    db.execute("UPDATE grant_holds SET state = ? WHERE grant_id = ? AND task = ?", (state, grant, task))


def _grant(db: Db, grant: str) -> tuple[str, str]:
    row = db.one("SELECT charter, team FROM grants WHERE id = ?", (grant,))
    if row is None:
        raise GrantRefused(grant, "grant_unknown")
    return str(row[0]), str(row[1])


_HANDLERS: Mapping[str, Callable[[Db, Entry], Any]] = {
    AWARDED: _awarded,
    RELEASED: _released,
    CLAWED_BACK: _clawed_back,
    HELD: _held,
    SETTLED: _settled,
    REFUNDED: _refunded,
    **transfers.HANDLERS,
}

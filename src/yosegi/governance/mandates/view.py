"""Which mandates live, and what is left of their budgets: a view that refuses inside the append's transaction.

A use is held against the mandate and against every mandate it was cut from, so that sub-agents spend what their agent
has and no more. Cancelling a mandate cancels those cut from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yosegi.core.amounts import Amounts
from yosegi.core.clock import timestamp
from yosegi.governance.mandates.mandate import Mandate, MandateRefused
from yosegi.ledger import Db, Draft, Entry
from yosegi.ledger.view import apply_by_type

GRANTED, CANCELLED = "mandate.granted", "mandate.cancelled"
HELD, SETTLED = "mandate.held", "mandate.settled"
ASKED = "request.made"
"""A task was asked of an owner: counted against the mandate that its facts name, and those it was cut from."""

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]


def granted(mandate: Mandate, envelope: bytes | None = None) -> Draft:
    """The entry by which a mandate begins; the signed document is its body."""
    return Draft(GRANTED, {"mandate": mandate.model_dump(mode="json", exclude_none=True)}, envelope)


def cancelled(mandate: str, why: str) -> Draft:
    """The entry by which a mandate, and all cut from it, ends at once."""
    return Draft(CANCELLED, {"mandate": mandate}, {"reason": why})


def held(mandate: str, task: str, amounts: Amounts) -> Draft:
    """The entry by which a task's greatest cost is set aside in the mandate's budget."""
    return Draft(HELD, {"mandate": mandate, "task": task, "amounts": dict(amounts)})


def settled(mandate: str, task: str, spent: Amounts) -> Draft:
    """The entry by which a hold ends at actual cost."""
    return Draft(SETTLED, {"mandate": mandate, "task": task, "spent": dict(spent)})


class MandatesView:
    """Mandates and what was held and spent under them."""

    name = "mandates"
    version = 3
    ddl: Sequence[str] = (
        "CREATE TABLE mandates (id TEXT PRIMARY KEY, parent TEXT NOT NULL, person TEXT NOT NULL,"
        " campaign TEXT NOT NULL, agent TEXT NOT NULL, issued TEXT NOT NULL, not_after TEXT NOT NULL,"
        " cancelled INTEGER NOT NULL, document TEXT NOT NULL)",
        "CREATE INDEX mandates_by_parent ON mandates (parent)",
        "CREATE TABLE mandate_budgets (mandate TEXT NOT NULL, unit TEXT NOT NULL, amount INTEGER NOT NULL,"
        " used INTEGER NOT NULL, PRIMARY KEY (mandate, unit))",
        "CREATE TABLE mandate_holds (mandate TEXT NOT NULL, task TEXT NOT NULL, unit TEXT NOT NULL,"
        " held INTEGER NOT NULL, PRIMARY KEY (mandate, task, unit))",
        "CREATE TABLE mandate_uses (mandate TEXT NOT NULL, task TEXT NOT NULL, ended INTEGER NOT NULL,"
        " PRIMARY KEY (mandate, task))",
        "CREATE INDEX mandate_uses_by_task ON mandate_uses (task)",
        "CREATE TABLE mandate_tasks (mandate TEXT PRIMARY KEY, most INTEGER NOT NULL, asked INTEGER NOT NULL)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Fold one entry of a mandate, or refuse it.

        Raises:
            MandateRefused: a mandate that is unknown, there already, ended, cancelled, wider than its parent or out of
                budget; a use that is there already or has ended.
            Invalid: facts of the wrong form.
        """
        apply_by_type(_HANDLERS, db, entry)


def holder_of(query: Query, task: str) -> tuple[str, Amounts] | None:
    """The mandate under which a task is held, and how much; None where nothing is held any more."""
    rows = query("SELECT mandate FROM mandate_uses WHERE task = ? AND ended = 0", (task,))
    if not rows:
        return None
    mandate = str(rows[0]["mandate"])
    kept = query("SELECT unit, held FROM mandate_holds WHERE mandate = ? AND task = ?", (mandate, task))
    return mandate, Amounts({row["unit"]: row["held"] for row in kept})


def left_of(query: Query, mandate: str) -> dict[str, int]:
    """What is left of each unit that a mandate's budget names, in milli-units."""
    rows = query("SELECT unit, amount - used AS free FROM mandate_budgets WHERE mandate = ?", (mandate,))
    return {row["unit"]: row["free"] for row in rows}


def check_budget(query: Query, mandate: Mandate, amounts: Amounts) -> None:
    """See whether a cost could be held now, in the mandate and in every one it was cut from.

    Raises:
        MandateRefused: `budget_exceeded`. The append that holds it looks again.
    """
    found: Mandate | None = mandate
    while found is not None:
        left = left_of(query, found.id)
        for unit, milli in amounts.items():
            free = left.get(unit, 0 if found.right.bounded else milli)
            if milli > free:
                raise MandateRefused(found.id, "budget_exceeded", unit=unit, asked=milli / 1000, left=free / 1000)
        found = mandate_of(query, found.parent) if found.parent is not None else None


def tasks_left(query: Query, mandate: str) -> int | None:
    """How many more tasks may be asked under a mandate itself; None where it does not bound them."""
    rows = query("SELECT most - asked AS free FROM mandate_tasks WHERE mandate = ?", (mandate,))
    return int(rows[0]["free"]) if rows else None


def check_tasks(query: Query, mandate: Mandate) -> None:
    """See whether one more task could be asked now, under the mandate and every one it was cut from.

    Raises:
        MandateRefused: `tasks_used_up`. The append that asks looks again.
    """
    found: Mandate | None = mandate
    while found is not None:
        if found.right.tasks is not None and tasks_left(query, found.id) == 0:
            raise MandateRefused(found.id, "tasks_used_up", most=found.right.tasks)
        found = mandate_of(query, found.parent) if found.parent is not None else None


def mandate_of(query: Query, mandate: str) -> Mandate:
    """A mandate, whether or not it lives.

    Raises:
        MandateRefused: `mandate_unknown`.
    """
    rows = query("SELECT document FROM mandates WHERE id = ?", (mandate,))
    if not rows:
        raise MandateRefused(mandate, "mandate_unknown")
    return Mandate.read(str(rows[0]["document"]).encode())


def cut_from(query: Query, mandate: str) -> list[str]:
    """A mandate and all that were cut from it, however deep."""
    found, waiting = [], [mandate]
    while waiting:
        name = waiting.pop()
        found.append(name)
        waiting += [str(row["id"]) for row in query("SELECT id FROM mandates WHERE parent = ?", (name,))]
    return found


def _granted(db: Db, entry: Entry) -> None:
    mandate = Mandate.read(dict(entry.facts["mandate"]))
    if db.one("SELECT 1 FROM mandates WHERE id = ?", (mandate.id,)) is not None:
        raise MandateRefused(mandate.id, "mandate_repeated")
    if mandate.charter != entry.header.charter:
        raise MandateRefused(mandate.id, "mandate_for_another", person=mandate.person)
    if mandate.parent is not None:
        mandate.check_cut_from(_alive(db, mandate.parent, entry.time))
    row = (
        mandate.id,
        mandate.parent or "",
        mandate.person,
        mandate.campaign or "",
        mandate.agent or "",
        timestamp(mandate.issued),
        timestamp(mandate.not_after),
        0,
        mandate.to_bytes().decode(),
    )
    db.execute("INSERT INTO mandates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    if mandate.right.tasks is not None:
        db.execute("INSERT INTO mandate_tasks VALUES (?, ?, 0)", (mandate.id, mandate.right.tasks))
    for unit, amount in mandate.right.budget.items():
        db.execute("INSERT INTO mandate_budgets VALUES (?, ?, ?, 0)", (mandate.id, unit, amount))


def _asked(db: Db, entry: Entry) -> None:
    name: str | None = entry.facts.get("mandate")
    while name:
        row = db.one("SELECT most, asked FROM mandate_tasks WHERE mandate = ?", (name,))
        if row is not None and int(row[1]) >= int(row[0]):
            raise MandateRefused(name, "tasks_used_up", most=int(row[0]))
        if row is not None:
            db.execute("UPDATE mandate_tasks SET asked = asked + 1 WHERE mandate = ?", (name,))
        name = _parent(db, name)


def _cancelled(db: Db, entry: Entry) -> None:
    mandate = str(entry.facts["mandate"])
    if db.one("SELECT 1 FROM mandates WHERE id = ?", (mandate,)) is None:
        raise MandateRefused(mandate, "mandate_unknown")
    ending = [mandate]
    while ending:
        name = ending.pop()
        db.execute("UPDATE mandates SET cancelled = 1 WHERE id = ?", (name,))
        ending += [str(row[0]) for row in db.all("SELECT id FROM mandates WHERE parent = ?", (name,))]


def _held(db: Db, entry: Entry) -> None:
    mandate, task = str(entry.facts["mandate"]), str(entry.facts["task"])
    amounts = Amounts(entry.facts["amounts"])
    if db.one("SELECT 1 FROM mandate_uses WHERE mandate = ? AND task = ?", (mandate, task)) is not None:
        raise MandateRefused(mandate, "hold_repeated", task=task)
    name: str | None = mandate
    while name is not None:
        found = _alive(db, name, entry.time)
        for unit, milli in amounts.items():
            row = db.one("SELECT amount - used FROM mandate_budgets WHERE mandate = ? AND unit = ?", (name, unit))
            if row is None and not found.right.bounded:
                continue
            left = 0 if row is None else int(row[0])
            if milli > left:
                raise MandateRefused(name, "budget_exceeded", unit=unit, asked=milli / 1000, left=left / 1000)
            db.execute("UPDATE mandate_budgets SET used = used + ? WHERE mandate = ? AND unit = ?", (milli, name, unit))
        name = found.parent
    db.execute("INSERT INTO mandate_uses VALUES (?, ?, 0)", (mandate, task))
    for unit, milli in amounts.items():
        db.execute("INSERT INTO mandate_holds VALUES (?, ?, ?, ?)", (mandate, task, unit, milli))


def _settled(db: Db, entry: Entry) -> None:
    mandate, task = str(entry.facts["mandate"]), str(entry.facts["task"])
    spent = Amounts(entry.facts["spent"])
    row = db.one("SELECT ended FROM mandate_uses WHERE mandate = ? AND task = ?", (mandate, task))
    if row is None:
        raise MandateRefused(mandate, "hold_unknown", task=task)
    if row[0]:
        raise MandateRefused(mandate, "hold_ended", task=task, state="settled")
    rows = db.all("SELECT unit, held FROM mandate_holds WHERE mandate = ? AND task = ?", (mandate, task))
    kept = Amounts({str(unit): int(milli) for unit, milli in rows})
    if not kept.covers(spent):
        unit = next(unit for unit in spent if spent[unit] > kept[unit])
        asked, left = spent[unit] / 1000, kept[unit] / 1000
        raise MandateRefused(mandate, "spent_more_than_held", task=task, unit=unit, asked=asked, left=left)
    name: str | None = mandate
    while name is not None:
        for unit, milli in (kept - spent).items():
            db.execute("UPDATE mandate_budgets SET used = used - ? WHERE mandate = ? AND unit = ?", (milli, name, unit))
        name = _parent(db, name)
    db.execute("UPDATE mandate_uses SET ended = 1 WHERE mandate = ? AND task = ?", (mandate, task))


def _alive(db: Db, mandate: str, now: str) -> Mandate:
    row = db.one("SELECT document, cancelled, not_after FROM mandates WHERE id = ?", (mandate,))
    if row is None:
        raise MandateRefused(mandate, "mandate_unknown")
    if row[1]:
        raise MandateRefused(mandate, "mandate_cancelled")
    if now >= str(row[2]):
        raise MandateRefused(mandate, "mandate_ended", until=str(row[2]))
    return Mandate.read(str(row[0]).encode())


def _parent(db: Db, mandate: str) -> str | None:
    row = db.one("SELECT parent FROM mandates WHERE id = ?", (mandate,))
    return str(row[0]) if row is not None and row[0] else None


_HANDLERS: Mapping[str, Callable[[Db, Entry], None]] = {
    GRANTED: _granted,
    ASKED: _asked,
    CANCELLED: _cancelled,
    HELD: _held,
    SETTLED: _settled,
}

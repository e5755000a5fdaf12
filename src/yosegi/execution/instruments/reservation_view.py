"""Table `reservation`: one row a reservation, and what ran inside each; overlaps are refused in the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from yosegi.core.errors import Conflict
from yosegi.core.states import ReservationState, transition
from yosegi.execution import tasks
from yosegi.execution.instruments.reservation import (
    BOOKED,
    PREFIX,
    RELEASED,
    STATES,
)
from yosegi.ledger import Db, Entry


class ReservationView:
    """Refuses, inside the append's transaction, a booking that overlaps another and a step that the table forbids."""

    name = "reservation"
    version = 2
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE reservation (stream TEXT PRIMARY KEY, instrument TEXT NOT NULL, charter TEXT NOT NULL,"
        " team TEXT NOT NULL, campaign TEXT NOT NULL, starts TEXT NOT NULL, ends TEXT NOT NULL, state TEXT NOT NULL,"
        " home TEXT NOT NULL, asked TEXT NOT NULL)",
        "CREATE INDEX reservation_asked ON reservation (home, asked)",
        "CREATE INDEX reservation_time ON reservation (instrument, ends)",
        "CREATE TABLE reservation_run (task TEXT PRIMARY KEY, reservation TEXT NOT NULL, started TEXT NOT NULL,"
        " ended TEXT NOT NULL, open INTEGER NOT NULL)",
        "CREATE INDEX reservation_run_of ON reservation_run (reservation)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep the rows of the entry's reservation, or of its task.

        Raises:
            Conflict: another reservation overlaps it, or the table of states does not allow the step.
        """
        if entry.type in STATES and entry.stream.startswith(PREFIX):
            self._reservation(db, entry)
        elif entry.type in tasks.STATES:
            self._run(db, entry)

    def _reservation(self, db: Db, entry: Entry) -> None:
        facts = entry.facts
        row = db.one("SELECT state FROM reservation WHERE stream = ?", (entry.stream,))
        before = ReservationState.NEW if row is None else ReservationState(row[0])
        transition(entry.stream, before, STATES[entry.type])
        if entry.type == BOOKED:
            instrument = entry.stream.split("/", 2)[1]
            taken = db.one(
                "SELECT starts, ends FROM reservation WHERE instrument = ? AND state <> 'cancelled'"
                " AND starts < ? AND ends > ?",
                (instrument, facts["ends"], facts["starts"]),
            )
            if taken is not None:
                raise Conflict(f"instrument {instrument}", f"is reserved from {taken[0]} to {taken[1]}")
            values = (
                entry.stream, instrument, entry.header.charter, facts["team"], facts["campaign"], facts["starts"],
                facts["ends"], ReservationState.BOOKED.value, facts.get("home", ""), facts.get("asked", ""),
            )  # fmt: skip
            db.execute("INSERT INTO reservation VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            return
        state = STATES[entry.type].value
        db.execute("UPDATE reservation SET state = ? WHERE stream = ?", (state, entry.stream))
        if entry.type == RELEASED:
            db.execute("UPDATE reservation SET ends = ? WHERE stream = ?", (facts["ends"], entry.stream))

    def _run(self, db: Db, entry: Entry) -> None:
        facts, task = entry.facts, entry.stream
        if entry.type == tasks.DISPATCHED:
            if "reservation" in facts and db.one("SELECT 1 FROM reservation_run WHERE task = ?", (task,)) is None:
                values = (task, facts["reservation"], entry.time)
                db.execute("INSERT INTO reservation_run VALUES (?, ?, ?, '', 1)", values)
        elif entry.type == tasks.UNCERTAIN:
            db.execute("UPDATE reservation_run SET ended = ? WHERE task = ?", (entry.time, task))
        elif entry.type in (tasks.ENDED, tasks.CANCELLED):
            if facts.get("effect") == "none":
                # Nothing happened, so nothing of the span was used.
                db.execute("DELETE FROM reservation_run WHERE task = ?", (task,))
                return
            db.execute("UPDATE reservation_run SET ended = ? WHERE task = ? AND ended = ''", (entry.time, task))
            db.execute("UPDATE reservation_run SET open = 0 WHERE task = ?", (task,))

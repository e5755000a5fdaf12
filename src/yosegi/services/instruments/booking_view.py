"""Table `booking`: one row a reservation that this site asked another for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from yosegi.core.states import BookingState, transition
from yosegi.ledger import Db, Entry
from yosegi.services.instruments.booking import ASKED, PREFIX, REPORTED, UNDELIVERED


class BookingView:
    """Finds reservations at other sites, and refuses in the append's transaction what the table of states forbids."""

    name = "booking"
    version = 1
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE booking (stream TEXT PRIMARY KEY, sequence INTEGER NOT NULL, charter TEXT NOT NULL,"
        " team TEXT NOT NULL, campaign TEXT NOT NULL, capability TEXT NOT NULL, starts TEXT NOT NULL,"
        " ends TEXT NOT NULL, state TEXT NOT NULL)",
        "CREATE INDEX booking_sequence ON booking (sequence)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep the row of the entry's reservation.

        Raises:
            Conflict: the table of states does not allow the step.
        """
        if not entry.stream.startswith(PREFIX) or entry.type not in (ASKED, REPORTED, UNDELIVERED):
            return
        facts = entry.facts
        row = db.one("SELECT state FROM booking WHERE stream = ?", (entry.stream,))
        state = BookingState.ASKED if entry.type == ASKED else BookingState(facts["state"])
        transition(entry.stream, BookingState.NEW if row is None else BookingState(row[0]), state)
        if entry.type == ASKED:
            values = (
                entry.stream, entry.sequence, entry.header.charter, facts["team"], facts["campaign"],
                facts["capability"], facts["starts"], facts["ends"], state.value,
            )  # fmt: skip
            db.execute("INSERT INTO booking VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            return
        db.execute(
            "UPDATE booking SET state = ?, sequence = ? WHERE stream = ?", (state.value, entry.sequence, entry.stream)
        )

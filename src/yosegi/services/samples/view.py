"""Table `sample`: one row a sample that this site made, holds, held or is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from yosegi.ledger import Db, Entry
from yosegi.services.samples.entries import ASKED_FOR, CONFIRMED, PREFIX


class SampleView:
    """Finds samples by state, holder and destination. It copies facts alone: what people wrote stays in bodies."""

    name = "sample"
    version = 2
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE sample (id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, charter TEXT NOT NULL,"
        " team TEXT NOT NULL, holder TEXT NOT NULL, state TEXT NOT NULL, destination TEXT NOT NULL)",
        "CREATE INDEX sample_sequence ON sample (sequence)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep the latest state and holder."""
        if not (entry.stream.startswith(PREFIX) and entry.type.startswith("sample.")):
            return
        facts, sample = entry.facts, entry.stream.removeprefix(PREFIX)
        if entry.position == 1:
            row = (sample, entry.sequence, entry.header.charter, facts["team"], facts["holder"], facts["state"], "")
            db.execute("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            return
        if entry.type in (ASKED_FOR, CONFIRMED):
            came = entry.type == CONFIRMED and facts["condition"] != "missing"
            wanted = facts.get("destination", "")
            if wanted or came:
                db.execute("UPDATE sample SET destination = ? WHERE id = ?", (wanted, sample))
        db.execute(
            "UPDATE sample SET sequence = ?, holder = ?, state = ? WHERE id = ?",
            (entry.sequence, facts["holder"], facts["state"], sample),
        )

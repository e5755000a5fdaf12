"""Table `facility_job`: one row a job that was launched through the facility API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from yosegi.ledger import ERASED, Db, Entry
from yosegi.services.facility_jobs.entries import LAUNCHED


class FacilityJobView:
    """Finds jobs by capability and by the name that their caller gave them."""

    name = "facility_job"
    version = 1
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE facility_job (key TEXT PRIMARY KEY, sequence INTEGER NOT NULL, charter TEXT NOT NULL,"
        " team TEXT NOT NULL, capability TEXT NOT NULL, person TEXT NOT NULL, name TEXT NOT NULL)",
        "CREATE INDEX facility_job_capability ON facility_job (capability, sequence)",
        "CREATE INDEX facility_job_sequence ON facility_job (sequence)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep the row; the name stands in the body, and is given up with it."""
        if entry.type == ERASED:
            db.execute("UPDATE facility_job SET name = '' WHERE sequence = ?", (int(entry.facts["sequence"]),))
        if entry.type != LAUNCHED:
            return
        facts, name = entry.facts, str((entry.body or {}).get("name", ""))
        key = entry.stream.split("/", 1)[1]
        row = (key, entry.sequence, entry.header.charter, facts["team"], facts["capability"], entry.header.actor, name)
        db.execute("INSERT INTO facility_job VALUES (?, ?, ?, ?, ?, ?, ?)", row)

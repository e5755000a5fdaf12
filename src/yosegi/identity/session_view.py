"""The view of sessions: who signed in, for how long, and which sessions have ended."""

from __future__ import annotations

from collections.abc import Sequence

from yosegi.ledger import Db, Entry

OPENED = "session.opened"
CLOSED = "session.closed"


class SessionView:
    """One row a session, by the digest of its token, which opens nothing."""

    name = "sessions"
    version = 1
    ddl: Sequence[str] = (
        "CREATE TABLE session (digest TEXT PRIMARY KEY, person TEXT NOT NULL, agent TEXT NOT NULL,"
        " program INTEGER NOT NULL, issuer TEXT NOT NULL, opened TEXT NOT NULL, until TEXT NOT NULL,"
        " ended TEXT NOT NULL)",
        "CREATE INDEX session_until ON session (ended, until)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Fold one entry."""
        if entry.type == OPENED:
            facts = entry.facts
            db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?, ?, '')",
                (
                    entry.stream.removeprefix("session/"),
                    entry.header.actor,
                    str(facts.get("agent", "")),
                    int(bool(facts.get("program", False))),
                    str(facts.get("issuer", "")),
                    entry.time,
                    str(facts["until"]),
                ),
            )
        elif entry.type == CLOSED:
            db.execute(
                "UPDATE session SET ended = ? WHERE digest = ?", (entry.time, entry.stream.removeprefix("session/"))
            )

"""What a station means to do, is doing and has done, on its disk before it does it.

`started` is durable before the instrument moves, so that after any crash the station knows what it may have done.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from yosegi.core.clock import Clock, timestamp
from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict, YosegiError
from yosegi.core.states import Effect
from yosegi.execution.engines.station.documents import MOST_STARTS, Memory, RunStart, WorkOffer
from yosegi.execution.outcomes import MOST_ATTEMPTS, ended_badly, given_up, never_began

State = Literal["received", "started", "ended"]

_DDL = """
CREATE TABLE IF NOT EXISTS intent (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body TEXT NOT NULL, offer BLOB, state TEXT NOT NULL,
    outcome BLOB, acknowledged INTEGER NOT NULL DEFAULT 0, changed TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS intent_state ON intent (state, acknowledged);
CREATE TABLE IF NOT EXISTS attempt (key TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS run (number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS start (run INTEGER PRIMARY KEY, position INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS log (identity TEXT NOT NULL, position INTEGER NOT NULL);
CREATE TRIGGER IF NOT EXISTS intent_new AFTER INSERT ON intent BEGIN UPDATE log SET position = position + 1; END;
CREATE TRIGGER IF NOT EXISTS intent_changed AFTER UPDATE ON intent BEGIN UPDATE log SET position = position + 1; END;
CREATE TRIGGER IF NOT EXISTS intent_started AFTER UPDATE OF state ON intent WHEN NEW.state = 'started' BEGIN
    INSERT INTO attempt VALUES (NEW.key, 1) ON CONFLICT (key) DO UPDATE SET count = count + 1; END;
CREATE TRIGGER IF NOT EXISTS intent_ended AFTER UPDATE OF state ON intent WHEN NEW.state = 'ended' BEGIN
    DELETE FROM attempt WHERE key = NEW.key; END;
"""


class LogFailed(YosegiError):
    """The intent log cannot be read or written; nothing may be started."""

    code = "intent_log_failed"

    def __init__(self, where: str, why: str) -> None:
        self.where, self.why = where, why
        super().__init__(f"intent log {where}: {why}; nothing is started until it can be written. Mend the disk")


class StationInUse(YosegiError):
    """Another process is this station."""

    code = "station_in_use"

    def __init__(self, where: str) -> None:
        self.where = where
        super().__init__(f"the station in {where} runs already, in another process; stop that one first")


@dataclass(frozen=True, slots=True)
class Intent:
    """One task in the log; a tombstone has no offer."""

    key: str
    body: str
    state: State
    offer: WorkOffer | None
    outcome: Outcome | None


class IntentLog:
    """The durable memory of one station, held by one process.

    Args:
        folder: the station's; made if missing.

    Raises:
        StationInUse: another process holds it.
        LogFailed: it cannot be opened.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._clock, self._path = clock, folder / "intents.sqlite"
        self._lock = os.open(folder / "station.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise StationInUse(str(folder)) from None
        with self._explained():
            self._db = sqlite3.connect(self._path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_DDL)
            if self._db.execute("SELECT identity FROM log").fetchone() is None:
                self._db.execute("INSERT INTO log VALUES (?, 0)", (secrets.token_hex(16),))
            self._identity, self._opened_at = self._db.execute("SELECT identity, position FROM log").fetchone()
            self._follows: int = (self._db.execute("SELECT number FROM run").fetchone() or (0,))[0]

    def memory(self) -> Memory:
        """Which log this is and where it stands, so that its site sees whether it is the one it was."""
        with self._explained():
            (position,) = self._db.execute("SELECT position FROM log").fetchone()
            rows = self._db.execute("SELECT run, position FROM start ORDER BY run").fetchall()
        return Memory(
            log=self._identity, follows=self._follows, opened_at=self._opened_at, position=position,
            starts=tuple(RunStart(run=run, position=began) for run, began in rows[-MOST_STARTS:]),
        )  # fmt: skip

    def next_run(self) -> int:
        """A number for this run of the station, greater than any before, even if an older folder was restored."""
        now = int(self._clock.now().timestamp() * 1000)
        with self._explained():
            row = self._db.execute("SELECT number FROM run").fetchone()
            number: int = max(now, row[0] + 1 if row else 0)
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("UPDATE run SET number = ?" if row else "INSERT INTO run VALUES (?)", (number,))
            self._db.execute("INSERT INTO start SELECT ?, position FROM log", (number,))
            kept = "SELECT run FROM start ORDER BY run DESC LIMIT ?"
            self._db.execute(f"DELETE FROM start WHERE run NOT IN ({kept})", (MOST_STARTS,))
            self._db.execute("COMMIT")
        return number

    def recover(self) -> None:
        """After a restart: what had started and not ended is run again if it may be, and of unknown effect if not.

        What has been begun too often without an end is given up.
        """
        for intent in self._read("state = 'started'"):
            if (
                intent.offer is not None
                and intent.offer.effect.repeatable
                and self._attempts(intent.key) >= MOST_ATTEMPTS
            ):
                self.end(intent.key, given_up(MOST_ATTEMPTS, "the station"))
            elif intent.offer is not None and intent.offer.effect.repeatable:
                self._write("UPDATE intent SET state = 'received', changed = ? WHERE key = ?", intent.key)
            elif intent.offer is not None:
                why = "the station ended after it had started this; look at the instrument"
                self.end(intent.key, ended_badly(intent.offer.effect, "station_restarted", why))

    def receive(self, offer: WorkOffer) -> Intent:
        """Take an offer, once. One that has ended is marked to be told again.

        Raises:
            Conflict: its key was used before for something else.
        """
        known = self.find(offer.key)
        if known is None:
            self._write(
                "INSERT INTO intent (changed, key, body, offer, state) VALUES (?, ?, ?, ?, 'received')",
                offer.key, offer.body, offer.to_bytes(),
            )  # fmt: skip
            return Intent(offer.key, offer.body, "received", offer, None)
        if known.body not in ("", offer.body):
            raise Conflict(f"key {offer.key}", "was used at this station before, for another task", "use a new key")
        if known.state == "ended":
            self._write("UPDATE intent SET acknowledged = 0, changed = ? WHERE key = ?", offer.key)
        return known

    def start(self, key: str) -> None:
        """Say durably that the task begins; only then may it.

        Raises:
            Conflict: it is not one that waits to be started.
        """
        changed = self._write(
            "UPDATE intent SET state = 'started', changed = ? WHERE key = ? AND state = 'received'", key
        )
        if changed != 1:
            raise Conflict(f"task {key}", "does not wait to be started at this station", "nothing was started")

    def end(self, key: str, outcome: Outcome) -> None:
        """Say durably how a task ended. A known effect is never changed; an unknown one may become known."""
        known = self.find(key)
        if known is not None and known.outcome is not None and known.outcome.effect is not Effect.UNKNOWN:
            return
        self._write(
            "UPDATE intent SET state = 'ended', changed = ?, outcome = ?, acknowledged = 0 WHERE key = ?",
            outcome.to_bytes(), key,
        )  # fmt: skip

    def _attempts(self, key: str) -> int:
        """How often a task was begun."""
        with self._explained():
            row = self._db.execute("SELECT count FROM attempt WHERE key = ?", (key,)).fetchone()
        return row[0] if row else 0

    def bury(self, key: str) -> bool:
        """See to it that a task never starts; False if it has started."""
        known, outcome = self.find(key), never_began("cancelled", "taken back before the station started it")
        if known is None:
            self._write(
                "INSERT INTO intent (changed, key, body, state, outcome) VALUES (?, ?, '', 'ended', ?)",
                key, outcome.to_bytes(),
            )  # fmt: skip
        elif known.state == "received":
            self.end(key, outcome)
        elif known.state == "ended":
            self._write("UPDATE intent SET acknowledged = 0, changed = ? WHERE key = ?", key)
        return known is None or known.state == "received"

    def acknowledge(self, keys: Iterable[str]) -> None:
        """The site has these ends."""
        for key in keys:
            self._write("UPDATE intent SET acknowledged = 1, changed = ? WHERE key = ? AND state = 'ended'", key)

    def find(self, key: str) -> Intent | None:
        """What is known of a key."""
        return next(iter(self._read("key = ?", key)), None)

    def open(self) -> list[Intent]:
        """What was received and has not ended, oldest first."""
        return self._read("state IN ('received', 'started')")

    def to_tell(self) -> list[Intent]:
        """What ended and is not acknowledged, oldest first."""
        return self._read("state = 'ended' AND acknowledged = 0")

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()
        os.close(self._lock)

    def _read(self, where: str, *values: str) -> list[Intent]:
        with self._explained():
            rows = self._db.execute(
                f"SELECT key, body, state, offer, outcome FROM intent WHERE {where} ORDER BY number", values
            ).fetchall()
        return [
            Intent(
                key, body, state, WorkOffer.read(offer) if offer else None, Outcome.read(outcome) if outcome else None
            )
            for key, body, state, offer, outcome in rows
        ]

    def _write(self, sql: str, *values: str | bytes) -> int:
        """One durable statement; its first value is the time of the change."""
        with self._explained():
            return self._db.execute(sql, (timestamp(self._clock.now()), *values)).rowcount

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise LogFailed(str(self._path), str(error)) from error

"""What a station put to its devices and what it found there, on its disk before the put.

After any crash the journal says which variable was on its way from where to where for which task, and what was saved
before, so that a person can look, restore or accept.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yosegi.core.errors import Conflict
from yosegi_packs.devices.variable import Variable

FILE: Final = "devices.sqlite"
_LOCK: Final = "devices.lock"

_DDL: Final = """
CREATE TABLE IF NOT EXISTS act (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, variable TEXT NOT NULL, setpoint TEXT NOT NULL, start REAL NOT NULL,
    wanted REAL NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS act_state ON act (state);
CREATE TABLE IF NOT EXISTS saved (
    variable TEXT PRIMARY KEY, key TEXT NOT NULL, value REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS left_at (variable TEXT PRIMARY KEY, value REAL NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Act:
    """One put. `state` is `begun`, then `verified` or `failed`; `settled` once a person has looked."""

    number: int
    key: str
    variable: str
    setpoint: str
    start: float
    wanted: float
    state: str
    note: str


class Journal:
    """The device memory of one station, held by one process.

    Args:
        folder: the station's.
        to_look: only to be read, also while another process holds it.

    Raises:
        Conflict: another process holds it.
    """

    def __init__(self, folder: Path, *, to_look: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not to_look:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Conflict(str(folder), "its devices are driven by another process", "stop that one first") from None
        self._db = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_DDL)

    def begin(self, key: str, variable: str, setpoint: str, start: float, wanted: float) -> int:
        """Say durably that a put is about to be made; only then may it. Its number."""
        row = self._db.execute(
            "INSERT INTO act (key, variable, setpoint, start, wanted, state) VALUES (?, ?, ?, ?, ?, 'begun')",
            (key, variable, setpoint, start, wanted),
        )
        return int(row.lastrowid or 0)

    def end(self, number: int, state: str, note: str = "") -> None:
        """Say durably what became of a put; a verified one is where its variable was left."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("UPDATE act SET state = ?, note = ? WHERE number = ?", (state, note[:2000], number))
        if state == "verified":
            self._db.execute(
                "INSERT OR REPLACE INTO left_at SELECT variable, wanted FROM act WHERE number = ?", (number,)
            )
        self._db.execute("COMMIT")

    def save(self, key: str, variable: Variable, value: float) -> None:
        """Keep where a variable was before a task first put to it; kept until it is back or accepted."""
        self._db.execute(
            "INSERT OR IGNORE INTO saved VALUES (?, ?, ?, ?)", (variable.name, key, value, variable.to_bytes())
        )

    def saved(self) -> dict[str, float]:
        """Where each variable was before the task that moved it."""
        return {str(name): float(value) for name, value in self._db.execute("SELECT variable, value FROM saved")}

    def saved_for(self, variable: str) -> str:
        """The task before which a saved variable was saved.

        Raises:
            KeyError: nothing of it is saved.
        """
        row = self._db.execute("SELECT key FROM saved WHERE variable = ?", (variable,)).fetchone()
        if row is None:
            raise KeyError(variable)
        return str(row[0])

    def saved_variables(self) -> list[Variable]:
        """The variables that are not known to be back."""
        return [Variable.read(body) for (body,) in self._db.execute("SELECT body FROM saved ORDER BY variable")]

    def forget_saved(self) -> None:
        """What was saved is back in place, or is not wanted back."""
        self._db.execute("DELETE FROM saved")

    def left_at(self, variable: str) -> float | None:
        """Where this station last verified a variable to be; None if it never moved it, or anything counts."""
        row = self._db.execute("SELECT value FROM left_at WHERE variable = ?", (variable,)).fetchone()
        return None if row is None else float(row[0])

    def unsettled(self) -> list[Act]:
        """Puts that were begun and of which nothing more is known, or that failed and were not put right."""
        return self._acts("state IN ('begun', 'failed')")

    def of_task(self, key: str) -> list[Act]:
        """Every put of a task, oldest first."""
        return self._acts("key = ?", key)

    def after(self, number: int) -> list[Act]:
        """Puts begun after that one, oldest first."""
        return self._acts("number > ?", number)

    def settle(self, note: str) -> None:
        """Nothing is open any more: it was restored, or a person takes the devices as they are."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute(
            "UPDATE act SET state = 'settled', note = note || ? WHERE state IN ('begun', 'failed')", (f" ({note})",)
        )
        self._db.execute("DELETE FROM saved")
        self._db.execute("COMMIT")

    def accept(self, note: str) -> None:
        """A person takes the devices as they are, wherever they were left."""
        self.settle(note)
        self._db.execute("DELETE FROM left_at")

    def close(self) -> None:
        """Let go of the folder."""
        self._db.close()
        os.close(self._lock)

    def _acts(self, where: str, *values: str | int) -> list[Act]:
        rows = self._db.execute(
            f"SELECT number, key, variable, setpoint, start, wanted, state, note FROM act WHERE {where}"
            " ORDER BY number",
            values,
        )
        return [Act(*row) for row in rows]

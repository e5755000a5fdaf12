"""What the robot has done, kept so that it survives a kill at any moment: wells, tips, liquids and readings.

A well is given away, and a transfer noted, *before* anything moves. So whatever stops the process, the records show at
least as much used as is used, and nothing is used twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

FILE: Final = "robot.sqlite"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS well (
    number INTEGER PRIMARY KEY, sample TEXT NOT NULL UNIQUE, key TEXT UNIQUE, state TEXT NOT NULL,
    red REAL NOT NULL, yellow REAL NOT NULL, blue REAL NOT NULL, water REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS transfer (
    tip INTEGER PRIMARY KEY, well INTEGER NOT NULL REFERENCES well (number),
    liquid INTEGER NOT NULL, volume REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS reading (
    well INTEGER PRIMARY KEY REFERENCES well (number), lightness REAL NOT NULL, a REAL NOT NULL, b REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS load (well INTEGER NOT NULL, tip INTEGER NOT NULL) STRICT;
"""


class WellState(StrEnum):
    """What has become of a well. A well that is not in the records is free."""

    FILLING = "filling"
    """Given to a task; something may be in it."""
    FILLED = "filled"
    """Every transfer was made; it can be measured."""
    SPOILT = "spoilt"
    """The robot stopped in the middle of it; it is used up."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A well that has been given away.

    Args:
        number: of the well on the deck, from 0.
        sample: its identity as a sample.
        key: of the task that it was given to, if known.
        state: what has become of it.
        volumes: microlitres asked for, in the order of `LIQUIDS`.
    """

    number: int
    sample: str
    key: str | None
    state: WellState
    volumes: tuple[float, float, float, float]


class Records:
    """The robot's records in one SQLite file, every change synced before it counts.

    Args:
        folder: the robot's state folder.
    """

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / FILE, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def give_away(self, mixture: Mixture) -> None:
        """Note that a well belongs to a task, before anything is put into it."""
        self._db.execute(
            "INSERT INTO well VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (mixture.number, mixture.sample, mixture.key, mixture.state, *mixture.volumes),
        )

    def start_transfer(self, *, well: int, liquid: int, volume: float) -> int:
        """Note a transfer before it is made, and say which tip it uses."""
        row = self._db.execute(
            "INSERT INTO transfer SELECT coalesce(max(tip) + 1, 0), ?, ?, ? FROM transfer RETURNING tip",
            (well, liquid, volume),
        ).fetchone()
        return int(row[0])

    def settle(self, well: int, state: WellState) -> None:
        """Note what has become of a well."""
        self._db.execute("UPDATE well SET state = ? WHERE number = ?", (state, well))

    def spoil_unfinished(self) -> tuple[Mixture, ...]:
        """Mark the wells that an earlier process left in the middle as spoilt, and name them."""
        rows = self._db.execute(
            "UPDATE well SET state = ? WHERE state = ? RETURNING *",
            (
                WellState.SPOILT,
                WellState.FILLING,
            ),
        ).fetchall()
        return tuple(_mixture(row) for row in rows)

    def by_sample(self, sample: str) -> Mixture | None:
        """The well that a sample is in."""
        return self._one("SELECT * FROM well WHERE sample = ?", sample)

    def by_key(self, key: str) -> Mixture | None:
        """The well that was given to a task."""
        return self._one("SELECT * FROM well WHERE key = ?", key)

    def keep_reading(self, well: int, lab: Sequence[float]) -> None:
        """Keep what the reader said of a well; a well is read once."""
        self._db.execute("INSERT OR IGNORE INTO reading VALUES (?, ?, ?, ?)", (well, *lab))

    def reading(self, well: int) -> tuple[float, float, float] | None:
        """What the reader said of a well, if it has been read."""
        row = self._db.execute("SELECT lightness, a, b FROM reading WHERE well = ?", (well,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def first_of_load(self) -> tuple[int, int]:
        """Numbers of the first well and the first tip since plates, tips and liquids were last renewed."""
        row = self._db.execute("SELECT well, tip FROM load ORDER BY rowid DESC LIMIT 1").fetchone()
        return (0, 0) if row is None else (row[0], row[1])

    def renew(self, wells_per_plate: int) -> None:
        """Note fresh plates, tips and liquids. Numbers go on where they were, so no sample's name comes twice."""
        well = -(-self.next_well() // wells_per_plate) * wells_per_plate
        self._db.execute("INSERT INTO load VALUES (?, ?)", (well, self._next_tip()))

    def next_well(self) -> int:
        """Number of the first well that has never been given away."""
        given = int(self._db.execute("SELECT coalesce(max(number) + 1, 0) FROM well").fetchone()[0])
        return max(given, self.first_of_load()[0])

    def wells_in(self, state: WellState) -> int:
        """How many wells have ever come to be in a state."""
        return int(self._db.execute("SELECT count(*) FROM well WHERE state = ?", (state,)).fetchone()[0])

    def tips_used(self) -> int:
        """How many tips of this load have been used."""
        return self._next_tip() - self.first_of_load()[1]

    def taken(self, liquids: int) -> tuple[float, ...]:
        """Microlitres taken from each trough since it was filled."""
        rows = self._db.execute(
            "SELECT liquid, sum(volume) FROM transfer WHERE tip >= ? GROUP BY liquid", (self.first_of_load()[1],)
        )
        totals = dict(rows.fetchall())
        return tuple(float(totals.get(liquid, 0.0)) for liquid in range(liquids))

    def filled(self) -> dict[int, float]:
        """Microlitres in each used well that is on the deck, by its number."""
        rows = self._db.execute(
            "SELECT well, sum(volume) FROM transfer WHERE tip >= ? GROUP BY well", (self.first_of_load()[1],)
        )
        return dict(rows.fetchall())

    def _next_tip(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(tip) + 1, 0) FROM transfer").fetchone()[0])

    def _one(self, query: str, name: str) -> Mixture | None:
        row = self._db.execute(query, (name,)).fetchone()
        return None if row is None else _mixture(row)


def _mixture(row: tuple[int, str, str | None, str, float, float, float, float]) -> Mixture:
    number, sample, key, state, *volumes = row
    return Mixture(number, sample, key, WellState(state), tuple(volumes))  # type: ignore[arg-type]

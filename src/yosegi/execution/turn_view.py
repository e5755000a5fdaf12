"""Table `turn`: the latest turn that each team has taken on each instrument, so that a restart forgets none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from yosegi.execution import tasks
from yosegi.execution.slots import Turn
from yosegi.ledger import Db, Entry


class TurnView:
    """Keeps one row a lane and team; a turn is on record with the start of its task, or was not taken."""

    name = "turn"
    version = 1
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE turn (lane TEXT NOT NULL, team TEXT NOT NULL, start DOUBLE PRECISION NOT NULL,"
        " finish DOUBLE PRECISION NOT NULL, PRIMARY KEY (lane, team))",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep a turn that is later than the last of its team."""
        turn = entry.facts.get("turn") if entry.type == tasks.DISPATCHED else None
        if turn is None:
            return
        key = (str(turn["lane"]), str(turn["team"]))
        known = db.one("SELECT finish FROM turn WHERE lane = ? AND team = ?", key)
        tags = (float(turn["start"]), float(turn["finish"]))
        if known is None:
            db.execute("INSERT INTO turn VALUES (?, ?, ?, ?)", (*key, *tags))
        elif tags[1] > known[0]:
            db.execute("UPDATE turn SET start = ?, finish = ? WHERE lane = ? AND team = ?", (*tags, *key))


def turns_taken(query: Callable[[str], Iterable[Mapping[str, Any]]]) -> tuple[Turn, ...]:
    """The latest turn of each team on each instrument."""
    rows = query("SELECT lane, team, start, finish FROM turn")
    return tuple(Turn(row["lane"], row["team"], row["start"], row["finish"]) for row in rows)

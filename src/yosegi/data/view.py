"""Which objects a site knows, whose they are, under what label, and which task made them: a view of the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from yosegi.core.errors import NotFound
from yosegi.core.object import ObjectRef
from yosegi.data.entries import ERASED, PUT
from yosegi.ledger import Db, Entry, Ledger


class ObjectsView:
    """Table `object`: a row each time an entry names one. Table `object_erased`: whose bytes are gone for good.

    What was erased stays so until a person brings it again.
    """

    name = "object"
    version = 1
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE object (sequence INTEGER NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, kind TEXT NOT NULL,"
        " stream TEXT NOT NULL, peer TEXT NOT NULL, task TEXT NOT NULL, team TEXT NOT NULL, charter TEXT NOT NULL,"
        " actor TEXT NOT NULL, ref TEXT NOT NULL, time TEXT NOT NULL, PRIMARY KEY (sequence, name))",
        "CREATE INDEX object_digest ON object (digest, kind)",
        "CREATE INDEX object_stream ON object (stream)",
        "CREATE TABLE object_erased (digest TEXT PRIMARY KEY, sequence INTEGER NOT NULL)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Add a row for each object the entry names."""
        facts = entry.facts
        if entry.type == ERASED:
            db.execute("DELETE FROM object_erased WHERE digest = ?", (facts["digest"],))
            db.execute("INSERT INTO object_erased (digest, sequence) VALUES (?, ?)", (facts["digest"], entry.sequence))
            return
        named: dict[str, dict[str, Any]] = facts.get("objects", {})
        if not isinstance(named, dict):
            return
        header = entry.header
        if entry.type == PUT:
            db.execute("DELETE FROM object_erased WHERE digest = ?", (named["it"]["sha256"],))
        for name, ref in named.items():
            row = (
                entry.sequence,
                name,
                ref["sha256"],
                entry.type,
                entry.stream,
                facts.get("peer", ""),
                facts.get("task", ""),
                facts.get("team", ""),
                header.charter,
                header.actor,
                json.dumps(ref, sort_keys=True),
                entry.time,
            )
            db.execute(f"INSERT INTO object VALUES ({', '.join('?' * len(row))})", row)


@dataclass(frozen=True, slots=True)
class Known:
    """One naming of an object.

    Args:
        kind: the type of the entry that names it, e.g. `task.ended`.
        stream: the entry's.
        name: as which input or output.
        peer: the other site, where its bytes came or went.
        task: the task for which they did.
    """

    ref: ObjectRef
    kind: str
    stream: str
    name: str
    peer: str
    task: str
    team: str
    charter: str
    actor: str
    time: str
    sequence: int


def known(ledger: Ledger, where: str, *values: str | int) -> list[Known]:
    """Namings of objects in the order of the ledger; `where` is a condition on the table `object`."""
    rows = ledger.query(f"SELECT * FROM object WHERE {where} ORDER BY sequence, name", values)
    fields = ("kind", "stream", "name", "peer", "task", "team", "charter", "actor", "time", "sequence")
    return [
        Known(ref=ObjectRef.read(json.loads(row["ref"])), **{field: row[field] for field in fields}) for row in rows
    ]


def named(ledger: Ledger, digest: str) -> ObjectRef:
    """An object as it is known here, under the strictest label it was ever given.

    Raises:
        NotFound: no entry names it.
    """
    namings = [one.ref for one in known(ledger, "digest = ?", digest)]
    if not namings:
        raise NotFound("object", digest)
    return namings[0].with_label_of(*namings[1:])


def is_erased(ledger: Ledger, digest: str) -> bool:
    """Whether its bytes were taken away for good."""
    return bool(ledger.query("SELECT digest FROM object_erased WHERE digest = ?", (digest,)))

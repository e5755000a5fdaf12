"""What the ledger's tests share: a clock that never moves by itself, views with a guard, and a ledger's opener."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from yosegi.core.errors import Refused
from yosegi.ledger import Db, Draft, Entry, Ledger, SqliteStore, Store, View, Write
from yosegi.trust.keys import PublicKey, by_id
from yosegi.trust.signer import Ed25519Signer

SIGNER = Ed25519Signer.from_seed(bytes(range(32)))
KEYS = by_id([SIGNER.public])


class StillClock:
    """A clock that a test turns by hand; who sleeps wakes when it has been turned far enough."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 21, 4, 0, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.seconds + seconds, future))
        await future

    def turn(self, seconds: float) -> None:
        self.seconds += seconds
        for due, future in self._sleepers:
            if due <= self.seconds and not future.done():
                future.set_result(None)


def tables(ledger: Ledger) -> list[str]:
    """The names of all tables in a ledger's store, as the store's own catalogue has them."""
    if isinstance(ledger._store, SqliteStore):
        found = ledger.query("SELECT name FROM sqlite_master WHERE type = 'table'")
    else:
        found = ledger.query("SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()")
    return [str(row["name"]) for row in found]


class Budget:
    """A view that guards an amount: it refuses what would take more than there is."""

    name = "budget"
    version = 1
    ddl = ("CREATE TABLE budget (id INTEGER PRIMARY KEY, used INTEGER NOT NULL, entries INTEGER NOT NULL)",)

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def apply(self, db: Db, entry: Entry) -> None:
        row = db.one("SELECT used, entries FROM budget WHERE id = 0")
        used, entries = row or (0, 0)
        if row is None:
            db.execute("INSERT INTO budget (id, used, entries) VALUES (0, 0, 0)")
        used += entry.facts.get("amount", 0)
        db.execute("UPDATE budget SET used = ?, entries = ? WHERE id = 0", (used, entries + 1))
        # Written before it is refused, so that the test sees whether the refusal takes it back.
        if used > self.limit:
            raise Refused(f"{entry.stream}", ("budget.exhausted",))


class Titles:
    """A view with two tables that copies a text from bodies, and gives it up when the body is erased."""

    name = "titles"
    version = 1
    ddl = (
        "CREATE TABLE titles (sequence INTEGER PRIMARY KEY, title TEXT)",
        "CREATE TABLE title_counts (stream TEXT PRIMARY KEY, entries INTEGER NOT NULL)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        if entry.type == "ledger.erased":
            db.execute("UPDATE titles SET title = NULL WHERE sequence = ?", (entry.facts["sequence"],))
        body = entry.body if entry.type == "titled" else None
        if entry.type == "titled":
            title = None if body is None else body["title"]
            db.execute("INSERT INTO titles (sequence, title) VALUES (?, ?)", (entry.sequence, title))
        db.execute(
            "INSERT INTO title_counts (stream, entries) VALUES (?, 1) "
            "ON CONFLICT (stream) DO UPDATE SET entries = title_counts.entries + 1",
            (entry.stream,),
        )


def write(stream: str = "task/1", expected: int | None = None, *, drafts: int = 1, **fields: Any) -> Write:
    fields.setdefault("type", "task.noted")
    actor = fields.pop("actor", "pi@argonne")
    return Write(stream, expected, (Draft(**fields),) * drafts, "alliance", actor)


def salts() -> Callable[[], bytes]:
    """Salts that are the same in every run."""
    numbers = itertools.count()
    return lambda: hashlib.sha256(str(next(numbers)).encode()).digest()[:16]


async def open_ledger(
    store: Store,
    *,
    views: Iterable[View] = (),
    clock: StillClock | None = None,
    inline: bool = True,
    site: str = "riken",
    signer: Ed25519Signer = SIGNER,
    keys: Iterable[PublicKey] = (),
    **fields: Any,
) -> Ledger:
    return await Ledger.open(
        store,
        site=site,
        signer=signer,
        clock=clock or StillClock(),
        views=views,
        code="yosegi test",
        inline=inline,
        salts=salts(),
        keys=keys,
        **fields,
    )


Opener = Callable[..., Awaitable[Ledger]]

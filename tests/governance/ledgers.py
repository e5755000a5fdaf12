"""A ledger with this room's views, and a view alone in memory, for tests that write entries."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from governance.world import NOW
from yosegi.core.clock import timestamp
from yosegi.core.errors import YosegiError
from yosegi.governance.grants.balances import GrantsView
from yosegi.governance.mandates.approvals import ApprovalsView
from yosegi.governance.mandates.view import MandatesView
from yosegi.ledger import Draft, Ledger, SqliteStore, View, Write
from yosegi.ledger.sqlite import SqliteDb
from yosegi.trust.signer import Ed25519Signer


class StillClock:
    """Time that stands where it is put."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass
class Book:
    """An open ledger, its clock, and a plain way to write one entry."""

    ledger: Ledger
    clock: StillClock
    runner: asyncio.Runner

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def write(self, *drafts: Draft, charter: str = "demo") -> None:
        self.run(self.ledger.append(Write("governance/test", None, drafts, charter, "operator@nims")))


@contextmanager
def site(folder: Path, *drafts: Draft, inline: bool = True) -> Iterator[Book]:
    """A ledger of `nims` in a folder, with some entries written."""
    views: list[View] = [GrantsView(), MandatesView(), ApprovalsView()]
    signer, clock, store = Ed25519Signer.from_seed(bytes(32)), StillClock(), SqliteStore(folder / "ledger.db")
    with asyncio.Runner() as runner:
        opening = Ledger.open(store, site="nims", signer=signer, clock=clock, views=views, inline=inline)
        book = Book(runner.run(opening), clock, runner)
        try:
            for draft in drafts:
                book.write(draft)
            yield book
        finally:
            book.ledger.close()


class Alone:
    """One view in memory, each entry in a savepoint as the ledger does it: quick enough for state machines."""

    def __init__(self, view: View) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self.db, self._view = SqliteDb(self._connection, "memory"), view
        for statement in view.ddl:
            self.db.execute(statement)

    def write(self, draft: Draft, now: datetime = NOW) -> YosegiError | None:
        """What refused the entry, if something did."""
        facts = json.loads(json.dumps(dict(draft.facts)))
        header = SimpleNamespace(charter="demo")
        plain = {
            "type": draft.type,
            "facts": facts,
            "header": header,
            "time": timestamp(now),
            "stream": "governance/test",
        }
        entry: Any = SimpleNamespace(**plain)
        self._connection.execute("SAVEPOINT one")
        try:
            self._view.apply(self.db, entry)
        except YosegiError as error:
            self._connection.execute("ROLLBACK TO one")
            return error
        finally:
            self._connection.execute("RELEASE one")
        return None

    def close(self) -> None:
        self._connection.close()

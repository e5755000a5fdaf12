"""Deaths and disk failures at chosen moments, counted so that every moment can be tried in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from yosegi.ledger import Db, Store, StoreFailed

When = Literal["before", "after", "full"]


class Died(StoreFailed):
    """The process is dead: nothing it does any more reaches its disk."""

    def __init__(self, where: str) -> None:
        super().__init__(where, "this process has died")


class MortalStore:
    """A store whose process dies before or after its Nth commit, or whose disk is full just then.

    Args:
        store: the real one.
        die_at: number of the commit, from 1; 0 never.
        when: `before` the commit (it is lost), `after` it (it is there, nobody heard), or the disk is `full` for
            that one commit and the process lives.
        on_fault: told of the moment, and which kind it was.
    """

    def __init__(
        self, store: Store, die_at: int = 0, when: When = "before", on_fault: Callable[[When], None] = lambda when: None
    ) -> None:
        self._store, self._die_at, self._when, self._on_fault = store, die_at, when, on_fault
        self.commits = 0
        self.dead = False
        self.full = False
        """Whether the disk is full: no commit succeeds, and the process lives."""

    @property
    def where(self) -> str:
        """The store's name."""
        return self._store.where

    def exists(self) -> bool:
        """See `Store.exists`."""
        return self._store.exists()

    def claim(self, ddl: Iterable[str]) -> int:
        """See `Store.claim`."""
        return self._store.claim(ddl)

    @contextmanager
    def transaction(self, term: int) -> Iterator[Db]:
        """See `Store.transaction`."""
        self._check()
        if self.full:
            raise StoreFailed(self.where, "the disk is full")
        self.commits += 1
        mine = self.commits == self._die_at
        with self._store.transaction(term) as db:
            yield db
            if mine and self._when == "full":
                self._on_fault("full")
                raise StoreFailed(self.where, "the disk is full")
            if mine and self._when == "before":
                self.die()
                raise Died(self.where)
        if mine and self._when == "after":
            self.die()
            raise Died(self.where)

    def die(self) -> None:
        """From now on nothing reaches the disk."""
        if not self.dead:
            self.dead = True
            self._on_fault(self._when)

    def _check(self) -> None:
        if self.dead:
            raise Died(self.where)

    def reader(self) -> Db:
        """See `Store.reader`."""
        return self._store.reader()

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """See `Store.query`."""
        return self._store.query(sql, params)

    def scrub(self) -> None:
        """See `Store.scrub`."""
        self._store.scrub()

    def backup(self, target: Path) -> None:
        """See `Store.backup`."""
        self._store.backup(target)

    def damage(self) -> str:
        """See `Store.damage`."""
        return self._store.damage()

    def statistics(self) -> Mapping[str, int]:
        """See `Store.statistics`."""
        return self._store.statistics()

    def close(self) -> None:
        """See `Store.close`."""
        self._store.close()

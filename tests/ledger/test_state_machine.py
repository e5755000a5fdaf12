"""A ledger against a model of it: appends, conflicts, refusals, erasures, failures, crashes, restarts, restores."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, precondition, rule

from ledger.support import KEYS, Budget, Titles, open_ledger, write
from yosegi.core.errors import Conflict, NotFound, Refused
from yosegi.ledger import Checkpoint, Db, Ledger, Receipt, SqliteStore, StoreFailed, Upcasters, tree, verify_entries

LIMIT = 40
T = TypeVar("T")

streams = st.sampled_from(["a", "b", "b/1", "ü"])
amounts = st.integers(0, 15)
titles = st.none() | st.text(max_size=5)


class FailingCommit(SqliteStore):
    """Fails at its next commit, before or after it has happened."""

    fail: str = ""

    @contextmanager
    def transaction(self, term: int) -> Iterator[Db]:
        fail, self.fail = self.fail, ""
        with super().transaction(term) as db:
            yield db
            if fail == "before":
                raise StoreFailed(self.where, "input/output error")
        if fail == "after":
            raise StoreFailed(self.where, "input/output error")


class Against(RuleBasedStateMachine):
    """The model: each stream's amounts and titles, and the sequences with a body."""

    receipts = Bundle("receipts")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.root = Path(tempfile.mkdtemp())
        self.generation = 0
        self.streams: dict[str, list[int]] = {}
        self.bodies: dict[int, dict[str, Any] | None] = {}
        self.roots: dict[tuple[int, int], bytes] = {}
        self.size = 1
        self.ledger: Ledger
        self.store: FailingCommit

    def run(self, action: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(action)

    @property
    def file(self) -> Path:
        return self.root / f"{self.generation}" / "ledger.sqlite"

    @property
    def used(self) -> int:
        return sum(sum(amounts) for amounts in self.streams.values())

    def open(self) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.store = FailingCommit(self.file, durable=False)
        self.ledger = self.run(open_ledger(self.store, views=[Budget(LIMIT), Titles()], upcasters=Upcasters()))

    @initialize()
    def start(self) -> None:
        self.open()

    def written(self, stream: str, amount: int, title: str | None) -> None:
        self.streams.setdefault(stream, []).append(amount)
        if title is not None:
            self.bodies[self.size] = {"title": title}
        self.size += 1

    def draft(self, stream: str, expected: int | None, amount: int, title: str | None) -> Any:
        body = None if title is None else {"title": title}
        return write(stream, expected, type="titled" if body else "noted", facts={"amount": amount}, body=body)

    @rule(stream=streams, amount=amounts, title=titles, off=st.sampled_from([0, 0, 0, None, 1, -1]))
    def append(self, stream: str, amount: int, title: str | None, off: int | None) -> None:
        position = len(self.streams.get(stream, ()))
        expected = None if off is None else max(0, position + off)
        action = self.ledger.append(self.draft(stream, expected, amount, title))
        try:
            (entry,) = self.run(action)
        except Conflict:
            assert expected not in (None, position)
        except Refused:
            assert expected in (None, position)
            assert self.used + amount > LIMIT
        else:
            assert expected in (None, position)
            assert (entry.sequence, entry.position) == (self.size, position + 1)
            self.written(stream, amount, title)

    @rule(first=streams, second=streams, amount=amounts, stale=st.booleans())
    def append_to_two(self, first: str, second: str, amount: int, stale: bool) -> None:
        position = len(self.streams.get(second, ())) + (first == second)
        writes = self.draft(first, None, amount, "x"), self.draft(second, position + stale, amount, None)
        try:
            self.run(self.ledger.append(*writes))
        except Conflict:
            assert stale
        except Refused:
            assert not stale
            assert self.used + 2 * amount > LIMIT
        else:
            assert not stale
            self.written(first, amount, "x")
            self.written(second, amount, None)

    @rule(stream=streams, when=st.sampled_from(["before", "after"]))
    def append_while_the_store_fails(self, stream: str, when: str) -> None:
        self.store.fail = when
        with pytest.raises(StoreFailed):
            self.run(self.ledger.append(self.draft(stream, None, 0, "y")))
        if when == "after":
            self.written(stream, 0, "y")
        # The ledger looks again before it next writes, and tells who asks again where the stream is now.
        with pytest.raises(Conflict, match=f"at position {len(self.streams.get(stream, ()))},"):
            self.run(self.ledger.append(self.draft(stream, 10**6, 0, None)))

    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        sequence = data.draw(st.integers(0, self.size))
        try:
            self.run(self.ledger.erase(sequence, "why", "officer@riken"))
        except NotFound:
            assert self.bodies.get(sequence) is None
        else:
            assert self.bodies.get(sequence) is not None
            self.bodies[sequence] = None
            self.size += 1

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.open()

    @rule()
    def crash(self) -> None:
        """The disk as it is at this moment, without a word to the process that writes to it."""
        before = self.file.parent
        self.generation += 1
        shutil.copytree(before, self.file.parent)
        self.ledger.close()
        self.open()

    @rule()
    def rebuild(self) -> None:
        self.ledger.rebuild()

    @rule(target=receipts, data=st.data())
    def take_receipt(self, data: st.DataObject) -> Any:
        sequence = data.draw(st.integers(0, self.size - 1))
        receipt = self.ledger.receipt(sequence)
        self.roots[self.ledger.epoch, self.size] = self.ledger.root()
        return multiple(receipt)

    @rule(receipt=receipts)
    def a_receipt_holds_for_ever(self, receipt: Receipt) -> None:
        header = receipt.verify(KEYS, site="riken")
        assert self.ledger.entry(header.sequence).header == header

    @precondition(lambda self: self.roots)
    @rule(data=st.data())
    def the_past_stands(self, data: st.DataObject) -> None:
        (_, old), root = data.draw(st.sampled_from(sorted(self.roots.items())))
        proof = self.ledger.consistency(old, self.size)
        tree.check_consistency(old, self.size, proof, root, self.ledger.root())

    @rule(data=st.data())
    def a_bundle_is_verified(self, data: st.DataObject) -> None:
        chosen = sorted(data.draw(st.sets(st.integers(0, self.size - 1))))
        headers = [self.ledger.entry(sequence).header_bytes for sequence in chosen]
        found = verify_entries(headers, self.ledger.checkpoint(), KEYS, proof=self.ledger.prove(chosen))
        assert [header.sequence for header in found] == chosen

    @rule()
    def restore_a_backup(self) -> None:
        witnessed = Checkpoint.open(self.ledger.checkpoint(), KEYS)
        self.generation += 1
        self.file.parent.mkdir()
        self.ledger.backup(self.file)
        self.ledger.close()
        self.open()
        entry = self.run(self.ledger.open_epoch(witnessed, by="operator@riken"))
        assert entry.header.epoch == witnessed.epoch + 1
        self.size += 1

    @invariant()
    def the_ledger_is_as_the_model_says(self) -> None:
        if not hasattr(self, "ledger"):
            return
        assert self.ledger.size == self.size
        for stream, amounts in self.streams.items():
            assert [entry.facts["amount"] for entry in self.ledger.read(stream)] == amounts
        used = self.ledger.query("SELECT used FROM budget")
        assert used[0]["used"] == self.used <= LIMIT
        titles = {row["sequence"]: row["title"] for row in self.ledger.query("SELECT * FROM titles")}
        assert titles == {sequence: body and body["title"] for sequence, body in self.bodies.items()}

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            for _ in self.ledger.check():
                pass
            self.ledger.close()
        self.runner.close()
        shutil.rmtree(self.root)


TestAgainstAModel = Against.TestCase
TestAgainstAModel.settings = settings(
    max_examples=10, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)

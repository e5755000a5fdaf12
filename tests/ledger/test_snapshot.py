"""A ledger's file read beside its writer: one moment of it, whole, provable, and nothing of it changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.support import KEYS, open_ledger, write
from yosegi.core.errors import Corrupt, Invalid
from yosegi.ledger import Checkpoint, Ledger, Store, snapshot, verify_entries
from yosegi.ledger.snapshot import Snapshot

HASH = "sha256:" + "ab" * 32


class Book:
    """A ledger of seven entries that stays open, as at a running site."""

    def __init__(self, make: Callable[[], Store]) -> None:
        self.make, self._runner = make, asyncio.Runner()
        self.ledger: Ledger = self._runner.run(open_ledger(make()))
        self.add(write("task/1", drafts=2, facts={"key": "alpha"}))
        self.add(write("task/2", body={"note": "beta"}))
        self.add(write("task/2", facts={"key": "gamma"}, after=(HASH,)))
        self.add(write("other/1", drafts=2))

    def add(self, *writes: Any) -> None:
        self._runner.run(self.ledger.append(*writes))

    def delete_checkpoints(self) -> None:
        """As in a store that was copied in the middle of its first start."""
        sequencer = self.ledger._sequencer
        with self.ledger._store.transaction(sequencer.term) as db:
            db.execute("DELETE FROM ledger_checkpoints")

    def close(self) -> None:
        self.ledger.close()
        self._runner.close()


@pytest.fixture
def book(make: Callable[[], Store]) -> Iterator[Book]:
    made = Book(make)
    yield made
    made.close()


def test_it_is_of_the_newest_checkpoint_and_has_every_entry_under_it(book: Book) -> None:
    with Snapshot(book.make()) as found:
        assert found.size == 7
        assert Checkpoint.open(found.checkpoint, KEYS).size == 7
        assert list(found.scan()) == list(book.ledger.scan())
        assert [entry.sequence for entry in found.scan(5)] == [5, 6]


def test_what_is_written_meanwhile_is_not_seen_and_is_not_hindered(book: Book) -> None:
    with Snapshot(book.make()) as found:
        book.add(write("task/1", facts={"key": "alpha"}), write("task/9"))
        assert book.ledger.size == 9
        assert len(list(found.scan())) == found.size == 7
        assert [entry.position for entry in found.stream("task/1")] == [1, 2]
        assert found.streams("task/") == ["task/1", "task/2"]
        assert len(list(found.containing(b"alpha"))) == 2
    with Snapshot(book.make()) as found:
        assert found.size == 9


def test_a_stream_is_read_beyond_a_position(book: Book) -> None:
    with Snapshot(book.make()) as found:
        assert [entry.position for entry in found.stream("task/2", after=1)] == [2]
        assert found.stream("task/7") == []


@pytest.mark.parametrize("chunk", [1, 2, 3, 50])
def test_a_text_is_found_in_headers_and_bodies_in_order(
    book: Book, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_CHUNK", chunk)
    with Snapshot(book.make()) as found:
        assert [entry.sequence for entry in found.containing(b"alpha")] == [1, 2]
        assert [entry.body for entry in found.containing(b"beta")] == [{"note": "beta"}]
        assert [entry.sequence for entry in found.containing(b"gamma", b"beta")] == [3, 4]
        assert list(found.containing(b"delta")) == []
        assert [entry.sequence for entry in found.containing(b"ledger.opened")] == [0]
        assert [entry.sequence for entry in found.containing(b"other/1")] == [5, 6]


def test_entries_that_name_others_are_found(book: Book) -> None:
    with Snapshot(book.make()) as found:
        assert [entry.header.after for entry in found.following()] == [(HASH,)]


@pytest.mark.parametrize("chosen", [[0], [6, 1, 1], [2, 3, 4]])
def test_what_is_found_is_proved_under_its_checkpoint(book: Book, chosen: list[int]) -> None:
    with Snapshot(book.make()) as found:
        entries = [entry for entry in found.scan() if entry.sequence in chosen]
        proof = found.prove(chosen)
        headers = [entry.header_bytes for entry in entries]
        assert [h.sequence for h in verify_entries(headers, found.checkpoint, KEYS, proof=proof)] == sorted({*chosen})
        with pytest.raises(Invalid):
            verify_entries(headers[1:], found.checkpoint, KEYS, proof=proof)


def test_it_is_checked_as_a_ledger_is_and_its_leaves_are_those_of_its_entries(book: Book) -> None:
    with Snapshot(book.make()) as found:
        book.add(write("task/9"))
        assert found.leaves() == [entry.leaf for entry in found.scan()]
        steps = [(step.what, step.done, step.total) for step in found.check("riken", KEYS)]
        assert steps == [("entries", 7, 7)]
        with pytest.raises(Corrupt, match="its header is of entry 0 of riken"):
            list(found.check("nims", KEYS))


def test_where_there_is_no_ledger_it_says_so_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="there is no ledger there"):
        Snapshot(tmp_path / "nothing.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_that_was_never_served_has_nothing_to_prove_by(book: Book) -> None:
    book.delete_checkpoints()
    with pytest.raises(Invalid, match="it has no checkpoint"):
        Snapshot(book.make())

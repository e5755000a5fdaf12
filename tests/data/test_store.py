"""One suite for both stores of objects; SHA-256 of the empty text and of `abc` are NIST's (FIPS 180-2, appendix B)."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yosegi.core import canonical
from yosegi.core.errors import Corrupt, Invalid, NotFound, Unavailable
from yosegi.data import FileStore, ObjectStore
from yosegi.data.store import BLOCK, verified
from yosegi.testing.objects import MemoryStore

ABC = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LATER = 1e12
"""A moment after everything that these tests write (POSIX seconds)."""


@pytest.fixture(params=["files", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return FileStore(tmp_path / "objects") if request.param == "files" else MemoryStore()


def test_bytes_are_known_by_their_sha256(store: ObjectStore) -> None:
    assert store.put(b"abc") == (ABC, 3)
    assert store.put(b"") == (EMPTY, 0)
    assert store.read(ABC) == b"abc"
    assert store.size(ABC) == 3


def test_a_file_is_put_as_its_bytes(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(b"abc")
    with (tmp_path / "it").open("rb") as file:
        assert store.put(file) == (ABC, 3)


def test_what_is_written_to_its_scratch_is_put(store: ObjectStore) -> None:
    with store.scratch() as file:
        file.write(b"abc")
        file.seek(0)
        assert store.put(file) == (ABC, 3)


@pytest.mark.parametrize("size", [0, 3, BLOCK, BLOCK + 1])
def test_what_is_read_out_is_verified(store: ObjectStore, size: int) -> None:
    data = b"x" * size
    assert b"".join(verified(store, store.put(data)[0])) == data


def test_the_same_bytes_are_kept_once(store: ObjectStore) -> None:
    assert store.put(b"abc") == store.put(b"abc")
    assert store.digests() == [ABC]


def test_a_part_is_read(store: ObjectStore) -> None:
    store.put(b"abc")
    assert (store.read(ABC, 1, 1), store.read(ABC, 1), store.read(ABC, 9, 5)) == (b"b", b"bc", b"")


def test_what_is_not_here_is_said(store: ObjectStore, tmp_path: Path) -> None:
    assert not store.has(ABC)
    for ask in (lambda: store.read(ABC), lambda: store.size(ABC), lambda: store.copy(ABC, tmp_path / "to")):
        with pytest.raises(NotFound):
            ask()
    assert not store.delete(ABC)


@pytest.mark.parametrize("text", ["../../etc/passwd", "sha256:../x", "sha256:" + "g" * 64, ABC.upper(), ABC + "0", ""])
def test_no_text_from_outside_is_a_path(store: ObjectStore, text: str) -> None:
    asks: tuple[Callable[[], Any], ...] = (
        lambda: store.has(text),
        lambda: store.read(text),
        lambda: store.arrive(text, "riken", 0, b"x"),
        lambda: store.delete(text),
    )
    for ask in asks:
        with pytest.raises(Invalid):
            ask()


def test_a_copy_cannot_be_written(store: ObjectStore, tmp_path: Path) -> None:
    store.put(b"abc")
    store.copy(ABC, tmp_path / "to")
    assert (tmp_path / "to").read_bytes() == b"abc"
    assert (tmp_path / "to").stat().st_mode & 0o777 == 0o400


def test_a_transfer_goes_on_where_it_was_and_is_verified_at_its_end(store: ObjectStore) -> None:
    store.arrive(ABC, "riken", 0, b"a")
    assert (store.arrived(ABC, "riken"), store.has(ABC)) == (1, False)
    store.arrive(ABC, "riken", 1, b"bc")
    store.complete(ABC, "riken")
    assert (store.read(ABC), store.arrived(ABC, "riken")) == (b"abc", 0)


def test_an_empty_object_is_completed_without_a_piece(store: ObjectStore) -> None:
    store.complete(EMPTY, "riken")
    assert store.size(EMPTY) == 0


def test_a_piece_that_does_not_follow_changes_nothing(store: ObjectStore) -> None:
    store.arrive(ABC, "riken", 0, b"a")
    for offset in (0, 2):
        with pytest.raises(Invalid):
            store.arrive(ABC, "riken", offset, b"bc")
    assert store.arrived(ABC, "riken") == 1


def test_wrong_bytes_are_no_object_and_are_thrown_away(store: ObjectStore) -> None:
    store.arrive(ABC, "riken", 0, b"abd")
    with pytest.raises(Invalid, match="other bytes"):
        store.complete(ABC, "riken")
    assert (store.has(ABC), store.arrived(ABC, "riken")) == (False, 0)


def test_transfers_of_one_object_from_two_sites_are_two(store: ObjectStore) -> None:
    store.arrive(ABC, "riken", 0, b"ab")
    store.arrive(ABC, "nims", 0, b"wrong")
    store.drop(ABC, "nims")
    assert (store.arrived(ABC, "riken"), store.arrived(ABC, "nims")) == (2, 0)


def test_what_is_old_and_not_needed_is_collected(store: ObjectStore) -> None:
    store.put(b"abc")
    store.put(b"")
    assert store.collect(lambda digest: digest == ABC, LATER) == [(EMPTY, 0)]
    assert store.digests() == [ABC]


def test_what_is_young_is_never_collected(store: ObjectStore) -> None:
    store.put(b"abc")
    assert store.collect(lambda digest: False, 0.0) == []
    assert store.has(ABC)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_any_bytes_in_any_pieces_come_out_as_they_went_in(store: ObjectStore, data: bytes, cuts: list[int]) -> None:
    digest = canonical.digest(data)
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(bounds):
        store.arrive(digest, "riken", start, data[start:end])
    store.complete(digest, "riken")
    assert store.read(digest) == data


# -- what only files can suffer ---------------------------------------------------------------------------------------


def test_a_changed_file_is_not_given_out(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.put(b"abc")
    path = next(tmp_path.glob("??/*"))
    path.chmod(0o600)
    path.write_bytes(b"abd")
    with pytest.raises(Corrupt):
        list(verified(store, ABC))
    with pytest.raises(Corrupt):
        store.copy(ABC, tmp_path / "to")
    assert not (tmp_path / "to").exists()
    assert not store.has(ABC)
    store.put(b"abc")
    assert store.read(ABC) == b"abc"


@pytest.mark.parametrize("call", ["fsync", "fdopen"])
def test_a_full_disk_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    store = FileStore(tmp_path)

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(Unavailable, match="No space"):
            store.put(b"abc")
    assert store.digests() == []
    assert not list((tmp_path / "incoming").iterdir())
    store.put(b"abc")
    assert store.has(ABC)


def test_two_processes_may_use_one_folder(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            for number in range(40):
                FileStore(tmp_path).put(b"x" * number)
            os._exit(0)
        finally:
            os._exit(1)
    store = FileStore(tmp_path)
    for number in range(40):
        store.put(b"x" * number)
        store.collect(lambda digest: False, 0.0)
    assert os.waitpid(pid, 0)[1] == 0
    assert {store.read(digest) for digest in store.digests()} == {b"x" * number for number in range(40)}


def test_what_a_crash_left_half_written_is_collected(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.arrive(ABC, "riken", 0, b"a")
    store.collect(lambda digest: False, 0.0)
    assert store.arrived(ABC, "riken") == 1
    store.collect(lambda digest: False, LATER)
    assert store.arrived(ABC, "riken") == 0

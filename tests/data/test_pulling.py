"""Bringing an object from somebody who may be slow, down, wrong or hostile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yosegi.core import canonical
from yosegi.core.object import ObjectRef
from yosegi.data import CHUNK, Chunk, ChunkRequest, Puller, TransferRefused
from yosegi.data.pulling import inline
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.testing.objects import MemoryStore
from yosegi.trust.explanation import Explanation

NO = Explanation(code="no")


def bytes_of(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def ref_of(data: bytes, **other: object) -> ObjectRef:
    fields = {"sha256": canonical.digest(data), "size": len(data), "media_type": "text/csv"} | other
    return ObjectRef(site="riken", sensitivity="team", **fields)  # type: ignore[arg-type]


@dataclass
class Giver:
    """Has one object; `answer` may give something else."""

    data: bytes
    answer: Callable[[ChunkRequest, int], Chunk | None] | None = None
    wants: list[ChunkRequest] = field(default_factory=list)
    puller: Puller = field(init=False)

    def ask(self, want: ChunkRequest) -> None:
        self.wants.append(want)
        chunk = self.honest(want) if self.answer is None else self.answer(want, len(self.wants))
        if chunk is not None:
            asyncio.get_running_loop().call_later(0.1, self.puller.take, "riken", chunk)

    def honest(self, want: ChunkRequest) -> Chunk:
        part = self.data[want.offset : want.offset + want.length]
        return Chunk(task=want.task, sha256=want.sha256, offset=want.offset, data=part)


def bring(giver: Giver, store: MemoryStore | None = None, ref: ObjectRef | None = None) -> MemoryStore:
    store = store or MemoryStore()

    async def work() -> None:
        giver.puller = Puller(
            store, SimulatedClock(), lambda ref, site, why: Explanation(code="object_wrong", en=why), offload=inline
        )
        async with asyncio.timeout(1000):
            await giver.puller.bring(ref or ref_of(giver.data), "riken", "t1", giver.ask)
        assert not giver.puller.under_way

    run_simulated(work())
    return store


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7])
def test_an_object_comes_whole(size: int) -> None:
    giver = Giver(bytes_of(size))
    store = bring(giver)
    assert store.read(ref_of(giver.data).sha256) == giver.data
    assert not store.partial


def test_it_goes_on_where_it_was() -> None:
    giver, store = Giver(bytes_of(3 * CHUNK)), MemoryStore()
    store.arrive(ref_of(giver.data).sha256, "riken", 0, giver.data[:CHUNK])
    bring(giver, store)
    assert [want.offset for want in giver.wants] == [CHUNK, 2 * CHUNK]


def test_what_lay_here_damaged_is_asked_for_once_more_and_blamed_on_nobody() -> None:
    giver, store = Giver(bytes_of(3 * CHUNK)), MemoryStore()
    store.arrive(ref_of(giver.data).sha256, "riken", 0, b"x" * CHUNK)
    bring(giver, store)
    assert store.read(ref_of(giver.data).sha256) == giver.data


@settings(max_examples=25, deadline=None)
@given(lost=st.sets(st.integers(1, 12)))
def test_pieces_that_are_lost_are_asked_for_again(lost: set[int]) -> None:
    giver = Giver(bytes_of(4 * CHUNK))
    giver.answer = lambda want, number: None if number in lost else giver.honest(want)
    assert bring(giver).read(ref_of(giver.data).sha256) == giver.data


def test_a_piece_that_is_not_there_yet_is_asked_for_again() -> None:
    giver = Giver(bytes_of(10))
    giver.answer = lambda want, number: giver.honest(want) if number > 3 else Chunk.why_not(want, NO, later=True)
    assert bring(giver).read(ref_of(giver.data).sha256) == giver.data


def test_a_full_disk_is_waited_for() -> None:
    giver, store = Giver(bytes_of(2 * CHUNK)), MemoryStore(room=CHUNK)
    giver.answer = lambda want, number: (
        setattr(store, "room", 2**40) or giver.honest(want) if number > 4 else (giver.honest(want))
    )
    assert bring(giver, store).read(ref_of(giver.data).sha256) == giver.data


def test_a_refusal_ends_it() -> None:
    giver = Giver(bytes_of(10), lambda want, number: Chunk.why_not(want, NO))
    with pytest.raises(TransferRefused) as caught:
        bring(giver)
    assert caught.value.why.code == "no"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda data: bytes(len(data)), id="other bytes"),
        pytest.param(lambda data: data + b"x", id="too many"),
        pytest.param(lambda data: data[:-1], id="too few"),
        pytest.param(lambda data: b"", id="none"),
    ],
)
def test_wrong_bytes_are_refused_and_leave_nothing(wrong: Callable[[bytes], bytes]) -> None:
    giver, store = Giver(bytes_of(1000)), MemoryStore()
    giver.answer = lambda want, number: giver.honest(want).model_copy(update={"data": wrong(giver.data)})
    with pytest.raises(TransferRefused) as caught:
        bring(giver, store)
    assert caught.value.why.code == "object_wrong"
    assert not store.held
    assert not store.partial


def test_a_size_that_is_not_true_is_refused() -> None:
    giver = Giver(bytes_of(1000))
    giver.data += b"more"
    with pytest.raises(TransferRefused):
        bring(giver, ref=ref_of(giver.data[:1000], size=1004))


def test_what_nobody_asked_for_is_thrown_away() -> None:
    store = MemoryStore()
    puller = Puller(store, SimulatedClock(), lambda ref, site, why: NO)
    assert not puller.take("riken", Chunk(task="t1", sha256=ref_of(b"x").sha256, offset=0, data=b"x" * CHUNK))
    assert not store.partial


def test_a_piece_from_another_site_answers_nothing() -> None:
    giver = Giver(bytes_of(10))

    def by_another(want: ChunkRequest, number: int) -> Chunk:
        assert not giver.puller.take("nims", Chunk.why_not(want, NO))
        return giver.honest(want)

    giver.answer = by_another
    bring(giver)


def test_a_piece_is_never_longer_than_it_may_be() -> None:
    with pytest.raises(ValueError, match="at most"):
        Chunk(task="t1", sha256=ref_of(b"x").sha256, offset=0, data=bytes(CHUNK + 1))

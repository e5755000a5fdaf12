"""Bringing objects here in pieces, whatever the way: asked for in order, verified, and gone on with after a crash.

What comes is believed by its digest alone. A peer that sends other bytes, too many or none harms this one object.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid, Refused, Unavailable
from yosegi.core.object import ObjectRef
from yosegi.data.chunks import AT_ONCE, CHUNK, Chunk, ChunkRequest
from yosegi.data.store import ObjectStore
from yosegi.trust.explanation import Explanation

Ask = Callable[[ChunkRequest], None]
Offload = Callable[..., Awaitable[Any]]
AGAIN = 2.0
"""Seconds until something that was not to be had yet is asked for again; longer each time."""
LONGEST = 60.0


class TransferRefused(Refused):
    """The other side will not give an object, or gave something else."""

    def __init__(self, ref: ObjectRef, why: Explanation) -> None:
        self.why = why
        super().__init__(f"object {ref.sha256}", (why.code,))


async def inline(work: Callable[..., Any], *args: Any) -> Any:
    """Do it on the event loop: for a federation that runs deterministically in one process."""
    return work(*args)


@dataclass
class Puller:
    """Every transfer to one place.

    Args:
        wrong: explains that a peer sent other bytes than it named.
        patience: seconds after which a piece is asked for again.
        offload: does long work with the disk.
    """

    store: ObjectStore
    clock: Clock
    wrong: Callable[[ObjectRef, str, str], Explanation]
    patience: float = 10.0
    offload: Offload = asyncio.to_thread
    under_way: dict[str, str] = field(default_factory=dict)
    """What is being brought, by digest, and what hinders it; for people."""
    _asked: dict[tuple[str, str, str, int], asyncio.Future[Chunk]] = field(default_factory=dict)
    _locks: dict[tuple[str, str], asyncio.Lock] = field(default_factory=dict)

    async def bring(self, ref: ObjectRef, source: str, task: str, ask: Ask, *, patience: float = 0.0) -> None:
        """Have an object here, whole and verified; goes on for as long as it takes.

        Args:
            ref: what is wanted.
            source: the site, or station, that has it.
            task: the task that it belongs to.
            ask: sends a want there; may lose it.
            patience: seconds after which a piece is asked for again, where the way is a long one.

        Raises:
            Gave: the other side refuses for good, or what it sent is not the object.
        """
        lock = self._locks.setdefault((ref.sha256, source), asyncio.Lock())
        try:
            async with lock:
                self.under_way[ref.sha256] = ""
                await self._bring(ref, source, task, ask, patience or self.patience)
        finally:
            self.under_way.pop(ref.sha256, None)
            if not lock.locked():
                self._locks.pop((ref.sha256, source), None)

    async def _bring(self, ref: ObjectRef, source: str, task: str, ask: Ask, patience: float) -> None:
        resumed = self.store.arrived(ref.sha256, source) > 0
        pause = AGAIN
        while True:
            try:
                await self._pieces(ref, source, task, ask, patience)
                await self.offload(self.store.complete, ref.sha256, source)
                return
            except Unavailable as error:
                # A full disk here, or not yet there: both may end.
                self.under_way[ref.sha256] = str(error)
                await self.clock.sleep(pause)
                pause = min(LONGEST, 2 * pause)
            except Invalid as error:
                self.store.drop(ref.sha256, source)
                if not resumed:
                    raise TransferRefused(ref, self.wrong(ref, source, str(error))) from None
                # What lay here from before a crash may be at fault; the whole is asked for once more.
                resumed = False

    async def _pieces(self, ref: ObjectRef, source: str, task: str, ask: Ask, patience: float) -> None:
        """Ask for what is missing, a few pieces at a time, and take them in order."""
        have = self.store.arrived(ref.sha256, source)
        if have > ref.size:
            raise Invalid(f"object {ref.sha256}", f"{have} bytes came, and it has {ref.size}")
        # An empty object is asked for too: its giver has a say.
        offsets = iter((0,) if ref.size == 0 else range(have, ref.size, CHUNK))

        def begin(offset: int) -> asyncio.Task[bytes]:
            want = ChunkRequest(task=task, sha256=ref.sha256, offset=offset, length=min(CHUNK, ref.size - offset))
            return asyncio.ensure_future(self._piece(ref, source, want, ask, patience))

        waiting = deque(begin(offset) for offset in islice(offsets, AT_ONCE))
        try:
            while waiting:
                data = await waiting.popleft()
                waiting.extend(begin(offset) for offset in islice(offsets, 1))
                self.store.arrive(ref.sha256, source, have, data)
                have += len(data)
                self.under_way[ref.sha256] = ""
        finally:
            for piece in waiting:
                piece.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _piece(self, ref: ObjectRef, source: str, want: ChunkRequest, ask: Ask, patience: float) -> bytes:
        name = (source, *want.name)
        answer = self._asked[name] = asyncio.get_running_loop().create_future()
        try:
            while True:
                ask(want)
                late = asyncio.ensure_future(self.clock.sleep(patience))
                await asyncio.wait({answer, late}, return_when=asyncio.FIRST_COMPLETED)
                late.cancel()
                if answer.done():
                    return self._checked(ref, want, answer.result())
                self.under_way[ref.sha256] = f"{source} has not answered yet"
        finally:
            self._asked.pop(name, None)

    def _checked(self, ref: ObjectRef, want: ChunkRequest, chunk: Chunk) -> bytes:
        if chunk.refused is not None and chunk.later:
            raise Unavailable(f"object {ref.sha256}", chunk.refused.en or chunk.refused.code)
        if chunk.refused is not None:
            raise TransferRefused(ref, chunk.refused)
        if len(chunk.data) != want.length:
            raise Invalid(f"object {ref.sha256}", f"{len(chunk.data)} bytes came where {want.length} were asked for")
        return chunk.data

    def take(self, source: str, chunk: Chunk) -> bool:
        """A piece came; False if nobody asked for it, and it is thrown away."""
        answer = self._asked.get((source, *chunk.name))
        if answer is None or answer.done():
            return False
        answer.set_result(chunk)
        return True

    def progress(self, ref: ObjectRef, source: str) -> str:
        """How far an object is, for people."""
        trouble = self.under_way.get(ref.sha256, "")
        text = f"{self.store.arrived(ref.sha256, source)} of {ref.size} bytes from {source}"
        return f"{text}: {trouble}" if trouble else text

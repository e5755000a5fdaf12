"""One end of a line between a site and its station, over which objects go both ways in the calls that go anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.object import ObjectRef
from yosegi.data import Chunk, ChunkRequest, ObjectStore, Puller
from yosegi.governance.policy.explanation import explained
from yosegi.trust.explanation import Explanation

MOST_CHUNKS = 2
"""Pieces in one call, beside the results that it tells."""
_MOST_ASKED = 64


def other_bytes(ref: ObjectRef, source: str, why: str) -> Explanation:
    """What is said of an end that sent other bytes than it named."""
    return explained("object_wrong", digest=ref.sha256, site=source, why=why)


@dataclass
class ObjectChannel:
    """What this end wants of the other, and what the other wants of it.

    Args:
        peer: the other end's name.
        puller: brings objects here.
        may_have: whether the other end may have a piece.
        wake: told when there is something to say.
    """

    peer: str
    store: ObjectStore
    puller: Puller
    may_have: Callable[[ChunkRequest], bool]
    wake: Callable[[], None]
    _wants: dict[tuple[str, str, int], ChunkRequest] = field(default_factory=dict)
    _asked: dict[tuple[str, str, int], ChunkRequest] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether there is something to say now."""
        return bool(self._wants or self._asked)

    def hear(self, wants: Iterable[ChunkRequest] | None, chunks: Iterable[Chunk] | None) -> None:
        """What came with a call or an answer."""
        for chunk in chunks or ():
            self.puller.take(self.peer, chunk)
        for want in wants or ():
            if len(self._asked) < _MOST_ASKED:
                self._asked[want.name] = want

    def say(self) -> dict[str, Any]:
        """What goes along with the next call or answer; what is lost is asked for again."""
        wants = tuple(self._wants.values())
        self._wants.clear()
        given = [self._asked.pop(name) for name in list(self._asked)[:MOST_CHUNKS]]
        return {"wants": wants or None, "chunks": tuple(map(self._give, given)) or None}

    def _give(self, want: ChunkRequest) -> Chunk:
        if not self.may_have(want):
            return Chunk.why_not(want, explained("object_unknown", digest=want.sha256, task=want.task))
        try:
            data = self.store.read(want.sha256, want.offset, want.length)
        except YosegiError as error:
            return Chunk.why_not(want, Explanation(code=error.code, en=str(error)[:2000]), later=True)
        return Chunk(task=want.task, sha256=want.sha256, offset=want.offset, data=data)

    def _ask(self, want: ChunkRequest) -> None:
        self._wants[want.name] = want
        self.wake()

    def missing(self, objects: Iterable[ObjectRef]) -> list[ObjectRef]:
        """Those whose bytes are not here."""
        return [ref for ref in objects if not self.store.has(ref.sha256)]

    async def bring(self, objects: Iterable[ObjectRef], task: str) -> None:
        """Have them here.

        Raises:
            Gave: the other end refuses for good, or what it sent is not the object.
        """
        for ref in self.missing(objects):
            await self.puller.bring(ref, self.peer, task, self._ask)


def references(outputs: dict[str, Any] | None) -> list[ObjectRef]:
    """The objects among outputs, by their form: what a contract says of them is held against them later."""
    found = []
    for value in (outputs or {}).values():
        if isinstance(value, dict) and "sha256" in value:
            try:
                found.append(ObjectRef.read(value))
            except Invalid:
                continue
    return found

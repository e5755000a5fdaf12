"""Objects in memory, with a disk that can be full: the same suite holds for it as for the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from yosegi.core import canonical
from yosegi.core.errors import Corrupt, Invalid, NotFound, Unavailable
from yosegi.data.store import name_of


@dataclass
class MemoryStore:
    """See `yosegi.data.ObjectStore`; what it holds outlives the site that uses it.

    Args:
        room: bytes that fit; more is a full disk.
        now: the moment that what is written gets (POSIX seconds).
        dead: whether the process that uses it has died: nothing reaches the disk any more.
        moment: told before and after each write, with how many there were; a process may die just then.
    """

    room: int = 2**40
    now: Callable[[], float] = lambda: 0.0
    dead: Callable[[], bool] = lambda: False
    moment: Callable[[str, int], None] = lambda when, number: None
    writes: int = 0
    held: dict[str, bytes] = field(default_factory=dict)
    partial: dict[tuple[str, str], bytearray] = field(default_factory=dict)
    _written: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def _write(self, more: int) -> Iterator[None]:
        self.writes += 1
        self.moment("before", self.writes)
        used = sum(map(len, self.held.values())) + sum(map(len, self.partial.values()))
        if self.dead() or used + more > self.room:
            raise Unavailable("the objects in memory", "No space left on device")
        yield
        self.moment("after", self.writes)

    def put(self, source: BinaryIO | bytes) -> tuple[str, int]:
        """See `ObjectStore.put`."""
        data = source if isinstance(source, bytes) else source.read()
        digest = canonical.digest(data)
        with self._write(0 if digest in self.held else len(data)):
            self.held[digest], self._written[digest] = data, self.now()
        return digest, len(data)

    def scratch(self) -> BinaryIO:
        """See `ObjectStore.scratch`."""
        return BytesIO()

    def _get(self, digest: str) -> bytes:
        name_of(digest)
        if digest not in self.held:
            raise NotFound("object", digest)
        return self.held[digest]

    def has(self, digest: str) -> bool:
        """See `ObjectStore.has`."""
        return bool(name_of(digest)) and digest in self.held

    def size(self, digest: str) -> int:
        """See `ObjectStore.size`."""
        return len(self._get(digest))

    def read(self, digest: str, offset: int = 0, length: int = -1) -> bytes:
        """See `ObjectStore.read`."""
        return self._get(digest)[offset : None if length < 0 else offset + length]

    def copy(self, digest: str, target: Path) -> None:
        """See `ObjectStore.copy`."""
        data = self._get(digest)
        if canonical.digest(data) != digest:
            del self.held[digest]
            raise Corrupt(f"object {digest}", "its bytes have changed")
        target.write_bytes(data)
        target.chmod(0o400)

    def arrived(self, digest: str, source: str) -> int:
        """See `ObjectStore.arrived`."""
        return len(self.partial.get((name_of(digest), source), b""))

    def arrive(self, digest: str, source: str, offset: int, data: bytes) -> None:
        """See `ObjectStore.arrive`."""
        here = self.arrived(digest, source)
        if offset != here:
            raise Invalid(f"bytes of {digest}", f"begin at {offset}, and {here} are here")
        with self._write(len(data)):
            self.partial.setdefault((name_of(digest), source), bytearray()).extend(data)

    def complete(self, digest: str, source: str) -> None:
        """See `ObjectStore.complete`."""
        with self._write(0):
            data = bytes(self.partial.pop((name_of(digest), source), b""))
            if canonical.digest(data) != digest:
                raise Invalid(f"object {digest}", f"{source} sent other bytes: {canonical.digest(data)}")
            self.held[digest], self._written[digest] = data, self.now()

    def drop(self, digest: str, source: str) -> None:
        """See `ObjectStore.drop`."""
        self.partial.pop((name_of(digest), source), None)

    def delete(self, digest: str) -> bool:
        """See `ObjectStore.delete`."""
        name_of(digest)
        return self.held.pop(digest, None) is not None

    def collect(self, needed: Callable[[str], bool], before: float) -> list[tuple[str, int]]:
        """See `ObjectStore.collect`."""
        old = [digest for digest in self.digests() if self._written[digest] < before and not needed(digest)]
        return [(digest, len(self.held.pop(digest))) for digest in old]

    def digests(self) -> list[str]:
        """See `ObjectStore.digests`."""
        return sorted(self.held)

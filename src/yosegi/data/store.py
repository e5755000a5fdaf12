"""Where the bytes of objects lie: by their SHA-256, so that nothing is ever changed in place.

A file is written under a temporary name, synced and renamed; a crash leaves the whole object or none of it, and what
is left over is collected. Several processes may use one folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from yosegi.core.errors import Corrupt, Invalid, NotFound, Unavailable
from yosegi.core.files import sync

BLOCK = 1024 * 1024
_SYNC_EVERY = 8 * BLOCK  # so that the last sync of a large object does not take long
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class ObjectStore(Protocol):
    """Bytes by digest. Every method may raise `Unavailable`: the disk is full or failing, and nothing was changed."""

    def put(self, source: BinaryIO | bytes) -> tuple[str, int]:
        """Keep bytes, or what is left to read of a file, durably; digest and size. The same twice is kept once."""
        ...

    def scratch(self) -> BinaryIO:
        """A nameless file on this disk, for what is to be put and does not come at once."""
        ...

    def has(self, digest: str) -> bool:
        """Whether the object is here, whole."""
        ...

    def size(self, digest: str) -> int:
        """How many bytes it has.

        Raises:
            NotFound: it is not here.
        """
        ...

    def read(self, digest: str, offset: int = 0, length: int = -1) -> bytes:
        """Bytes of it, as they lie there; for handing on, as who receives them verifies the whole.

        Raises:
            NotFound: it is not here.
        """
        ...

    def copy(self, digest: str, target: Path) -> None:
        """Write it to a new file that nobody may write (mode 0400), verified.

        Raises:
            NotFound: it is not here.
            Corrupt: its bytes have changed; they are not given out any more.
        """
        ...

    def arrived(self, digest: str, source: str) -> int:
        """How many bytes of a transfer from a site are here."""
        ...

    def arrive(self, digest: str, source: str, offset: int, data: bytes) -> None:
        """Add bytes to a transfer.

        Raises:
            Invalid: they do not follow what is here.
        """
        ...

    def complete(self, digest: str, source: str) -> None:
        """Make a transfer an object, durably.

        Raises:
            Invalid: its bytes are not those of the digest; they are thrown away.
        """
        ...

    def drop(self, digest: str, source: str) -> None:
        """Forget a transfer."""
        ...

    def delete(self, digest: str) -> bool:
        """Take the bytes away; whether they were here."""
        ...

    def collect(self, needed: Callable[[str], bool], before: float) -> list[tuple[str, int]]:
        """Take away what is not needed and was written before a moment (POSIX seconds); digest and size of each."""
        ...

    def digests(self) -> list[str]:
        """Everything that is here, in order."""
        ...


def name_of(digest: str) -> str:
    """The 64 digits of a digest: what a file may be named.

    Raises:
        Invalid: not a digest; so no text from outside is ever a path.
    """
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise Invalid("an object", f"{digest[:80]!r} is no digest", "sha256: and 64 digits of 0-9 and a-f")
    return match[1]


class FileStore:
    """Objects in a folder: `ab/abcd…` whole, `incoming/` half."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._incoming = folder, folder / "incoming"
        with _explained(folder):
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, digest: str) -> Path:
        name = name_of(digest)
        return self._folder / name[:2] / name

    def _partial(self, digest: str, source: str) -> Path:
        if not _SOURCE.fullmatch(source):
            raise Invalid("a transfer", f"{source[:80]!r} is no site's name")
        return self._incoming / f"{name_of(digest)}.{source}"

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Shared by who brings an object in, exclusive for who takes one away."""
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, how)
            yield

    def put(self, source: BinaryIO | bytes) -> tuple[str, int]:
        """See `ObjectStore.put`."""
        with _explained(self._folder):
            handle, name = tempfile.mkstemp(dir=self._incoming)
            path, sha, size = Path(name), hashlib.sha256(), 0
            try:
                with os.fdopen(handle, "wb") as out:
                    for block in _blocks(source):
                        sha.update(block)
                        size += out.write(block)
                    out.flush()
                    os.fsync(out.fileno())
                digest = f"sha256:{sha.hexdigest()}"
                self._keep(path, digest)
            finally:
                path.unlink(missing_ok=True)
        return digest, size

    def _keep(self, path: Path, digest: str) -> None:
        target = self._path(digest)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o400)
        with self._locked(fcntl.LOCK_SH):
            # Over what is there, if it is there: its age begins anew, and it may have been damaged.
            path.replace(target)
        for folder in (target.parent, self._folder):
            sync(folder)

    def scratch(self) -> BinaryIO:
        """See `ObjectStore.scratch`."""
        with _explained(self._folder):
            return cast(BinaryIO, tempfile.TemporaryFile(dir=self._incoming))

    def has(self, digest: str) -> bool:
        """See `ObjectStore.has`."""
        return self._path(digest).is_file()

    def size(self, digest: str) -> int:
        """See `ObjectStore.size`."""
        with _found(digest):
            return self._path(digest).stat().st_size

    def read(self, digest: str, offset: int = 0, length: int = -1) -> bytes:
        """See `ObjectStore.read`."""
        with _found(digest), _explained(self._folder), self._path(digest).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def copy(self, digest: str, target: Path) -> None:
        """See `ObjectStore.copy`."""
        sha, source = hashlib.sha256(), self._path(digest)
        with _found(digest), _explained(self._folder), source.open("rb") as file, target.open("xb") as out:
            os.fchmod(out.fileno(), 0o400)
            while block := file.read(BLOCK):
                sha.update(block)
                out.write(block)
        if sha.hexdigest() != name_of(digest):
            target.unlink()
            with contextlib.suppress(OSError):
                source.replace(self._incoming / f"damaged.{source.name}")
            raise Corrupt(f"object {digest}", "its bytes have changed on the disk", "get it again from where it was")

    def arrived(self, digest: str, source: str) -> int:
        """See `ObjectStore.arrived`."""
        try:
            return self._partial(digest, source).stat().st_size
        except FileNotFoundError:
            return 0

    def arrive(self, digest: str, source: str, offset: int, data: bytes) -> None:
        """See `ObjectStore.arrive`."""
        path = self._partial(digest, source)
        with _explained(self._folder), path.open("ab") as file:
            here = file.tell()
            if offset != here:
                raise Invalid(f"bytes of {digest}", f"begin at {offset}, and {here} are here")
            try:
                file.write(data)
                file.flush()
                if (here + len(data)) // _SYNC_EVERY > here // _SYNC_EVERY:
                    os.fdatasync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), here)
                raise

    def complete(self, digest: str, source: str) -> None:
        """See `ObjectStore.complete`."""
        path, sha = self._partial(digest, source), hashlib.sha256()
        with _explained(self._folder):
            if not path.exists():
                path.touch(mode=0o600)
            with path.open("rb+") as file:
                while block := file.read(BLOCK):
                    sha.update(block)
                os.fsync(file.fileno())
            if sha.hexdigest() != name_of(digest):
                path.unlink()
                raise Invalid(f"object {digest}", f"{source} sent other bytes: sha256:{sha.hexdigest()}")
            self._keep(path, digest)

    def drop(self, digest: str, source: str) -> None:
        """See `ObjectStore.drop`."""
        self._partial(digest, source).unlink(missing_ok=True)

    def delete(self, digest: str) -> bool:
        """See `ObjectStore.delete`."""
        with _explained(self._folder), self._locked(fcntl.LOCK_EX):
            try:
                self._path(digest).unlink()
            except FileNotFoundError:
                return False
        return True

    def collect(self, needed: Callable[[str], bool], before: float) -> list[tuple[str, int]]:
        """See `ObjectStore.collect`. What was half written and left is taken away too, by the same age."""
        gone = []
        with _explained(self._folder):
            for digest in self.digests():
                if needed(digest):
                    continue
                with self._locked(fcntl.LOCK_EX), contextlib.suppress(FileNotFoundError):
                    if (size := _unlink_old(self._path(digest), before)) is not None:
                        gone.append((digest, size))
            for path in sorted(self._incoming.iterdir()):
                with contextlib.suppress(FileNotFoundError):
                    _unlink_old(path, before)
        return gone

    def digests(self) -> list[str]:
        """See `ObjectStore.digests`."""
        return sorted(f"sha256:{path.name}" for path in self._folder.glob("??/*") if len(path.name) == 64)


def verified(store: ObjectStore, digest: str) -> Iterator[bytes]:
    """The bytes of an object, block by block; the last one only once the whole is verified.

    Raises:
        NotFound: it is not here.
        Corrupt: its bytes have changed.
    """
    sha, size, offset = hashlib.sha256(), store.size(digest), 0
    while True:
        block = store.read(digest, offset, BLOCK)
        sha.update(block)
        offset += len(block)
        if offset < size and block:
            yield block
            continue
        if sha.hexdigest() != name_of(digest):
            raise Corrupt(f"object {digest}", "its bytes have changed on the disk", "get it again from where it was")
        yield block
        return


def _blocks(source: BinaryIO | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    while block := source.read(BLOCK):
        yield block


def _unlink_old(path: Path, before: float) -> int | None:
    status = path.stat()
    if status.st_mtime >= before:
        return None
    path.unlink()
    return status.st_size


@contextmanager
def _found(digest: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise NotFound("object", digest) from None


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """A disk that is full or failing, said in one way."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unavailable(f"the objects in {folder}", error.strerror or str(error)) from None

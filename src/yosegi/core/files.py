"""Files that are seen whole or not at all, and last: written beside, synced, and named in one step."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from yosegi.core.errors import Invalid

OVERWRITE = "Choose another name, or say --overwrite"
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES})


def read_utf8(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark.

    Raises:
        Invalid: it is in another encoding; names it.
        OSError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(str(path), "is not UTF-8", "save it as UTF-8") from None


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a file of this disk; a pipe in its place would be waited for without end.

    Args:
        path: where.
        most: bytes that are read.

    Raises:
        Invalid: it is no file, or is larger.
        OSError: it cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise Invalid(str(path), "is no file", "put a file in its place")
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Invalid(str(path), f"is larger than {most} bytes")
    return data


def write_file(path: Path, data: bytes, overwrite: bool = False, mode: int | None = None) -> None:
    """Write a file that is seen whole or not at all, and lasts.

    A symbolic link is followed. What is neither a file nor a folder, such as a terminal, is written to as it is.

    Args:
        path: where.
        data: what.
        overwrite: whether a file that is there is replaced; it keeps its permissions then.
        mode: its permissions; those of the file that it replaces, or what the umask leaves of 0666, if None.

    Raises:
        Invalid: a file is there and may not be replaced, or the place cannot be written.
    """
    with written(path, overwrite, mode) as file:
        file.write(data)


@contextlib.contextmanager
def written(path: Path, overwrite: bool = False, mode: int | None = None) -> Iterator[BinaryIO]:
    """The same for what is written bit by bit; nothing is left of what was broken off.

    Raises:
        Invalid: as `write_file`.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as file:
                yield file
            return
        with _written(path.resolve(), overwrite, mode) as file:
            yield file
    except FileExistsError as error:
        raise Invalid(str(path), "it exists already", OVERWRITE) from error
    except OSError as error:
        raise Invalid(str(path), f"it cannot be written ({error.strerror})", "Choose another place") from error


@contextlib.contextmanager
def _written(target: Path, overwrite: bool, mode: int | None) -> Iterator[BinaryIO]:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), _mode(target) if mode is None else mode)
            os.fsync(file.fileno())
        if overwrite:
            part.replace(target)
        else:
            _name(part, target)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(target.parent)


def _name(part: Path, target: Path) -> None:
    """Give a finished file its name where nothing has it: a link, or, on disks without links, a reserved name."""
    try:
        target.hardlink_to(part)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        part.replace(target)


def _mode(target: Path) -> int:
    """The permissions of the file that is replaced, else those that the umask leaves of 0666."""
    with contextlib.suppress(FileNotFoundError):
        return stat.S_IMODE(target.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def sync(path: Path) -> None:
    """Make a file's bytes last, or a folder's names.

    Raises:
        OSError: the file system could not.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make a new name last; a file system that cannot sync a folder has none the less written it."""
    with contextlib.suppress(OSError):
        sync(folder)

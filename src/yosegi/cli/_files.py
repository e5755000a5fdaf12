"""Files that a command writes: whole or not at all, never over what it reads, over what is there only when told."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from yosegi.core.errors import Invalid

OVERWRITE = "Choose another name, or say --overwrite"
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES})


def check_outputs(outputs: Mapping[str, Path | None], inputs: Sequence[Path], overwrite: bool) -> None:
    """Refuse outputs before any work is done for them.

    Args:
        outputs: where each is to be written, by the option that names it; None where it was not asked for.
        inputs: files that the command reads.
        overwrite: whether files that are there may be replaced; an input may not even then.

    Raises:
        Invalid: an output is an input (by another name or link too), another output, there already, a folder, or in
            no folder.
    """
    wanted = {option: path for option, path in outputs.items() if path is not None}
    seen: dict[str, Path] = {}
    for option, path in wanted.items():
        if any(_same(path, other) for other in inputs):
            raise Invalid(f"{option} {path}", "it is a file that this command reads", "Choose another name")
        for before, other in seen.items():
            if _same(path, other):
                raise Invalid(f"{option} {path}", f"{before} names the same file", "Choose another name for one")
        seen[option] = path
        _check_place(option, path, overwrite)


def _check_place(option: str, path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise Invalid(f"{option} {path}", "it is a folder", "Name a file in it")
    if not path.resolve().parent.is_dir():
        raise Invalid(f"{option} {path}", "its folder does not exist", "Make the folder first, or choose another")
    if path.is_file() and not overwrite:
        raise Invalid(f"{option} {path}", "it exists already", OVERWRITE)


def _same(one: Path, other: Path) -> bool:
    """Whether two names lead to one file, through links of either kind, or would."""
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return one.resolve() == other.resolve()


def write_file(path: Path, data: bytes, overwrite: bool = False) -> None:
    """Write a file that is seen whole or not at all, and lasts: fsynced, then named in one step.

    A symbolic link is followed. What is neither a file nor a folder, such as a terminal, is written to as it is.

    Args:
        path: where.
        data: what.
        overwrite: whether a file that is there is replaced; it keeps its permissions then.

    Raises:
        Invalid: a file is there and may not be replaced, or the place cannot be written.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(data)
            return
        _write(path.resolve(), data, overwrite)
    except FileExistsError as error:
        raise Invalid(str(path), "it exists already", OVERWRITE) from error
    except OSError as error:
        raise Invalid(str(path), f"it cannot be written ({error.strerror})", "Choose another place") from error


def _write(target: Path, data: bytes, overwrite: bool) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), _mode(target))
            os.fsync(file.fileno())
        if overwrite:
            part.replace(target)
        else:
            _name(part, target)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target.parent)


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


def _sync_folder(folder: Path) -> None:
    """Make a new name last; a file system that cannot sync a folder has none the less written it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

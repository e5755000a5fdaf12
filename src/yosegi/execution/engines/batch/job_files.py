"""The files by which a site and a job tell each other what happened: the folder of one job on a shared file system.

    task.json        what is to be done; written by the site before the job is submitted
    in/, out/        objects among inputs and outputs; each file is named by its SHA-256
    fence/           made by whoever comes first, with all that is in it: by the job before it begins, or by the site,
                     and then the job can never begin
    fence/claim      who made it
    fence/started    written by the job before the capability is called
    fence/signalled  written by the job when the scheduler asked it to end
    stop             a word of the site to the job
    progress         how far it is, and a count that grows while it lives
    output           what the capability printed, bounded
    exit             the outcome; renamed into place last

A fence is made by renaming a folder that has its claim in it already. rename(2) puts a folder in place of nothing or
of an empty one, never of one with something in it, so exactly one of two that try succeeds, and who reads a fence reads
whose it is. Over NFS a rename whose answer was lost may be reported as failed; so whose claim lies there decides.
Nothing here is imported but the standard library: the site and the job use the same code.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import Any

TASK, INPUTS, OUTPUTS, FENCE, CLAIM, STARTED = "task.json", "in", "out", "fence", "claim", "started"
SIGNALLED = "signalled"
STOP, PROGRESS, OUTPUT, EXIT, STOPPED = "stop", "progress", "output", "exit", "stopped"
SCHEDULER_OUTPUT = "scheduler.out"
"""What the scheduler keeps of a job's script itself."""
MOST = 4 * 1024 * 1024
"""Bytes that are read of any of these files."""


def claim(folder: Path, whose: dict[str, Any], *, beside: Path | None = None) -> bool:
    """Make the fence; whether it is ours now. At most one caller is ever told so.

    Args:
        folder: the job's.
        whose: what the claim says.
        beside: where the fence is prepared, on the same file system; the job's folder if None.

    Raises:
        OSError: nothing could be prepared; nobody has the fence by this call.
    """
    nonce = secrets.token_hex(8)
    prepared = (beside or folder) / f".fence-{nonce}"
    prepared.mkdir(mode=0o770)
    try:
        write(prepared / CLAIM, whose | {"nonce": nonce})
        with contextlib.suppress(OSError):
            prepared.rename(folder / FENCE)
        sync(folder)
        found = None
        with contextlib.suppress(PermissionError):  # then it is another user's, and so not ours
            found = read(folder / FENCE / CLAIM)
        return found is not None and found.get("nonce") == nonce
    finally:
        shutil.rmtree(prepared, ignore_errors=True)


def write(path: Path, value: dict[str, Any], *, durable: bool = True, mode: int = 0o660) -> None:
    """Put a JSON file in place whole.

    Raises:
        OSError: it could not be written; what was there is there still.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)  # whatever the umask: whose job it is and whose site may be two users
            file.write(json.dumps(value).encode())
            if durable:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def read_bytes(path: Path) -> bytes | None:
    """What is in a plain file, bounded; None if there is no such file. A link is no such file.

    Raises:
        OSError: it cannot be said whether there is.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        if path.is_symlink():
            return None
        raise
    with os.fdopen(handle, "rb") as file:
        return file.read(MOST) if stat.S_ISREG(os.fstat(handle).st_mode) else None


def last_line(path: Path, most: int = 200) -> str:
    """The last line of text in a plain file, of what `read_bytes` reads of it; empty if there is none."""
    try:
        lines = (read_bytes(path) or b"").decode(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:most] for line in reversed(lines) if line.strip()), "")


def read(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file; None if there is no such file, or it holds none.

    Raises:
        OSError: it cannot be said whether there is.
    """
    data = read_bytes(path)
    try:
        found = json.loads(data) if data is not None else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def sync(folder: Path) -> None:
    """Make names in a folder durable, where the file system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

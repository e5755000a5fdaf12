"""Files of a folder that others write in, too: nothing but plain files, and nothing through a link.

Whoever may write in the folder may put anything there under any name: a pipe, which a reader waits at for ever; a file
without an end; a link to a file of the site, which a writer would change.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

from yosegi.core.errors import Invalid


def read_kept(path: Path, most: int) -> str | None:
    """The text of a file, without its byte order mark; nothing, if there is none.

    Raises:
        Invalid: it is no plain file, larger than `most` bytes, or not in UTF-8.
        OSError: it cannot be read.
    """
    try:
        # Without waiting: a pipe opens at once, and is seen to be one.
        handle = _plain_file(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise Invalid(path.name, f"larger than {most} bytes", "begin another file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(path.name, "is not in UTF-8", "save it as CSV in UTF-8") from None


def replace_kept(path: Path, text: str) -> None:
    """Write a file that is seen whole or as it was before; what stands there, a link too, is replaced, not followed.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    part.replace(path)


def open_kept(path: Path) -> IO[bytes]:
    """A file to add to, made if it is not there; what is in it stays.

    Raises:
        OSError: it cannot be opened, or is a link or no plain file.
    """
    try:
        return os.fdopen(_plain_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW), "ab")
    except Invalid as error:
        raise OSError(errno.EINVAL, f"it {error.why}: remove it", str(path)) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(errno.ELOOP, "it is a link, and none is followed: remove it", str(path)) from None
        raise


def _plain_file(path: Path, flags: int) -> int:
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Invalid(path.name, "is no plain file", "put a file in its place")
    return handle

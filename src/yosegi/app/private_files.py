"""What of a home others on the same machine could read: the work of every team lies there, and keys."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""Every right of anybody but the owner of a file."""


def open_to_others(folder: Path) -> bool:
    """Whether anybody but its owner may enter a folder. What lies in one that nobody enters is closed with it."""
    return bool(stat.S_IMODE(folder.stat().st_mode) & OTHERS)


def close_to_others(folder: Path) -> None:
    """Take every right of others from a folder and all that it holds; links are left alone, and not followed.

    Raises:
        OSError: something in it belongs to somebody else.
    """
    for path in (folder, *_within(folder)):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & OTHERS:
            path.chmod(mode & ~OTHERS)


def _within(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent) / name
            if not path.is_symlink():
                yield path

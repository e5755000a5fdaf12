"""Which kind of file system a folder lies on, as Linux tells it (`proc_pid_mountinfo(5)`)."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")
LOCAL = frozenset(
    {"btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs", "reiserfs", "squashfs", "tmpfs",
     "vfat", "xfs", "zfs"}
)  # fmt: skip
"""Kinds that other machines see nothing of, unless this one exports them."""
_ESCAPE = re.compile(r"\\([0-7]{3})")


def kind_at(folder: Path, mounts: Path = MOUNTS) -> tuple[str, str]:
    """The kind of file system on which a folder lies or would be made, and where that is mounted; empty if not told.

    Example:
        >>> kind_at(Path("/proc/self"))
        ('proc', '/proc')
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return "", ""
    place = folder.resolve()
    found = ("", "")
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if len(fields) < 5:
            continue
        mounted = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4])
        # Of two that are mounted at one place the later hides the earlier.
        if place.is_relative_to(mounted) and len(mounted) >= len(found[1]):
            found = (kind, mounted)
    return found

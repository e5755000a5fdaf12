"""A worker in bubblewrap: it sees no other process, none of the site's files and, unless it may, no network.

The whole file system is there to read, so that libraries are found, but for the site's home, people's homes and what
the settings hide. Reference: bwrap(1).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "bwrap"
PARENT = "1"
"""The number of the parent of what runs in a process namespace of its own."""
_HIDDEN = (Path("/home"), Path("/root"), Path("/tmp"), Path("/var/tmp"))
_NO_NETWORK = ("--unshare-net", "--tmpfs", "/run")
"""Without a network sockets of this machine's services are out of reach, too."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """How workers are shut in.

    Args:
        work: the folder in which they may write.
        hidden: folders whose contents they do not see.
        network: whether they reach the network.
        needed: folders within hidden ones that they may read all the same.
    """

    work: Path
    hidden: tuple[Path, ...]
    network: bool = False
    needed: tuple[Path, ...] = ()

    def command(self, inner: Sequence[str]) -> list[str]:
        """The command line that runs another one shut in."""
        line = [PROGRAM, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        line += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
        if not self.network:
            line += _NO_NETWORK
        for folder in _outermost(folder for folder in (*_HIDDEN, *self.hidden) if folder.is_dir()):
            line += ["--tmpfs", str(folder)]
        for folder in _outermost((*_libraries(), *self.needed)):
            line += ["--ro-bind-try", str(folder), str(folder)]
        return [*line, "--bind", str(self.work), str(self.work), "--chdir", str(self.work), "--", *inner]


def _libraries() -> Iterable[Path]:
    """Where Python and what it imports lie, wherever that is."""
    found = [Path(sys.prefix), Path(sys.base_prefix), Path(__file__).parents[4], *map(Path, sys.path)]
    return [folder for folder in found if folder.is_absolute() and folder.exists()]


def _outermost(folders: Iterable[Path]) -> list[Path]:
    """Each folder that lies in no other of them, once."""
    found = sorted({folder.resolve() for folder in folders})
    return [one for one in found if not any(one != other and one.is_relative_to(other) for other in found)]

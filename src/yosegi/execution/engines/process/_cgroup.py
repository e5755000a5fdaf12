"""Control groups (cgroup v2): what is in one ends with one write, whatever it did, and its limits hold for all of it.

A worker gets a group `yosegi-NUMBER` of its own below the one that the settings name, or below that of the site, and in
it each task one more. Where there is no cgroup v2, or it may not be written, every function here does nothing, and what
is left is that orphans are adopted and ended (`_keeper`, `_zygote`). Controllers (memory, pids) hold where the group
above hands them down (`cgroup.subtree_control`), as systemd's `Delegate=` does.

Reference: https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

_PATIENCE = 2.0
"""Seconds in which a group must be empty after everything in it was ended."""
_WORKER = "worker"


def own() -> str:
    """The folder of the control group that this process is in; empty where there is no cgroup v2."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    except OSError:
        return ""
    path = next((line[3:] for line in lines if line.startswith("0::")), None)
    # Fields of mountinfo: proc(5). The file system's type follows the separator.
    place = next((fields[4] for fields in mounts if fields[fields.index("-") + 1] == "cgroup2"), None)
    return "" if path is None or place is None else f"{place}{path}".rstrip("/")


def made(above: str) -> str:
    """A new group for this process's worker and its tasks below another; empty where none can be made."""
    above = above or own()
    group = _made(Path(above) / f"yosegi-{os.getpid()}") if above else ""
    if group:
        # Only a group without processes of its own hands limits down, so the worker gets one beside its tasks'.
        (Path(group) / _WORKER).mkdir(mode=0o755)
        _hand_down(group)
    return group


def of_this_worker() -> str:
    """The group that this worker's keeper made for it and its tasks; empty if it could not, or not seen from here."""
    mine = Path(own() or "/")
    return str(mine.parent) if (mine.parent.name, mine.name) == (f"yosegi-{os.getppid()}", _WORKER) else ""


def of(above: str, keeper: int) -> str:
    """The group of another process's worker, as `made` names it; empty where there is none."""
    folder = Path(above or own() or "/nowhere") / f"yosegi-{keeper}"
    return str(folder) if folder.is_dir() else ""


def made_for(above: str, name: str, limits: Mapping[str, int]) -> str:
    """A new group within a worker's, with limits as far as controllers are there; empty where none can be made."""
    group = _made(Path(above) / name) if above else ""
    for what, amount in limits.items() if group else ():
        with contextlib.suppress(OSError):
            (Path(group) / what).write_text(str(amount))
    return group


def _made(folder: Path) -> str:
    try:
        folder.mkdir(mode=0o755)
    except OSError:
        return ""
    if (folder / "cgroup.kill").exists() and os.access(folder / "cgroup.procs", os.W_OK):
        return str(folder)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return ""


def _hand_down(group: str) -> None:
    """Let groups within this one have limits of their own, where this one has."""
    for controller in ("memory", "pids"):
        with contextlib.suppress(OSError):
            (Path(group) / "cgroup.subtree_control").write_text(f"+{controller}")


def enter_worker(group: str) -> None:
    """Move this process, a worker, into its own part of a group that `made` has made."""
    enter(f"{group}/{_WORKER}" if group else "")


def enter(group: str) -> None:
    """Move this process into a group; what it starts from now on is in it, too."""
    if group:
        with contextlib.suppress(OSError):
            (Path(group) / "cgroup.procs").write_text("0")


def end(group: str) -> None:
    """End everything in a group and below it, uncatchably and at once."""
    if group:
        with contextlib.suppress(OSError):
            (Path(group) / "cgroup.kill").write_text("1")


def remove(group: str, patience: float = _PATIENCE) -> bool:
    """Take away a group and those in it, once they are empty; whether it is gone."""
    until = time.monotonic() + patience
    while group and Path(group).exists():
        for folder in (*Path(group).glob("*/"), Path(group)):
            with contextlib.suppress(OSError):
                folder.rmdir()
        if time.monotonic() > until:
            return False
        if patience and Path(group).exists():
            time.sleep(0.005)
    return True

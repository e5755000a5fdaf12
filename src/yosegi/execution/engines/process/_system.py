"""What the operating system offers for keeping processes in hand, with safe defaults where it offers less."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """End this process, by default uncatchably, when its parent ends (Linux: prctl(2), PR_SET_PDEATHSIG).

    The parent may have died before the call, so it is looked for afterwards. Elsewhere the end of the pipe tells.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (Linux: prctl(2), PR_SET_CHILD_SUBREAPER)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> list[int]:
    """The processes whose parent is this single-threaded one; empty where the system does not tell."""
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except (OSError, ValueError):
        return []


def kill_group(group: int, number: signal.Signals) -> None:
    """Signal a process group; one that is gone is left alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def signal_one(pid: int, number: signal.Signals) -> None:
    """Signal one process; one that is gone is left alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill(pid: int) -> None:
    """End one process at once; one that is gone is left alone."""
    signal_one(pid, signal.SIGKILL)


_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "VIRTUAL_ENV")
# Tasks run side by side, one a slot; a library that takes every core for each of them makes all of them slower, and
# threads started at import do not survive a fork.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# A job of a batch scheduler has its cores to itself, and what starts its parallel steps asks what the scheduler said.
_JOB_THREADS = "YOSEGI_JOB_THREADS"
_KEPT_IN_A_JOB = ("SLURM", "PJM", "PMI", "PMIX", "PLE", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def environment(import_path: tuple[Path, ...] = (), named: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables a worker gets: a short list, so that no secret of the site's environment reaches a pack.

    Args:
        import_path: folders in which modules are looked for before the usual ones.
        named: what its operator sets besides.
    """
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    if _JOB_THREADS in os.environ:
        in_a_job = [name for name in os.environ if name.startswith(_KEPT_IN_A_JOB) and "JWT" not in name]
        kept |= {name: os.environ[name] for name in in_a_job}
    path = os.pathsep.join([*(str(folder) for folder in import_path), *filter(None, [kept.get("PYTHONPATH")])])
    threads = dict.fromkeys(_THREADS, os.environ.get(_JOB_THREADS, "1"))
    return kept | threads | dict(named or {}) | {"PYTHONUNBUFFERED": "1"} | ({"PYTHONPATH": path} if path else {})

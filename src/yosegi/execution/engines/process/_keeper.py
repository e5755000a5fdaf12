"""Keeps one worker in hand: whatever a task does to the process that runs it, nothing that it started outlives it.

Run as `python -m yosegi.execution.engines.process._keeper PARENT HANDLE GROUP COMMAND…`. It starts the command, which
gets its own process number as first argument and the socket HANDLE, and does nothing but wait:

- a worker that was stopped (SIGSTOP, by one of its tasks) goes on;
- when the worker ends, or the site does, or SIGTERM comes, everything that descends from the worker is ended, also
  what left its session or was orphaned (prctl(2), PR_SET_CHILD_SUBREAPER), and all that is in its control group.

It imports nothing of anybody's, and has one thread.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from yosegi.execution.engines.process import _cgroup, _system

_HEARD = {signal.SIGCHLD, signal.SIGTERM}
SELF = "{parent}"
"""Stands in the command for this process's number."""


def main() -> NoReturn:
    """Start the command, keep it, and end with the status that it ended with."""
    parent, handle, group = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Not uncatchably, as its worker: there is something to do first.
    _system.die_with(parent, signal.SIGTERM)
    _system.adopt_orphans()
    folder = _cgroup.made(group)
    worker = _start(sys.argv[4:], folder)
    os.close(handle)
    status = _keep(worker)
    _end_all(worker, folder)
    os._exit(status)


def _start(command: Sequence[str], group: str) -> int:
    command = [str(os.getpid()) if part == SELF else part for part in command]
    pid = os.fork()
    if pid:
        return pid
    try:
        _cgroup.enter_worker(group)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
        os.execvp(command[0], command)
    finally:
        os._exit(127)


def _keep(worker: int) -> int:
    """Wait until the worker has ended, or is to: its exit status, as a shell tells it."""
    while True:
        if signal.sigwait(_HEARD) is signal.SIGTERM:
            return 0
        with contextlib.suppress(ChildProcessError):
            # One signal may stand for several ends.
            while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WSTOPPED | os.WNOHANG)) is not None:
                if found.si_code in (os.CLD_STOPPED, os.CLD_TRAPPED):
                    _system.signal_one(found.si_pid, signal.SIGCONT)
                elif found.si_pid == worker:
                    return found.si_status if found.si_code == os.CLD_EXITED else 128 + found.si_status


def _end_all(worker: int, group: str) -> None:
    _cgroup.end(group)
    _system.kill(worker)
    # What each leaves behind becomes a child here in turn, to be ended in the next round.
    with contextlib.suppress(ChildProcessError):
        while True:
            for pid in _system.children():
                _system.kill(pid)
            os.waitpid(-1, 0)
    _cgroup.remove(group)


if __name__ == "__main__":
    main()

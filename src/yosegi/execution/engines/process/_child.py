"""A child of the fork server: made ready before there is a task for it, then does that one task, and ends.

What a fork costs lies mostly in the child, which copies each page it touches. So a child settles in, and touches what
it will need, while nobody waits for it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NoReturn

from yosegi.core import canonical
from yosegi.core.capability import Capability
from yosegi.core.errors import Invalid
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process import _call, _cgroup
from yosegi.execution.engines.process._frames import Unpacker
from yosegi.execution.engines.process._system import die_with

_CHUNK = 65536
_PROGRESS_EVERY = 0.1
_TEXT = 200


@dataclass(frozen=True, slots=True)
class Child:
    """A child, seen from its parent.

    Args:
        pid: its process number, and that of its group and session.
        talk: where it is told its task and answers, a line each: P progress, M modules imported, R the answer, which
            is the last thing it does.
        printed: what it prints.
    """

    pid: int
    talk: int
    printed: int


def fork(
    capabilities: Mapping[str, Capability[Any, Any]],
    limits: TaskLimits,
    folders: Sequence[Path],
    groups: Sequence[str],
    *,
    close: Iterable[int],
    task: Mapping[str, Any] | None = None,
) -> list[Child]:
    """Fork children that wait to be told their task, or one that does the task given.

    After a fork each page that the parent touches is copied, so there is as little as possible between two of them.

    Args:
        capabilities: what they may be asked for, by attribute.
        limits: what each may use.
        folders: the scratch folder of each, which it makes if it is not there.
        groups: the control group of each; empty where there is none.
        close: what is the parent's alone.
        task: what the one is to do, if that is known.

    Returns:
        As many as there was room for, at least one.

    Raises:
        OSError: there is no room for another process, or for its pipes.
    """
    parent, lines, pids = os.getpid(), _lines(len(folders)), list[int]()
    try:
        for folder, group, line in zip(folders, groups, lines, strict=True):
            pid = os.fork()
            if pid == 0:
                _be_a_child(capabilities, limits, folder, group, line, task, parent, [*chain(*lines), *close])
            pids.append(pid)
    except OSError:
        if not pids:
            _close(chain(*lines))
            raise
    _close(chain(*lines[len(pids) :], *((its, print_to) for _, its, _, print_to in lines[: len(pids)])))
    return [Child(pid, mine, print_from) for pid, (mine, _, print_from, _) in zip(pids, lines, strict=False)]


_Line = tuple[int, int, int, int]
"""Between parent and child: the parent's end and the child's for talk, and for what is printed."""


def _lines(count: int) -> list[_Line]:
    lines: list[_Line] = []
    try:
        for _ in range(count):
            mine, its = socket.socketpair()
            lines.append((mine.detach(), its.detach(), *os.pipe()))
    except OSError:
        _close(chain(*lines))
        raise
    return lines


def _close(handles: Iterable[int]) -> None:
    for handle in handles:
        os.close(handle)


def _be_a_child(
    capabilities: Mapping[str, Capability[Any, Any]],
    limits: TaskLimits,
    folder: Path,
    group: str,
    line: _Line,
    task: Mapping[str, Any] | None,
    parent: int,
    close: Iterable[int],
) -> NoReturn:
    status = 70
    try:
        _, talk, _, print_to = line
        _settle_in(limits, parent, folder, group, print_to, set(close) - {talk})
        _carry_out(capabilities, limits, folder, talk, task)
        status = 0
    finally:
        os._exit(status)


def _settle_in(limits: TaskLimits, parent: int, folder: Path, group: str, print_to: int, close: Iterable[int]) -> None:
    """Give up what is the parent's, and take the limits of a task."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    _cgroup.enter(group)
    die_with(parent)
    os.dup2(print_to, 1)
    os.dup2(print_to, 2)
    _close(close)
    os.umask(0o077)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, limits.memory)
    _limit(resource.RLIMIT_FSIZE, limits.file_size)
    _limit(resource.RLIMIT_NOFILE, limits.files)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    os.chdir(folder)
    os.environ["TMPDIR"] = os.environ["HOME"] = str(folder)


def _limit(kind: int, amount: int) -> None:
    _, hard = resource.getrlimit(kind)
    amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
    resource.setrlimit(kind, (amount, amount))


def _carry_out(
    capabilities: Mapping[str, Capability[Any, Any]],
    limits: TaskLimits,
    folder: Path,
    talk: int,
    task: Mapping[str, Any] | None,
) -> None:
    if task is None:
        _warm_up(capabilities, folder)
        task = _told(talk)
    capability, sign = capabilities[task["attribute"]], _call.StopSign()
    if capability.takes_context:
        sign.listen()
    # Blocked since before the fork, so that a stop that comes early is heard and not lost.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    before = len(sys.modules)
    context = _call.context_of(
        task["query_of"] or task["key"],
        folder,
        _reporter(talk),
        stopping=lambda: sign.raised,
        files=task["files"],
        seed=task["seed"],
    )
    line = _call.answer(capability, task["inputs"], context, limits.output, query=bool(task["query_of"]))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    # From the end, where the new ones are: to touch every name would copy the pages they share with the parent.
    if new := list(islice(reversed(sys.modules), max(0, len(sys.modules) - before)))[::-1]:
        _write(talk, b"M" + canonical.dumps(new) + b"\n")
    _write(talk, b"R" + line + b"\n")


def _warm_up(capabilities: Mapping[str, Capability[Any, Any]], folder: Path) -> None:
    """Touch what every task touches; nothing of a capability is called."""
    _call.context_of("", folder, _reporter(-1), seed=0)
    canonical.dumps({"how": "valid", "outputs": {"": 0.5}})
    for capability in capabilities.values():
        with contextlib.suppress(Invalid):
            capability.contract.check_inputs({})


def _told(talk: int) -> Mapping[str, Any]:
    """The task, once there is one; ends this process if there never will be."""
    unpacker = Unpacker()
    while data := os.read(talk, _CHUNK):
        for task in unpacker.feed(data):
            return task
    os._exit(0)


def _reporter(talk: int) -> Any:
    last = [-_PROGRESS_EVERY]

    def report(fraction: float, text: str) -> None:
        now = time.monotonic()
        if now - last[0] >= _PROGRESS_EVERY or fraction >= 1.0:
            last[0] = now
            _write(talk, b"P" + canonical.dumps([float(fraction), str(text)[:_TEXT]]) + b"\n")

    return report


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]

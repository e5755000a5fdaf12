"""A fork server for one module: imports it once, then forks a child for each task and keeps it in hand.

Run by the site as a module with arguments PARENT HANDLE SETTINGS, where HANDLE is a connected socket. It has one
thread, imports nothing of the site's, and ends with everything it started when the socket or the parent ends.

Some children wait ready for the tasks to come. Each does one task and ends, so no task sees another's leavings.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import os
import selectors
import signal
import socket
import stat
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from yosegi.core.capability import Capability
from yosegi.core.errors import Invalid, YosegiError
from yosegi.execution.engines.entry_points import load
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process import _cgroup, _system
from yosegi.execution.engines.process._child import Child, fork
from yosegi.execution.engines.process._frames import Unpacker, pack

_CHUNK = 65536
_TAIL = 2000
_FORWARD_EVERY = 0.1
_PIPE = 1024 * 1024  # the most a pipe holds, by default (pipe(7), /proc/sys/fs/pipe-max-size)
_ROOM = 4096  # for the letters and line ends around an answer
_SPARES = 8
_PRISTINE = stat.S_IFDIR | 0o700
_TOLD = 32 * 1024  # bytes of a task that a waiting child is told: what its socket takes at once, whatever it does


@dataclass(slots=True, eq=False)
class _Running:
    """A child that waits for its task, does it, or has answered and is about to be gone."""

    child: Child
    folder: Path
    group: str
    handles: dict[int, _Reader]
    id: int | None = None
    deadline: float = math.inf
    grace: float = 0.0
    listens: bool = False
    modules: list[str] = field(default_factory=list)
    line: bytearray = field(default_factory=bytearray)
    printed: int = 0
    tail: bytes = b""
    forwarded: float = -1.0
    ended_for: str = ""
    asked_to_end: bool = False
    answered: bool = False
    printed_to: str = ""

    def end(self) -> None:
        """End it and whatever it started, by force."""
        _system.kill_group(self.child.pid, signal.SIGKILL)
        _cgroup.end(self.group)


_Reader = Callable[[_Running, bytes], None]


class Zygote:
    """Serves one socket until its other end closes."""

    def __init__(
        self,
        control: socket.socket,
        capabilities: dict[str, Capability[Any, Any]],
        limits: TaskLimits,
        scratch: Path,
        prefix: str,
    ) -> None:
        self._control, self._capabilities, self._limits, self._scratch = control, capabilities, limits, scratch
        self._prefix, self._group, self._emptied = prefix, _cgroup.of_this_worker(), list[str]()
        self._unpacker = Unpacker()
        self._by_pid: dict[int, _Running] = {}
        self._spares: deque[_Running] = deque()
        self._folders: list[Path] = []
        self._busy = self._made = self._grouped = 0
        self._shy = False
        self._selector = selectors.DefaultSelector()
        self._wake_from, self._wake_to = socket.socketpair()
        for end in (self._wake_from, self._wake_to):
            end.setblocking(False)
        self._selector.register(control, selectors.EVENT_READ, self._on_control)
        self._selector.register(self._wake_from, selectors.EVENT_READ, self._on_wake)

    def serve(self) -> None:
        """Fork, watch and report until the site is gone."""
        signal.set_wakeup_fd(self._wake_to.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.siginterrupt(signal.SIGCHLD, False)
        try:
            while True:
                self._refill()
                for key, _ in self._selector.select(self._patience()):
                    key.data()
                self._enforce()
        except (EOFError, OSError):
            self._end_everything()

    def _end_everything(self) -> None:
        for running in self._by_pid.values():
            running.end()
        self._by_pid.clear()
        # What a killed process leaves behind becomes a child here, to be ended in the next round.
        with contextlib.suppress(ChildProcessError):
            while True:
                self._sweep()
                os.waitpid(-1, 0)

    # -- forking --------------------------------------------------------------------------------------------------

    def _refill(self) -> None:
        """Have children ready; several at a time, and not while an answer is awaited, unless none is left.

        Where they die while they wait none is kept until a task has answered, or they would be forked without end.
        """
        few = 0 if self._busy else _SPARES // 2
        if not self._shy and len(self._spares) <= few:
            with contextlib.suppress(OSError):
                self._spares += self._fork(_SPARES - len(self._spares))

    def _fork(self, count: int, task: dict[str, Any] | None = None) -> list[_Running]:
        folders = [self._folder() for _ in range(count)]
        mine = [self._control.fileno(), self._wake_from.fileno(), self._wake_to.fileno(), *self._epoll()]
        others = [handle for running in self._by_pid.values() for handle in running.handles]
        groups = [self._control_group() for _ in folders]
        children = fork(self._capabilities, self._limits, folders, groups, close=[*mine, *others], task=task)
        self._send({"forked": [child.pid for child in children]})
        return [self._watch(*each) for each in zip(children, folders, groups, strict=False)]

    def _control_group(self) -> str:
        """A new control group for a task, with what all its processes together may use, where controllers are there."""
        self._grouped += 1
        limits = {"pids.max": self._limits.processes, "memory.max": self._limits.memory, "memory.oom.group": 1}
        return _cgroup.made_for(self._group, f"task-{self._grouped}", limits)

    def _watch(self, child: Child, folder: Path, group: str) -> _Running:
        handles: dict[int, _Reader] = {child.talk: self._on_answer, child.printed: self._on_print}
        running = self._by_pid[child.pid] = _Running(child, folder, group, handles)
        for handle in handles:
            os.set_blocking(handle, False)
            self._selector.register(handle, selectors.EVENT_READ, partial(self._read, running, handle))
        return running

    def _folder(self) -> Path:
        if self._folders:
            return self._folders.pop()
        self._made += 1
        return self._scratch / f"{self._prefix}-{self._made}"

    def _epoll(self) -> list[int]:
        fileno = getattr(self._selector, "fileno", None)
        return [fileno()] if fileno else []

    # -- from the site --------------------------------------------------------------------------------------------

    def _on_control(self) -> None:
        data = self._control.recv(_CHUNK)
        if not data:
            raise EOFError
        for message in self._unpacker.feed(data):
            if "kill" in message:
                self._kill(message["kill"], message["why"])
            elif "stop" in message:
                self._stop(message["stop"], message["abort"])
            else:
                self._start(message)

    def _kill(self, number: int, why: str) -> None:
        for running in self._by_pid.values():
            if running.id == number:
                running.ended_for = running.ended_for or why
                running.end()

    def _stop(self, number: int, abort: bool) -> None:
        """Ask a task to stop; an abort is what a time limit is, only now."""
        for running in self._by_pid.values():
            if running.id == number and abort and not running.asked_to_end:
                running.ended_for, running.deadline = running.ended_for or "stopped", time.monotonic()
            elif running.id == number and running.listens:
                _system.signal_one(running.child.pid, signal.SIGTERM)

    def _start(self, task: dict[str, Any]) -> None:
        data = pack(task)
        try:
            running = self._tell(data) if len(data) <= _TOLD else None
            if running is None:
                (running,) = self._fork(1, task)
        except OSError as error:
            self._send({"not_started": task["id"], "message": str(error)})
            return
        running.id, running.deadline = task["id"], time.monotonic() + task["time_limit"]
        running.grace = max(0.1, self._limits.grace if task["grace"] is None else task["grace"])
        running.listens = self._capabilities[task["attribute"]].takes_context
        running.printed_to = task.get("printed_to") or ""
        self._busy += 1

    def _tell(self, data: bytes) -> _Running | None:
        """A waiting child that was told its task; none where they do not live to hear it."""
        if not self._spares:
            self._refill()
        while self._spares:
            running = self._spares.popleft()
            # One that was ended while it waited takes nothing any more.
            with contextlib.suppress(OSError):
                if running.child.talk in running.handles and os.write(running.child.talk, data) == len(data):
                    return running
            running.end()
        return None

    # -- from children --------------------------------------------------------------------------------------------

    def _read(self, running: _Running, handle: int) -> bool:
        """Read what is there; False if it was nothing."""
        if handle not in running.handles:
            return False
        try:
            data = os.read(handle, _CHUNK)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            data = b""
        if data:
            running.handles[handle](running, data)
        else:
            self._close(running, handle)
        return bool(data)

    def _close(self, running: _Running, handle: int) -> None:
        self._selector.unregister(handle)
        os.close(handle)
        del running.handles[handle]

    def _on_answer(self, running: _Running, data: bytes) -> None:
        if running.id is None or running.answered or running.ended_for == "output_too_large":
            return
        running.line += data
        while (end := running.line.find(b"\n")) >= 0:
            line = bytes(running.line[:end])
            del running.line[: end + 1]
            self._take(running, line)
        if len(running.line) > self._limits.output + _ROOM:
            self._too_large(running)

    def _take(self, running: _Running, line: bytes) -> None:
        kind, rest = line[:1], line[1:]
        if kind == b"R" and not running.answered:
            self._answered(running, rest)
        elif kind == b"M":
            with contextlib.suppress(ValueError):
                running.modules = [name for name in json.loads(rest) if isinstance(name, str)]
        elif kind == b"P" and time.monotonic() - running.forwarded >= _FORWARD_EVERY and len(rest) < _ROOM:
            running.forwarded = time.monotonic()
            self._send({"progress": running.id, "text": rest.decode(errors="replace")})

    def _answered(self, running: _Running, answer: bytes) -> None:
        """A child that has answered has nothing left to do: it is ended, and its end is not waited for."""
        self._drain(running, running.child.printed)
        if running.ended_for != "output_too_large":
            self._report(running, 0, answer)
            running.end()
            self._shy = False

    def _on_print(self, running: _Running, data: bytes) -> None:
        running.printed += len(data)
        running.tail = (running.tail + data)[-_TAIL:]
        if running.printed_to:
            _add(running.printed_to, data)
        if running.printed > self._limits.printed:
            self._too_large(running)

    def _too_large(self, running: _Running) -> None:
        running.ended_for = running.ended_for or "output_too_large"
        running.line.clear()
        running.end()

    # -- ends -----------------------------------------------------------------------------------------------------

    def _report(self, running: _Running, status: int, answer: bytes) -> None:
        """Tell the site how a task ended, once."""
        if running.id is None or running.answered:
            return
        running.answered, running.deadline = True, math.inf
        self._busy -= 1
        self._send(
            {
                "ended": running.id,
                "pid": running.child.pid,
                "status": status,
                "answer": answer.decode(errors="replace"),
                "why": running.ended_for,
                "tail": running.tail.decode(errors="replace"),
                "folder": str(running.folder),
            }
        )
        self._learn(running)

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_from.recv(_CHUNK)
        self._reap()

    def _reap(self) -> None:
        while True:
            try:
                # Looked at before it is reaped: until then its number, and its group's, belong to nobody else.
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            if found.si_pid in self._by_pid:
                self._by_pid[found.si_pid].end()
            _, status = os.waitpid(found.si_pid, 0)
            running = self._by_pid.pop(found.si_pid, None)
            alone = self._sweep()
            if running is not None:
                self._end(running, os.waitstatus_to_exitcode(status))
                self._emptied.append(running.group)
                self._take_back(running.folder, alone)
            self._emptied = [group for group in self._emptied if not _cgroup.remove(group, 0)]

    def _sweep(self) -> bool:
        """End adopted processes that belong to no running task: they left their task's group and outlived it.

        Returns:
            Whether there was none.
        """
        strays = [pid for pid in _system.children() if pid not in self._by_pid]
        for pid in strays:
            with contextlib.suppress(OSError):
                if os.getsid(pid) not in self._by_pid:
                    _system.kill(pid)
        return not strays

    def _end(self, running: _Running, status: int) -> None:
        for handle in list(running.handles):
            self._drain(running, handle)
            if handle in running.handles:
                self._close(running, handle)
        if running in self._spares:
            self._spares.remove(running)
            self._shy = True
        self._report(running, status, b"")

    def _take_back(self, folder: Path, alone: bool) -> None:
        """Keep a folder that is as it was for another task, unless somebody might still write to it; else remove it."""
        with contextlib.suppress(OSError):
            if alone and os.lstat(folder).st_mode == _PRISTINE and not any(folder.iterdir()):
                self._folders.append(folder)
                return
            folder.rmdir()
            return
        if folder.exists():
            self._send({"left": str(folder)})

    def _drain(self, running: _Running, handle: int) -> None:
        # A descendant may hold the other end, and write, for ever; what a pipe can hold is what may be missing.
        for _ in range(_PIPE // _CHUNK):
            if not self._read(running, handle):
                return

    def _learn(self, running: _Running) -> None:
        """Import what the task imported when it was called, so that the next child finds it there."""
        new = [name for name in running.modules if name not in sys.modules]
        for name in new:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        if new:
            _settle_memory()
            while self._spares:
                self._spares.popleft().end()

    # -- time -----------------------------------------------------------------------------------------------------

    def _patience(self) -> float | None:
        if not self._busy:
            return None
        return max(0.0, min(running.deadline for running in self._by_pid.values()) - time.monotonic())

    def _enforce(self) -> None:
        if not self._busy:
            return
        now = time.monotonic()
        for running in self._by_pid.values():
            if now < running.deadline:
                continue
            running.ended_for = running.ended_for or "time_limit"
            if running.asked_to_end:
                running.end()
            elif running.listens:
                # It alone is asked: what it started is its own to bring to rest.
                _system.signal_one(running.child.pid, signal.SIGTERM)
            else:
                _system.kill_group(running.child.pid, signal.SIGTERM)
            running.asked_to_end, running.deadline = True, now + running.grace

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(pack(message))


def _add(path: str, data: bytes) -> None:
    """Add to a file; what a full disk does not take is lost, and the task goes on."""
    # Opened for each piece: a handle that stayed open would be one more for every child to close.
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o660)
        try:
            os.write(handle, data)
        finally:
            os.close(handle)


def _settle_memory() -> None:
    """Keep the collector away from what was imported, so that children share its pages."""
    gc.collect()
    gc.freeze()


def _prepare(capabilities: dict[str, Capability[Any, Any]]) -> None:
    """Compile the validators once, before the first fork."""
    for found in capabilities.values():
        for check in (found.contract.check_inputs, found.contract.check_outputs):
            with contextlib.suppress(Invalid):
                check({})
    _settle_memory()


def main() -> None:
    """Import, say so, and serve."""
    parent, handle = int(sys.argv[1]), int(sys.argv[2])
    _system.die_with(parent)
    _system.adopt_orphans()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # It ends with its site; children take SIGTERM once they know what to do about it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    control = socket.socket(fileno=handle)
    os.set_inheritable(handle, False)
    settings = json.loads(sys.argv[3])
    try:
        capabilities = {entry.partition(":")[2]: load(entry) for entry in settings["entries"]}
        _prepare(capabilities)
    except YosegiError as error:
        control.sendall(pack({"cannot_start": str(error)}))
        return
    names = sorted(found.contract.name for found in capabilities.values())
    control.sendall(pack({"ready": names, "pid": os.getpid()}))
    limits, scratch = TaskLimits(**settings["limits"]), Path(settings["folder"])
    Zygote(control, capabilities, limits, scratch, settings["prefix"]).serve()


if __name__ == "__main__":
    main()

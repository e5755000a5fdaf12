"""A fork server for one module: imports it once, then forks a child for each task and keeps it in hand.

Run by the site as `python -m yosegi.runner._zygote PARENT HANDLE`, where HANDLE is a connected socket. It has one
thread, imports nothing of the site's, and ends with everything it started when the socket or the parent ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from yosegi.core.capability import Capability
from yosegi.core.errors import Invalid, YosegiError
from yosegi.runner import _system
from yosegi.runner._child import be_a_child
from yosegi.runner._frames import Unpacker, pack
from yosegi.runner.entries import load
from yosegi.runner.limits import Limits

_CHUNK = 65536
_TAIL = 2000
_FORWARD_EVERY = 0.1
_PIPE = 1024 * 1024  # the most a pipe holds, by default (pipe(7), /proc/sys/fs/pipe-max-size)
_ROOM = 4096  # for the letters and line ends around an answer


@dataclass
class _Running:
    id: int
    pid: int
    folder: Path
    deadline: float
    grace: float
    listens: bool
    handles: dict[int, _Reader]
    answer: bytes = b""
    modules: list[str] = field(default_factory=list)
    line: bytearray = field(default_factory=bytearray)
    printed: int = 0
    tail: bytes = b""
    forwarded: float = -1.0
    ended_for: str = ""
    asked_to_end: bool = False


_Reader = Callable[[_Running, bytes], None]


class Zygote:
    """Serves one socket until its other end closes."""

    def __init__(self, control: socket.socket, capabilities: dict[str, Capability[Any, Any]], limits: Limits) -> None:
        self._control, self._capabilities, self._limits = control, capabilities, limits
        self._unpacker = Unpacker()
        self._by_pid: dict[int, _Running] = {}
        self._pid = os.getpid()
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
                for key, _ in self._selector.select(self._patience()):
                    key.data()
                self._reap()
                self._enforce()
        except (EOFError, OSError):
            self._end_everything()

    def _end_everything(self) -> None:
        for pid in self._by_pid:
            _system.kill_group(pid, signal.SIGKILL)
        self._by_pid.clear()
        # What a killed process leaves behind becomes a child here, to be ended in the next round.
        with contextlib.suppress(ChildProcessError):
            while True:
                self._sweep()
                os.waitpid(-1, 0)

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
                _system.kill_group(running.pid, signal.SIGKILL)

    def _stop(self, number: int, abort: bool) -> None:
        """Ask a task to stop; an abort is what a time limit is, only now."""
        for running in self._by_pid.values():
            if running.id == number and abort and not running.asked_to_end:
                running.ended_for, running.deadline = running.ended_for or "stopped", time.monotonic()
            elif running.id == number and running.listens:
                _system.signal_one(running.pid, signal.SIGTERM)

    def _start(self, request: dict[str, Any]) -> None:
        number, pipes = request["id"], list[int]()
        try:
            pipes += os.pipe()
            pipes += os.pipe()
            pid = os.fork()
        except OSError as error:
            for handle in pipes:
                os.close(handle)
            self._send({"not_started": number, "message": str(error)})
            return
        answer_from, answer_to, print_from, print_to = pipes
        if pid == 0:
            self._in_child(request, answer_from, answer_to, print_from, print_to)
        os.close(answer_to)
        os.close(print_to)
        deadline = time.monotonic() + request["time_limit"]
        handles: dict[int, _Reader] = {answer_from: self._on_answer, print_from: self._on_print}
        grace = self._limits.grace if request.get("grace") is None else request["grace"]
        listens = self._capabilities[request["attribute"]].takes_context
        running = _Running(number, pid, Path(request["folder"]), deadline, max(0.1, grace), listens, handles)
        self._by_pid[pid] = running
        for handle in handles:
            os.set_blocking(handle, False)
            self._selector.register(handle, selectors.EVENT_READ, partial(self._read, running, handle))
        self._send({"started": number, "pid": pid})

    def _in_child(
        self, request: dict[str, Any], answer_from: int, answer_to: int, print_from: int, print_to: int
    ) -> None:
        status = 70
        try:
            mine = [self._control.fileno(), self._wake_from.fileno(), self._wake_to.fileno(), *self._epoll()]
            others = [handle for running in self._by_pid.values() for handle in running.handles]
            be_a_child(
                self._capabilities[request["attribute"]], request, self._limits, parent=self._pid,
                answer_to=answer_to, print_to=print_to, close=[answer_from, print_from, *mine, *others],
            )  # fmt: skip
            status = 0
        finally:
            os._exit(status)

    def _epoll(self) -> list[int]:
        fileno = getattr(self._selector, "fileno", None)
        return [fileno()] if fileno else []

    # -- from children --------------------------------------------------------------------------------------------

    def _read(self, running: _Running, handle: int) -> bool:
        """Read what is there; False if it was nothing."""
        try:
            data = os.read(handle, _CHUNK)
        except BlockingIOError:
            return False
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
        if running.ended_for == "output_too_large":
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
        if kind == b"R":
            running.answer = rest
        elif kind == b"M":
            with contextlib.suppress(ValueError):
                running.modules = [name for name in json.loads(rest) if isinstance(name, str)]
        elif kind == b"P" and time.monotonic() - running.forwarded >= _FORWARD_EVERY and len(rest) < _ROOM:
            running.forwarded = time.monotonic()
            self._send({"progress": running.id, "text": rest.decode(errors="replace")})

    def _on_print(self, running: _Running, data: bytes) -> None:
        running.printed += len(data)
        running.tail = (running.tail + data)[-_TAIL:]
        if running.printed > self._limits.printed:
            self._too_large(running)

    def _too_large(self, running: _Running) -> None:
        running.ended_for = running.ended_for or "output_too_large"
        running.line.clear()
        _system.kill_group(running.pid, signal.SIGKILL)

    # -- ends -----------------------------------------------------------------------------------------------------

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_from.recv(_CHUNK)

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
                _system.kill_group(found.si_pid, signal.SIGKILL)
            _, status = os.waitpid(found.si_pid, 0)
            running = self._by_pid.pop(found.si_pid, None)
            self._sweep()
            if running is not None:
                self._end(running, status)

    def _sweep(self) -> None:
        """End adopted processes that belong to no running task: they left their task's group and outlived it."""
        for pid in _system.children():
            if pid not in self._by_pid:
                with contextlib.suppress(OSError):
                    if os.getsid(pid) not in self._by_pid:
                        _system.kill(pid)

    def _end(self, running: _Running, status: int) -> None:
        for handle in list(running.handles):
            # A descendant may hold the other end, and write, for ever; what a pipe can hold is what may be missing.
            for _ in range(_PIPE // _CHUNK):
                if not self._read(running, handle):
                    break
            if handle in running.handles:
                self._close(running, handle)
        left = True
        with contextlib.suppress(OSError):
            running.folder.rmdir()
            left = False
        self._send(
            {
                "ended": running.id,
                "status": os.waitstatus_to_exitcode(status),
                "answer": running.answer.decode(errors="replace"),
                "why": running.ended_for,
                "tail": running.tail.decode(errors="replace"),
                "left": left and running.folder.exists(),
            }
        )
        self._learn(running)

    def _learn(self, running: _Running) -> None:
        """Import what the task imported when it was called, so that the next child finds it there."""
        for name in running.modules:
            if name not in sys.modules:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        if running.modules:
            _settle_memory()

    # -- time -----------------------------------------------------------------------------------------------------

    def _patience(self) -> float | None:
        if not self._by_pid:
            return None
        return max(0.0, min(running.deadline for running in self._by_pid.values()) - time.monotonic())

    def _enforce(self) -> None:
        now = time.monotonic()
        for running in self._by_pid.values():
            if now < running.deadline:
                continue
            running.ended_for = running.ended_for or "time_limit"
            if running.asked_to_end:
                _system.kill_group(running.pid, signal.SIGKILL)
            elif running.listens:
                # It alone is asked: what it started is its own to bring to rest.
                _system.signal_one(running.pid, signal.SIGTERM)
            else:
                _system.kill_group(running.pid, signal.SIGTERM)
            running.asked_to_end, running.deadline = True, now + running.grace

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(pack(message))


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
    control.sendall(pack({"ready": sorted(found.contract.name for found in capabilities.values())}))
    Zygote(control, capabilities, Limits(**settings["limits"])).serve()


if __name__ == "__main__":
    main()

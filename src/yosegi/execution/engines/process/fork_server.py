"""The site's end of a fork server: starts it, hands it tasks, and knows what became of each even when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yosegi.core.errors import Unavailable
from yosegi.execution.engines.process import _cgroup, _system
from yosegi.execution.engines.process._frames import Unpacker, pack
from yosegi.execution.engines.process._keeper import SELF
from yosegi.execution.engines.process._sandbox import PARENT
from yosegi.execution.engines.process.worker_terms import WorkerTerms

_CLOSING = 5.0
_KEEPER = "yosegi.execution.engines.process._keeper"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Ending:
    """How one child ended.

    Args:
        started: whether the child existed; None if the fork server ended and took the answer with it.
        status: its exit code, negative for a signal.
        answer: the last line it answered; empty for none.
        why: why it was ended by force; empty if it was not.
        tail: the last it printed.
        folder: its scratch folder; there still, if it left something in it.
    """

    started: bool | None
    status: int = 0
    answer: str = ""
    why: str = ""
    tail: str = ""
    folder: Path | None = None


class _Line(asyncio.Protocol):
    def __init__(self, on_message: Callable[[dict[str, Any]], None], on_end: Callable[[], None]) -> None:
        self._on_message, self._on_end = on_message, on_end
        self._unpacker = Unpacker()

    def data_received(self, data: bytes) -> None:
        for message in self._unpacker.feed(data):
            self._on_message(message)

    def connection_lost(self, error: Exception | None) -> None:
        self._on_end()


class ForkServer:
    """One process that has imported one module and forks a child for each task of its capabilities.

    Args:
        entries: the entries it serves, all of one module.
        terms: what the process gets.
        folder: where each child makes a scratch folder; another program's durable folder.
        program: the module that the process runs; another may do the tasks itself, as a warm worker does.
        options: what that program is told besides.
        says_began: whether it says when a task begins; then one that it had not begun is known not to have started.
        on_left: told of each scratch folder in which an ended child left something.
    """

    def __init__(
        self,
        entries: tuple[str, ...],
        terms: WorkerTerms,
        *,
        folder: Path,
        program: str = "yosegi.execution.engines.process._zygote",
        options: Mapping[str, Any] | None = None,
        says_began: bool = False,
        on_left: Callable[[Path], None] = lambda folder: None,
    ) -> None:
        self._entries, self._terms, self._limits, self._sandbox = entries, terms, terms.limits, terms.sandbox
        self._folder, self._program, self._on_left = folder, program, on_left
        self._options, self._says_began, self._began = dict(options or {}), says_began, set[int]()
        self._pid: int | None = None
        self.prefix = f"{os.getpid()}-{next(_NUMBERS)}"
        """How the names of scratch folders of its tasks begin."""
        self._process: asyncio.subprocess.Process | None = None
        self._transport: asyncio.Transport | None = None
        self._ready: asyncio.Future[None] | None = None
        self._next = 0
        self._endings: dict[int, asyncio.Future[Ending]] = {}
        self._progress: dict[int, Callable[[str], None]] = {}
        self.names: tuple[str, ...] = ()
        """Name and version of each capability it serves, once it has started."""
        self.listening: tuple[str, ...] = ()
        """Those among them that can hear that they are to stop; for a program that does the tasks itself."""
        self.children: set[int] = set()
        """Process numbers of its children, those that wait for a task too."""

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        return self._pid if self.alive else None

    def scratch(self) -> list[Path]:
        """Folders of its children that are there still."""
        return list(self._folder.glob(f"{self.prefix}-*"))

    @property
    def alive(self) -> bool:
        """Whether it can take tasks."""
        return self._transport is not None and not self._transport.is_closing()

    async def start(self) -> None:
        """Start the process and wait until its module is imported.

        Raises:
            Unavailable: it cannot be imported, or not in time; says why.
        """
        ours, theirs = socket.socketpair()
        limits = self._limits.model_dump()
        settings = {
            "entries": self._entries, "limits": limits, "folder": str(self._folder), "prefix": self.prefix,
            **self._options,
        }  # fmt: skip
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", _KEEPER, str(os.getpid()), str(theirs.fileno()), self._terms.control_group,
                    *self._command(theirs.fileno(), settings),
                    pass_fds=(theirs.fileno(),), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
                    env=_system.environment(self._terms.import_path, self._terms.environment),
                )  # fmt: skip
            self._transport, _ = await loop.create_connection(lambda: _Line(self._on_message, self._on_end), sock=ours)
            async with asyncio.timeout(self._limits.start):
                await asyncio.shield(self._ready)
        except TimeoutError:
            await self.close()
            why = f"its import took longer than {self._limits.start:g} seconds"
            raise Unavailable(self._entries[0], why) from None
        except OSError as error:
            ours.close()
            await self.close()
            raise Unavailable(self._entries[0], f"its process could not be started ({error})") from None
        except BaseException:
            ours.close()
            await self.close()
            raise

    def _command(self, handle: int, settings: Mapping[str, Any]) -> list[str]:
        parent = SELF if self._sandbox is None else PARENT
        command = [sys.executable, "-m", self._program, parent, str(handle), json.dumps(settings)]
        return command if self._sandbox is None else self._sandbox.command(command)

    def begin(self, message: dict[str, Any], progress: Callable[[str], None]) -> tuple[int, asyncio.Future[Ending]]:
        """Hand over a task: its number, and the future of its ending.

        Raises:
            Unavailable: the process has ended; the task was not handed over.
        """
        if self._transport is None or not self.alive:
            raise Unavailable(self._entries[0], "its worker has ended")
        self._next += 1
        number = self._next
        ending = self._endings[number] = asyncio.get_running_loop().create_future()
        self._progress[number] = progress
        self._transport.write(pack({"id": number, **message}))
        return number, ending

    def kill(self, number: int, why: str) -> None:
        """End a task by force; its ending says why."""
        if self._transport is not None and self.alive and number in self._endings:
            self._transport.write(pack({"kill": number, "why": why}))

    def stop(self, number: int, *, abort: bool) -> None:
        """Ask a task to stop; an abort ends it by force after its grace."""
        if self._transport is not None and self.alive and number in self._endings:
            self._transport.write(pack({"stop": number, "abort": abort}))

    def _on_message(self, message: dict[str, Any]) -> None:
        ready = self._ready
        if "ready" in message and ready is not None and not ready.done():
            self.names, self.listening = tuple(message["ready"]), tuple(message.get("listening", ()))
            # Numbers in a namespace of its own are nobody's here.
            self._pid = message["pid"] if self._sandbox is None else None
            ready.set_result(None)
        elif "cannot_start" in message and ready is not None and not ready.done():
            ready.set_exception(Unavailable(self._entries[0], message["cannot_start"], "mend it and start again"))
        elif "began" in message:
            self._began.add(message["began"])
        elif "forked" in message:
            self.children.update(message["forked"] if self._sandbox is None else ())
        elif "progress" in message and message["progress"] in self._progress:
            self._progress[message["progress"]](message["text"])
        elif "not_started" in message:
            self._end(message["not_started"], Ending(False, tail=message["message"]))
        elif "ended" in message:
            self.children.discard(message["pid"])
            fields = {name: message[name] for name in ("status", "answer", "why", "tail")}
            self._end(message["ended"], Ending(True, **fields, folder=Path(message["folder"])))
        elif "left" in message:
            self._on_left(Path(message["left"]))

    def _end(self, number: int, ending: Ending) -> None:
        self._began.discard(number)
        self._progress.pop(number, None)
        future = self._endings.pop(number, None)
        if future is not None and not future.done():
            future.set_result(ending)

    def _on_end(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(Unavailable(self._entries[0], "its process ended while importing"))
            self._ready.exception()  # seen, even if nobody waits for it any more
        for pid in self.children:
            # They end with their parent where the system offers it; this reaches what they started too.
            _system.kill_group(pid, signal.SIGKILL)
        if self._process is not None:
            # Should its keeper have been ended, too.
            _cgroup.end(_cgroup.of(self._terms.control_group, self._process.pid))
        for number in list(self._endings):
            never = self._says_began and number not in self._began
            self._end(number, Ending(False, tail="its worker ended before it began") if never else Ending(None))

    def kill_now(self) -> None:
        """End the process, and what it started, by force."""
        if self._process is not None and self._process.returncode is None:
            _system.signal_one(self._process.pid, signal.SIGTERM)
            _system.signal_one(self._process.pid, signal.SIGCONT)

    async def close(self) -> None:
        """End the process and everything it started."""
        if self._transport is not None:
            self._transport.close()
        if self._process is None:
            return
        if self._ready is None or not self._ready.done():
            self.kill_now()
        try:
            async with asyncio.timeout(_CLOSING):
                await self._process.wait()
        except TimeoutError:
            self.kill_now()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING):
                    await self._process.wait()
            _system.kill_group(self._process.pid, signal.SIGKILL)
            await self._process.wait()
        group = _cgroup.of(self._terms.control_group, self._process.pid)
        _cgroup.end(group)
        _cgroup.remove(group, 0)

    def __repr__(self) -> str:
        state = f"{len(self._endings)} running" if self.alive else "ended"
        return f"<fork server of {', '.join(self._entries)}: {state}>"

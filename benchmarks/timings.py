"""Where a process's time goes: timers around functions, exclusive of each other; and what a process tree has used."""

from __future__ import annotations

import functools
import inspect
import os
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from yosegi.core import canonical
from yosegi.core.values import Value
from yosegi.execution.engines.process.fork_server import ForkServer
from yosegi.governance.policy.policy import Policy
from yosegi.ledger.sqlite import SqliteDb
from yosegi.trust.keys import PublicKey
from yosegi.trust.signer import Ed25519Signer

_TICK = os.sysconf("SC_CLK_TCK")


class Timings:
    """Seconds and calls by part; a part called inside another is taken from the outer one."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._inside = threading.local()

    def wrap(self, part: str, owner: Any, name: str) -> None:
        """Time a function or method where it stands."""
        inner = inspect.getattr_static(owner, name)
        if isinstance(inner, classmethod):
            setattr(owner, name, classmethod(self._timed(part, inner.__func__)))
        else:
            setattr(owner, name, self._timed(part, inner))

    def _timed(self, part: str, inner: Any) -> Any:
        @functools.wraps(inner)
        def timed(*args: Any, **kwargs: Any) -> Any:
            stack = self._inside.__dict__.setdefault("stack", [])
            stack.append([0.0, 0.0])
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return inner(*args, **kwargs)
            finally:
                wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
                within = stack.pop()
                if stack:
                    stack[-1][0] += wall
                    stack[-1][1] += cpu
                self.wall[part] += wall - within[0]
                self.cpu[part] += cpu - within[1]
                self.calls[part] += 1

        return timed

    def install(self) -> None:
        """Time what a step is made of."""
        self.wrap("signing (Ed25519)", Ed25519Signer, "sign")
        self.wrap("verifying signatures", PublicKey, "verify")
        self.wrap("writing canonical JSON", canonical, "dumps")
        self.wrap("writing canonical JSON", canonical, "normal")
        self.wrap("reading JSON", canonical, "loads")
        self.wrap("reading JSON", canonical, "read")
        self.wrap("values: checking what is read (pydantic)", Value, "read")
        self.wrap("values: for the wire (pydantic)", Value, "model_dump")
        self.wrap("deciding (Cedar)", Policy, "decide")
        self.wrap("ledger: SQL and the sync of each commit", SqliteDb, "execute")
        self.wrap("ledger: SQL and the sync of each commit", SqliteDb, "many")
        self.wrap("ledger: reading", SqliteDb, "one")
        self.wrap("ledger: reading", SqliteDb, "all")
        self.wrap("ledger: reading", SqliteDb, "named")
        self.wrap("fork server: messages", ForkServer, "begin")

    def clear(self) -> None:
        """Begin again."""
        for book in (self.wall, self.cpu, self.calls):
            book.clear()

    def by_part(self) -> dict[str, tuple[int, float, float]]:
        """Calls, wall seconds and CPU seconds by part."""
        return {part: (self.calls[part], self.wall[part], self.cpu[part]) for part in self.calls}


def tree_cpu(pid: int) -> float:
    """CPU seconds used so far by a process, its ended children, and its living ones with theirs."""
    total = 0.0
    for number in [pid, *_descendants(pid)]:
        try:
            fields = (
                Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            )
        except OSError:
            continue
        # utime, stime, cutime and cstime: fields 14 to 17 (proc_pid_stat(5)).
        total += sum(int(field) for field in fields[11:15]) / _TICK
    return total


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            found += [int(child), *_descendants(int(child))]
    return found

"""A long-lived process that does one task after another: what a warm worker is, and what holds a station's instrument.

Run as `python -m yosegi.execution.engines.process._worker PARENT HANDLE SETTINGS`. It says `began` before it calls a
capability, so whoever finds it dead knows whether a task had begun.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from yosegi.core.capability import Capability
from yosegi.core.errors import YosegiError
from yosegi.execution.engines.entry_points import load
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process import _system
from yosegi.execution.engines.process._call import StopSign, answer, context_of
from yosegi.execution.engines.process._frames import Unpacker, pack

_PROGRESS_EVERY = 0.1


class _Worker:
    def __init__(self, control: socket.socket, capabilities: dict[str, Capability[Any, Any]], limit: int) -> None:
        self._control, self._capabilities, self._limit = control, capabilities, limit
        self._said = -_PROGRESS_EVERY
        self._sign = StopSign()

    def serve(self) -> None:
        unpacker = Unpacker()
        while data := self._control.recv(65536):
            for message in unpacker.feed(data):
                if "capability" in message:
                    self._do(message)

    def _do(self, message: dict[str, Any]) -> None:
        number, scratch = message["id"], Path(message["folder"])
        scratch.mkdir(mode=0o700, exist_ok=True)

        def report(fraction: float, text: str) -> None:
            now = time.monotonic()
            if now - self._said >= _PROGRESS_EVERY or fraction >= 1.0:
                self._said = now
                self._send({"progress": number, "text": json.dumps([float(fraction), str(text)[:200]])})

        capability = self._capabilities[message["capability"]]
        if capability.takes_context:
            self._sign.listen()
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._send({"began": number})
        query_of, state = message.get("query_of"), message.get("state")
        context = context_of(
            query_of or message["key"],
            scratch,
            report,
            Path(state) if state else None,
            lambda: self._sign.raised,
            message.get("files"),
        )
        with contextlib.chdir(scratch):
            line = answer(capability, message["inputs"], context, self._limit, query=bool(query_of))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ended = {"ended": number, "pid": os.getpid(), "status": 0, "answer": line.decode(), "why": "", "tail": ""}
        self._send(ended | {"folder": str(scratch)})

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(pack(message))


def _limit(limits: TaskLimits) -> None:
    os.umask(0o077)
    for kind, amount in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.files),
    ):
        _, hard = resource.getrlimit(kind)
        amount = amount if hard == resource.RLIM_INFINITY else min(amount, hard)
        resource.setrlimit(kind, (amount, amount))


def main() -> None:
    """Import, say so, and serve until whoever started it is gone."""
    parent, handle, settings = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    _system.die_with(parent)
    # Who started it alone decides when to stop; Ctrl-C in its terminal must not stop a step in the middle.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=handle)
    os.set_inheritable(handle, False)
    limits = TaskLimits(**settings["limits"])
    if settings["limited"]:
        _limit(limits)
    try:
        loaded = [load(entry) for entry in settings["entries"]]
    except YosegiError as error:
        control.sendall(pack({"cannot_start": str(error)}))
        return
    capabilities = {found.contract.name: found for found in loaded}
    listening = sorted(name for name, found in capabilities.items() if found.takes_context)
    control.sendall(pack({"ready": sorted(capabilities), "listening": listening, "pid": os.getpid()}))
    _Worker(control, capabilities, limits.output).serve()


if __name__ == "__main__":
    main()

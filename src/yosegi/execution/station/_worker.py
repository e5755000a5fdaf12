"""The process that holds a station's instrument: does what it is told, one thing after another.

Run by the station as `python -m yosegi.execution.station._worker PARENT HANDLE SETTINGS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from yosegi.core.capability import Capability
from yosegi.core.errors import YosegiError
from yosegi.execution.engines.entry_points import load
from yosegi.execution.engines.process import _system
from yosegi.execution.engines.process._call import StopSign, answer, context_of
from yosegi.execution.engines.process._frames import Unpacker, pack

_PROGRESS_EVERY = 0.1


class _Worker:
    def __init__(self, control: socket.socket, capabilities: dict[str, Capability[Any, Any]], state: Path) -> None:
        self._control, self._capabilities, self._state = control, capabilities, state
        self._scratch = state / "scratch"
        self._said = -_PROGRESS_EVERY
        self._sign = StopSign()

    def serve(self, limit: int) -> None:
        unpacker = Unpacker()
        while data := self._control.recv(65536):
            for message in unpacker.feed(data):
                if "capability" in message:
                    self._do(message, limit)

    def _do(self, message: dict[str, Any], limit: int) -> None:
        number = message["id"]
        self._scratch.mkdir(exist_ok=True)

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
        stopping = lambda: self._sign.raised  # noqa: E731
        query_of = message.get("query_of")
        context = context_of(
            query_of or message["key"], self._scratch, report, self._state, stopping, message.get("files")
        )
        with contextlib.chdir(self._scratch):
            line = answer(capability, message["inputs"], context, limit, query=bool(query_of))
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ended = {"ended": number, "pid": os.getpid(), "status": 0, "answer": line.decode(), "why": "", "tail": ""}
        self._send(ended | {"folder": str(self._scratch)})

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(pack(message))


def main() -> None:
    """Import, say so, and serve until the station is gone."""
    parent, handle, settings = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    _system.die_with(parent)
    # The station alone decides when to stop; Ctrl-C in its terminal must not stop a step in the middle.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    control = socket.socket(fileno=handle)
    os.set_inheritable(handle, False)
    try:
        loaded = [load(entry) for entry in settings["entries"]]
    except YosegiError as error:
        control.sendall(pack({"cannot_start": str(error)}))
        return
    capabilities = {found.contract.name: found for found in loaded}
    listening = sorted(name for name, found in capabilities.items() if found.takes_context)
    control.sendall(pack({"ready": sorted(capabilities), "listening": listening}))
    _Worker(control, capabilities, Path(settings["folder"])).serve(settings["limits"]["output"])


if __name__ == "__main__":
    main()

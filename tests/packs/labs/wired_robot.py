"""A robot in a process of its own, at the end of a wire: PyLabRobot's front end and trackers drive it line by line.

As a robot on a serial line or with a socket of its own it serves one connection at a time, and what it was told is lost
with its power: it moves only after it was set up.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from typing import Any, Self

from yosegi_packs.labs.deck import QuietBackend

PROGRAM = """
import socket, sys

port = int(sys.argv[1])
server = socket.create_server(("127.0.0.1", port))
while True:
    print("free", flush=True)
    wire, _ = server.accept()
    server.close()  # whoever comes while it is connected is refused
    is_set_up = False
    for line in wire.makefile():
        is_set_up = is_set_up or line == "setup\\n"
        wire.sendall(b"ok\\n" if is_set_up else b"not set up\\n")
    wire.close()
    server = socket.create_server(("127.0.0.1", port))
"""


class WiredRobot:
    """The robot's process."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-c", PROGRAM, str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.await_freedom()

    def await_freedom(self) -> None:
        """Wait until it takes a connection; once after each."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"free\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def power_cycle(self) -> None:
        self.kill()
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()


class WireBackend(QuietBackend):
    """A backend whose robot is elsewhere; one that says nothing for `patience` seconds is given up."""

    def __init__(self, port: int, patience: float = 60.0) -> None:
        super().__init__(0.0)
        self._port, self._patience = port, patience
        self._writer: asyncio.StreamWriter | None = None

    async def setup(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        await self._tell("setup")

    async def stop(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def _tell(self, what: str) -> None:
        assert self._writer is not None
        self._writer.write(f"{what}\n".encode())
        async with asyncio.timeout(self._patience):
            answer = await self._reader.readline()
        if answer != b"ok\n":
            raise ConnectionError(f"the robot said {answer.decode()!r}")

    async def pick_up_tips(self, ops: Any, use_channels: Any, **kwargs: Any) -> None:
        await self._tell("pick up")

    async def drop_tips(self, ops: Any, use_channels: Any, **kwargs: Any) -> None:
        await self._tell("drop")

"""The demonstration's operating-system processes: started, watched, killed when the story asks, ended cleanly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from yosegi.client.client import connect
from yosegi.core.errors import Unavailable

PATIENCE = 40.0
"""Seconds that a process may take to answer on a slow machine."""


class Processes:
    """Processes by name, each writing its log beside the homes."""

    def __init__(self, folder: Path) -> None:
        self._homes, self._folder = folder, folder / "logs"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Start `yosegi ARGUMENTS` in a process group of its own."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "yosegi.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )

    def serve(self, urls: Mapping[str, str]) -> None:
        """Start sites, each from the home of its name in the folder, and wait until all answer.

        Args:
            urls: where each answers.

        Raises:
            Unavailable: as `await_site`.
        """
        for site in urls:
            self.start(site, "site", "serve", "--home", str(self._homes / site))
        for site, url in urls.items():
            self.await_site(site, url)

    def alive(self, name: str) -> bool:
        """Whether it runs."""
        process = self._running.get(name)
        return process is not None and process.poll() is None

    def kill(self, name: str) -> None:
        """Pull the plug: SIGKILL to the whole group, no time for a last word."""
        process = self._running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop_all(self) -> None:
        """End everything cleanly, the last started first; by force what does not end within ten seconds."""
        for process in reversed(self._running.values()):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        until = time.monotonic() + 10.0
        for process in self._running.values():
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        self._running.clear()

    def await_site(self, name: str, url: str) -> None:
        """Wait until a site answers.

        Raises:
            Unavailable: its process ended, or it took too long; says where its log is.
        """

        def answers() -> bool:
            try:
                connect(url).site()
            except Unavailable:
                return False
            return True

        self.wait_for(answers, name, f"{name} does not answer at {url}")

    def wait_for(self, condition: Callable[[], bool], name: str, what: str, patience: float = PATIENCE) -> None:
        """Wait until a condition holds, as long as the process lives.

        Raises:
            Unavailable: it did not come true.
        """
        until = time.monotonic() + patience
        while not condition():
            if not self.alive(name) or time.monotonic() > until:
                log = self._folder / f"{name}.log"
                raise Unavailable(name, what, f"its log is {log}")
            time.sleep(0.1)

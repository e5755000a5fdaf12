"""Completion, in the shells themselves: each is started on a terminal of its own, and a line typed with a TAB in it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.asking import pi
from processes.sites import Town

pytestmark = pytest.mark.processes
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command-line.md"
SHELLS = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
SETUP = {
    "bash": 'eval "$(_YOSEGI_COMPLETE=bash_source yosegi)"',
    "zsh": 'autoload -Uz compinit && compinit -u -D; eval "$(_YOSEGI_COMPLETE=zsh_source yosegi)"',
}
PATIENCE = 60.0


class Shell:
    """A shell that reads what is typed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._shown = descriptor, ""

    def types(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def shows(self, pattern: str) -> re.Match[str]:
        """What it shows, once it fits; all of it is then read."""
        end = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self._shown)) is None:
            left = end - time.monotonic()
            assert left > 0, self._shown
            if select.select([self._descriptor], [], [], left)[0]:
                self._shown += os.read(self._descriptor, 65536).decode(errors="replace")
        self._shown = self._shown[found.end() :]
        return found

    def completed(self, line: str) -> list[str]:
        """The words of a line after a TAB at its end."""
        # Ctrl-A goes to the beginning: the completed line becomes the arguments of what shows them.
        self.types(f"{line}\t\x01shown \r")
        return self.shows(r"<<(.*)>>")[1].split("|")


@contextmanager
def shell(name: str, folder: Path) -> Iterator[Shell]:
    """A shell that completes as the page says."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install {name})")
    program = Path(sys.executable).with_name("yosegi")
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "dumb", "LANG": "C.UTF-8",
        "PS1": "", "PROMPT": "", "INPUTRC": os.devnull,
    }  # fmt: skip
    child, descriptor = pty.fork()
    if child == 0:
        os.execvpe(SHELLS[name][0], SHELLS[name], environment)
    # Wide enough for every line: what is shown is never wrapped.
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 1000, 0, 0))
    opened = Shell(descriptor)
    try:
        opened.types(f"shown() {{ local IFS='|'; echo \"<<$*>>\"; }}; {SETUP[name]}; echo re''ady\r")
        opened.shows("ready")
        yield opened
    finally:
        os.close(descriptor)
        os.kill(child, 9)
        os.waitpid(child, 0)


@pytest.mark.parametrize("name", SHELLS)
def test_verbs_commands_and_options_are_completed(name: str, tmp_path: Path) -> None:
    with shell(name, tmp_path) as opened:
        assert opened.completed("yosegi camp") == ["yosegi", "campaign"]
        assert opened.completed("yosegi site doc") == ["yosegi", "site", "doctor"]
        assert opened.completed("yosegi campaign start --mand") == ["yosegi", "campaign", "start", "--mandate"]


@pytest.mark.parametrize("name", SHELLS)
def test_names_of_campaigns_and_capabilities_are_completed(name: str, town: Town, tmp_path: Path) -> None:
    who = " ".join(map(str, pi(town)))
    with shell(name, tmp_path) as opened:
        assert opened.completed(f"yosegi campaign show {who} to")[-1] == "toy"
        assert opened.completed(f"yosegi capability show {who} riken/toy.us")[-1] == "riken/toy.use@1"
        assert opened.completed(f"yosegi capability show {who} riken/toy.use@")[-1] == "riken/toy.use@1"


@pytest.mark.parametrize("name", SHELLS)
def test_the_page_says_what_is_tried_here(name: str) -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## Completion")[2]
    assert f"_YOSEGI_COMPLETE={name}_source yosegi" in text
    assert ("compinit" in text) >= (name == "zsh")

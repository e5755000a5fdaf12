"""`docs/tutorial/publish-a-capability.md` is true: its commands run in their order and end with the result it shows."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "publish-a-capability.md"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.timeout(600)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Newcomer:
    """Somebody who does what the page says, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, str(free_port())
        self.env = os.environ | {"PYTHONPATH": str(folder)}
        self.serving: subprocess.Popen[str] | None = None

    def write(self, name: str, content: str) -> None:
        if "KEYS" in content:
            keys = self.run("yosegi charter key --home home").splitlines()[0].removeprefix("keys = ")
            content = content.replace("KEYS", keys)
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(content, encoding="utf-8")

    def run(self, line: str) -> str:
        program, *arguments = shlex.split(line.replace("8100", self.port))
        assert program == "yosegi"
        command = [sys.executable, "-m", "yosegi.cli", *arguments]
        if arguments[:2] == ["site", "serve"]:
            self.serving = subprocess.Popen(command, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, text=True)
            assert self.serving.stdout is not None
            assert "answers at" in self.serving.stdout.readline()
            return ""
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    newcomer = Newcomer(tmp_path)
    yield newcomer
    if newcomer.serving is not None:
        newcomer.serving.terminate()
        newcomer.serving.wait(60)
        assert newcomer.serving.stdout is not None
        newcomer.serving.stdout.close()


def test_a_newcomer_who_follows_the_page_sees_the_result_of_their_own_capability(newcomer: Newcomer) -> None:
    text = PAGE.read_text(encoding="utf-8")
    expected, ran = "", []
    for block in _BLOCK.finditer(text):
        kind, content = block[1], block[2]
        if kind in ("python", "toml"):
            before = text[: block.start()].rstrip().splitlines()[-1]
            named = re.search(r"`([\w/]+\.(?:py|toml))`", before)
            if named and named[1] != "site.toml":
                newcomer.write(named[1], content)
        elif kind == "text":
            expected = content
        else:
            for line in content.splitlines():
                if line.startswith("yosegi "):
                    newcomer.run(line)
                    ran.append(line)
    asked = next(line for line in ran if line.startswith("yosegi task asked"))
    deadline = time.monotonic() + 60
    while (said := newcomer.run(asked)) != expected and time.monotonic() < deadline:
        pass
    assert said == expected

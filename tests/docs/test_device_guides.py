"""The guides to devices and to work by hand: what they show holds, and the commands of the first run as printed."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processes.sites import free_ports
from yosegi.app.bootstrap import found
from yosegi.core.capability import Capability
from yosegi.core.clock import SystemClock
from yosegi.demo.beam_plan import beam_plan
from yosegi.execution.engines.person.engine import PersonEngine
from yosegi.execution.engines.person.settings import PersonSettings
from yosegi.execution.engines.registry import kind_of

TOP = Path(__file__).parents[2]
SHOWN = (
    ("epics-in-ten-lines.md", "src/yosegi_packs/devices/magnet.py"),
    ("bluesky-plan.md", "src/yosegi_packs/devices/scan.py"),
)


def guide(name: str) -> str:
    return (TOP / "docs" / "how-to" / name).read_text(encoding="utf-8")


def block(text: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def statements(source: str) -> list[str]:
    return [ast.dump(node) for node in ast.parse(source).body]


@pytest.mark.parametrize(("name", "file"), SHOWN)
def test_what_a_guide_shows_is_what_its_file_holds(name: str, file: str) -> None:
    held = statements((TOP / file).read_text(encoding="utf-8"))
    shown = statements(block(guide(name), "python"))
    assert shown
    assert [one for one in shown if one not in held] == []


def test_work_by_hand_shows_a_capability_and_the_settings_of_its_engine() -> None:
    text = guide("work-by-hand.md")
    lab: dict[str, Any] = runpy.run_path(str(TOP / "examples" / "questions" / "lab.py"))
    exec(block(text, "python"), lab)
    assert isinstance(lab["break_by_hand"], Capability)
    assert lab["break_by_hand"].contract.effect == "consuming"
    assert lab["break_by_hand"].contract.time_limit == 30 * 86400
    [(name, table)] = tomllib.loads(block(text, "toml"))["engine"].items()
    assert name == "bench"
    assert kind_of(table.pop("kind")) is PersonEngine
    settings = PersonSettings.model_validate_json(json.dumps(table))
    assert settings.folder == "/data/bench"


EPICS = guide("epics-in-ten-lines.md")
CA, PVA = "5064", "5076"


class Reader:
    """Somebody who follows the guide in the home folder of a site, on ports that are free here."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = dict(zip((CA, PVA), map(str, free_ports(2)), strict=True))

    def fitted(self, text: str) -> str:
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        return text.replace("10.0.0.5", "127.0.0.1")

    def command(self, printed: str) -> list[str]:
        assert printed in EPICS
        words = shlex.split(self.fitted(printed), comments=True)
        return (
            [sys.executable, "-m", "yosegi.cli", *words[1:]] if words[0] == "yosegi" else [sys.executable, *words[1:]]
        )

    def follow(self, printed: str) -> str:
        done = subprocess.run(
            self.command(printed), cwd=self.home, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    pytest.importorskip("softioc", reason="the extra `devices` is not installed")
    homes = asyncio.run(found(tmp_path, beam_plan(free_ports(1)[0]), SystemClock(), "four words of a guide"))
    one = Reader(homes["jparc"].folder)
    (one.home / "magnet.json").write_text(block(EPICS, "json"))
    command = one.command(f"python -m yosegi_packs.devices twin magnet.json --ca {CA} --pva {PVA}")
    with subprocess.Popen(command, cwd=one.home, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as twin:
        try:
            assert twin.stdout is not None
            assert twin.stdout.readline()
            yield one
        finally:
            assert twin.stdin is not None
            twin.stdin.close()
            twin.wait(60)


USED = """
import sys
from pathlib import Path
from yosegi.core.capability import Context
from yosegi_packs.devices.magnet import field
print(field(3.0, context=Context(key="t1", seed=1, state=Path(sys.argv[1]))).field)
"""


@pytest.mark.processes
@pytest.mark.slow
def test_epics_in_ten_lines_runs_word_for_word(reader: Reader) -> None:
    published = reader.follow(
        "yosegi station init stations/magnet --name magnet --publish yosegi_packs.devices.magnet:field"
    )
    assert "[station.magnet]" in published
    station = reader.home / "stations" / "magnet"
    (station / "epics.toml").write_text(reader.fitted(block(EPICS, "toml")))
    drafted = reader.follow("yosegi station inspect stations/magnet MAG:CUR:SP MAG:CUR:RBV MAG:FIELD")
    assert "# ca://MAG:CUR:SP: 0 A, alarm none" in drafted
    assert "CUR = Variable(" in drafted
    used = subprocess.run(
        [sys.executable, "-c", USED, station], capture_output=True, text=True, check=False, timeout=120
    )
    assert used.returncode == 0, used.stderr
    assert float(used.stdout) == pytest.approx(3.0, abs=0.1)
    assert "nothing is open" in reader.follow("python -m yosegi_packs.devices show stations/magnet")
    assert "nothing was saved" in reader.follow("python -m yosegi_packs.devices restore stations/magnet")
    accepted = reader.follow(
        'python -m yosegi_packs.devices accept stations/magnet --note "at 0 A, looked at the supply"'
    )
    assert "the next task may put" in accepted

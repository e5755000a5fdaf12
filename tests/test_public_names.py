"""What `import yosegi` gives: typed names, each imported when it is first used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import yosegi

ROOT = Path(__file__).parents[1]
PROGRAM = '''
from typing import Annotated

import yosegi
from yosegi import Infeasible, capability, quantity

site = yosegi.connect("http://127.0.0.1:8101", person="pi@argonne", key="pi.key")
reveal_type(site)
reveal_type(site.campaigns())
reveal_type(site.campaign("colour").state().best)
reveal_type(site.tasks.list("uncertain"))
reveal_type(site.objects.put("table.csv", team="colour-team"))


@capability("toy.square@1", kind="simulation", effect="pure", field="toys", simulated=True)
def square(x: Annotated[float, quantity("1")]) -> float:
    """The square of a number."""
    if x < 0:
        raise Infeasible("below nought")
    return x * x


reveal_type(square(2.0))
'''
REVEALED = [
    "yosegi.client.client.Client",
    "tuple[yosegi.services.campaigns.schemas.CampaignSummary, ...]",
    "yosegi.services.campaigns.schemas.BestTrial | None",
    "tuple[yosegi.services.tasks.schemas.TaskSummary, ...]",
    "yosegi.core.object.ObjectRef",
    "float",
]


def test_a_program_of_scientists_and_of_a_packs_author_is_typed(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout + told.stderr
    assert re.findall(r'Revealed type is "([^"]*)"', told.stdout.replace("builtins.", "")) == REVEALED


@pytest.mark.parametrize("name", yosegi.__all__)
def test_every_name_that_is_promised_is_there(name: str) -> None:
    assert getattr(yosegi, name).__name__ == name


def test_a_name_that_is_not_promised_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        yosegi.nonsense  # noqa: B018 - that it is not there is the point


def test_importing_brings_neither_a_site_nor_a_client() -> None:
    program = "import sys, yosegi; print([name for name in sys.modules if name.startswith('yosegi.')])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


def test_a_client_brings_no_planner_and_no_engine() -> None:
    program = (
        "import sys, yosegi; yosegi.connect; "
        "print(sorted({name.split('.')[1] for name in sys.modules if name.startswith('yosegi.')}))"
    )
    told = subprocess.check_output([sys.executable, "-c", program], text=True).strip()
    assert told == "['client', 'core', 'services', 'trust']"

"""The example of films that are shipped: its campaign fits its capabilities, and what one names the other measures."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from yosegi.campaign import check_against, read_spec
from yosegi.campaign.problem import problem_of
from yosegi.core.capability import Context
from yosegi.core.samples import is_sample_id
from yosegi.planner import suggest

FOLDER = Path(__file__).parents[2] / "examples" / "films_two_sites"


def films() -> ModuleType:
    """The example's capabilities."""
    spec = importlib.util.spec_from_file_location("films_two_sites", FOLDER / "films.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for their types
    spec.loader.exec_module(module)
    return module


def test_the_campaign_fits_its_capabilities_and_can_be_planned() -> None:
    found, spec = films(), read_spec(FOLDER / "campaign.toml")
    contracts = {
        "riken/film.deposit@1": found.deposit.contract,
        "nims/film.measure@1": found.measure.contract,
    }
    check_against(spec, contracts)
    assert spec.source[0].step[1].shipment is not None
    assert len(suggest(problem_of(spec), [], count=4, seed=spec.seed)) == 4


def test_a_film_has_a_name_under_which_it_can_be_shipped_and_is_measured(tmp_path: Path) -> None:
    found = films()
    context = Context(key="task/argonne/0f3a7c21-5d1e-4b1a-9c35-6a2b41c07d19", seed=1, folder=tmp_path)
    name = found.deposit.run({"temperature": 640.0, "rate": 0.5}, context)["sample"]
    assert is_sample_id(f"riken/{name}")
    assert 0.3 < found.measure.run({"film": f"riken/{name}"}, context)["roughness"] < 0.5

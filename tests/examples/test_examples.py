"""Every example is a campaign that the contracts it names would take, and the planner too."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from yosegi.campaign import check_against, read_spec
from yosegi.campaign.problem import problem_of
from yosegi.core.contract import Contract
from yosegi.core.identifiers import split_capability
from yosegi.planner import suggest

EXAMPLES = Path(__file__).parents[2] / "examples"
EXTRA = {
    "quantum-memory": "stim",
    "quantum-footprint": "stim",
    "bio-strain": "cobra",
    "induction": "cobra",
    "hep-tune": "pythia8mc",
    "quantum-drag": "qutip",
    "crystal-match": "chgnet",
}


def contract_of(name: str) -> Contract:
    sys.path.insert(0, str(EXAMPLES))
    try:
        run = importlib.import_module("run")
    finally:
        sys.path.remove(str(EXAMPLES))
    entries = run.ENTRIES | {capability: entry for capability, (_, entry) in run.INSTRUMENTS.items()}
    module, _, attribute = entries[name].replace(".warm:", ":").partition(":")
    contract = getattr(importlib.import_module(module), attribute).contract
    assert isinstance(contract, Contract)
    return contract


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_an_example_fits_the_contracts_it_names_and_can_be_planned(path: Path) -> None:
    if path.stem in EXTRA:
        pytest.importorskip(EXTRA[path.stem])
    spec = read_spec(path)
    check_against(spec, {ref: contract_of(split_capability(ref)[1]) for ref in spec.capabilities()})
    proposals = suggest(problem_of(spec), [], count=2, seed=spec.seed)
    assert len(proposals) == 2

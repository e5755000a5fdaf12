from __future__ import annotations

import pytest

from cli.asking import document, operator, pi, refused, told
from processes.sites import Town


@pytest.mark.processes
def test_what_can_be_used_is_listed_with_its_effect_and_world(town: Town) -> None:
    found = {one["ref"]: one for one in document("capability", "list", *pi(town))}
    assert found["riken/toy.use@1"]["effect"] == "consuming"
    assert "simulated" in told("capability", "list", *pi(town))


@pytest.mark.processes
def test_a_contract_is_shown_with_units_and_ranges(town: Town) -> None:
    contract = document("capability", "show", "riken/toy.use@1", *pi(town))
    assert contract["inputs"]["properties"]["x"]["maximum"] == 1
    text = told("capability", "show", "riken/toy.use@1", *pi(town))
    assert "Use a sample up" in text
    assert "0 to 1" in text.replace(".0", "")


@pytest.mark.processes
@pytest.mark.parametrize("ref", ["riken/toy.use@9", "nims/nothing@1", "nothing", "", "a/b/c"])
def test_an_unknown_capability_is_said(town: Town, ref: str) -> None:
    refused("capability", "show", ref, *pi(town))


@pytest.mark.processes
def test_a_breaker_of_nothing_is_not_mended(town: Town) -> None:
    refused("capability", "mend", "toy.nothing@1", "--note", "looked", *operator(town))


def test_a_function_shows_the_contract_it_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "tests")
    assert document("capability", "check", "processes.toys:simulate")["effect"] == "pure"


@pytest.mark.parametrize(
    "entry", ["processes.toys", "processes.toys:nothing", "no_such_module:f", "processes.toys:happen", "", "os;x:y"]
)
def test_what_is_no_capability_is_said(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("PYTHONPATH", "tests")
    refused("capability", "check", entry)

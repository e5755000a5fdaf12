from __future__ import annotations

import importlib

import pytest
from benchmarks.planner.adapters import ADAPTERS, MissingLibrary

from yosegi.planner import Candidates, Objective, Parameter, Problem

PROBLEM = Problem((Parameter("a"),), (Objective("y"),), candidates=Candidates.of({"a": [0.0, 1.0]}))


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_missing_library_is_named_with_how_to_get_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> None:
        raise ImportError(module)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingLibrary, match=r"pip install \w+"):
        ADAPTERS[name].suggest(PROBLEM, [], pending=(), count=1, seed=0)


def test_adapters_are_known_by_their_own_names() -> None:
    assert {name: planner.name for name, planner in ADAPTERS.items()} == {name: name for name in ADAPTERS}

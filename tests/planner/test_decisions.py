"""Decisions are for ever: campaigns recorded long ago are replayed. What changes one raises `versions.REVISION`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yosegi.planner import (
    Candidates,
    Caution,
    Earlier,
    Objective,
    Observation,
    OutcomeConstraint,
    Parameter,
    Problem,
    Source,
    simplex,
    suggest,
)
from yosegi.planner.versions import REVISION

RECORDED = Path(__file__).parent / "decisions.json"
"""What revision `REVISION` decided; written anew by `python tests/planner/test_decisions.py` when it is raised."""


def _peak(values: dict[str, float]) -> float:
    return -sum((v - 0.3 * (i + 1)) ** 2 for i, v in enumerate(values.values()))


def _open() -> tuple[Problem, list[Observation]]:
    parameters = tuple(Parameter.continuous(n, 0, 1, resolution=0.05) for n in "abc")
    problem = Problem(parameters, (Objective("y", "maximise"),), constraints=(simplex(("a", "b", "c"), 1.0),))
    points = [{"a": a, "b": b, "c": round(1 - a - b, 2)} for a, b in ((0.1, 0.2), (0.5, 0.3), (0.2, 0.7), (0.8, 0.1))]
    return problem, [Observation(p, {"y": _peak(p)}) for p in points]


def _table() -> tuple[Problem, list[Observation]]:
    rows = [{"a": round(a, 2), "b": round(b, 2)} for a in np.linspace(0, 1, 9) for b in np.linspace(0, 1, 9)]
    problem = Problem(
        tuple(Parameter.continuous(n, 0, 1) for n in "ab"),
        (Objective("y", "maximise"),),
        candidates=Candidates.of(rows),
    )
    return problem, [Observation(rows[i], {"y": _peak(rows[i])}) for i in (0, 11, 29, 47, 80)]


def _sources() -> tuple[Problem, list[Observation]]:
    problem, history = _table()
    asked = replace(problem, sources=(Source("experiment"), Source("model", 0.05)))
    model = [replace(o, outcomes={"y": 3 * o.value("y") + 1}, source="model") for o in history]
    return asked, [replace(o, source="experiment") for o in history] + model


def _earlier() -> tuple[Problem, list[Observation]]:
    problem, history = _table()
    rows = [problem.candidates.row(i) for i in range(0, 81, 4)] if problem.candidates else []
    before = tuple(Observation(r, {"y": 2 * _peak(r)}) for r in rows)
    return replace(problem, earlier=(Earlier(problem.parameters, before),)), history[:3]


def _cautious() -> tuple[Problem, list[Observation]]:
    problem = Problem(
        tuple(Parameter.continuous(n, -1, 1, resolution=0.01) for n in "ab"),
        (Objective("y", "maximise"),),
        outcome_constraints=(OutcomeConstraint("loss", at_most=1.0, noise=0.02),),
        caution=Caution(({"a": 0.0, "b": 0.0},), reach=0.1),
    )
    points = [{"a": a, "b": b} for a, b in ((0.0, 0.0), (0.1, 0.1), (-0.1, 0.1), (0.15, -0.1), (0.2, 0.15))]
    return problem, [Observation(p, {"y": _peak(p), "loss": 0.3 + p["a"] ** 2}) for p in points]


CASES = {"open": _open, "table": _table, "sources": _sources, "earlier": _earlier, "cautious": _cautious}


def _decisions(case: str) -> list[list[object]]:
    problem, history = CASES[case]()
    return [[dict(p.values), p.source] for p in suggest(problem, history, count=3, seed=5)]


@pytest.mark.parametrize("case", CASES)
def test_a_decision_is_the_one_recorded_for_this_revision(case: str) -> None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))
    assert recorded["revision"] == REVISION
    assert _decisions(case) == recorded[case]


if __name__ == "__main__":
    found = {"revision": REVISION, **{case: _decisions(case) for case in CASES}}
    RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

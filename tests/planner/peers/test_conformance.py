"""One suite over every planner that is installed: ours, the baselines, and the adapters of other libraries."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.planner.adapters import ADAPTERS, Unsupported

from yosegi.planner import (
    PLANNERS,
    Candidates,
    Linear,
    Objective,
    Observation,
    Parameter,
    Pending,
    Planner,
    Problem,
    Proposal,
    Source,
    Status,
)

_NEEDS = {"botorch": ("botorch",), "optuna-tpe": ("optuna",), "optuna-gp": ("optuna", "torch"), "physbo": ("physbo",)}


def _planners() -> list[object]:
    """Every planner; an adapter whose library is not installed is skipped and says so."""
    found: list[object] = [pytest.param(p, id=name) for name, p in PLANNERS.items()]
    for name, adapter in ADAPTERS.items():
        missing = [m for m in _NEEDS[name] if importlib.util.find_spec(m) is None]
        marks = [pytest.mark.skip(reason=f"needs {missing[0]}")] if missing else []
        marks += [pytest.mark.slow] if name == "physbo" else []
        found.append(pytest.param(adapter, id=name, marks=marks))
    return found


pytestmark = [
    # the libraries behind the adapters warn of their own affairs when they are imported
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.parametrize("planner", _planners()),
]

GRID = [(i / 5, j / 5) for i in range(6) for j in range(6)]
TABLE = Problem(
    parameters=(Parameter("a"), Parameter("b")),
    objectives=(Objective("y"),),
    candidates=Candidates.of({"a": [p[0] for p in GRID], "b": [p[1] for p in GRID]}),
)
BOX = Problem(
    parameters=(Parameter.continuous("a", 0, 1, resolution=0.01), Parameter.integer("b", 1, 9)),
    objectives=(Objective("y", "maximise"),),
)
MIXTURE = Problem(
    parameters=tuple(Parameter.continuous(n, 0, 100) for n in "abc"),
    constraints=(Linear({"a": 1, "b": 1, "c": 1}, equals=100), Linear({"a": 1}, at_most=60)),
    objectives=(Objective("y"),),
)
KINDS = Problem(
    parameters=(
        Parameter.continuous("a", 1e-3, 10, log=True),
        Parameter.categorical("ink", ("red", "blue", "green")),
        Parameter.ordinal("b", (1, 2, 5, 10)),
    ),
    objectives=(Objective("y", "target", target=1.0),),
)


def bowl(a: float, b: float) -> Observation:
    """Least at (0.4, 0.6)."""
    return Observation({"a": a, "b": b}, {"y": (a - 0.4) ** 2 + (b - 0.6) ** 2})


MEASURED = [bowl(*GRID[i]) for i in (0, 5, 14, 21, 30, 35)]


def ask(planner: Planner, problem: Problem, history: object = (), count: int = 1, seed: int = 1) -> list[Proposal]:
    return planner.suggest(problem, list(history), pending=(), count=count, seed=seed)  # type: ignore[call-overload]


def rows(proposals: list[Proposal]) -> list[int]:
    return [int(p.candidate or -1) for p in proposals]


def test_it_begins_without_a_measurement(planner: Planner) -> None:
    [proposal] = ask(planner, TABLE)
    assert 0 <= rows([proposal])[0] < 36


def test_it_goes_on_after_one_measurement(planner: Planner) -> None:
    assert len(ask(planner, TABLE, MEASURED[:1])) == 1


def test_a_candidate_is_a_row_of_the_table(planner: Planner) -> None:
    for proposal in ask(planner, TABLE, MEASURED, count=3):
        a, b = GRID[rows([proposal])[0]]
        assert proposal.values == {"a": a, "b": b}


def test_a_batch_holds_nothing_twice_and_nothing_measured(planner: Planner) -> None:
    found = rows(ask(planner, TABLE, MEASURED, count=4))
    assert len(set(found)) == 4
    assert not set(found) & {0, 5, 14, 21, 30, 35}


def test_what_is_pending_is_not_proposed(planner: Planner) -> None:
    first = ask(planner, TABLE, MEASURED, count=2)
    pending = [Pending(p.values) for p in first]
    again = planner.suggest(TABLE, MEASURED, pending=pending, count=2, seed=1)
    assert not set(rows(first)) & set(rows(again))


def test_what_was_infeasible_is_not_proposed(planner: Planner) -> None:
    failed = [
        Observation({"a": a, "b": b}, status=Status.INFEASIBLE) for a, b in GRID[6:30] if (a, b) not in _measured()
    ]
    found = rows(ask(planner, TABLE, [*MEASURED, *failed], count=4))
    assert all(i < 6 or i >= 30 for i in found)


def test_what_was_withdrawn_may_be_proposed(planner: Planner) -> None:
    others = [bowl(a, b) for a, b in GRID[1:] if (a, b) not in _measured()]
    withdrawn = Observation({"a": 0.0, "b": 0.0}, status=Status.WITHDRAWN)
    assert rows(ask(planner, TABLE, [*MEASURED[1:], *others, withdrawn])) == [0]


def test_a_table_that_runs_out_gives_what_is_left(planner: Planner) -> None:
    history = [bowl(a, b) for a, b in GRID[:34]]
    assert sorted(rows(ask(planner, TABLE, history, count=4))) == [34, 35]
    assert ask(planner, TABLE, [bowl(a, b) for a, b in GRID]) == []


def test_the_same_arguments_give_the_same_proposals(planner: Planner) -> None:
    once, twice = (ask(planner, TABLE, MEASURED, count=2, seed=5) for _ in range(2))
    assert [p.values for p in once] == [p.values for p in twice]


def test_it_leaves_global_random_numbers_alone(planner: Planner) -> None:
    state = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    ask(planner, TABLE, MEASURED)
    assert (np.random.get_state()[1] == state).all()  # type: ignore[index]


def test_a_proposal_says_why_and_what_it_costs(planner: Planner) -> None:
    priced = replace(TABLE, sources=(Source("furnace", cost=2.5),))
    [proposal] = ask(planner, priced, MEASURED)
    assert proposal.source == "furnace"
    assert proposal.expected.cost == 2.5
    assert len(proposal.reason) > 10


def test_a_box_is_kept_to_with_its_resolution(planner: Planner) -> None:
    history = [Observation({"a": a, "b": b}, {"y": a * b}) for a, b in ((0.1, 2), (0.5, 5), (0.9, 8), (0.3, 9))]
    for proposal in ask(planner, BOX, history, count=3):
        a, b = float(proposal.values["a"]), proposal.values["b"]
        assert 0 <= a <= 1
        assert math.isclose(a * 100, round(a * 100), abs_tol=1e-6)
        assert isinstance(b, int)
        assert 1 <= b <= 9


def test_a_mixture_keeps_its_constraints(planner: Planner) -> None:
    points = ((20, 30, 50), (60, 20, 20), (10, 80, 10), (0, 50, 50))
    history = [Observation(dict(zip("abc", p, strict=True)), {"y": float(p[1])}) for p in points]
    for proposal in ask(planner, MIXTURE, history, count=2):
        assert all(c.holds(proposal.values) for c in MIXTURE.constraints)


def test_every_kind_of_parameter_gets_an_allowed_value(planner: Planner) -> None:
    history = [
        Observation({"a": a, "ink": ink, "b": b}, {"y": a})
        for a, ink, b in ((0.01, "red", 1), (1.0, "blue", 5), (9.0, "green", 10), (0.1, "blue", 2))
    ]
    for proposal in ask(planner, KINDS, history, count=2):
        assert 1e-3 <= float(proposal.values["a"]) <= 10
        assert proposal.values["ink"] in ("red", "blue", "green")
        assert proposal.values["b"] in (1, 2, 5, 10)


@pytest.mark.parametrize("scale", [0.0, 1e-12, 1e12])
def test_constant_tiny_and_huge_outcomes_are_borne(planner: Planner, scale: float) -> None:
    history = [Observation(o.values, {"y": scale * o.value("y")}) for o in MEASURED]
    assert len(ask(planner, TABLE, history)) == 1


def test_a_measurement_repeated_or_without_a_value_is_borne(planner: Planner) -> None:
    history = [*MEASURED, *MEASURED[:2], Observation({"a": 0.2, "b": 0.2}, {"y": math.nan})]
    assert len(ask(planner, TABLE, history)) == 1


def test_a_measurement_that_is_not_in_the_table_is_borne(planner: Planner) -> None:
    assert len(ask(planner, TABLE, [*MEASURED, bowl(0.33, 0.41)])) == 1


def test_it_comes_near_the_best_of_a_bowl(planner: Planner) -> None:
    if planner.name in ("random", "sobol", "lhs", "grid", "optuna-tpe"):
        pytest.skip("looks at no measurement, or needs more of them")
    history = list(MEASURED)
    for _ in range(8):
        [proposal] = ask(planner, TABLE, history)
        history.append(bowl(float(proposal.values["a"]), float(proposal.values["b"])))
    assert min(o.value("y") for o in history) < 0.01


@pytest.mark.parametrize(
    "problem",
    [
        replace(TABLE, objectives=(Objective("y"), Objective("z"))),
        replace(TABLE, objectives=(Objective("y", "explore"),)),
        replace(TABLE, sources=(Source("furnace"), Source("model", 0.1))),
    ],
    ids=["two objectives", "explore", "two sources"],
)
def test_what_an_adapter_does_not_take_it_refuses(planner: Planner, problem: Problem) -> None:
    if planner.name not in ADAPTERS:
        assert len(ask(planner, problem)) == 1
        return
    with pytest.raises(Unsupported, match=planner.name):
        ask(planner, problem)


def _measured() -> set[tuple[float, float]]:
    return {(float(o.values["a"]), float(o.values["b"])) for o in MEASURED}

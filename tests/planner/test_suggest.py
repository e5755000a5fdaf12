"""What every answer keeps: it replays, repeats nothing, stays inside, and nothing stops it in mid-campaign."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from yosegi.planner import (
    Candidates,
    Linear,
    Objective,
    Observation,
    OutcomeConstraint,
    Parameter,
    Pending,
    Problem,
    Source,
    Status,
    simplex,
    suggest,
    versions,
)

PLANNERS = ("gp", "random", "sobol", "lhs", "grid")


@pytest.mark.parametrize("planner", PLANNERS)
@pytest.mark.parametrize("kind", ["table", "space"])
def test_the_same_question_gets_the_same_answer(planner, kind, request, measure):
    problem = request.getfixturevalue(kind)
    history = measure(problem, 12)
    pending = [Pending(history.pop().values)]
    first = suggest(problem, history, pending=pending, count=3, seed=5, planner=planner)
    assert first == suggest(problem, history, pending=pending, count=3, seed=5, planner=planner)


@pytest.mark.parametrize("kind", ["table", "space"])
def test_the_order_of_a_history_makes_no_difference(kind, request, measure):
    problem = request.getfixturevalue(kind)
    history = measure(problem, 14)
    shuffled = [history[i] for i in np.random.default_rng(0).permutation(14)]
    assert suggest(problem, history, count=2, seed=5) == suggest(problem, shuffled, count=2, seed=5)


@pytest.mark.parametrize("planner", PLANNERS)
@pytest.mark.parametrize("kind", ["table", "space"])
def test_nothing_is_proposed_twice_nor_while_it_runs(planner, kind, request, measure):
    problem = request.getfixturevalue(kind)
    history = measure(problem, 12)
    pending = [Pending(o.values) for o in (history.pop(), history.pop())]
    found = suggest(problem, history, pending=pending, count=8, seed=1, planner=planner)
    seen = [tuple(p.values.values()) for p in found]
    before = {tuple(o.values[n] for n in problem.names) for o in [*history, *pending]}
    assert len(found) == 8
    assert len(set(seen)) == 8
    assert not set(seen) & before


def test_ties_go_to_the_smaller_id(table, measure):
    """Columns mirrored about their middle make pairs of equal candidates; a renumbered table must agree on the id."""
    x = np.repeat([0.0, 1.0, 2.0, 3.0, 4.0], 5)
    y = np.tile([0.0, 1.0, 2.0, 3.0, 4.0], 5)
    ids = np.array([f"r{i:02d}" for i in np.random.default_rng(1).permutation(25)])
    history = [Observation({"x": 2.0, "y": 2.0}, {"f": 1.0}), Observation({"x": 2.0, "y": 1.0}, {"f": 0.5}),
               Observation({"x": 2.0, "y": 3.0}, {"f": 0.5})]  # fmt: skip
    answers = []
    for order in (np.arange(25), np.random.default_rng(2).permutation(25)):
        candidates = Candidates.of({"id": ids[order], "x": x[order], "y": y[order]}, ids="id")
        problem = Problem(candidates.parameters(), (Objective("f"),), candidates=candidates, starts=1)
        answers.append([p.candidate for p in suggest(problem, history, count=4)])
    assert answers[0] == answers[1]


def test_it_improves_on_its_start(table, answer, measure):
    history = measure(table, 6)
    worst = max(answer(table, table.candidates.row(i)).value("y") for i in range(200))
    for step in range(15):
        [proposal] = suggest(table, history, seed=step)
        history.append(answer(table, proposal.values))
    assert max(o.value("y") for o in history) == worst  # the largest of 200, among 21 measured


def test_a_mixed_space_is_searched_to_its_best(space, answer, measure):
    history = measure(space, 8)
    for step in range(22):
        [proposal] = suggest(space, history, seed=step)
        history.append(answer(space, proposal.values))
    assert min(o.value("y") for o in history) < 0.06  # the best there is has 0.033
    assert min(o.value("y") for o in history[8:]) < min(o.value("y") for o in history[:8])


def test_a_table_that_runs_out_gives_what_is_left(answer):
    candidates = Candidates.of([{"x": float(i)} for i in range(6)] + [{"x": 0.0}])
    problem = Problem(candidates.parameters(), (Objective("y"),), candidates=candidates, starts=2)
    history = [answer(problem, candidates.row(i)) for i in range(4)]
    for planner in PLANNERS:
        assert {p.candidate for p in suggest(problem, history, count=9, planner=planner)} == {"4", "5"}
    assert suggest(problem, [answer(problem, candidates.row(i)) for i in range(6)]) == []


def test_a_point_measured_in_part_is_learned_from_and_asked_again():
    candidates = Candidates.of({"x": [float(i) for i in range(12)]})
    objectives = (Objective("a", "maximise"), Objective("b", "maximise"))
    problem = Problem(candidates.parameters(), objectives, candidates=candidates)
    history = [Observation({"x": float(i)}, {"a": float(i), "b": 12.0 - i}) for i in range(0, 12, 3)]
    partly = [Observation({"x": float(i)}, {"a": float(i)}) for i in range(12) if i % 3]
    assert suggest(problem, [*history, *partly]) == []
    wanted = [replace(o, again=True) for o in partly]
    [proposal] = suggest(problem, [*history, *wanted])
    assert proposal.values["x"] in {o.values["x"] for o in partly}
    assert proposal.expected.sd["a"] < proposal.expected.sd["b"]


def test_what_failed_for_good_is_not_asked_again_and_what_failed_by_chance_may_be(table, measure):
    history = measure(table, 10)
    [best] = suggest(table, history)
    for status, again in ((Status.TRANSIENT, True), (Status.WITHDRAWN, True), (Status.INFEASIBLE, False)):
        [next_] = suggest(table, [*history, Observation(best.values, status=status)])
        assert (next_.candidate == best.candidate) is again


def test_a_region_that_failed_is_avoided():
    """Half of the space has no answer; after a dozen failures few more are met."""
    parameters = tuple(Parameter.continuous(n, 0, 1, resolution=0.01) for n in "xy")
    problem = Problem(parameters, (Objective("f", "maximise"),))
    history: list[Observation] = []
    for step in range(40):
        [p] = suggest(problem, history, seed=step)
        x, y = float(p.values["x"]), float(p.values["y"])
        bad = x > 0.6
        history.append(
            Observation(p.values, status=Status.INFEASIBLE) if bad else Observation(p.values, {"f": x - (y - 0.3) ** 2})
        )
    assert sum(o.status is Status.INFEASIBLE for o in history[20:]) <= 8
    assert max(o.value("f") for o in history if o.status is Status.DONE) > 0.55


def test_outcome_constraints_are_kept_by_the_best_found():
    parameters = tuple(Parameter.continuous(n, 0, 1, resolution=0.01) for n in "xy")
    problem = Problem(
        parameters, (Objective("f", "maximise"),), outcome_constraints=(OutcomeConstraint("q", at_least=1.0),)
    )
    history: list[Observation] = []
    for step in range(30):
        [p] = suggest(problem, history, seed=step)
        x, y = float(p.values["x"]), float(p.values["y"])
        history.append(Observation(p.values, {"f": x + y, "q": 1.5 - x * x - y * y}))
    kept = [o.value("f") for o in history if o.value("q") >= 1]
    assert max(kept) > 0.93  # the best on the circle x² + y² = 1/2 is 1


def test_a_limit_is_announced_with_the_probability_that_its_announced_measurement_keeps_it():
    """The probability is that of a normal variable with the mean and the deviation that stand beside it."""
    parameters = tuple(Parameter.continuous(n, 0, 1, resolution=0.01) for n in "xy")
    problem = Problem(parameters, (Objective("f"),), outcome_constraints=(OutcomeConstraint("q", at_least=1.0),))
    points = np.random.default_rng(3).random((9, 2)).round(2)
    scatter = np.random.default_rng(4).normal(0, 0.3, 9)
    history = [
        Observation({"x": x, "y": y}, {"f": x + y, "q": x + y + e}) for (x, y), e in zip(points, scatter, strict=True)
    ]
    [p] = suggest(problem, history)
    kept = 1.0 - scipy.stats.norm.cdf(1.0, p.expected.mean["q"], p.expected.sd["q"])
    assert p.expected.feasible == pytest.approx(kept)
    assert 0.05 < p.expected.feasible < 0.95


def test_a_target_is_approached_from_either_side():
    problem = Problem((Parameter.continuous("x", 0, 10, resolution=0.01),), (Objective("f", "target", target=5.0),))
    history: list[Observation] = []
    for step in range(12):
        [p] = suggest(problem, history, seed=step)
        history.append(Observation(p.values, {"f": float(p.values["x"]) ** 2 / 4}))
    assert min(abs(o.value("f") - 5) for o in history) < 0.05


@pytest.mark.parametrize("objectives", [2, 3])
def test_several_objectives_spread_along_the_front(objectives):
    problem = Problem(
        tuple(Parameter.continuous(n, 0, 1, resolution=0.01) for n in "xy"),
        tuple(Objective(f"f{k}") for k in range(objectives)),
    )
    corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    history: list[Observation] = []
    for step in range(16):
        for p in suggest(problem, history, seed=step):
            at = (float(p.values["x"]), float(p.values["y"]))
            losses = {f"f{k}": math.dist(at, corners[k]) ** 2 for k in range(objectives)}
            history.append(Observation(p.values, losses))
    assert min(o.value("f0") for o in history) < 0.1
    assert min(o.value("f1") for o in history) < 0.3
    assert any(o.value("f0") < 0.45 and o.value("f1") < 0.45 for o in history)


def test_a_boundary_of_labels_is_measured_where_they_meet():
    problem = Problem(
        tuple(Parameter.continuous(n, 0, 1, resolution=0.01) for n in "xy"), (Objective("phase", "boundary"),)
    )
    history: list[Observation] = []
    for step in range(30):
        [p] = suggest(problem, history, seed=step)
        label = "solid" if float(p.values["x"]) + 0.3 * float(p.values["y"]) < 0.6 else "liquid"
        history.append(Observation(p.values, {"phase": label}))
    away = [abs(float(o.values["x"]) + 0.3 * float(o.values["y"]) - 0.6) for o in history[12:]]
    assert np.median(away) < 0.12  # an even spread would have 0.25


def test_without_an_objective_the_space_is_covered():
    problem = Problem(tuple(Parameter.continuous(n, 0, 1, resolution=0.01) for n in "xy"))
    history: list[Observation] = []
    for step in range(25):
        [p] = suggest(problem, history, seed=step)
        history.append(Observation(p.values))
    X = np.array([[float(v) for v in o.values.values()] for o in history])
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 21), np.linspace(0, 1, 21)), -1).reshape(-1, 2)
    assert np.max(np.min(np.linalg.norm(grid[:, None] - X[None], axis=2), axis=1)) < 0.3


def test_exploring_an_outcome_looks_where_it_varies_most():
    problem = Problem((Parameter.continuous("x", 0, 1, resolution=0.001),), (Objective("f", "explore"),))
    history = [Observation({"x": x}, {"f": math.sin(5 * x)}) for x in (0.0, 0.1, 0.2, 0.3, 1.0)]
    [p] = suggest(problem, history)
    assert 0.5 < float(p.values["x"]) < 0.85


def test_a_point_that_costs_more_must_promise_more():
    from yosegi.planner import Cost

    candidates = Candidates.of([{"x": i / 20, "hours": 1.0 if i < 11 else 60.0} for i in range(21)])
    objective = (Objective("f", "maximise"),)
    history = [Observation({"x": x}, {"f": -((x - 0.5) ** 2)}) for x in (0.0, 0.4, 0.6, 1.0)]
    parameter = (Parameter("x"),)
    even = Problem(parameter, objective, candidates=candidates, starts=2)
    priced = replace(even, sources=(Source("lab", Cost(0.0, {"hours": 1.0})),))
    assert all(p.expected.cost == 1.0 for p in suggest(priced, history, count=3))
    assert suggest(even, history)[0].expected.cost == 1.0


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
outcome = st.one_of(finite, st.just(math.nan), st.just(math.inf), st.just(1.0), st.just(0.0), st.floats(1e-300, 1e-290))


@settings(max_examples=40, deadline=None)
@given(
    outcomes=st.lists(outcome, max_size=9),
    dimensions=st.sampled_from([1, 2, 20]),
    width=st.sampled_from([1e-9, 1.0, 1e9]),
    repeated=st.booleans(),
    goal=st.sampled_from(["minimise", "maximise", "target", "explore"]),
    constrained=st.booleans(),
)
def test_no_history_stops_it(outcomes, dimensions, width, repeated, goal, constrained):
    names = [f"x{i}" for i in range(dimensions)]
    problem = Problem(
        tuple(Parameter.continuous(n, 0, width) for n in names),
        (Objective("y", goal, target=1.0 if goal == "target" else None),),
        constraints=(Linear(dict.fromkeys(names, 1.0), at_most=width),) if constrained else (),
        starts=1,
    )
    rng = np.random.default_rng(len(outcomes))
    history = []
    for y in outcomes:
        point = np.full(dimensions, 0.5 / dimensions) if repeated else rng.random(dimensions) / dimensions
        history.append(Observation(dict(zip(names, (point * width).tolist(), strict=True)), {"y": y}))
    for p in suggest(problem, history, count=2, seed=3):
        assert all(0 <= float(v) <= width for v in p.values.values())
        assert p.reason


@settings(max_examples=20, deadline=None)
@given(
    outcomes=st.lists(st.tuples(outcome, outcome, st.sampled_from(["a", "b", math.nan])), max_size=7),
    kind=st.sampled_from(["front", "boundary", "limits", "sources"]),
)
def test_no_history_stops_any_aim(outcomes, kind):
    candidates = Candidates.of({"u": np.linspace(0, 1, 40), "v": np.tile([0.0, 0.3, 0.7, 1.0], 10)})
    parts = {
        "front": {"objectives": (Objective("f"), Objective("g", "maximise"))},
        "boundary": {"objectives": (Objective("h", "boundary"),)},
        "limits": {"objectives": (Objective("f"),), "outcome_constraints": (OutcomeConstraint("g", at_most=1.0),)},
        "sources": {"objectives": (Objective("f"),), "sources": (Source("lab", 1.0), Source("model", 0.05))},
    }[kind]
    problem = Problem(candidates.parameters(), candidates=candidates, starts=1, **parts)
    history = [
        Observation(
            candidates.row(5 * i),
            {"f": f, "g": g, "h": h},
            source="model" if kind == "sources" and i % 2 else "",
            status=Status.INFEASIBLE if i == 4 else Status.DONE,
        )
        for i, (f, g, h) in enumerate(outcomes)
    ]
    found = suggest(problem, history, count=3)
    assert len(found) == 3
    assert len({(p.candidate, p.source) for p in found}) == 3


def test_unknown_levels_and_missing_parameters_are_left_out_or_kept_apart(space, measure):
    history = measure(space, 10)
    odd = [
        Observation({**history[0].values, "solvent": "mercury"}, {"y": 1.0}),
        Observation({"temperature": 30.0}, {"y": 1.0}),
        Observation(history[1].values, {"y": 1.0}, source="nobody"),
    ]
    [p] = suggest(space, history + odd)
    assert "2 measurements left out" in p.reason


def test_mixtures_stay_mixtures(answer):
    problem = Problem(
        tuple(Parameter.continuous(n, 0, 1, resolution=0.05) for n in "abcd"),
        (Objective("y"),),
        constraints=(simplex("abcd"),),
    )
    history: list[Observation] = []
    for step in range(4):
        for p in suggest(problem, history, count=3, seed=step):
            assert sum(map(float, p.values.values())) == pytest.approx(1, abs=1e-9)
            history.append(answer(problem, p.values))


def test_every_proposal_says_why_in_words_and_numbers(table, measure):
    [p] = suggest(table, measure(table, 10))
    assert p.reason.startswith(f"y {p.expected.mean['y']:.4g} ± ")
    assert "expected improvement" in p.reason
    assert p.expected.gain is not None
    assert p.as_dict()["expected"] == p.expected.as_dict()


@pytest.mark.parametrize(
    ("failed", "limits", "says"),
    [
        (False, (), ""),
        (True, (), " % likely to give a result"),
        (False, (OutcomeConstraint("q", at_least=0.5, unit="GPa"),), " % likely to keep the limits"),
        (True, (OutcomeConstraint("q", at_least=0.5, unit="GPa"),), " % likely to give a result within the limits"),
    ],
)
def test_a_proposal_speaks_of_limits_where_there_are_some_and_of_results_where_some_had_none(failed, limits, says):
    problem = Problem(
        (Parameter.continuous("x", 0, 1, resolution=0.01),), (Objective("f"),), outcome_constraints=limits
    )
    history = [Observation({"x": x / 10}, {"f": x / 10, "q": x / 10}) for x in range(8)]
    history += [Observation({"x": 0.9}, status=Status.INFEASIBLE)] if failed else []
    [p] = suggest(problem, history)
    assert [part for part in p.reason.split("; ") if "likely to" in part] == (
        [f"{100 * p.expected.feasible:.0f}{says}"] if says else []
    )
    assert ("GPa expected" in p.reason) is bool(limits)


def test_builds_are_recorded():
    assert set(versions()) == {"planner", "yosegi", "numpy", "scipy", "blas"}
    assert versions()["numpy"] == np.__version__


def test_no_proposals_are_asked_for():
    assert suggest(Problem((Parameter.continuous("x", 0, 1),)), [], count=0) == []

"""A cheap source is used while it helps, and costs little where it does not; the same for an earlier campaign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from yosegi.planner import Candidates, Earlier, Objective, Observation, Parameter, Problem, Situation, Source, suggest
from yosegi.planner.probe import SHARE
from yosegi.planner.surrogate import learn
from yosegi.planner.transfer import align


def truth(x: np.ndarray) -> np.ndarray:
    return np.sin(5 * x[:, 0]) + x[:, 1] ** 2


@pytest.fixture
def pool() -> tuple[Problem, np.ndarray]:
    x = np.random.default_rng(0).random((300, 2))
    table = Candidates.of({"a": x[:, 0], "b": x[:, 1]})
    sources = (Source("experiment", 1.0), Source("model", 0.05))
    return Problem(table.parameters(), (Objective("y", "maximise"),), candidates=table, sources=sources, starts=5), x


def campaign(problem: Problem, y: np.ndarray, model: np.ndarray, steps: int) -> list[Observation]:
    table = problem.candidates
    history = [Observation(table.row(i), {"y": float(y[i])}, source="experiment") for i in range(5)]
    for step in range(steps):
        [p] = suggest(problem, history, seed=step)
        answers = y if p.source == "experiment" else model
        history.append(Observation(p.values, {"y": float(answers[int(p.candidate)])}, source=p.source))
    return history


def test_a_model_that_agrees_is_asked_before_the_experiment_and_finds_the_best(pool):
    problem, x = pool
    y = truth(x)
    history = campaign(problem, y, 100 - 30 * y, 30)
    asked = [o.source for o in history]
    assert asked.count("model") > 8
    assert max(o.value("y") for o in history if o.source == "experiment") >= np.sort(y)[-3]


def test_a_model_that_says_nothing_costs_at_most_its_share(pool):
    problem, x = pool
    noise = np.random.default_rng(1).normal(size=len(x))
    history = campaign(problem, truth(x), noise, 20)
    asked = [o.source for o in history]
    assert asked.count("model") * 0.05 <= 2 * SHARE * asked.count("experiment")


def test_a_source_is_asked_for_a_pair_first(pool):
    problem, x = pool
    history = [Observation(problem.candidates.row(i), {"y": float(v)}) for i, v in enumerate(truth(x)[:6])]
    [p] = suggest(problem, history)
    assert p.source == "model"
    assert int(p.candidate) < 6
    assert "to learn how it relates" in p.reason


def test_the_gate_opens_to_what_helps_and_stays_closed_to_what_does_not(pool):
    problem, x = pool
    y = truth(x)
    rows = [problem.candidates.row(i) for i in range(40)]
    own = [Observation(rows[i], {"y": float(y[i])}) for i in range(8)]
    random = np.random.default_rng(3).normal(size=40)
    for answers, used in ((5 - 2 * y, True), (random, False)):
        model = [Observation(r, {"y": float(a)}, source="model") for r, a in zip(rows, answers, strict=False)]
        surrogate = learn(Situation.of(problem, own + model), "y", None)
        assert surrogate.used == (True, used)


def test_an_earlier_campaign_of_kin_helps_and_shuffled_outcomes_are_dropped(pool):
    problem, x = pool
    problem = replace(problem, sources=(Source(),))
    y = truth(x)
    own = [Observation(problem.candidates.row(i), {"y": float(y[i])}) for i in range(8)]
    for answers, used in ((7 + 3 * y, True), (np.random.default_rng(2).permutation(y), False)):
        before = tuple(Observation(problem.candidates.row(i), {"y": float(answers[i])}) for i in range(40, 110))
        asked = replace(problem, earlier=(Earlier(problem.parameters, before, "last year"),))
        surrogate = learn(Situation.of(asked, own), "y", None)
        assert surrogate.used == (True, used)
        assert suggest(asked, own)[0].expected.mean


def kin(problem: Problem, y: np.ndarray) -> Earlier:
    before = tuple(Observation(problem.candidates.row(i), {"y": float(y[i])}) for i in range(40, 110))
    return Earlier(problem.parameters, before, "last year")


def test_an_earlier_campaign_says_where_to_begin_and_every_other_point_covers_the_space(pool):
    problem, x = pool
    y = truth(x)
    asked = replace(problem, sources=(Source(),), earlier=(kin(problem, 7 + 3 * y),))
    found = suggest(asked, [], count=4)
    assert [("last year (correlation" in p.reason, "Sobol" in p.reason) for p in found] == [
        (True, False),
        (False, True),
    ] * 2
    assert "best of an earlier campaign" in found[0].reason
    assert y[int(found[0].candidate)] > np.quantile(y, 0.95)


def test_an_earlier_campaign_that_does_not_predict_itself_leaves_the_beginning_as_it_was(pool):
    problem, x = pool
    bare = replace(problem, sources=(Source(),))
    shuffled = np.random.default_rng(2).permutation(truth(x))
    asked = replace(bare, earlier=(kin(problem, shuffled),))
    assert [p.values for p in suggest(asked, [], count=4)] == [p.values for p in suggest(bare, [], count=4)]


def test_every_other_question_is_asked_as_if_there_were_no_earlier_campaign(pool):
    problem, x = pool
    bare = replace(problem, sources=(Source(),))
    asked = replace(bare, earlier=(kin(problem, 7 + 3 * truth(x)),))
    own = [Observation(problem.candidates.row(i), {"y": float(y)}) for i, y in enumerate(truth(x)[:12])]
    for measured, aside in ((11, True), (12, False)):
        [with_it], [without] = suggest(asked, own[:measured]), suggest(bare, own[:measured])
        assert ("earlier campaigns left aside" in with_it.reason) is aside
        assert (with_it.expected == without.expected) is aside
    batch = suggest(asked, own, count=4)
    assert ["last year (correlation" in p.reason for p in batch] == [True, False] * 2
    assert len({p.candidate for p in batch}) == 4


def test_a_source_is_asked_no_more_than_its_answer_is_worth(pool):
    """Costing nearly as much as the experiment, it would have to say more than the experiment itself."""
    problem, x = pool
    y = truth(x)
    for fee, asked in ((0.01, True), (0.99, False)):
        priced = replace(problem, sources=(Source("experiment", 1.0), Source("model", fee)))
        history = [
            Observation(problem.candidates.row(i), {"y": float(y[i])}, source=source)
            for i in range(6)
            for source in ("experiment", "model")
        ]
        [p] = suggest(priced, history)
        assert (p.source == "model") is asked


def test_campaigns_are_aligned_by_name_and_unit_never_by_position(pool):
    problem, _ = pool
    space = Situation.of(problem, []).space
    seen = (
        Observation({"b": 0.25, "a": 0.5, "c": 3.0}, {"y": 1.0}),
        Observation({"b": 0.5, "a": 0.1, "c": 9.0}, {"y": 2.0}),
    )
    others = (Parameter.continuous("b", 0, 1), Parameter.continuous("a", 0, 1), Parameter.continuous("c", 0, 10))
    aligned = align(space, Earlier(others, seen), "y", minimise=True)
    expected = space.coordinates(space.rows([{"a": 0.5, "b": 0.25}, {"a": 0.1, "b": 0.5}]))
    np.testing.assert_allclose(aligned.X[:, :2], expected)
    np.testing.assert_allclose(aligned.X[:, 2], [0.3, 0.9])
    assert aligned.present.tolist() == [0.0]
    feet = (Parameter.continuous("a", 0, 1, unit="[ft_i]"), Parameter.continuous("z", 0, 1))
    assert align(space, Earlier(feet, seen), "y", minimise=True) is None


@pytest.mark.parametrize(("agrees", "proven"), [(True, True), (False, False)])
def test_a_source_proves_itself_by_predicting_what_the_first_one_measured(agrees: bool, proven: bool) -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(size=(24, 2))
    truth = np.sin(5 * x[:, 0]) + x[:, 1] ** 2
    cheap = truth + 0.1 if agrees else rng.standard_normal(24)
    problem = Problem(
        (Parameter.continuous("a", 0, 1), Parameter.continuous("b", 0, 1)),
        (Objective("y", "minimise"),),
        sources=(Source("experiment", 20.0), Source("simulation", 1.0)),
    )
    history = [
        Observation({"a": float(p[0]), "b": float(p[1])}, {"y": float(y)}, source=source)
        for source, values, count in (("experiment", truth, 8), ("simulation", cheap, 24))
        for p, y in zip(x[:count], values[:count], strict=True)
    ]
    learned = learn(Situation.of(problem, history), "y", None)
    assert learned is not None
    assert learned.proven == (False, proven)

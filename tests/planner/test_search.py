"""Long tables are screened without losing the best; in a short one each recipe counts by itself, and late the bound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from yosegi.planner import Candidates, Objective, Observation, Problem, Situation, Source, suggest
from yosegi.planner.aim import APART_ROWS, EASE_ROWS, LATE, aim_of
from yosegi.planner.search import SHORTLIST


def problem(rows: int) -> tuple[Problem, list[Observation]]:
    x = np.random.default_rng(0).random((rows, 3))
    table = Candidates.of({name: x[:, j] for j, name in enumerate("abc")})
    history = [Observation(table.row(i), {"y": float(np.sum((x[i] - 0.3) ** 2))}) for i in range(12)]
    return Problem(table.parameters(), (Objective("y"),), candidates=table, starts=5), history


def test_the_best_of_a_long_table_is_that_of_scoring_every_row():
    asked, history = problem(5 * SHORTLIST)
    situation = Situation.of(asked, history)
    score = aim_of(situation).score(situation.table)
    score[~situation.free()] = -np.inf
    [proposal] = suggest(asked, history)
    assert proposal.candidate == str(int(np.argmax(score)))


def test_a_long_table_gives_a_batch_without_repeats():
    asked, history = problem(3 * SHORTLIST)
    assert len({p.candidate for p in suggest(asked, history, count=6)}) == 6


def test_late_in_a_short_table_the_bound_decides():
    asked, history = problem(200)
    table = asked.candidates
    answered = [Observation(table.row(i), {"y": float(sum(table.row(i).values()))}) for i in range(3 * LATE)]
    early, late = aim_of(Situation.of(asked, history)), aim_of(Situation.of(asked, answered))
    assert (early.late, late.late) == (False, True)
    mean, process = late.surrogate.posterior(Situation.of(asked, answered).table)
    sd = np.hypot(process, late.surrogate.gp.noise_sd())
    free = Situation.of(asked, answered).free()
    [proposal] = suggest(asked, answered)
    assert int(proposal.candidate) == np.flatnonzero(free)[np.argmin((mean - sd)[free])]


def test_improvement_is_eased_in_short_tables_alone():
    for rows, eased in ((200, True), (EASE_ROWS + 1, False)):
        asked, history = problem(rows)
        assert (aim_of(Situation.of(asked, history)).ease > 0) is eased


def rough(rows: int) -> tuple[Problem, list[Observation]]:
    """A trend that explains half of what is measured."""
    asked, history = problem(rows)
    own = np.random.default_rng(1).normal(0.0, 0.3, len(history))
    return asked, [replace(o, outcomes={"y": o.value("y") + d}) for o, d in zip(history, own.tolist(), strict=True)]


def test_a_recipe_of_a_short_table_may_beat_what_its_neighbours_say_by_twice_as_much_as_recipes_differ():
    asked, history = rough(200)
    situation = Situation.of(asked, history)
    aim = aim_of(situation)
    mean, process = aim.surrogate.posterior(situation.table)
    sd = np.hypot(process, 2 * aim.surrogate.gp.noise_sd())
    best = min(o.value("y") for o in history) + np.minimum(aim.ease, 3 * sd)
    z = (best - mean) / sd
    closed = sd * (z * norm.cdf(z) + norm.pdf(z))  # Jones, Schonlau & Welch 1998, eq. 15
    assert aim.apart > 0.05
    assert np.exp(aim.score(situation.table)) == pytest.approx(closed, rel=1e-6)


@pytest.mark.parametrize("kind", ["long table", "stated noise", "stated error", "two sources"])
def test_elsewhere_the_best_is_sought_under_the_noise(kind: str):
    asked, history = rough(APART_ROWS + 1 if kind == "long table" else 200)
    if kind == "stated noise":
        asked = replace(asked, objectives=(Objective("y", noise=0.3),))
    if kind == "stated error":
        history = [replace(o, errors={"y": 0.3}) for o in history]
    if kind == "two sources":
        asked = replace(asked, sources=(Source("experiment", 1.0), Source("model", 0.1)))
        history = [replace(o, source="experiment") for o in history]
    assert aim_of(Situation.of(asked, history)).apart == 0


def test_what_is_promised_to_people_is_gained_by_the_process_alone():
    asked, history = rough(200)
    situation = Situation.of(asked, history)
    aim = aim_of(situation)
    assert np.array_equal(aim.gain(situation.table), replace(aim, apart=0.0).gain(situation.table))


@pytest.mark.parametrize("kind", ["short table", "long table", "open space", "two sources"])
def test_in_a_short_table_of_one_source_the_mean_is_the_processs_own(kind: str):
    """Nine measurements crowd about a good recipe and one is bad: their average is good, the level is between."""
    rows = [{"a": 0.1 + 0.001 * i, "b": 0.1} for i in range(9)] + [{"a": 0.9, "b": 0.9}, {"a": 0.1, "b": 0.9}]
    more = [{"a": 0.5, "b": i / APART_ROWS} for i in range(APART_ROWS if kind == "long table" else 0)]
    table = Candidates.of([*rows, *more])
    asked = Problem(table.parameters(), (Objective("y"),), candidates=table)
    if kind == "open space":
        asked = replace(asked, candidates=None)
    if kind == "two sources":
        asked = replace(asked, sources=(Source("experiment", 1.0), Source("model", 0.1)))
    name = asked.sources[0].name
    history = [Observation(row, {"y": float(i == 9)}, source=name) for i, row in enumerate(rows[:10])]
    level = aim_of(Situation.of(asked, history)).surrogate.gp.offset[0]
    assert level == pytest.approx(0.1) if kind != "short table" else 0.3 < level < 0.6

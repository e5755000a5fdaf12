"""Long tables are screened without losing the best, and late in a short one the bound decides."""

from __future__ import annotations

import numpy as np

from yosegi.planner import Candidates, Objective, Observation, Problem, Situation, suggest
from yosegi.planner.aim import EASE_ROWS, LATE, aim_of
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
    mean, sd = late.surrogate.posterior(Situation.of(asked, answered).table)
    free = Situation.of(asked, answered).free()
    [proposal] = suggest(asked, answered)
    assert int(proposal.candidate) == np.flatnonzero(free)[np.argmin((mean - sd)[free])]


def test_improvement_is_eased_in_short_tables_alone():
    for rows, eased in ((200, True), (EASE_ROWS + 1, False)):
        asked, history = problem(rows)
        assert (aim_of(Situation.of(asked, history)).ease > 0) is eased

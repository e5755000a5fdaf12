"""A table as a problem for the planner, and its rows as a history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from yosegi.cli._progress import RepetitionProgress
from yosegi.cli._retrospect import STARTS, Found, retrospect
from yosegi.core.errors import Invalid
from yosegi.planner import Candidates, Objective, Observation, Problem, Proposal, Status, suggest

if TYPE_CHECKING:
    from yosegi.cli._table import LabTable
    from yosegi.planner.objective import Goal
    from yosegi.planner.parameter import Level


def goal_of(text: str, columns: Sequence[str], minimise: bool) -> Objective:
    """An objective from `name`, `name:minimise`, `name:maximise` or `name:target=7.4`; a name may have a colon.

    Raises:
        Invalid: the goal is none, or its target is no finite number.
    """
    name, _, goal = text.rpartition(":") if ":" in text and text not in columns else (text, "", "")
    key, _, value = goal.partition("=")
    if not goal or goal in ("minimise", "maximise"):
        chosen: Goal = "minimise" if goal == "minimise" or (not goal and minimise) else "maximise"
        return Objective(name, chosen)
    if key != "target":
        raise Invalid(f"--objective {text}", f"{goal!r} is no goal", "Write maximise, minimise or target=NUMBER")
    try:
        target = float(value)
    except ValueError:
        target = math.nan
    if not math.isfinite(target):
        raise Invalid(f"--objective {text}", f"{value!r} is no finite number", "Write target=NUMBER, as target=7.4")
    return Objective(name, "target", target=target)


def propose(table: LabTable, goals: Sequence[Objective], count: int, seed: int) -> list[Proposal]:
    """What to measure next, of the rows on which an objective is not measured yet."""
    candidates = Candidates.of(dict(table.parameters))
    problem = Problem(candidates.parameters(), tuple(goals), candidates=candidates)
    return suggest(problem, history_of(table), count=count, seed=seed)


def history_of(table: LabTable) -> list[Observation]:
    """What the rows say: measured, measured in part (and wanted again for the rest), or failed."""
    failed = [Observation(table.recipe(row), status=Status.INFEASIBLE) for row in table.failed()]
    return [_observation(table, row) for row in table.measured()] + failed


def _observation(table: LabTable, row: int) -> Observation:
    outcomes: dict[str, Level] = {
        name: value for name, column in table.outcomes.items() if (value := column[row]) is not None
    }
    return Observation(table.recipe(row), outcomes, again=bool(table.lacking(row)))


def why_no_look_back(table: LabTable, goals: Sequence[Objective]) -> str:
    """Why a complete table is not looked back at; empty where it can be."""
    if len(goals) > 1:
        return "it takes one objective"
    if not table.measured():
        return "it takes recipes that did not fail"
    return "" if len(_recipes(table)) >= 2 * STARTS else f"it takes at least {2 * STARTS} recipes"


def look_back(table: LabTable, goal: Objective, repetitions: int, ask: bool) -> list[Found]:
    """A complete table by its planner; repetitions of a recipe averaged.

    Args:
        table: every row measured or failed.
        goal: its one objective.
        repetitions: how many times, each from other random recipes.
        ask: whether somebody is there to be asked about a long rest.
    """
    groups = _recipes(table)
    names = list(table.parameters)
    candidates = Candidates.of({name: [key[i] for key in groups] for i, name in enumerate(names)})
    measured = [_averaged(table, goal.name, dict(zip(names, key, strict=True)), rows) for key, rows in groups.items()]
    problem = Problem(candidates.parameters(), (goal,), candidates=candidates)
    pace = RepetitionProgress("Looking back", repetitions, (len(groups) + 1) / 3, ask)
    return retrospect(problem, measured, pace.seeds(), tell=pace.step)


def _recipes(table: LabTable) -> dict[tuple[float | str, ...], list[int]]:
    """Rows by recipe."""
    groups: dict[tuple[float | str, ...], list[int]] = {}
    for row, key in enumerate(zip(*table.parameters.values(), strict=True)):
        groups.setdefault(key, []).append(row)
    return groups


def _averaged(table: LabTable, outcome: str, recipe: dict[str, float | str], rows: Sequence[int]) -> Observation:
    column = table.outcomes[outcome]
    values = [value for row in rows if (value := column[row]) is not None]
    if not values:
        return Observation(recipe, status=Status.INFEASIBLE)
    return Observation(recipe, {outcome: sum(values) / len(values)})

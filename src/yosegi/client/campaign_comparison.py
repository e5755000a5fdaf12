"""Two campaigns that sought the same, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from yosegi.core.errors import Invalid
from yosegi.services.campaigns.schemas import BestTrial, CampaignDetail, ObjectiveDetail, TrialDetail

NO_RESULT = ("failed", "refused", "infeasible")
LEARNS = ("boundary", "explore")
"""Goals of which no trial is the best."""


def compared(one: CampaignDetail, other: CampaignDetail) -> Iterator[tuple[str, str, str]]:
    """What everybody asks of two campaigns, line by line: the line's name, and what each of them says.

    With several objectives: the front, the best along each objective, and how many trials of the front some trial of
    the other's dominates (the coverage of Zitzler & Thiele 1999).

    Raises:
        Invalid: they seek other things, so that no value of one says anything of the other.
    """
    if [(o.name, o.unit) for o in one.objectives] != [(o.name, o.unit) for o in other.objectives]:
        raise Invalid("comparing", f"{one.name} and {other.name} have other objectives", "Compare what asks the same")
    fixed: tuple[tuple[str, Callable[[CampaignDetail], str]], ...] = (
        ("state", lambda c: f"{c.state}{': ' + c.why if c.why else ''}"),
        ("trials over", lambda c: str(c.ended)),
        ("of them without a result", lambda c: str(sum(t.state in NO_RESULT for t in _own(c)))),
        ("imported measurements", _imported),
    )
    costs: tuple[tuple[str, Callable[[CampaignDetail], str]], ...] = (
        ("price", lambda c: f"{c.price:g}"),
        ("spent", lambda c: ", ".join(f"{amount} {unit}" for unit, amount in c.spent.items()) or "nothing"),
    )
    yield from ((label, of(one), of(other)) for label, of in fixed)
    yield from _best(one, other) if len(one.objectives) == 1 else _fronts(one, other)
    yield from ((label, of(one), of(other)) for label, of in costs)


def _own(campaign: CampaignDetail) -> list[TrialDetail]:
    """Its trials, without what was brought."""
    return [trial for trial in campaign.trial if trial.origin != "imported"]


def _imported(campaign: CampaignDetail) -> str:
    brought = [trial for trial in campaign.trial if trial.origin == "imported"]
    failed = sum(trial.state in NO_RESULT for trial in brought)
    return f"{len(brought)}, {failed} without a result" if failed else str(len(brought))


def _best(one: CampaignDetail, other: CampaignDetail) -> Iterator[tuple[str, str, str]]:
    goal = one.objectives[0]
    if goal.goal not in LEARNS:
        first, second = (_told(goal, c, () if c.best is None else (c.best,)) for c in (one, other))
        yield f"best {goal.name}", first, second


def _fronts(one: CampaignDetail, other: CampaignDetail) -> Iterator[tuple[str, str, str]]:
    yield "front", _front(one), _front(other)
    for goal in one.objectives:
        yield f"best {goal.name} on it", _told(goal, one, one.front), _told(goal, other, other.front)
    if one.front and other.front:
        yield "of them surpassed by the other's", _surpassed(one, other), _surpassed(other, one)


def _surpassed(campaign: CampaignDetail, by: CampaignDetail) -> str:
    goals = campaign.objectives
    return str(sum(any(_dominates(goals, rival, trial) for rival in by.front) for trial in campaign.front))


def _front(campaign: CampaignDetail) -> str:
    numbers = [trial.trial for trial in campaign.front]
    if not numbers:
        return "none yet"
    told = ", ".join(map(str, numbers[:8])) + (", …" if len(numbers) > 8 else "")
    return f"{len(numbers)} trials ({told})" if len(numbers) > 1 else f"trial {told}"


def _told(goal: ObjectiveDetail, campaign: CampaignDetail, among: tuple[BestTrial, ...]) -> str:
    """The best of some trials along one objective, in its unit, and which trial it is."""
    if not among:
        return "none yet"
    best = min(among, key=lambda trial: _loss(goal, trial))
    unit = "" if goal.unit == "1" else f" {goal.unit}"
    brought = " imported" if campaign.trial[best.trial - 1].origin == "imported" else ""
    return f"{_value(goal, best):.4g}{unit} (trial {best.trial}{brought})"


def _value(goal: ObjectiveDetail, trial: BestTrial) -> float:
    found = trial.outcomes.get(goal.name, trial.value)
    return float("nan") if found is None else float(found)


def _loss(goal: ObjectiveDetail, trial: BestTrial) -> float:
    """What is to be made small, in the objective's unit."""
    value = _value(goal, trial)
    if goal.goal == "target":
        return abs(value - (goal.target or 0.0))
    return -value if goal.goal == "maximise" else value


def _dominates(goals: tuple[ObjectiveDetail, ...], one: BestTrial, other: BestTrial) -> bool:
    """Whether one trial is as good along every objective, and better along one."""
    pairs = [(_loss(goal, one), _loss(goal, other)) for goal in goals]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

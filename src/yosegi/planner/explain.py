"""Why a proposal: the numbers, and the same in a sentence for people."""

from __future__ import annotations

import math

import numpy as np

from yosegi.planner.aim import Aim, Boundary, Explore, Front, Improve
from yosegi.planner.proposal import Expected
from yosegi.planner.search import Choice
from yosegi.planner.situation import Situation
from yosegi.planner.surrogate import Surrogate


def expect(situation: Situation, aim: Aim, choice: Choice) -> Expected:
    """What is expected of a choice."""
    P = choice.at[None, :]
    means: dict[str, float] = {}
    sds: dict[str, float] = {}
    for name, surrogate in aim.outcomes.items():
        mean, sd = surrogate.announced(P)
        means[name], sds[name] = float(mean[0]), float(sd[0])
    index = None if choice.index is None else np.array([choice.index])
    cost = float(situation.cost(choice.source, choice.row[None, :], index)[0])
    feasible = float(np.exp(aim.limits.log_announced(P, choice.source)[0]))
    return Expected(means, sds, float(aim.gain(P)[0]), cost, min(feasible, 1.0))


def sentence(situation: Situation, aim: Aim, choice: Choice, expected: Expected) -> str:
    """What is expected and why that is wanted, with numbers."""
    units = {c.name: c.unit for c in situation.problem.outcome_constraints}
    units |= {o.name: o.unit for o in situation.problem.objectives}
    parts = [
        f"{name} {expected.mean[name]:.4g} ± {expected.sd[name]:.2g}{_unit(units.get(name, '1'))} expected"
        for name in expected.mean
    ]
    parts.append(_why(situation, aim, expected))
    parts.append(_likely(aim, choice, expected))
    if len(situation.problem.sources) > 1:
        parts.append(_which(situation, aim, choice, expected))
    elif situation.problem.sources[0].price.per:
        parts.append(f"cost {expected.cost:.4g}")
    parts += [_earlier(surrogate, situation) for surrogate in list(aim.outcomes.values())[:1]]
    if situation.left_out:
        parts.append(f"{situation.left_out} measurements left out for a missing parameter or unknown source")
    return "; ".join(part for part in parts if part)


def _likely(aim: Aim, choice: Choice, expected: Expected) -> str:
    """How likely it is to count: to have a result where some had none, to keep the limits where there are any."""
    may_fail, bounded = aim.limits.feasibility[choice.source] is not None, bool(aim.limits.bounds)
    if not (may_fail or bounded):
        return ""
    of = {(True, True): "give a result within the limits", (False, True): "keep the limits"}
    return f"{100 * expected.feasible:.0f} % likely to {of.get((may_fail, bounded), 'give a result')}"


def _why(situation: Situation, aim: Aim, expected: Expected) -> str:
    gain = expected.gain or 0.0
    if isinstance(aim, Improve):
        unit = _unit(aim.objective.unit)
        if aim.best is None:
            return "nothing measured keeps the limits yet, so the likeliest to keep them"
        best = {"maximise": -aim.best}.get(aim.objective.goal, aim.best)
        what = "nearest to the target so far" if aim.objective.goal == "target" else "best so far"
        if not np.isfinite(situation.outcome(aim.objective.name)[0][situation.source == 0]).any():
            what = "best of an earlier campaign"
        return f"{what} {best:.4g}{unit}, expected improvement {gain:.2g}{unit}"
    if isinstance(aim, Front):
        return f"expected growth of the hypervolume {gain:.2g}, front of {len(aim.front)}"
    if isinstance(aim, Boundary):
        return f"label uncertain by {gain:.2g} nats of at most {math.log(max(len(aim.classes.labels), 2)):.2g}"
    if isinstance(aim, Explore):
        return "where least is known" if aim.name else "far from everything measured"
    return ""


def _which(situation: Situation, aim: Aim, choice: Choice, expected: Expected) -> str:
    source = situation.problem.sources[choice.source].name or "the first source"
    text = f"asked of {source} at cost {expected.cost:.4g}"
    surrogate = next(iter(aim.outcomes.values()), None)
    if surrogate is None:
        return text
    return text + _relation(surrogate, choice.source) + _dropped(surrogate, situation)


def _relation(surrogate: Surrogate, source: int) -> str:
    index = surrogate.index(source)
    if source == 0:
        return ""
    if index is None:
        return ", to learn how it relates"
    return (
        f", correlation {surrogate.gp.hyper.correlation[index]:.2f}, "
        "since its answer should raise what the next experiment promises by more than it costs"
    )


def _earlier(surrogate: Surrogate, situation: Situation) -> str:
    first = len(situation.problem.sources)
    told = []
    for i in range(first, len(surrogate.names)):
        index = surrogate.index(i)
        relation = "not used" if index is None else f"correlation {surrogate.gp.hyper.correlation[index]:.2f}"
        told.append(f"{surrogate.names[i]} ({relation})")
    return f"earlier campaigns: {', '.join(told)}" if told else ""


def _dropped(surrogate: Surrogate, situation: Situation) -> str:
    asked = {int(s) for s in situation.source}
    count = len(situation.problem.sources)
    lost = [n for i, n in enumerate(surrogate.names[:count]) if not surrogate.used[i] and i in asked]
    return f"; not used since it does not help to predict: {', '.join(lost)}" if lost else ""


def _unit(unit: str) -> str:
    return "" if unit == "1" else f" {unit}"

"""Agents that a site runs to propose points: what they see, what they answer, and the small one that comes with it.

An installed package names one in the entry points `yosegi.proposers`: a class made without arguments, or an object,
with a coroutine `propose`. Unlike a planner it need not be a pure function: what it proposes is put on record, and a
replay uses the record. It runs in the site's own process, so a site installs only what it trusts as itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from yosegi.campaign.agent_points import AdvisedPoint, ModelUse
from yosegi.campaign.proposers import GROUP
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.plugins import found, load


@dataclass(frozen=True, slots=True)
class ProposerView:
    """What an agent is shown of a campaign; all of it is data.

    Args:
        campaign: its name.
        question: in its team's words.
        parameters: name, kind, bounds or levels, unit and resolution of each.
        constraints: linear ones, as they are written.
        objective: name, goal, target and unit.
        sources: name and price of each that may be asked.
        history: for each trial that ended its number, source, values, value and error.
        pending: points under way.
        model: what the planner expects next: the point, mean and standard deviation.
        budget: what is left of each unit, as decimals.
        count: how many points are wanted.
        seed: differs at each step.
    """

    campaign: str
    question: str
    parameters: Sequence[Mapping[str, Any]]
    constraints: Sequence[str]
    objective: Mapping[str, Any]
    sources: Sequence[Mapping[str, Any]]
    history: Sequence[Mapping[str, Any]]
    pending: Sequence[Mapping[str, Any]]
    model: Sequence[Mapping[str, Any]]
    budget: Mapping[str, str]
    count: int
    seed: int


@dataclass(frozen=True, slots=True)
class Advice:
    """What an agent answers.

    Args:
        points: at most as many as were wanted count.
        use: the model it asked, and what that took.
        prompt: what the model was sent, and `answer` what it gave.
    """

    points: Sequence[AdvisedPoint]
    use: ModelUse = field(default_factory=ModelUse)
    prompt: str = ""
    answer: str = ""


class ProposingAgent(Protocol):
    """An agent that a site runs."""

    @property
    def endpoint(self) -> str:
        """The model's endpoint that sees what the agent is shown, as agreements call it; empty if none does."""
        ...

    async def propose(self, view: ProposerView) -> Advice:
        """Points for a campaign.

        Raises:
            YosegiError: it has nothing to say now; the planner goes on without it.
        """
        ...


@dataclass(frozen=True, slots=True)
class SearchAgent:
    """Looks beside the best point, nearer each time it was wrong: a pattern search (Hooke & Jeeves 1961), no model.

    Its hypothesis is always that one step from the best point improves on it, so a value refutes it or not.
    """

    endpoint: str = ""

    async def propose(self, view: ProposerView) -> Advice:
        """As many points as are wanted, one parameter moved in each."""
        objective = view.objective
        ended = [t for t in view.history if t["value"] is not None and t["source"] == view.sources[0]["name"]]
        if not ended:
            return Advice(())
        best = min(ended, key=lambda t: _loss(objective, float(t["value"])))
        points: list[AdvisedPoint] = []
        tried = [t["values"] for t in view.history] + [p["values"] for p in view.pending]
        for values, said in _beside(view.parameters, best["values"], len(ended)):
            if values not in tried and len(points) < view.count:
                tried.append(values)
                points.append(_hypothesis(objective, float(best["value"]), values, said))
        return Advice(tuple(points))


def _beside(
    parameters: Sequence[Mapping[str, Any]], best: Mapping[str, Any], ended: int
) -> list[tuple[dict[str, Any], str]]:
    """Points one step from the best, the largest steps first; the steps shrink as more was measured."""
    found = []
    done = ended // (2 * len(parameters))
    for halving in range(4):
        for parameter in parameters:
            for direction in (1, -1):
                value = _stepped(parameter, best[parameter["name"]], direction, done + halving)
                if value is not None:
                    said = f"{'more' if direction > 0 else 'less'} {parameter['name']} improves on the best point"
                    found.append((dict(best) | {parameter["name"]: value}, said))
    return found


def _stepped(parameter: Mapping[str, Any], value: Any, direction: int, halvings: int) -> Any:
    levels = list(parameter.get("levels") or ())
    if levels:
        index = levels.index(value) + direction if value in levels else -1
        return levels[index] if 0 <= index < len(levels) else None
    low, high = float(parameter["low"]), float(parameter["high"])
    step = (high - low) / 4 / 2 ** min(halvings, 30)
    resolution = 1.0 if parameter["kind"] == "integer" else float(parameter.get("resolution") or 0.0)
    moved = float(value) + direction * max(step, resolution)
    if resolution:
        moved = round(moved / resolution) * resolution
    moved = float(f"{min(max(moved, low), high):.12g}")
    if moved == value:
        return None
    return round(moved) if parameter["kind"] == "integer" else moved


def _hypothesis(objective: Mapping[str, Any], best: float, values: dict[str, Any], said: str) -> AdvisedPoint:
    low: float | None = best
    high: float | None = best
    if objective["goal"] == "target":
        target = float(objective["target"] or 0.0)
        low, high = target - abs(best - target), target + abs(best - target)
    elif objective["goal"] == "minimise":
        low = None
    else:
        high = None
    expects = f"no worse than {best:.6g}"
    return AdvisedPoint(values=values, hypothesis=said, expects=expects, at_least=low, at_most=high)


def _loss(objective: Mapping[str, Any], value: float) -> float:
    if objective["goal"] == "target":
        return abs(value - float(objective["target"] or 0.0))
    return value if objective["goal"] == "minimise" else -value


BUILT_IN: Mapping[str, ProposingAgent] = {"search": SearchAgent()}


def agent_of(name: str, configured: Mapping[str, ProposingAgent]) -> ProposingAgent:
    """The agent of a name: of the settings, of this program, or of an installed package, in this order.

    Raises:
        NotFound: there is none of that name.
        Invalid: it cannot be imported, or is no agent.
    """
    known = {**BUILT_IN, **configured}
    if name in known:
        return known[name]
    if name not in found(GROUP):
        raise NotFound("agent", name, tuple(sorted({*known, *found(GROUP)})))
    made = load(GROUP, name, "agent")
    if isinstance(made, type):
        made = made()
    if not callable(getattr(made, "propose", None)):
        raise Invalid(f"agent {name}", "has no coroutine `propose`: it is a planner", "name it as `planner`")
    return cast(ProposingAgent, made)

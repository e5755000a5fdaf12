"""Whether the parts of a campaign file agree with each other: every fault is found, each with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from yosegi.campaign.known_points import check_known_point
from yosegi.core.toml_lines import KeyPath

if TYPE_CHECKING:
    from yosegi.campaign.spec import CampaignSpec, CautionSpec, SourceSpec

T = TypeVar("T")
Fault = tuple[KeyPath, str]
"""Where in the file, and why it does not hold."""


class Inconsistent(ValueError):
    """A campaign whose parts contradict each other.

    Args:
        faults: each with its place; at least one.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(why for _, why in faults))


def faults_of(spec: CampaignSpec, candidate: str) -> Iterator[Fault]:
    """Every contradiction.

    Args:
        spec: whose fields hold, each by itself.
        candidate: the name under which the id of a candidate is bound.
    """
    yield from _twice("parameter", "parameter", [parameter.name for parameter in spec.parameter])
    yield from _twice("source", "source", [source.name for source in spec.source])
    outcomes = [one.name for one in spec.objective]
    yield from _twice("objective or limit", "objective", outcomes)
    for number, limit in enumerate(spec.limit):
        if limit.name in (*outcomes, *(one.name for one in spec.limit[:number])):
            yield (
                ("limit", number, "name"),
                f"objective or limit {limit.name!r} stands twice; a second one on the same output has a name of "
                f'its own, and the source says where it is read: value = {{ NAME = "step.{limit.name}" }}',
            )
    for number, source in enumerate(spec.source):
        steps = [step.name for step in source.step]
        yield from _twice(f"step of source {source.name}", "source", steps, number, "step")
        yield from _bindings(spec, source, number, candidate)
        yield from _price(spec, source, number)
    yield from _goals(spec)
    yield from _candidates(spec)
    if not spec.stop.model_dump(exclude_none=True):
        yield ("stop",), "stop says nothing: give target, trials, price or least_gain"
    if (spec.proposer == "agent") != (spec.agent is not None):
        yield (
            ("proposer" if spec.agent is None else "agent",),
            'proposer = "agent" and the table [agent] stand together',
        )


def _twice(kind: str, table: str, names: Sequence[str], *within: str | int) -> Iterator[Fault]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (table, *within, number, "name"), f"{kind} {name!r} stands twice"


def _goals(spec: CampaignSpec) -> Iterator[Fault]:
    for number, goal in enumerate(spec.objective):
        at = ("objective", number)
        if (goal.goal == "target") != (goal.target is not None):
            yield at, f"objective {goal.name}: the goal `target` and a target value go together"
        if goal.goal in ("boundary", "explore") and len(spec.objective) > 1:
            yield (*at, "goal"), f"objective {goal.name}: the goal {goal.goal} stands alone"
    for number, limit in enumerate(spec.limit):
        if limit.at_least is None and limit.at_most is None:
            yield ("limit", number), f"limit {limit.name}: give at_least or at_most"
    if spec.caution is not None:
        yield from _caution(spec, spec.caution)
    if spec.stop.target is not None and spec.only is None:
        why = "stop.target is for one objective that can be reached; give trials, price or least_gain"
        yield ("stop", "target"), why


def _caution(spec: CampaignSpec, caution: CautionSpec) -> Iterator[Fault]:
    if not spec.limit or spec.candidates is not None:
        yield ("caution",), "caution: needs a limit, and no candidates"
    if spec.planner != "gp":
        yield ("planner",), f"caution: planner {spec.planner} knows none; gp does"
    for number, point in enumerate(caution.begin):
        try:
            check_known_point(point, spec.parameter, spec.constraint)
        except ValueError as error:
            yield ("caution", "begin", number), str(error)


def _candidates(spec: CampaignSpec) -> Iterator[Fault]:
    if spec.candidates is None:
        return
    for number, parameter in enumerate(spec.parameter):
        column = spec.candidates.columns.get(parameter.name)
        if column is None:
            yield ("parameter", number, "name"), f"parameter {parameter.name}: is not a column of the candidates"
        elif parameter.kind in ("continuous", "integer"):
            words = ((row, cell) for row, cell in enumerate(column, start=1) if isinstance(cell, str | bool))
            for row, cell in _first(words):
                yield ("candidates",), f"candidates, row {row}: {parameter.name} is {cell!r}, which is no number"
        elif parameter.levels:
            for other in _first(one for one in column if one not in parameter.levels):
                why = f"candidates: {other!r} is none of the levels of {parameter.name}"
                yield ("parameter", number, "levels"), why


def _first(found: Iterable[T]) -> Iterator[T]:
    """One of each kind is said: a table has thousands of rows."""
    for one in found:
        yield one
        return


def _price(spec: CampaignSpec, source: SourceSpec, place: int) -> Iterator[Fault]:
    if isinstance(source.price, float):
        return
    numeric = {p.name for p in spec.parameter if p.kind in ("continuous", "integer")}
    for name in source.price.per:
        column = () if spec.candidates is None else spec.candidates.columns.get(name, ())
        if name not in numeric and (not column or any(isinstance(cell, str | bool) for cell in column)):
            why = f"source {source.name}: its price depends on {name!r}, which is no number of a point"
            yield ("source", place, "price"), why


def _bindings(spec: CampaignSpec, source: SourceSpec, place: int, candidate: str) -> Iterator[Fault]:
    before: set[str] = set()
    known = {parameter.name for parameter in spec.parameter}
    if spec.candidates is not None:
        known |= {*spec.candidates.columns, candidate}
    for number, step in enumerate(source.step):
        for target, bound in step.bind.items():
            first, dot, _ = bound.partition(".")
            if (dot and first not in before) or (not dot and first not in known):
                yield (
                    ("source", place, "step", number, "bind", target),
                    f"source {source.name}, step {step.name}: {target} is bound to {bound!r}, which is neither a "
                    "parameter nor an output of an earlier step",
                )
        before.add(step.name)

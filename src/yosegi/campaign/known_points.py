"""The points that a cautious campaign begins with: whether they are points of its space at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yosegi.campaign.spec import ConstraintSpec, Level, ParameterSpec

_CLOSE = 1e-9
"""Share of a bound by which a sum may miss it, since sums of decimal numbers do."""


def check_known_point(
    point: Mapping[str, Level], parameters: Iterable[ParameterSpec], constraints: Iterable[ConstraintSpec]
) -> None:
    """Hold one known point against the space.

    Args:
        point: a value for each parameter.
        parameters: of the campaign.
        constraints: of the campaign.

    Raises:
        ValueError: it names another parameter, leaves one out, or lies outside.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in point:
        if name not in known:
            raise ValueError(f"caution.begin: {name!r} is none of the parameters")
    for name, parameter in known.items():
        if name not in point:
            raise ValueError(f"caution.begin: {name} is not given")
        if not _is_inside(point[name], parameter):
            raise ValueError(f"caution.begin: {name} is {point[name]!r}, outside its range")
    for constraint in constraints:
        if broken := why_broken(point, constraint):
            raise ValueError(f"caution.begin: {broken}")


def why_broken(point: Mapping[str, Level], constraint: ConstraintSpec) -> str:
    """Why a point does not keep a linear constraint; empty if it does, or leaves a parameter of it open."""
    if any(isinstance(point.get(name), bool | str | None) for name in constraint.weights):
        return ""
    total = sum(weight * float(point[name]) for name, weight in constraint.weights.items())
    low, high = constraint.at_least, constraint.at_most
    if constraint.equals is not None:
        low = high = constraint.equals
    slack = _CLOSE * max(1.0, abs(total))
    said = " + ".join(name if weight == 1 else f"{weight:g} {name}" for name, weight in constraint.weights.items())
    if low is not None and total < low - slack:
        return f"{said} is {total:g} and must be {'' if low == high else 'at least '}{low:g}"
    if high is not None and total > high + slack:
        return f"{said} is {total:g} and must be {'' if low == high else 'at most '}{high:g}"
    return ""


def _is_inside(value: Level, parameter: ParameterSpec) -> bool:
    if parameter.levels:
        return value in parameter.levels
    if isinstance(value, bool | str):
        return False
    return (parameter.low is None or value >= parameter.low) and (parameter.high is None or value <= parameter.high)

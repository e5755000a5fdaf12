"""Toy capabilities of an invented laboratory, as the campaign files in `cases` name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from yosegi.core.capability import capability, quantity
from yosegi.core.contract import Contract, LinearConstraint


@dataclass(frozen=True)
class Hard:
    hardness: Annotated[float, quantity("GPa")]


@capability("oven.anneal@1", kind="simulation", effect="pure", field="films", simulated=True, cost={"node_h": "0.01"})
def anneal(
    temperature: Annotated[float, quantity("K", ge=300, le=1400, resolution=5)],
    minutes: Annotated[float, quantity("min", ge=1, le=240)],
) -> Hard:
    """Hardness of a film after annealing, by a formula."""
    return Hard(4.0 - abs(temperature - 900) / 400 - abs(minutes - 60) / 100)


@capability(
    "oven.blend@1",
    kind="simulation",
    effect="pure",
    field="films",
    simulated=True,
    cost={"node_h": "0.01"},
    constraints=[LinearConstraint({"a": 1.0, "b": 1.0, "c": 1.0}, equals=1.0)],
)
def blend(
    a: Annotated[float, quantity("1", ge=0, le=1)],
    b: Annotated[float, quantity("1", ge=0, le=1)],
    c: Annotated[float, quantity("1", ge=0, le=1)],
) -> Hard:
    """A mixture of three."""
    return Hard(1.0 - (a - 0.3) ** 2 - (b - 0.5) ** 2)


@capability("oven.gas@1", kind="simulation", effect="pure", field="films", simulated=True)
def gas(temperature: Annotated[float, quantity("K", ge=300, le=1400)], kind: Literal["argon", "air"]) -> Hard:
    """Hardness by the gas of the oven."""
    return Hard(temperature / 400 + (kind == "argon"))


CONTRACTS: dict[str, Contract] = {f"kiln/{one.contract.name}": one.contract for one in (anneal, blend, gas)}

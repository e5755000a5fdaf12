"""A toy science for federations in one process: find x with (x - 0.35)² small; the simulation thinks 0.4."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from yosegi.core.capability import Infeasible, capability, quantity, sample
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.testing.federation import Federation, Place, address

X = Annotated[float, quantity("1", ge=0, le=1, resolution=0.001)]


@dataclass(frozen=True)
class Value:
    y: Annotated[float, quantity("1")]


@dataclass(frozen=True)
class Made:
    sample: Annotated[str, sample()]


@capability("toy.simulate@1", kind="simulation", effect="pure", field="toys", simulated=True)
def simulate(x: X) -> Value:
    """What the book says."""
    return Value((x - 0.4) ** 2)


@capability(
    "toy.make@1",
    kind="robot",
    effect="consuming",
    field="toys",
    simulated=True,
    cost={"samples": "1"},
    on_revoked="safe_stop",
)
def make(x: X) -> Made:
    """Use up a sample."""
    if x > 0.995:
        raise Infeasible("it does not hold together")
    return Made(f"s-{x}")


@capability("toy.measure@1", kind="instrument", effect="idempotent", field="toys", simulated=True)
def measure(sample: Annotated[str, sample()]) -> Value:
    """Look at a sample."""
    return Value((float(sample[2:]) - 0.35) ** 2)


SPEC = """
name = "toy"
title = "Toy"
question = "Which x?"
charter = "demo"
team = "colour-team"
on_behalf_of = "pi@argonne"
purpose = "research"
planner = "sobol"
parallel = 2
parameter = [{ name = "x", low = 0.0, high = 1.0, resolution = 0.001 }]
objective = { name = "y" }
stop = { trials = TRIALS }
baseline = { description = "by hand" }

[[source]]
name = "experiment"
price = 10.0
step = [
  { name = "make", capability = "nims/toy.make@1" },
  { name = "measure", capability = "nims/toy.measure@1", bind = { sample = "make.sample" } },
]

[[source]]
name = "simulation"
price = 1.0
step = [{ name = "simulate", capability = "riken/toy.simulate@1" }]
"""


def spec(trials: int = 2) -> str:
    return SPEC.replace("TRIALS", str(trials))


def three_sites(folder: Path, **how: object) -> Federation:
    """argonne asks, riken simulates, nims only dials out and has its mail at argonne."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[simulate]),
        "nims": Place(
            "nims", Outbound(mailbox="argonne"), capabilities=[make, measure], remembers=True, grant={"samples": "40"}
        ),
    }
    return Federation(places, folder, **how)  # type: ignore[arg-type]

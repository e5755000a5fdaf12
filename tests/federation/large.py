"""A federation whose steps hand on large data: riken makes a table, nims adds it up, argonne is home to both."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from yosegi.core.capability import Object, capability, quantity
from yosegi.governance.charter.statement import Listens, Outbound, Reach
from yosegi.testing.federation import Federation, Place, address

X = Annotated[float, quantity("1", ge=0, le=1, resolution=0.001)]


@dataclass(frozen=True)
class Made:
    table: Annotated[bytes, Object("text/csv", most="20 MB")]


@dataclass(frozen=True)
class Value:
    y: Annotated[float, quantity("1")]


def table_of(x: float) -> bytes:
    """About 300 kB that depend on x alone: two pieces."""
    return f"{x}\n".encode() + random.Random(x).randbytes(300_000)


@capability("large.make@1", kind="simulation", effect="pure", field="toys", simulated=True)
def make(x: X) -> Made:
    """Make a large table."""
    return Made(table_of(x))


@capability("large.look@1", kind="analysis", effect="pure", field="toys", simulated=True)
def look(table: Annotated[bytes, Object("text/csv", most="20 MB")]) -> Value:
    """Look at a table."""
    x = float(table.split(b"\n", 1)[0])
    if table != table_of(x):
        raise RuntimeError("it is another table")
    return Value((x - 0.35) ** 2)


SPEC = """
name = "large"
title = "Large"
question = "Which x?"
charter = "demo"
team = "colour-team"
on_behalf_of = "pi@argonne"
purpose = "research"
planner = "sobol"
parallel = 1
parameter = [{ name = "x", low = 0.0, high = 1.0, resolution = 0.001 }]
objective = { name = "y" }
stop = { trials = TRIALS }
baseline = { description = "by hand" }

[[source]]
name = "both"
price = 1.0
step = [
  { name = "make", capability = "riken/large.make@1" },
  { name = "look", capability = "nims/large.look@1", bind = { table = "make.table" } },
]
"""

REACHES: dict[str, tuple[Reach, Reach]] = {
    "both listen": (Listens(url=address("riken")), Listens(url=address("nims"))),
    "the second dials out": (Listens(url=address("riken")), Outbound(mailbox="argonne")),
    "the first dials out": (Outbound(mailbox="argonne"), Listens(url=address("nims"))),
    "by mail alone": (Outbound(mailbox="post"), Outbound(mailbox="post")),
}


def spec(trials: int = 1) -> str:
    return SPEC.replace("TRIALS", str(trials))


def sites(folder: Path, reach: str = "the second dials out", **how: object) -> Federation:
    """The three sites; `by mail alone` a fourth keeps the mail, and home only dials out, too."""
    riken, nims = REACHES[reach]
    home: Reach = Outbound(mailbox="post") if reach == "by mail alone" else Listens(url=address("argonne"))
    places = {
        "argonne": Place("argonne", home, "US"),
        "riken": Place("riken", riken, capabilities=[make]),
        "nims": Place("nims", nims, capabilities=[look]),
    }
    if reach == "by mail alone":
        places["post"] = Place("post", Listens(url=address("post")))
    return Federation(places, folder, **how)  # type: ignore[arg-type]

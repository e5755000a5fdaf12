"""A toy science whose effects can be counted: each consuming one adds a line to a file of the world.

`world` is a folder. While it holds a file `hold`, whatever has had its effect waits, so that a test can kill something
at that very moment.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from yosegi.core.capability import Context, NeverHappened, Object, capability, quantity, sample

X = Annotated[float, quantity("1", ge=0, le=1, resolution=0.001)]


@dataclass(frozen=True)
class Value:
    y: Annotated[float, quantity("1")]


@dataclass(frozen=True)
class Made:
    sample: Annotated[str, sample()]


def happen(world: str, context: Context) -> None:
    """Something that can be seen afterwards: who, and by which process."""
    with (Path(world) / "effects").open("a", encoding="utf-8") as effects:
        effects.write(f"{context.key} {os.getpid()}\n")
    while (Path(world) / "hold").exists():
        time.sleep(0.01)


@dataclass(frozen=True)
class Table:
    y: Annotated[float, quantity("1")]
    table: Annotated[Path, Object("application/octet-stream", most="20 MB")]


@capability("toy.table@1", kind="simulation", effect="pure", field="toys", simulated=True)
def tabulate(x: X, context: Context) -> Table:
    """Make 20 MB that depend on x alone."""
    path = context.folder / "table"
    path.write_bytes(random.Random(x).randbytes(20_000_000))
    return Table((x - 0.4) ** 2, path)


@capability("toy.simulate@1", kind="simulation", effect="pure", field="toys", simulated=True)
def simulate(x: X) -> Value:
    """What the book says."""
    return Value((x - 0.4) ** 2)


@capability(
    "toy.use@1", kind="simulation", effect="consuming", field="toys", simulated=True, cost={"samples": "1"},
    time_limit=60,
)  # fmt: skip
def use(x: X, world: str, context: Context) -> Value:
    """Use a sample up in a process of the site."""
    happen(world, context)
    return Value((x - 0.35) ** 2)


@capability("toy.pay@1", kind="simulation", effect="consuming", field="toys", simulated=True, cost={"usd": "1"})
def pay(x: X, world: str, context: Context) -> Value:
    """Spend a dollar."""
    happen(world, context)
    return Value(x)


@capability(
    "toy.make@1", kind="robot", effect="consuming", field="toys", simulated=True, cost={"samples": "1"}, time_limit=60
)
def make(x: X, world: str, context: Context) -> Made:
    """Use a sample up in the station."""
    happen(world, context)
    return Made(f"s-{x}")


def shots(context: Context, inputs: dict[str, Any]) -> Value:
    """What the shutter's own counter says of a shot."""
    effects = Path(inputs["world"]) / "effects"
    lines = effects.read_text(encoding="utf-8").splitlines() if effects.exists() else []
    if not any(line.split()[0] == context.key for line in lines):
        raise NeverHappened
    return Value((inputs["x"] - 0.35) ** 2)


@capability(
    "toy.shoot@1", kind="instrument", effect="queryable", field="toys", simulated=True, cost={"samples": "1"},
    time_limit=60, query=shots,
)  # fmt: skip
def shoot(x: X, world: str, context: Context) -> Value:
    """Take a shot, whose shutter counts by key."""
    happen(world, context)
    return Value((x - 0.35) ** 2)


@capability("toy.measure@1", kind="instrument", effect="idempotent", field="toys", simulated=True)
def measure(sample: Annotated[str, sample()]) -> Value:
    """Look at a sample."""
    return Value((float(sample[2:]) - 0.35) ** 2)

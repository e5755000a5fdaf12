"""Two capabilities of two sites: one makes a film, the other measures how rough it is. Simulated, to be tried.

What a film is like stands in its name, which is all that travels here; a real film brings it along itself.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Annotated

from yosegi import Infeasible, capability, quantity, sample
from yosegi.core.capability import Context

Temperature = Annotated[float, quantity("K", ge=300, le=900, resolution=5)]
Rate = Annotated[float, quantity("nm/s", ge=0.1, le=2, resolution=0.1)]


@dataclass(frozen=True)
class Film:
    """What was made.

    Args:
        sample: its name at the site that made it.
    """

    sample: Annotated[str, sample()]


@dataclass(frozen=True)
class Roughness:
    """What was measured.

    Args:
        roughness: root mean square of the heights.
    """

    roughness: Annotated[float, quantity("nm", ge=0)]


@capability(
    "film.deposit@1", kind="robot", effect="consuming", field="thin films", simulated=True, cost={"samples": "1"}
)
def deposit(temperature: Temperature, rate: Rate, context: Context) -> Film:
    """Make a film. Its name is nobody else's: it ends with the task's key."""
    if temperature > 880 and rate > 1.8:
        raise Infeasible("it evaporates faster than it grows")
    return Film(f"film-{temperature:g}-{rate:g}-{context.key[-8:]}")


@capability("film.measure@1", kind="instrument", effect="consuming", field="thin films", simulated=True)
def measure(film: Annotated[str, sample()], context: Context) -> Roughness:
    """Measure a film, made anywhere, by its name in the federation."""
    _, temperature, rate, _ = film.rpartition("/")[2].split("-", 3)
    warmth, speed = (float(temperature) - 640) / 220, math.log(float(rate) / 0.5)
    noise = random.Random(context.seed).gauss(0, 0.02)
    return Roughness(max(0.05, 0.4 + 1.6 * warmth**2 + 0.5 * speed**2 + 0.3 * warmth * speed + noise))

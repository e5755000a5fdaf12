"""A capability that does nothing: what is left of a step is what the federation costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from yosegi.core.capability import capability, quantity


@dataclass(frozen=True)
class Same:
    x: Annotated[float, quantity("1")]


@capability("bench.noop@1", kind="simulation", effect="pure", field="benchmarks", simulated=True)
def noop(x: Annotated[float, quantity("1", ge=0, le=1)]) -> Same:
    """Give back what was given."""
    return Same(x)

"""Plans as a beamline writes them; what `station inspect` is shown."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import bluesky.plans as bp
from bluesky.protocols import Movable, Readable
from bluesky.utils import Msg


def step_scan(
    detectors: Sequence[Readable],
    motor: Movable,
    start: float,
    stop: float,
    num: int = 3,
    md: dict[str, Any] | None = None,
) -> Generator[Msg, Any, Any]:
    """Read the detectors at evenly spaced places of a motor.

    Further words that no draft needs.
    """
    return (yield from bp.scan(detectors, motor, start, stop, num=num, md=md))


def bare(dets, sample_motor, shots=5, note="none"):
    yield from bp.count(dets, num=shots)


def _helper():
    yield Msg("null")


def no_plan(x: float) -> float:
    return x

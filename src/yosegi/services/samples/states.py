"""The states of a sample, and the one table of what may be done with it in which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

SampleChange = Literal["move", "reserve", "release", "use_up", "lose", "quarantine"]
"""What its holder says of one sample by itself."""
SampleAction = Literal[SampleChange, "split", "pool", "give"]


class SampleState(StrEnum):
    """What may be done with a sample."""

    AVAILABLE = "available"
    """Nobody has laid claim to it."""
    RESERVED = "reserved"
    """Set apart for something."""
    QUARANTINED = "quarantined"
    """Nobody uses it until a person has looked at it and released it."""
    IN_TRANSIT = "in_transit"
    """Given to another site, which has not said yet that it came."""
    LOST = "lost"
    """Nobody knows where it is; one that is found is released."""
    USED_UP = "used_up"
    SPLIT = "split"
    """Its parts are samples of their own."""
    POOLED = "pooled"
    """It is part of another sample now."""

    @property
    def final(self) -> bool:
        """Whether there is no such sample any more."""
        return self in (SampleState.USED_UP, SampleState.SPLIT, SampleState.POOLED)


_A, _R, _Q, _L = SampleState.AVAILABLE, SampleState.RESERVED, SampleState.QUARANTINED, SampleState.LOST

USABLE = frozenset({_A, _R})
"""States in which a task may be given a sample by the site that holds it."""

ACTIONS: Mapping[SampleAction, tuple[tuple[SampleState, ...], SampleState | None]] = {
    "move": ((_A, _R, _Q), None),
    "reserve": ((_A,), _R),
    "release": ((_R, _Q, _L), _A),
    "use_up": ((_A, _R), SampleState.USED_UP),
    "lose": ((_A, _R, _Q), _L),
    "quarantine": ((_A, _R), _Q),
    "split": ((_A, _R), SampleState.SPLIT),
    "pool": ((_A, _R), SampleState.POOLED),
    "give": ((_A,), SampleState.IN_TRANSIT),
}
"""By action: the states it is done from, and the one that follows; None leaves it as it is.

From `in_transit` there is no action: only the addressee's word ends a hand-over.
"""

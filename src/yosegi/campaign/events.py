"""What a campaign tells of itself while it goes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PointsWanted:
    """A campaign whose proposer is an agent has free places, and waits a while for its points."""

    campaign: str
    count: int

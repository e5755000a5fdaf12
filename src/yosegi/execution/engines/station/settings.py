"""The settings of a station's engine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from yosegi.execution.engines.entry_points import Publication
from yosegi.execution.engines.plugin import EngineSettings


class StationSettings(EngineSettings):
    """A station: a process elsewhere that dials in and does the work."""

    publish: tuple[Publication, ...] = Field(min_length=1)
    """What the station does, as its own station.toml says too."""
    slots: Literal[1] = 1
    """A station does one thing at a time."""
    key: str
    """The station's public key, as `yosegi station init` prints it."""
    silence_seconds: float = Field(default=120.0, gt=0)
    """Seconds without contact, beyond a task's time limit, after which its effect is called unknown."""
    claim_seconds: float = Field(default=10.0, gt=0)
    """Seconds that a cancellation waits for the station's word that it will never start the task."""

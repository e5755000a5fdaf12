"""How a robot is set up: its name, its plates and its pace; one small file in its state folder."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from pydantic import Field

from yosegi.core.values import Value
from yosegi_packs.labs.files import write_durably

FILE: Final = "robot.json"


class Settings(Value):
    """Settings of one robot.

    Args:
        name: part of every sample's identity, so that samples of two robots never share one.
        plates: 96-well plates on the deck.
        pace: seconds that one transfer takes; 0 is as fast as the machine goes.
    """

    name: str = Field(default_factory=lambda: f"robot-{secrets.token_hex(4)}", pattern=r"^[a-z0-9-]{3,40}$")
    plates: int = Field(default=3, ge=1, le=3)
    pace: float = Field(default=0.0, ge=0.0, le=60.0)


def read_settings(folder: Path) -> Settings:
    """The settings in a robot's folder; what the file leaves out is filled in once, and kept.

    Raises:
        Invalid: the file is not JSON, or has an unknown field or a value out of range.
    """
    path = folder / FILE
    written = path.read_bytes() if path.exists() else b"{}"
    settings = Settings.read(written, what=FILE)
    if settings.to_bytes() != written:
        write_durably(path, settings.to_bytes())
    return settings

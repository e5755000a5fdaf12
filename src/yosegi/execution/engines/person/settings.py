"""What stands in `[engine.NAME]` with `kind = "person"`."""

from __future__ import annotations

from pydantic import Field

from yosegi.execution.engines.plugin import EngineSettings


class PersonSettings(EngineSettings):
    """Work that somebody does by hand, and enters on a page, from Python or as CSV."""

    slots: int = Field(default=64, ge=1, le=256)
    """Tasks of all its capabilities together that may wait for somebody at once."""
    folder: str = ""
    """A folder where `proposals.csv` says what is to be done and `results.csv` is read, if somebody keeps one."""
    look_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks into `results.csv`."""

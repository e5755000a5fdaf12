"""What stands in `[engine.NAME]` with `kind = "folder"`."""

from __future__ import annotations

from pydantic import Field

from yosegi.execution.engines.plugin import EngineSettings


class FolderSettings(EngineSettings):
    """A folder that a person, or a program that reads CSV, looks into."""

    folder: str = Field(min_length=1)
    """Where `proposals.csv` is written and `results.csv` is read."""
    look_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks into `results.csv`."""

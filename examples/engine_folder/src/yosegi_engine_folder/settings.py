"""What stands in `[engine.NAME]` with `kind = "folder"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from yosegi.execution.engines.plugin import EngineSettings


class FolderSettings(EngineSettings):
    """A folder that a person, or a program that reads CSV, looks into."""

    folder: str = Field(min_length=1)
    """Where `proposals.csv` is written and `results.csv` is read."""
    convention: Literal["yosegi", "nimo"] = "yosegi"
    """`yosegi`: results come as rows of `results.csv`; `nimo`: in `candidates.csv`, as NIMO has it, for one capability
    whose inputs are its descriptors and whose outputs are its objectives."""
    look_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks for results."""

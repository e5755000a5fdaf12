"""What stands in `[engine.NAME]` with `kind = "person"`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from yosegi.execution.engines.plugin import EngineSettings


class PersonSettings(EngineSettings):
    """Work that somebody does by hand, and enters on a page, from Python or as CSV."""

    slots: int = Field(default=64, ge=1, le=256)
    """Tasks of all its capabilities together that may wait for somebody at once."""
    folder: str = ""
    """A folder where `proposals.csv` says what is to be done and what was done is read, if somebody keeps one."""
    look_seconds: float = Field(default=2.0, gt=0)
    """Seconds between two looks into the folder."""
    convention: Literal["yosegi", "nimo"] = "yosegi"
    """How the folder is kept: `yosegi` with a task a row in `proposals.csv` and `results.csv`; `nimo` as NIMO's scripts
    have it, with a row of `candidates.csv` a task, which the folder has before."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Under `nimo`: headings in `candidates.csv` by the name of the input or output, where they differ from it."""
    num_proposals: int = Field(default=64, ge=1, le=256)
    """Under `nimo`: rows that `proposals.csv` names at most."""

    @model_validator(mode="after")
    def _needs_a_folder(self) -> Self:
        if self.convention == "nimo" and not self.folder:
            raise ValueError('convention = "nimo" needs a folder: name the one with candidates.csv')
        return self

"""The base of request bodies: closed to unknown fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=4000)]


class Body(BaseModel):
    """What comes in is closed to unknown fields."""

    model_config = ConfigDict(extra="forbid")


class Why(Body):
    """A reason, for the record."""

    why: Text = ""

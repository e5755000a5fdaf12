"""What the modules of the API share: routers, how errors are described, and the kinds of file they send."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from yosegi.http.strict_json import StrictRoute
from yosegi.services.answer import Answer

Name = Annotated[str, Field(max_length=130)]
"""A name in a call: of a grant, mandate, team, charter …"""


class ProblemDetail(Answer):
    """Why a call was refused or failed: a code for programs, words for people, and for a bad call each field."""

    code: str
    message: str
    detail: tuple[ProblemField, ...] = ()


class ProblemField(Answer):
    """A field of a call that is not as its description says."""

    loc: tuple[str, ...]
    msg: str
    type: str


ProblemDetail.model_rebuild()

PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ProblemDetail, "description": "Refused, not found, in conflict or not of the form described"},
    "5XX": {"model": ProblemDetail, "description": "Not available now"},
}


class Bytes(StreamingResponse):
    """Bytes to be kept as a file."""

    media_type = "application/octet-stream"


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


class Csv(Response):
    """A table for a spreadsheet."""

    media_type = "text/csv; charset=utf-8"


def router(noun: str) -> APIRouter:
    """A router for one noun of the API; it reads JSON strictly."""
    return APIRouter(prefix="/api/v1", route_class=StrictRoute, tags=[noun], responses=PROBLEMS)

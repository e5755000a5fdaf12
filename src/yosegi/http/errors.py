"""Errors as answers: the status of each kind of error, and its code and message as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse

from yosegi.core.errors import Conflict, Corrupt, Invalid, NotFound, Refused, Unavailable, YosegiError
from yosegi.core.field_faults import called_faults, why_of
from yosegi.core.reasons import refusal
from yosegi.core.sanitize import plain_json
from yosegi.trust.errors import Untrusted

STATUS: dict[type[YosegiError], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Refused: 403,
    Untrusted: 403,
    Unavailable: 503,
    Corrupt: 500,
}


class FormRefused(Refused):
    """A form that no page of this session sent. `text` names what to tell the person."""

    def __init__(self, text: str) -> None:
        super().__init__("the form", ("not_signed_in",))
        self.text = text


class PlainJson(JSONResponse):
    """JSON in which nothing acts on a terminal that shows it as it came; what it says is the same."""

    def render(self, content: Any) -> bytes:
        """The body."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return plain_json(text).encode()


def status_of(error: Exception) -> int:
    """The status of an answer that tells of an error."""
    if isinstance(error, Refused) and "not_signed_in" in error.reasons and not isinstance(error, FormRefused):
        return 401
    return next((number for kind, number in STATUS.items() if isinstance(error, kind)), 400)


def told(content: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    """JSON in ASCII: a message may quote half a character, which no encoding of text holds."""
    return Response(json.dumps(content), status, dict(headers or {}), "application/json")


def in_json(error: Exception) -> Response:
    """An error as its code and its message, for a program; of a refusal, its reason codes too."""
    code = error.code if isinstance(error, YosegiError) else "error"
    if isinstance(error, Refused):
        return told({"code": code, "message": refusal(error), "reasons": [*error.reasons]}, status_of(error))
    return told({"code": code, "message": str(error)}, status_of(error))


async def unfit(request: Request, error: Exception) -> Response:
    """A call that is not of the form its description gives; names each field, and repeats nothing that was sent."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = [{"loc": [str(part) for part in one["loc"]], "msg": why_of(one), "type": one["type"]} for one in found]
    message = "; ".join(called_faults(error)) if isinstance(error, RequestValidationError) else str(error)
    return told({"code": "invalid", "message": message, "detail": detail}, 422)

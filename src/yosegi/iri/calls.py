"""What the operations of the facility API share: routes that read strictly, who calls, addresses, parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Refused
from yosegi.http.authentication import Here
from yosegi.http.errors import PlainJson
from yosegi.http.strict_json import StrictRoute
from yosegi.identity.accounts import Session
from yosegi.iri.problems import MEDIA_TYPE, BadParameters
from yosegi.iri.schemas import IriProblem

ROOT = "/api/v2"
T = TypeVar("T")
_BEARER = HTTPBearer(auto_error=False)
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class IriRoute(StrictRoute):
    """A route that reads its JSON strictly, and refuses query parameters that its operation does not know."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        handler = super().get_route_handler()
        known = query_names(self.dependant)

        async def checked(request: Request) -> Response:
            if unknown := sorted(set(request.query_params) - known):
                raise BadParameters(
                    *((f"query.{name[:100]}", "this operation has no such parameter") for name in unknown)
                )
            return await handler(request)

        return checked


def query_names(dependant: Dependant) -> set[str]:
    """Every query parameter of an operation, and of what it depends on."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*(query_names(other) for other in dependant.dependencies))


def router(noun: str) -> APIRouter:
    """A router for one group of operations."""
    problems = {"4XX": {"model": IriProblem, "description": "A problem", "content": {MEDIA_TYPE: {}}}}
    return APIRouter(
        prefix=f"{ROOT}/{noun}",
        route_class=IriRoute,
        tags=[noun],
        responses=problems,  # type: ignore[arg-type]
        default_response_class=PlainJson,
    )


async def signed_in(
    site: Here, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Session:
    """Who calls: by a token of this site's, or by an access token of the institution's provider.

    Raises:
        Refused: nobody who is signed in.
    """
    token = credentials.credentials if credentials else ""
    session = site.sessions.get(token, program=True)
    if session is None and site.access_tokens is not None and token.count(".") == 2:
        session = await site.access_tokens.session(token)
    if session is None:
        raise Refused("this call", ("not_signed_in",))
    return session


Who = Annotated[Session, Depends(signed_in)]


class Addresses:
    """Where each thing is found."""

    def __init__(self, base: str) -> None:
        self.base = base

    def __call__(self, *parts: str) -> str:
        """The address below `/api/v2`."""
        return "/".join([f"{self.base}{ROOT}", *(quote(part, safe="@:~") for part in parts)])


async def addresses(request: Request) -> Addresses:
    """By the address that the site's settings state; where they state none, by the one that was called."""
    return Addresses(base_of(request))


def base_of(request: Request) -> str:
    """Address of this face, without a slash at its end."""
    return str(request.app.state.profile.url or request.base_url).rstrip("/")


At = Annotated[Addresses, Depends(addresses)]


def _moment(value: Any) -> datetime:
    if not (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        raise ValueError("must be a date and time as RFC 3339 writes it, with its offset")
    try:
        return datetime.fromisoformat(value.upper().replace("Z", "+00:00")).astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a date and time between the years 1 and 9999") from None


def _only_true_and_false(value: Any) -> bool:
    if value not in ("true", "false", True, False):
        raise ValueError("must be true or false")
    return value in ("true", True)


def _plain_number(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
        raise ValueError("must be an integer")
    return value


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
Flag = Annotated[bool, BeforeValidator(_only_true_and_false), WithJsonSchema({"type": "boolean"})]
Offset = Annotated[int, BeforeValidator(_plain_number), Query(ge=0)]
Limit = Annotated[int, BeforeValidator(_plain_number), Query(ge=0, le=1000)]


def _said(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


Words = Annotated[str, AfterValidator(_said), Query(min_length=1, max_length=4096)]


Free = Annotated[str, Query(max_length=4096)]


def is_newer(last_modified: str | None, since: datetime | None) -> bool:
    """Whether something changed at or after a moment."""
    return since is None or last_modified is None or parse_timestamp(last_modified) >= since


def page(found: list[T], offset: int, limit: int) -> list[T]:
    """A part of a list."""
    return found[offset : offset + limit]


def not_modified() -> JSONResponse:
    """The answer to who knows it already."""
    return Response(status_code=304)  # type: ignore[return-value]

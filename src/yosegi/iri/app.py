"""The application of the facility API: its operations, its description, and how its errors look."""

from __future__ import annotations

import json
import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from yosegi.core.errors import YosegiError
from yosegi.http.errors import PlainJson
from yosegi.http.limits import Bounded
from yosegi.http.security_headers import Guard
from yosegi.iri import account, compute, facility, filesystem, status, storage, task
from yosegi.iri.about import FacilityProfile
from yosegi.iri.calls import base_of
from yosegi.iri.problems import problem, unfit, unrouted
from yosegi.services.runtime import Site

log = logging.getLogger("yosegi.iri")
ROUTERS = (facility, status, account, compute, filesystem, storage, task)
OPERATIONS = [route for group in ROUTERS for route in group.router.routes]
VERSION = "2.0.0"
"""Of the facility API's description."""


class FacilityApplication(FastAPI):
    """FastAPI, whose description names types as the facility API's own does."""

    def openapi(self) -> dict[str, Any]:
        """The description (OpenAPI 3.1), the same for each call."""
        if self.openapi_schema is None:
            text = json.dumps(super().openapi()).replace("/schemas/Iri", "/schemas/")
            described: dict[str, Any] = json.loads(text)
            schemas = described["components"]["schemas"]
            described["components"]["schemas"] = {name.removeprefix("Iri"): one for name, one in schemas.items()}
            self.openapi_schema = described
        return self.openapi_schema


def make_iri_app(site: Site, profile: FacilityProfile | None = None) -> FastAPI:
    """The facility API in front of a site; `/openapi.json` is at its root."""
    app = FacilityApplication(
        title=f"Facility API of {site.title}",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        default_response_class=PlainJson,
        redirect_slashes=False,
    )
    app.state.site, app.state.profile = site, profile or FacilityProfile()
    for group in ROUTERS:
        app.include_router(group.router)
    app.add_exception_handler(YosegiError, _explain)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(HTTPException, _unrouted)
    app.add_exception_handler(Exception, _at_fault)
    app.add_middleware(Guard)
    app.add_middleware(Bounded, tell=_too_large)
    return app


async def _explain(request: Request, error: Exception) -> Response:
    return problem(error, base_of(request), request.url.path)


async def _unfit(request: Request, error: Exception) -> Response:
    found = unfit(error) if isinstance(error, RequestValidationError) else error
    return problem(found, base_of(request), request.url.path)


async def _unrouted(request: Request, error: Exception) -> Response:
    found = error if isinstance(error, HTTPException) else HTTPException(500)
    return unrouted(found, OPERATIONS, request, base_of(request))


async def _at_fault(request: Request, error: Exception) -> Response:
    log.exception("a call of the facility API failed", exc_info=error)
    return problem(RuntimeError("this program is at fault; its log says more"), base_of(request), request.url.path)


def _too_large(error: YosegiError) -> ASGIApp:
    """The answer to a body without end, which comes before any address is known."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await problem(error, "", scope["path"])(scope, receive, send)

    return answer

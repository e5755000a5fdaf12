"""The web application of one site: what machines call, the API and the pages; and how errors look to a caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from yosegi.core.errors import NotFound, Refused, YosegiError
from yosegi.http.errors import PlainJson, in_json, status_of, told, unfit
from yosegi.http.limits import Bounded
from yosegi.http.security_headers import Guard
from yosegi.services.runtime import Site
from yosegi.web import api, machines, pages
from yosegi.web.description import DescribedApplication
from yosegi.web.open_streams import OpenStreams
from yosegi.web.pages.caller import caller_of, problem_page, to_sign_in
from yosegi.web.parcel_middleware import ParcelMiddleware

MACHINES = ("/api/", "/exchange/", "/station/", "/static/", "/openapi.json")
"""What begins so is for programs: its errors are JSON."""


def make_app(site: Site) -> FastAPI:
    """The application in front of a site."""
    app = DescribedApplication(
        title=f"Yosegi at {site.name}", version="1", docs_url=None, redoc_url=None, default_response_class=PlainJson
    )
    app.state.site = site
    app.state.streams = OpenStreams()
    for router in (machines.router, *api.ROUTERS, *pages.ROUTERS):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_exception_handler(YosegiError, explain)
    app.add_exception_handler(HTTPException, unknown)
    app.add_exception_handler(RequestValidationError, unfit)
    app.add_middleware(Guard)
    app.add_middleware(Bounded, tell=in_json)
    app.add_middleware(ParcelMiddleware, site=site, tell=in_json)
    return app


def openapi(site: Site) -> dict[str, Any]:
    """The API's description, the same for every site but for its title."""
    return make_app(site).openapi() | {"info": {"title": "Yosegi", "version": "1"}}


async def explain(request: Request, error: Exception) -> Response:
    """An error as its code and its message; for people as a page."""
    status = status_of(error)
    if not isinstance(error, YosegiError) or request.scope["path"].startswith(MACHINES):
        return in_json(error)
    if isinstance(error, Refused) and "too_many_pages" in error.reasons:
        return Response(status_code=429, headers={"Retry-After": "60"})
    caller = caller_of(request)
    if status != 401:
        return problem_page(caller, error, status, caller.root)
    # A stream is not redirected: its page sees the status and loads itself again.
    return Response(status_code=401) if request.scope["path"].endswith("/live") else to_sign_in(caller)


async def unknown(request: Request, error: Exception) -> Response:
    """An address that is not here, or a method it does not know."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = error.headers if isinstance(error, HTTPException) else None
    if status != 404 or request.scope["path"].startswith(MACHINES):
        detail = error.detail if isinstance(error, HTTPException) else ""
        return told({"code": "http", "message": detail}, status, headers)
    caller = caller_of(request)
    return problem_page(caller, NotFound("page", request.scope["path"]), 404, caller.root)

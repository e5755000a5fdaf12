"""The web application of one site: doors, API, pages; and how errors look to a caller."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yosegi.core.errors import Conflict, Corrupt, Invalid, NotFound, Refused, Unavailable, YosegiError
from yosegi.core.plain import plain_json
from yosegi.site import Site
from yosegi.trust.errors import Untrusted
from yosegi.web.api import api, doors
from yosegi.web.door import Door
from yosegi.web.funds import funds
from yosegi.web.governance import governance
from yosegi.web.institution import browser, institution
from yosegi.web.mandates import mandate_pages
from yosegi.web.pages import FormRefused, caller_of, pages, problem_page, to_sign_in
from yosegi.web.programme import programme_pages
from yosegi.web.rights import rights
from yosegi.web.sessions import Sessions
from yosegi.web.strict import Bounded

STATUS: dict[type[YosegiError], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Refused: 403,
    Untrusted: 403,
    Unavailable: 503,
    Corrupt: 500,
}
MACHINES = ("/api/", "/exchange/", "/station/", "/static/", "/openapi.json")
"""What begins so is for programs: its errors are JSON."""

GUARD = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
"""On every answer: no script but the site's own files, no frame around it, no form to elsewhere."""


def make_app(site: Site) -> FastAPI:
    """The application in front of a site."""
    app = FastAPI(
        title=f"Yosegi at {site.name}", version="1", docs_url=None, redoc_url=None, default_response_class=PlainJson
    )
    app.state.site = site
    app.state.sessions = Sessions(site)
    app.include_router(doors)
    app.include_router(api)
    app.include_router(governance)
    app.include_router(rights)
    app.include_router(browser)
    app.include_router(institution)
    app.include_router(funds)
    app.include_router(pages)
    app.include_router(programme_pages)
    app.include_router(mandate_pages)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_exception_handler(YosegiError, explain)
    app.add_exception_handler(HTTPException, unknown)
    app.add_exception_handler(RequestValidationError, unfit)
    app.add_middleware(Guard)
    app.add_middleware(Bounded, tell=in_json)
    app.add_middleware(Door, site=site, tell=in_json)
    return app


def openapi(site: Site) -> dict[str, Any]:
    """The API's description, the same for every site but for its title."""
    return make_app(site).openapi() | {"info": {"title": "Yosegi", "version": "1"}}


class PlainJson(JSONResponse):
    """JSON in which nothing acts on a terminal that shows it as it came; what it says is the same."""

    def render(self, content: Any) -> bytes:
        """The body."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return plain_json(text).encode()


class Guard:
    """Adds the headers that keep a browser from doing what a page did not mean."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *GUARD.items()]
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


def status_of(error: Exception) -> int:
    """The status of an answer that tells of an error."""
    if isinstance(error, Refused) and "not_signed_in" in error.reasons and not isinstance(error, FormRefused):
        return 401
    return next((number for kind, number in STATUS.items() if isinstance(error, kind)), 400)


def told(content: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None) -> Response:
    """JSON in ASCII: a message may quote half a character, which no encoding of text holds."""
    return Response(json.dumps(content), status, dict(headers or {}), "application/json")


def in_json(error: Exception) -> Response:
    """An error as its code and its message, for a program."""
    code = error.code if isinstance(error, YosegiError) else "error"
    return told({"code": code, "message": str(error)}, status_of(error))


async def unfit(request: Request, error: Exception) -> Response:
    """A call that is not of the form its description gives; names each field, and repeats nothing that was sent."""
    found = error.errors() if isinstance(error, RequestValidationError) else ()
    detail = [{"loc": [str(part) for part in one["loc"]], "msg": one["msg"], "type": one["type"]} for one in found]
    message = "; ".join(f"{'.'.join(one['loc'])}: {one['msg']}" for one in detail)
    return told({"code": "invalid", "message": message, "detail": detail}, 422)


async def explain(request: Request, error: Exception) -> Response:
    """An error as its code and its message; for people as a page."""
    status = status_of(error)
    if not isinstance(error, YosegiError) or request.scope["path"].startswith(MACHINES):
        return in_json(error)
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

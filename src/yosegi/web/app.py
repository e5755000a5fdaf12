"""The web application of one site: doors, API, pages; and how errors look to a caller."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from yosegi.core.errors import Conflict, Corrupt, Invalid, NotFound, Refused, Unavailable, YosegiError
from yosegi.site import Site
from yosegi.web.api import api, doors

STATUS: dict[type[YosegiError], int] = {
    Invalid: 422,
    NotFound: 404,
    Conflict: 409,
    Refused: 403,
    Unavailable: 503,
    Corrupt: 500,
}


def make_app(site: Site) -> FastAPI:
    """The application in front of a site."""
    app = FastAPI(title=f"Yosegi at {site.name}", version="1", docs_url=None, redoc_url=None)
    app.state.site = site
    app.include_router(doors)
    app.include_router(api)
    app.add_exception_handler(YosegiError, explain)
    return app


async def explain(request: Request, error: Exception) -> JSONResponse:
    """An error as its code and its message."""
    code = error.code if isinstance(error, YosegiError) else "error"
    status = next((number for kind, number in STATUS.items() if isinstance(error, kind)), 400)
    if isinstance(error, Refused) and "not_signed_in" in error.reasons:
        status = 401
    return JSONResponse({"code": code, "message": str(error)}, status_code=status)

"""Middleware that answers parcels of other sites before anything else is asked: they come many a second."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from yosegi.core.errors import YosegiError
from yosegi.exchange import PATH
from yosegi.http.limits import body_of
from yosegi.services.runtime import Site


class ParcelMiddleware:
    """Answers parcels by itself, and lets all else pass.

    A parcel is its own evidence, so nothing that is made for people's calls has to look at it first.

    Args:
        app: what answers all else.
        site: whose exchange answers parcels.
        tell: the answer that tells of an error.
    """

    def __init__(self, app: ASGIApp, *, site: Site, tell: Callable[[YosegiError], ASGIApp]) -> None:
        self._app, self._site, self._tell = app, site, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._site.exchange.handle(await body_of(receive))
        except YosegiError as error:
            await self._tell(error)(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

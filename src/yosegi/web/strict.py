"""Bodies are read here as everything from outside is: to a limit, and with no JSON that readers disagree about."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yosegi.core import canonical
from yosegi.core.errors import Invalid, YosegiError
from yosegi.web.door import MOST_BODY

UNBOUNDED = "/api/v1/objects"
"""Where objects are brought: it writes to the disk as it reads, to a limit of its own."""


class StrictRequest(Request):
    """A request whose JSON is read as everything from outside is: no key twice, no depth without end."""

    _strictly: Any

    async def read(self) -> None:
        """Read the body; here, because what goes wrong inside FastAPI's own reading is not told to the caller.

        Raises:
            Invalid: as `canonical.loads`.
        """
        body = await self.body()
        kind = self.headers.get("content-type", "application/json").partition(";")[0]
        self._strictly = canonical.loads(body, what="the body") if body and kind.endswith("json") else None

    async def json(self) -> Any:
        """The body's value."""
        return self._strictly


class StrictRoute(APIRoute):
    """A route that reads its JSON strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See `APIRoute`."""
        handler = super().get_route_handler()
        if self.body_field is None:
            return handler

        async def strict(request: Request) -> Response:
            read = StrictRequest(request.scope, request.receive)
            await read.read()
            return await handler(read)

        return strict


class Bounded:
    """Reads no more of a call than `MOST_BODY`, whatever its headers say of its length; but for objects."""

    def __init__(self, app: ASGIApp, *, tell: Callable[[YosegiError], ASGIApp]) -> None:
        self._app, self._tell = app, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, or refuse to read it."""
        if scope["type"] != "http" or scope["path"] == UNBOUNDED:
            await self._app(scope, receive, send)
            return
        read, answered = 0, False

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BODY:
                raise _TooLarge
            return message

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, bounded, watched)
        except _TooLarge:
            if not answered:
                error = Invalid("the body", f"larger than {MOST_BODY} bytes", "send large data as an object")
                await self._tell(error)(scope, receive, send)


class _TooLarge(Exception):
    """Somebody sends without end; never leaves this file."""

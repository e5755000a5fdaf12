"""Strict JSON in request bodies: no key twice, no depth without end, nothing that readers disagree about."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from yosegi.core import canonical


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

"""How much of a call is read: bodies up to a limit, except where objects are brought."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yosegi.core.errors import Invalid, YosegiError

MOST_BODY = 16 * 1024 * 1024
UNBOUNDED = "/api/v1/objects"
"""Where objects are brought: it writes to the disk as it reads, to a limit of its own."""


async def body_of(receive: Receive) -> bytes:
    """The whole body of a call.

    Raises:
        Invalid: larger than `MOST_BODY`.
    """
    parts, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        part, more = message.get("body", b""), message.get("more_body", False)
        parts.append(part)
        size += len(part)
        if size > MOST_BODY:
            raise Invalid("the body", f"larger than {MOST_BODY} bytes")
    return b"".join(parts)


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

"""Headers on every answer that keep a browser from doing what a page did not mean."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

GUARD = {
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}
"""On every answer: no script but the site's own files, no frame around it, no form to elsewhere."""

_SAYS_HOW_LONG = frozenset({b"cache-control", b"etag"})
"""What has neither is one person's answer, kept by no browser; an entity tag is of a file that anybody may have."""


class Guard:
    """Adds the headers that keep a browser from doing what a page did not mean."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not {name.lower() for name, _ in headers} & _SAYS_HOW_LONG:
                    headers.append((b"cache-control", b"no-store"))
                message["headers"] = [*headers, *GUARD.items()]
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)

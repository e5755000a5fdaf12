"""The face over HTTP: who calls, before anything else; then the SDK's streamable HTTP, without sessions.

Each call carries its own access token and is answered by itself, so there is no session to steal and none to keep.
Addresses: `/mcp`, `/mcp/token`, and the metadata of RFC 9728 and RFC 8414 below `/.well-known/`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from yosegi.core.errors import Invalid, Unavailable
from yosegi.http.authentication import bearer
from yosegi.http.limits import body_of
from yosegi.http.security_headers import Guard
from yosegi.mcp.sign_in import AUDIENCE, PATH, OAuthError, token_for
from yosegi.services.runtime import Site

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

CALLER = "yosegi.caller"
"""Where the caller's session and the site's address stand in a call's scope."""
TOKEN, AUTHORIZE = f"{PATH}/token", f"{PATH}/authorize"
RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
MOST_BODY = 1024 * 1024
"""Bytes of one call; a campaign file is the largest thing that one brings."""


class AgentFace:
    """Answers agents' clients, and lets all else pass.

    Args:
        app: what answers all else.
        site: whose services are asked.
        addresses: under which the site is reached, the first for choice, without a slash at the end. What a call's
            headers say of the address is not believed: an assertion got for another server could be brought with them.
    """

    def __init__(self, app: ASGIApp, site: Site, addresses: Sequence[str]) -> None:
        self._app, self._site, self._addresses = app, site, tuple(addresses)
        self._scope = site.supervisor.scope("agents")
        self._manager: StreamableHTTPSessionManager | None = None
        self._serving: asyncio.Future[None] | None = None
        self._ready = asyncio.Event()
        self._answer = Guard(self._answer_agent)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        path = scope.get("path", "")
        ours = path in (PATH, TOKEN, AUTHORIZE) or path.startswith((RESOURCE, SERVER))
        await (self._answer if scope["type"] == "http" and ours else self._app)(scope, receive, send)

    async def _answer_agent(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        called = base_of(request)
        base = called if called in self._addresses or not self._addresses else self._addresses[0]
        if scope["path"] == PATH:
            await self._tools(request, base, scope, receive, send)
            return
        if scope["path"] == TOKEN:
            answer = await self._token(request)
        else:
            answer = self._metadata(scope["path"], base)
        await answer(scope, receive, send)

    async def _tools(self, request: Request, base: str, scope: Scope, receive: Receive, send: Send) -> None:
        if (origin := request.headers.get("origin")) is not None and origin.rstrip("/") not in self._addresses:
            # A page elsewhere has no token; that a browser sends one all the same is not left to chance.
            await JSONResponse({"error": "another origin"}, 403)(scope, receive, send)
            return
        if scope["method"] != "POST":
            # Nothing is told outside of a call: a stream that is never written to would only be held open.
            await JSONResponse({"error": "POST alone"}, 405, {"Allow": "POST"})(scope, receive, send)
            return
        session = self._site.agent_tokens.get(bearer(request.headers.get("authorization")), AUDIENCE)
        if session is None:
            challenge = f'Bearer resource_metadata="{base}{RESOURCE}{PATH}"'
            body = {"error": "invalid_token", "error_description": "sign in; the metadata says where"}
            await JSONResponse(body, 401, {"WWW-Authenticate": challenge})(scope, receive, send)
            return
        manager = await self._start()
        await manager.handle_request({**scope, CALLER: (session, base)}, receive, send)

    async def _token(self, request: Request) -> Response:
        headers = {"Cache-Control": "no-store"}
        if request.method != "POST":
            return JSONResponse({"error": "invalid_request"}, 405, headers)
        try:
            fields = parse_qsl((await body_of(request.receive)).decode(), strict_parsing=True, max_num_fields=32)
            form = dict(fields)
            if len(form) != len(fields):
                raise OAuthError("invalid_request", "a field stands twice")
            return JSONResponse(await token_for(self._site, form, frozenset(self._addresses)), headers=headers)
        except (ValueError, Invalid):
            error = OAuthError("invalid_request", "a form is needed (application/x-www-form-urlencoded)")
        except OAuthError as refused:
            error = refused
        status = 401 if error.code == "invalid_client" else 400
        return JSONResponse({"error": error.code, "error_description": error.description}, status, headers)

    def _metadata(self, path: str, base: str) -> Response:
        if path in (RESOURCE, f"{RESOURCE}{PATH}"):
            return JSONResponse(
                {
                    "resource": f"{base}{PATH}",
                    "authorization_servers": [base],
                    "bearer_methods_supported": ["header"],
                    "resource_name": f"Yosegi at {self._site.name}",
                }
            )
        if path == AUTHORIZE:
            told = "no grant goes through a browser here; an agent signs in with its key"
            return JSONResponse({"error": "unsupported_response_type", "error_description": told}, 400)
        if path in (SERVER, f"{SERVER}{PATH}"):
            return JSONResponse(
                {
                    "issuer": base,
                    # Clients want it to be there; nobody is sent to it, and it says that there is no such grant.
                    "authorization_endpoint": f"{base}{AUTHORIZE}",
                    "token_endpoint": f"{base}{TOKEN}",
                    "response_types_supported": [],
                    "grant_types_supported": ["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"],
                    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
                    "token_endpoint_auth_signing_alg_values_supported": ["EdDSA"],
                }
            )
        return JSONResponse({"error": "not found"}, 404)

    # -- life -----------------------------------------------------------------------------------------------------

    async def _start(self) -> StreamableHTTPSessionManager:
        """The SDK's part, which runs while the site does: it answers each call in a task of its own.

        Raises:
            Unavailable: the site ends, or the SDK could not be started.
        """
        if self._serving is None or self._serving.done():
            self._serving = self._scope.spawn("streamable HTTP", self._serve)
        waiting = asyncio.ensure_future(self._ready.wait())
        either: list[asyncio.Future[Any]] = [waiting, self._serving]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._manager is None or not self._ready.is_set():
            failed = self._serving.done() and not self._serving.cancelled() and self._serving.exception() is not None
            why = "they could not be started, and the site's log says why" if failed else "the site ends"
            raise Unavailable("the tools for agents", why, "try again when it is back")
        return self._manager

    async def _serve(self) -> None:
        # The SDK takes half a second of a core to import: a site that no agent calls never does, and one that an agent
        # calls goes on meanwhile.
        server = await asyncio.to_thread(importlib.import_module, "yosegi.mcp.server")
        async with self._running(server.make_manager(self._site, self._scope)):
            await asyncio.Event().wait()

    @contextlib.asynccontextmanager
    async def _running(self, manager: StreamableHTTPSessionManager) -> AsyncIterator[None]:
        async with manager.run():
            self._manager = manager
            self._ready.set()
            try:
                yield
            finally:
                self._ready.clear()


def base_of(request: Request) -> str:
    """The address of this site as the caller reaches it, without a slash at its end."""
    root = request.scope.get("root_path", "")
    return f"{request.url.scheme}://{request.headers.get('host', '')}{root}".rstrip("/")

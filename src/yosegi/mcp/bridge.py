"""The tools over standard input and output: passes each call on to the site, which alone decides.

A client on a person's own machine starts this as a command. It holds no rights of its own: it signs in as its person,
or as their agent, gets tokens of minutes, and asks the site over HTTP. Both kinds of the protocol are spoken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler

VERSION = "2026-07-28"
"""Of the protocol, as it is spoken with the site; the client here may speak another."""
Context = ServerRequestContext[Any, Any]


class AccessToken(httpx2.Auth):
    """Carries an access token with each call, and gets another when the site says that it is over.

    Args:
        get: signs in and gets one; it may block.
    """

    def __init__(self, get: Callable[[], str]) -> None:
        self._get, self._token = get, ""

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """See `httpx2.Auth`."""
        fresh = not self._token
        if fresh:
            self._token = await asyncio.to_thread(self._get)
        request.headers["Authorization"] = f"Bearer {self._token}"
        answer = yield request
        if answer.status_code == 401 and not fresh:
            self._token = await asyncio.to_thread(self._get)
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


async def serve_stdio(url: str, get_token: Callable[[], str]) -> None:
    """Serve standard input and output until it ends.

    Args:
        url: of the site's tools, e.g. `http://127.0.0.1:8101/mcp`.
        get_token: signs in and gets an access token; it may block.

    Raises:
        YosegiError: whatever signing in raises, at the first call.
    """
    async with httpx2.AsyncClient(auth=AccessToken(get_token), timeout=120, trust_env=False) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=VERSION, cache=None) as site, stdio_server() as (incoming, outgoing):
            server = passing_on(site)
            await server.run(incoming, outgoing, server.create_initialization_options())


def passing_on(site: Client) -> Server[Any]:
    """A server that asks a site for everything."""
    bridge = _Bridge(site)
    return Server(
        "yosegi",
        version="1",
        title="Yosegi",
        instructions=site.instructions,
        on_list_tools=bridge.list_tools,
        on_call_tool=bridge.call_tool,
        on_list_resources=bridge.list_resources,
        on_list_resource_templates=bridge.list_templates,
        on_read_resource=bridge.read_resource,
        on_subscriptions_listen=bridge.listen,
        on_list_prompts=bridge.list_prompts,
        on_get_prompt=bridge.get_prompt,
    )


class _Bridge:
    def __init__(self, site: Client) -> None:
        self._site = site

    async def list_tools(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return await self._site.list_tools(cursor=params.cursor if params else None)

    async def call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        async def tell(progress: float, total: float | None, message: str | None) -> None:
            await ctx.session.report_progress(progress, total, message)

        return await self._site.call_tool(params.name, params.arguments, progress_callback=tell)

    async def list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        return await self._site.list_resources(cursor=params.cursor if params else None)

    async def list_templates(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return await self._site.list_resource_templates(cursor=params.cursor if params else None)

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        return await self._site.read_resource(params.uri)

    async def list_prompts(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return await self._site.list_prompts(cursor=params.cursor if params else None)

    async def get_prompt(self, ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        return await self._site.get_prompt(params.name, params.arguments)

    async def listen(
        self, ctx: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        bus = InMemorySubscriptionBus()
        handler = ListenHandler(bus)
        wanted = params.notifications.resource_subscriptions or ()
        passing = asyncio.ensure_future(self._pass_events_on(list(wanted), bus, handler))
        try:
            return await handler(ctx, params)
        finally:
            passing.cancel()
            await asyncio.gather(passing, return_exceptions=True)

    async def _pass_events_on(self, wanted: list[str], bus: InMemorySubscriptionBus, handler: ListenHandler) -> None:
        try:
            async with self._site.listen(resource_subscriptions=wanted) as events:
                async for event in events:
                    await bus.publish(event)
        finally:
            handler.close()

"""Telling agents that a campaign moved on: the protocol's listen streams, fed by the ledger's growth.

A stream tells of addresses and never of content, only of campaigns that its holder may look at, and ends with the
mandate that it was opened under.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import mcp_types as types
from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.subscriptions import ResourceUpdated, ServerEvent

from yosegi.core.errors import YosegiError
from yosegi.core.supervision import TaskScope
from yosegi.mcp.resources import SCHEME, campaign_of
from yosegi.mcp.tool import Call
from yosegi.services.runtime import Site

MOST = 256
"""Listen streams of one site at once."""
MOST_OF_ONE = 8
"""Of one mandate, or one person."""
MOST_ADDRESSES = 64
LOOK_EVERY = 5.0
"""Seconds after which it is looked whether a mandate still stands, though nothing happened."""
PARTS = ("", "/history", "/budget")


class Subscriptions:
    """The listen streams of one site."""

    def __init__(self, site: Site, scope: TaskScope) -> None:
        self._site, self._scope = site, scope
        self._bus = InMemorySubscriptionBus()
        self._open: dict[str, int] = {}
        self._seen = -1

    async def listen(
        self, call: Call, ctx: ServerRequestContext[Any, Any], params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """Serve one stream until its client leaves, its mandate ends, or the site does.

        Raises:
            MCPError: too many streams or addresses.
        """
        who = f"{call.who.person} {call.who.mandate}"
        asked = params.notifications.resource_subscriptions or ()
        if sum(self._open.values()) >= MOST or self._open.get(who, 0) >= MOST_OF_ONE or len(asked) > MOST_ADDRESSES:
            raise MCPError(types.INVALID_REQUEST, "too many subscriptions are open or asked for")
        self._open[who] = self._open.get(who, 0) + 1
        handler = ListenHandler(_Seen(self._bus, lambda event: self._may_hear(call, event)))
        watching = self._scope.spawn("end a stream with its mandate", lambda: self._end_with(call, handler))
        if not self._scope.is_running("tell of campaigns"):
            self._seen = await self._site.ledger.changed(-1, 0.0)
            self._scope.repeat("tell of campaigns", self._tell)
        try:
            return await handler(ctx, params)
        finally:
            watching.cancel()
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]

    def _may_hear(self, call: Call, event: ServerEvent) -> bool:
        """Whether somebody may look at what an event is about, now."""
        if not isinstance(event, ResourceUpdated):
            return True
        try:
            self._site.mandates.acting_under(call.who)
            self._site.campaigns.get_for(campaign_of(event.uri), call.who)
        except YosegiError:
            return False
        return True

    async def _end_with(self, call: Call, handler: ListenHandler) -> None:
        """End a stream once its mandate is over, its token has run out, or the site ends."""
        ledger, clock = self._site.ledger, self._site.clock
        last = -1
        while not ledger.ending and clock.now().timestamp() < call.who.until:
            try:
                self._site.mandates.acting_under(call.who)
            except YosegiError:
                break
            last = await ledger.changed(last, LOOK_EVERY)
        handler.close()

    async def _tell(self) -> bool:
        """Tell of what was written to campaigns since; whether anybody still listens."""
        ledger = self._site.ledger
        now = await ledger.changed(self._seen, LOOK_EVERY)
        if now > self._seen:
            entries = ledger.scan(self._seen + 1)
            names = dict.fromkeys(e.stream.partition("/")[2] for e in entries if e.stream.startswith("campaign/"))
            self._seen = now
            for name in names:
                for part in PARTS:
                    await self._bus.publish(ResourceUpdated(uri=f"{SCHEME}campaigns/{name}{part}"))
        await asyncio.sleep(0)
        return bool(self._open) and not ledger.ending


class _Seen:
    """A bus of what one caller may hear of."""

    def __init__(self, bus: InMemorySubscriptionBus, allows: Callable[[ServerEvent], bool]) -> None:
        self._bus, self._allows = bus, allows

    async def publish(self, event: ServerEvent) -> None:
        """Tell everybody."""
        await self._bus.publish(event)

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Have a listener told of what its caller may hear of."""

        def heard(event: ServerEvent) -> None:
            if self._allows(event):
                listener(event)

        return self._bus.subscribe(heard)

"""The ledger's growth, for whoever wants to know when to ask again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import Request

from yosegi.http.authentication import Here, Who
from yosegi.web.api.router import EventStream
from yosegi.web.api.router import router as router_of

router = router_of("changes")


@router.get("/changes", response_class=EventStream)
async def changes(request: Request, site: Here, who: Who, after: int = -1) -> EventStream:
    """The ledger's growth as server-sent events: one number an event, the last sequence."""

    async def events() -> AsyncIterator[str]:
        last = after
        while not (site.ledger.ending or await request.is_disconnected()):
            now = await site.ledger.changed(last, 15.0)
            yield f"id: {now}\ndata: {now}\n\n" if now > last else ": still here\n\n"
            last = max(now, last)

    return EventStream(events())

"""The site that answers, and its peers."""

from __future__ import annotations

from yosegi.http.authentication import Here, Who
from yosegi.services.peers.schemas import PeerStatus, SiteInfo
from yosegi.web.api.router import router as router_of

router = router_of("peers")


@router.get("/site")
async def about(site: Here) -> SiteInfo:
    """Which site this is. Open to all, so that a client can say whom it talks to."""
    return SiteInfo(site=site.name, title=site.title)


@router.get("/peers")
async def peers(site: Here, who: Who) -> tuple[PeerStatus, ...]:
    """How each peer is reached, and when it was last heard."""
    return site.peers.list()

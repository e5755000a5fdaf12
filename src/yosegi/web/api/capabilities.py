"""What can be used in the federation."""

from __future__ import annotations

from yosegi.http.authentication import Here, Who
from yosegi.services.capabilities.schemas import CapabilitySummary, ContractDetail
from yosegi.web.api.router import router as router_of

router = router_of("capabilities")


@router.get("/capabilities")
async def capabilities(site: Here, who: Who) -> tuple[CapabilitySummary, ...]:
    """Everything that can be used here."""
    return site.catalogue.summaries()


@router.get("/capabilities/{owner}/{name}")
async def capability(owner: str, name: str, site: Here, who: Who) -> ContractDetail:
    """One contract."""
    return site.catalogue.show(f"{owner}/{name}")

"""What a person must look at."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body
from yosegi.services.alerts.schemas import AlertAcknowledged, AlertDetail
from yosegi.web.api.router import router as router_of

router = router_of("alerts")


class AcknowledgeAlert(Body):
    """Which alert was seen, by its name."""

    notice: Annotated[str, Field(min_length=1, max_length=400)]


@router.get("/notices")
async def alerts(site: Here, who: Who) -> tuple[AlertDetail, ...]:
    """What a person must look at."""
    return site.alerts.details()


@router.post("/notices/acknowledge")
async def acknowledge_alert(body: AcknowledgeAlert, site: Here, who: Who) -> AlertAcknowledged:
    """Say that an alert was seen, so that it is not repeated."""
    return await site.alerts.acknowledge_for(body.notice, who)

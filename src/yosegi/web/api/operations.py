"""Stopping and releasing the whole site, and saying that what had failed was looked at."""

from __future__ import annotations

from typing import Literal

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Why
from yosegi.services.operations.schemas import (
    BackgroundTaskStatus,
    BreakerStatus,
    RestorationSettled,
    RestorationStatus,
    StationStatus,
    StopStatus,
)
from yosegi.web.api.router import router as router_of

router = router_of("operations")


@router.post("/switch/{word}")
async def set_stop_level(
    word: Literal["hold", "stop", "abort", "release"], body: Why, site: Here, who: Who
) -> StopStatus:
    """Hold, safely stop or abort everything this site runs for anybody, or release it."""
    return await site.operations.set_stop_level(word, who, body.why)


@router.get("/background")
async def background(site: Here, who: Who) -> tuple[BackgroundTaskStatus, ...]:
    """What runs in the background of this site, what of it failed, and when that begins again; for operators."""
    return site.operations.background(who)


@router.post("/breakers/{capability}/close")
async def close_breaker(capability: str, body: Why, site: Here, who: Who) -> BreakerStatus:
    """Say that a capability works again, after its breaker opened and somebody looked."""
    return await site.operations.close_breaker(capability, who, body.why)


@router.get("/gap")
async def restoration(site: Here, who: Who) -> RestorationStatus:
    """What a restoration from a backup may have lost, and whether a person has settled it."""
    return site.operations.restoration()


@router.post("/gap/settle")
async def settle_restoration(body: Why, site: Here, who: Who) -> RestorationSettled:
    """Say that the instruments were looked at after a restoration, so that work that uses things up may start."""
    return await site.operations.settle_restoration(who, body.why)


@router.post("/stations/{name}/settle")
async def settle_station(name: str, body: Why, site: Here, who: Who) -> StationStatus:
    """Say that the instrument of a station that had forgotten what it did was looked at, so that it may go on."""
    return await site.operations.settle_station(name, who, body.why)

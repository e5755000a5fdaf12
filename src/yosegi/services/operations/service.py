"""What operators do with a whole site: stop and release it, and say that what had failed was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yosegi.core.errors import NotFound
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.execution.owner import TaskOwner
from yosegi.identity.accounts import Session
from yosegi.services.authorization.roles import check_operator
from yosegi.services.operations.schemas import (
    BreakerStatus,
    LostEntry,
    RestorationSettled,
    RestorationStatus,
    StationStatus,
    StopStatus,
)

STOP_LEVELS = ("hold", "stop", "abort", "release")


@dataclass
class OperationsService:
    """The stop level of a site, its breakers, its stations, and what a restoration left open.

    Args:
        owner: whose work is stopped and released.
        stations: the engines whose work is done by a station, by the station's name.
    """

    owner: TaskOwner
    stations: Mapping[str, StationEngine]

    async def set_stop_level(self, word: str, who: Session, reason: str) -> StopStatus:
        """Hold, safely stop or abort everything this site runs, or release it. Needs nobody else's permission.

        Raises:
            NotFound: not one of hold, stop, abort, release.
            Refused: releasing is for operators; anybody may stop.
        """
        if word == "hold":
            await self.owner.hold(who.person, reason)
        elif word == "stop":
            await self.owner.safe_stop(who.person, reason)
        elif word == "abort":
            await self.owner.abort(who.person, reason)
        elif word == "release":
            check_operator(who, "releasing the switch")
            await self.owner.release(who.person, reason)
        else:
            raise NotFound("switch position", word, STOP_LEVELS)
        return StopStatus(held=self.owner.held, word=self.owner.switch)

    def restoration(self) -> RestorationStatus:
        """What a restoration from a backup may have lost, and whether a person has settled it."""
        gap = self.owner.gap
        return RestorationStatus(open=gap.open, epoch=gap.epoch, lost=tuple(LostEntry(**one) for one in gap.lost()))

    async def settle_restoration(self, who: Session, note: str) -> RestorationSettled:
        """Say that the instruments were looked at after this site was restored from a backup.

        Raises:
            Refused: not an operator.
            Conflict: there is nothing to settle.
        """
        check_operator(who, "settling the restoration")
        await self.owner.gap.settle(who.person, note)
        return RestorationSettled(open=self.owner.gap.open)

    async def settle_station(self, name: str, who: Session, note: str) -> StationStatus:
        """Say that the instrument of a station that had forgotten what it did was looked at.

        Raises:
            NotFound: no such station.
            Refused: not an operator.
            Conflict: there is nothing to settle.
        """
        check_operator(who, f"settling station {name}")
        if name not in self.stations:
            raise NotFound("station", name, tuple(self.stations))
        await self.stations[name].settle(who.person, note)
        return StationStatus(unsettled=self.stations[name].unsettled)

    async def close_breaker(self, capability: str, who: Session, note: str) -> BreakerStatus:
        """Say that a capability works again, after a look at it.

        Raises:
            NotFound: not published here.
            Refused: not an operator.
        """
        check_operator(who, f"closing the breaker of {capability}")
        if capability not in self.owner.published:
            raise NotFound("capability", capability, tuple(self.owner.published))
        await self.owner.close_breaker(capability, who.person, note)
        return BreakerStatus(breaker=self.owner.breakers.why_open(capability))

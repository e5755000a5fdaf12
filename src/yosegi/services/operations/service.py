"""What operators do with a whole site: stop and release it, and say that what had failed was looked at."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.core.clock import timestamp
from yosegi.core.engine import Engines
from yosegi.core.errors import NotFound, Refused
from yosegi.core.events import Events
from yosegi.core.supervision import Supervisor
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.events import StopLevelChanged
from yosegi.execution.records import TaskRepository
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.identity.accounts import Session
from yosegi.services.authorization.roles import check_operator
from yosegi.services.operations.schemas import (
    BackgroundTaskStatus,
    BreakerStatus,
    LostEntry,
    RestorationSettled,
    RestorationStatus,
    StationStatus,
    StopStatus,
)
from yosegi.services.operations.stop_permission import StopPermission

STOP_LEVELS = ("hold", "stop", "abort", "release")


@dataclass
class OperationsService:
    """The stop level of a site, its breakers, its stations, and what a restoration left open.

    Args:
        repository: what this site publishes.
        dispatcher: whose work is stopped and released.
        stop_permission: who may stop the site.
        events: told `StopLevelChanged`.
        supervisor: owns what runs in the background.
        engines: what does the work; of those with a station somebody may have to settle it.
    """

    repository: TaskRepository
    dispatcher: Dispatcher
    restore_guard: RestoreGuard
    supervisor: Supervisor
    engines: Engines
    stop_permission: StopPermission
    events: Events

    def may_stop(self, who: Session) -> bool:
        """Whether somebody may stop the whole site; those who run it may also release it."""
        return self.stop_permission.allows(who)

    async def set_stop_level(self, word: str, who: Session, reason: str) -> StopStatus:
        """Hold, safely stop or abort everything this site runs, or release it. Needs nobody else's permission.

        Raises:
            NotFound: not one of hold, stop, abort, release.
            Refused: releasing is for operators, and stopping for the people whom the settings name. An agent may not:
                no site runs under its mandate alone, and what does it may stop by itself.
        """
        if who.agent:
            raise Refused(f"the switch of {self.repository.site}", ("not_under_own_mandate",))
        if word != "release" and not self.may_stop(who):
            raise Refused("stopping this site", ("stopping_not_yours",))
        if word == "hold":
            await self.dispatcher.hold(who.person, reason)
        elif word == "stop":
            await self.dispatcher.safe_stop(who.person, reason)
        elif word == "abort":
            await self.dispatcher.abort(who.person, reason)
        elif word == "release":
            check_operator(who, "releasing the switch")
            await self.dispatcher.release(who.person, reason)
        else:
            raise NotFound("switch position", word, STOP_LEVELS)
        self.events.publish(StopLevelChanged(self.dispatcher.stop_level))
        return self.stop_status()

    def stop_status(self) -> StopStatus:
        """Whether the site starts nothing new, by which word, whose, since when and why."""
        dispatcher = self.dispatcher
        by, since, why = dispatcher.stopped_by
        return StopStatus(
            held=dispatcher.is_stopped, word=dispatcher.stop_level, recorded=dispatcher.stop_is_recorded,
            by=by, since=since, why=why,
        )  # fmt: skip

    def restoration(self) -> RestorationStatus:
        """What a restoration from a backup may have lost, and whether a person has settled it."""
        gap = self.restore_guard
        lost = tuple(LostEntry(**one) for one in gap.lost())
        return RestorationStatus(open=gap.open, epoch=gap.epoch, lost=lost, unheard=gap.unheard())

    async def settle_restoration(self, who: Session, note: str) -> RestorationSettled:
        """Say that the instruments were looked at after this site was restored from a backup.

        Raises:
            Refused: not an operator.
            Conflict: there is nothing to settle.
        """
        check_operator(who, "settling the restoration")
        await self.restore_guard.settle(who.person, note)
        return RestorationSettled(open=self.restore_guard.open)

    async def settle_station(self, name: str, who: Session, note: str) -> StationStatus:
        """Say that the instrument of a station that had forgotten what it did was looked at.

        Raises:
            NotFound: no such station.
            Refused: not an operator.
            Conflict: there is nothing to settle.
        """
        check_operator(who, f"settling station {name}")
        if name not in self.engines.settling:
            raise NotFound("station", name, tuple(self.engines.settling))
        await self.engines.settling[name].settle(who.person, note)
        return StationStatus(unsettled=self.engines.settling[name].unsettled)

    def background(self, who: Session) -> tuple[BackgroundTaskStatus, ...]:
        """What runs in the background, and what of it has failed; its names and errors tell of every team's work.

        Raises:
            Refused: not an operator.
        """
        check_operator(who, "the background work of this site")
        return tuple(
            BackgroundTaskStatus(
                owner=task.owner,
                name=task.name,
                state=task.state,
                since=timestamp(task.since),
                failures=task.failures,
                last_error=task.last_error,
                resumes="" if task.resumes is None else timestamp(task.resumes),
            )
            for task in self.supervisor.tasks()
        )

    async def close_breaker(self, capability: str, who: Session, note: str) -> BreakerStatus:
        """Say that a capability works again, after a look at it.

        Raises:
            NotFound: not published here.
            Refused: not an operator.
        """
        check_operator(who, f"closing the breaker of {capability}")
        if capability not in self.repository.published:
            raise NotFound("capability", capability, tuple(self.repository.published))
        await self.dispatcher.close_breaker(capability, who.person, note)
        return BreakerStatus(breaker=self.dispatcher.breakers.why_open(capability))

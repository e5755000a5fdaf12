"""Instruments as people at a site speak of them: when they may be used, who has them, taken back and given back."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from yosegi.core.clock import parse_timestamp, timestamp
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, YosegiError
from yosegi.core.supervision import TaskScope
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.instruments.instrument import CALIBRATED, WINDOW_ADDED, WINDOW_WITHDRAWN, Instrument
from yosegi.execution.instruments.register import Instruments, longest
from yosegi.execution.instruments.settings import read_window
from yosegi.execution.records import TaskRepository
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft
from yosegi.services.authorization.roles import check_operator, check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.capabilities.service import CapabilityCatalogue
from yosegi.services.instruments.bookings import BookingService
from yosegi.services.instruments.reservations import ReservationService
from yosegi.services.instruments.schemas import CalibrationDetail, ControlDetail, InstrumentDetail, InstrumentUse
from yosegi.services.objects.service import ObjectService
from yosegi.services.operations.stop_permission import StopPermission

log = logging.getLogger("yosegi.instruments")
LONGEST_WHY = 2000
MOST_VALUES, LONGEST_NAME = 64, 80
MOST_WINDOWS = 256
"""Windows that operators may have added to one instrument at once."""


@dataclass
class InstrumentService:
    """The instruments of one site.

    Args:
        stop_permission: who may take an instrument back, as they may stop the whole site.
        catalogue: tells members the windows.
        reservations: of this site's instruments, and `bookings` of other sites'.
        objects: has the data that calibrations rest on.
        scope: keeps what tries again to record a take-back.
    """

    instruments: Instruments
    dispatcher: Dispatcher
    repository: TaskRepository
    authorizer: Authorizer
    stop_permission: StopPermission
    catalogue: CapabilityCatalogue
    reservations: ReservationService
    bookings: BookingService
    objects: ObjectService
    scope: TaskScope

    def start(self) -> None:
        """Go on recording what was taken back and is not on record."""
        for name in self.instruments.unrecorded():
            self._record_later(name)

    # -- looking --------------------------------------------------------------------------------------------------

    @property
    def any(self) -> bool:
        """Whether this site has an instrument with a name, or asked another for time on one."""
        return bool(self.instruments) or self.bookings.any

    def listing(self, who: Session) -> tuple[InstrumentDetail, ...]:
        """Every instrument; of what other teams run on one, only that it runs."""
        return tuple(self._detail(instrument, who) for instrument in self.instruments.all())

    def show(self, name: str, who: Session) -> InstrumentDetail:
        """One instrument.

        Raises:
            NotFound: none of that name.
        """
        return self._detail(self._get(name), who)

    def _get(self, name: str) -> Instrument:
        found = self.instruments.get(name)
        if found is None:
            raise NotFound("instrument", name, tuple(one.name for one in self.instruments.all()))
        return found

    def _detail(self, instrument: Instrument, who: Session) -> InstrumentDetail:
        now, windows, taken = self.instruments.clock.now(), instrument.windows, instrument.taken_back
        window = windows.next_for(now, 0.0)
        return InstrumentDetail(
            name=instrument.name,
            capabilities=instrument.settings.capabilities,
            time_zone=windows.zone,
            windows=instrument.stated_windows,
            open=taken is None and windows.may_hold(now, 0.0),
            window="" if window is None else window.words(windows.zone),
            taken_back_by=taken.by if taken else "",
            taken_back_since=taken.since if taken else "",
            taken_back_why=taken.why if taken else "",
            recorded=not self.instruments.is_unrecorded(instrument.name),
            running=tuple(self._running(instrument, who)),
            waiting=sum(map(self.dispatcher.waiting, instrument.settings.capabilities)),
            reservations=self.reservations.ahead(instrument.name, who),
            calibration=self._calibration(instrument),
            control=self._control(instrument),
            simulated=any(
                found.contract.simulated
                for name in instrument.settings.capabilities
                if (found := self.repository.published.get(name))
            ),
        )

    def _calibration(self, instrument: Instrument) -> CalibrationDetail | None:
        found = instrument.calibration
        if found is None:
            return None
        held = found.held
        return CalibrationDetail(
            by=held.by, since=timestamp(held.since), until=timestamp(held.until), object=held.object or "",
            holds=self.instruments.clock.now() < held.until, values=dict(found.values), note=found.note,
        )  # fmt: skip

    def _control(self, instrument: Instrument) -> ControlDetail | None:
        control = instrument.settings.control
        if control is None:
            return None
        history = self.dispatcher.controls.history(instrument)
        return ControlDetail(
            capability=control.capability, output=control.output, target=control.target, sigma=control.sigma,
            due=self.instruments.is_control_due(instrument), values=history.values, verdict=history.verdict,
            measured="" if history.measured is None else timestamp(history.measured),
        )  # fmt: skip

    def _running(self, instrument: Instrument, who: Session) -> Iterator[InstrumentUse]:
        for task, since in self.dispatcher.running_on(instrument):
            request, published = task.asked(), self.repository.published_for(task.asked())
            seen = self.authorizer.may_see(request.charter, request.team, who)
            limit = timedelta(seconds=0.0 if published is None else longest(published.contract))
            yield InstrumentUse(
                task=f"{task.home}/{task.key}" if seen else "",
                team=request.team if seen else "",
                capability=task.capability,
                since=since,
                until=timestamp(parse_timestamp(since) + limit),
            )

    # -- windows --------------------------------------------------------------------------------------------------

    async def add_window(self, name: str, window: str, who: Session, note: str = "") -> InstrumentDetail:
        """Say when an instrument may be used besides: a weekly shift, or one span. Once is as twice.

        Raises:
            NotFound: no such instrument.
            Refused: not an operator.
            Invalid: no window, too many of them, or too long a note.
        """
        check_operator(who, f"stating when {name} may be used")
        instrument, _ = self._get(name), read_window(window)
        _check_length("the note", note)
        if window in instrument.stated_windows:
            return self.show(name, who)
        if len(instrument.added) >= MOST_WINDOWS:
            raise Invalid(f"instrument {name}", f"{MOST_WINDOWS} windows were added", "withdraw those that are over")
        draft = Draft(WINDOW_ADDED, {"window": window}, {"note": note} if note else None)
        await self.instruments.record(instrument, (draft,), who.person)
        self.dispatcher.wake_all()
        await self.catalogue.offer()
        return self.show(name, who)

    async def withdraw_window(self, name: str, window: str, who: Session, note: str = "") -> InstrumentDetail:
        """Take back a window that was added. What runs goes on; where it was the last, the instrument is closed.

        Raises:
            NotFound: no such instrument, or no such window among those added.
            Refused: not an operator.
            Invalid: too long a note.
        """
        check_operator(who, f"stating when {name} may be used")
        instrument = self._get(name)
        _check_length("the note", note)
        if window not in instrument.added:
            raise NotFound(f"window added to {name}", window, instrument.added)
        draft = Draft(WINDOW_WITHDRAWN, {"window": window}, {"note": note} if note else None)
        await self.instruments.record(instrument, (draft,), who.person)
        await self.catalogue.offer()
        return self.show(name, who)

    # -- calibration ----------------------------------------------------------------------------------------------

    async def calibrate(
        self, name: str, until: datetime, who: Session, values: Mapping[str, float], note: str = "", object_: str = ""
    ) -> InstrumentDetail:
        """Put on record that an instrument was calibrated, and until when that holds; tasks that it held up start.

        `values` are what was found, by name; `object_` is the digest of the data it rests on, if there is any.

        Raises:
            NotFound: no such instrument.
            Refused: not an operator.
            Invalid: it has run out already, too many values, or too long a note.
            NotFound, Corrupt: the object it rests on is not here, or cannot be read.
        """
        check_operator(who, f"calibrating {name}")
        instrument = self._get(name)
        _check_length("the note", note)
        if until <= self.instruments.clock.now():
            raise Invalid(f"the calibration of {name}", "has run out already")
        if len(values) > MOST_VALUES or any(len(one) > LONGEST_NAME for one in values):
            raise Invalid("the values", f"at most {MOST_VALUES}, each with a name of at most {LONGEST_NAME} characters")
        if object_:
            await self.objects.check_whole(object_, who)
        facts = {"until": timestamp(until)} | ({"object": object_} if object_ else {})
        draft = Draft(CALIBRATED, facts, {"values": dict(values), "note": note})
        await self.instruments.record(instrument, (draft,), who.person)
        self.dispatcher.wake_all()
        return self.show(name, who)

    # -- taking back ----------------------------------------------------------------------------------------------

    async def take_back(self, name: str, who: Session, why: str) -> InstrumentDetail:
        """Have nothing use an instrument from now on, and bring what runs on it to its safe state; the queue waits.

        It is done first and recorded after, so that a full disk keeps nobody from it. What is uncertain stays so.

        Raises:
            NotFound: no such instrument.
            Refused: an agent, or somebody who may not stop the site.
            Invalid: it is not said why.
        """
        check_person(who, f"taking {name} back")
        if not self.stop_permission.allows(who):
            raise Refused(f"taking {name} back", ("stopping_not_yours",))
        instrument = self._get(name)
        _check_length("why", why)
        if not why.strip():
            raise Invalid("the reason", "it is empty", "say why, for whoever waits for the instrument")
        self.instruments.take_back(instrument, who.person, why)
        try:
            await self.dispatcher.clear(instrument)
        finally:
            try:
                await self.instruments.record_take_back(name)
            except YosegiError as error:
                log.error("%s was taken back, which could not be recorded: %s", name, error)
                self._record_later(name)
        return self.show(name, who)

    def _record_later(self, name: str) -> None:
        async def work() -> bool:
            await self.instruments.record_take_back(name)
            return False

        if not self.scope.is_running(f"record that {name} was taken back"):
            self.scope.repeat(f"record that {name} was taken back", work)

    async def give_back(self, name: str, who: Session, why: str = "") -> InstrumentDetail:
        """Let an instrument be used again; what waits for it starts by itself.

        Raises:
            NotFound: no such instrument.
            Refused: not an operator.
            Conflict: nobody took it back.
            Unavailable: it cannot be recorded; it stays taken back.
        """
        check_operator(who, f"giving {name} back")
        instrument = self._get(name)
        _check_length("why", why)
        if instrument.taken_back is None:
            raise Conflict(f"instrument {name}", "was not taken back", "there is nothing to give back")
        await self.instruments.record_take_back(name)
        await self.instruments.give_back(name, who.person, why)
        self.dispatcher.wake_all()
        return self.show(name, who)


def _check_length(what: str, text: str) -> None:
    if len(text) > LONGEST_WHY:
        raise Invalid(what, f"has {len(text)} characters, and {LONGEST_WHY} is the most")

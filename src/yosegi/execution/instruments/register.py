"""The instruments of one owner, and what keeps a task from its instrument now.

A task that may not start is neither refused nor forgotten: it waits, with the reason and the next window in words. It
is started only if the longest that it may take, its contract's time limit and the grace it has to reach its safe state,
ends inside the window. Moments come from this site's clock: by one that is off by what peers say, nothing is started at
all (`Dispatcher`), and the clock is read anew each time, so that one that was set right counts at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from yosegi.core.amounts import Unit
from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import Contract
from yosegi.core.states import ReservationState
from yosegi.execution.instruments.calendar import ReservationCalendar, ReservedSpan
from yosegi.execution.instruments.instrument import GIVEN_BACK, TAKEN_BACK, Instrument, TakenBack, instrument_stream
from yosegi.execution.instruments.reservation_reports import ReservationReporter
from yosegi.execution.instruments.settings import InstrumentSettings
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.execution.last_resort import LONGEST_REASON, LastResort, UnrecordedStop
from yosegi.execution.slots import Lane, alike
from yosegi.governance.policy.explanation import explained
from yosegi.ledger import Draft, Ledger, Write
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Request


def longest(contract: Contract) -> float:
    """Seconds that a task may take at most: its time limit, and the grace to reach its safe state."""
    return contract.time_limit + (contract.stop_grace or 0.0)


@dataclass
class Instruments:
    """The instruments of one owner.

    Args:
        settings: what site.toml says of each, by name.
        is_control_due: whether an instrument's control sample comes before anything else.
        last_resort: has the take-back of an instrument, by its name, until the ledger has it.
        reporter: tells home sites what comes of reservations that they asked for.
    """

    site: str
    ledger: Ledger
    clock: Clock
    settings: Mapping[str, InstrumentSettings]
    is_control_due: Callable[[Instrument], bool]
    last_resort: Callable[[str], LastResort]
    reporter: ReservationReporter
    calendar: ReservationCalendar = field(init=False)
    _known: dict[str, Instrument] = field(default_factory=dict)
    _by_capability: dict[str, str] = field(default_factory=dict)
    _unrecorded: dict[str, TakenBack] = field(default_factory=dict)
    """Take-backs that count and are not in the ledger yet; they outlive the site in their files of last resort."""

    def __post_init__(self) -> None:
        self.calendar = ReservationCalendar(self.site, self.ledger, self.clock, self.reporter)
        for name, settings in self.settings.items():
            instrument = Instrument(name, settings).with_windows()
            for entry in self.ledger.read(instrument_stream(name)):
                instrument = instrument.follow(entry)
            if (kept := self.last_resort(name).read()) is not None:
                self._unrecorded[name] = TakenBack(kept.by, kept.at, kept.reason)
                instrument = replace(instrument, taken_back=self._unrecorded[name])
            else:
                self.last_resort(name).prepare()
            self._known[name] = instrument
            self._by_capability |= dict.fromkeys(settings.lane, name)

    def __bool__(self) -> bool:
        return bool(self._known)

    def __repr__(self) -> str:
        return f"<instruments of {self.site}: {', '.join(self._known) or 'none'}>"

    def all(self) -> tuple[Instrument, ...]:
        """Every instrument, in the order of site.toml."""
        return tuple(self._known.values())

    def get(self, name: str) -> Instrument | None:
        """One by its name."""
        return self._known.get(name)

    def of(self, capability: str) -> Instrument | None:
        """The instrument that a capability uses; None if it uses none that has a name."""
        return self._known.get(self._by_capability.get(capability, ""))

    def lane_of(self, capability: str) -> Lane:
        """What a capability shares slots with: whatever uses its instrument, or nothing."""
        instrument = self.of(capability)
        if instrument is None:
            return Lane(capability)
        weight_of = self._granted if instrument.settings.turns == "by_grant" else alike
        return Lane(f"instrument {instrument.name}", instrument.settings.at_once, weight_of)

    def _granted(self, team: str) -> float:
        """Thousandths of an instrument hour that a team, `charter/team`, was granted here; at least one."""
        charter, _, name = team.partition("/")
        rows = self.ledger.query(
            "SELECT SUM(t.amount) AS milli FROM grants g JOIN grant_tranches t ON t.grant_id = g.id"
            " WHERE g.charter = ? AND g.team = ? AND t.unit = ? AND t.locked = 0",
            (charter, name, Unit.INSTRUMENT_H.value),
        )
        return float(max(1, rows[0]["milli"] or 0))

    async def record(self, instrument: Instrument, drafts: Iterable[Draft], by: str) -> Instrument:
        """Put on record what an operator says of an instrument as it was read.

        Raises:
            Conflict: somebody else did so meanwhile.
        """
        stream = instrument_stream(instrument.name)
        write = Write(stream, instrument.position, tuple(drafts), charter="", actor=by)
        for entry in await self.ledger.append(write):
            instrument = instrument.follow(entry)
        # A take-back that came in between counts, on record or not.
        if (taken := self._unrecorded.get(instrument.name)) is not None:
            instrument = replace(instrument, taken_back=taken)
        self._known[instrument.name] = instrument
        return instrument

    # -- taking back ----------------------------------------------------------------------------------------------

    def take_back(self, instrument: Instrument, by: str, why: str) -> None:
        """Let nothing use an instrument from now on; `record_take_back` puts it on record.

        Until then it stands in a file of last resort, from which the next start begins.
        """
        taken = TakenBack(by, timestamp(self.clock.now()), why)
        self._unrecorded[instrument.name] = taken
        self._known[instrument.name] = replace(self._known[instrument.name], taken_back=taken)
        stop = UnrecordedStop(word="safe_stop", by=by, reason=why[:LONGEST_REASON], at=taken.since)
        self.last_resort(instrument.name).keep(stop)

    def unrecorded(self) -> tuple[str, ...]:
        """The instruments whose take-back is not in the ledger yet."""
        return tuple(self._unrecorded)

    def is_unrecorded(self, name: str) -> bool:
        """Whether a take-back of an instrument is not in the ledger yet."""
        return name in self._unrecorded

    async def record_take_back(self, name: str) -> None:
        """Put a take-back on record, if it is not yet.

        Raises:
            Unavailable: it cannot be recorded; it counts all the same.
        """
        if (taken := self._unrecorded.get(name)) is not None:
            draft = Draft(TAKEN_BACK, {}, {"why": taken.why})
            await self.record(self._known[name], (draft,), taken.by)
            if self._unrecorded.get(name) is taken:
                del self._unrecorded[name]
                self.last_resort(name).clear()

    async def give_back(self, name: str, by: str, why: str) -> None:
        """Let an instrument be used again.

        Raises:
            Unavailable: it cannot be recorded; it stays taken back.
        """
        draft = Draft(GIVEN_BACK, {}, {"why": why} if why else None)
        await self.record(self._known[name], (draft,), by)

    def is_taken_back(self, capability: str) -> bool:
        """Whether somebody took the instrument of a capability back."""
        instrument = self.of(capability)
        return instrument is not None and instrument.taken_back is not None

    # -- what keeps a task from it --------------------------------------------------------------------------------

    def pending_reason(self, request: Request, contract: Contract, paid_by: str = "") -> Explanation | None:
        """What a task has to wait for before it may use its instrument; None if it may start now.

        Cases, in order:
          1. somebody took the instrument back;
          2. it is outside its windows, or what may take longest would end outside;
          3. its calibration has run out, or would before the task ends; or there is none, and it needs one;
          4. its control sample is due;
          5. it ends inside a reservation of its own team or campaign: that is what it was booked for;
          6. another's reservation would begin before it ends;
          7. it may run inside a reservation alone: that pays for it (`paid_by`), or its campaign has booked one.
        """
        instrument = self.of(contract.name)
        if instrument is None:
            return None
        if instrument.taken_back is not None:
            return self._taken_back(instrument)
        now, seconds = self.clock.now(), longest(contract)
        if not instrument.windows.may_hold(now, seconds):
            return _closed(instrument, now, seconds)
        if (uncalibrated := self._uncalibrated(instrument, now + timedelta(seconds=seconds))) is not None:
            return uncalibrated
        if self.is_control_due(instrument):
            return explained("control_due", instrument=instrument.name)
        run, mine = TimeSpan(now, now + timedelta(seconds=seconds)), self._is_holder(request)
        ahead = self.calendar.ahead(instrument.name, now)
        if any(mine(one) and one.span.contains(run) and paid_by in ("", one.stream) for one in ahead):
            return None
        others = [one for one in ahead if one.span.overlaps(run) and not mine(one)]
        if others:
            words = others[0].span.words(instrument.windows.zone)
            return explained("instrument_reserved", instrument=instrument.name, when=words)
        own = [one for one in ahead if mine(one) and (one.stream == paid_by or one.campaign)]
        if own or paid_by:
            words = own[0].span.words(instrument.windows.zone) if own else "…"
            return explained("reservation_awaited", instrument=instrument.name, when=words)
        return None

    def _is_holder(self, request: Request) -> Callable[[ReservedSpan], bool]:
        return lambda one: one.is_held_by(request.charter, request.team, request.campaign or "", request.sender)

    def reservation_at(self, request: Request, contract: Contract) -> str:
        """The reservation inside which a task that starts now runs, by its stream; empty if it runs in none."""
        instrument = self.of(contract.name)
        if instrument is None:
            return ""
        now, mine = self.clock.now(), self._is_holder(request)
        run = TimeSpan(now, now + timedelta(seconds=longest(contract)))
        ahead = self.calendar.ahead(instrument.name, now)
        return next((one.stream for one in ahead if mine(one) and one.span.contains(run)), "")

    def facts_at_start(self, request: Request, contract: Contract) -> dict[str, Any]:
        """What the entry by which a task starts keeps of its instrument."""
        reservation, instrument = self.reservation_at(request, contract), self.of(contract.name)
        facts: dict[str, Any] = {"reservation": reservation} if reservation else {}
        if instrument is not None and instrument.calibration is not None:
            facts["calibration"] = instrument.calibration.held.model_dump(mode="json", exclude_none=True)
        return facts

    def reservation_for(self, request: Request, contract: Contract) -> str:
        """The first reservation that could pay for the instrument hours of a task; empty if there is none."""
        instrument = self.of(contract.name)
        if instrument is None:
            return ""
        mine, seconds = self._is_holder(request), longest(contract)
        now = self.clock.now()
        return next(
            (
                one.stream
                for one in self.calendar.ahead(instrument.name, now)
                if mine(one)
                and one.span.starts < request.not_after
                and (one.span.ends - max(now, one.span.starts)).total_seconds() >= seconds
            ),
            "",
        )

    def is_over(self, stream: str, contract: Contract) -> bool:
        """Whether nothing under a contract can end inside a reservation any more."""
        reservation = self.calendar.get(stream)
        until = self.clock.now() + timedelta(seconds=longest(contract))
        return reservation.state is not ReservationState.BOOKED or until > reservation.booked.ends

    def _uncalibrated(self, instrument: Instrument, ends: datetime) -> Explanation | None:
        calibration = instrument.calibration
        if calibration is not None and ends > calibration.held.until:
            until = timestamp(calibration.held.until)[:16].replace("T", " ")
            return explained("calibration_lapsed", instrument=instrument.name, until=until)
        if calibration is None and instrument.settings.needs_calibration:
            return explained("calibration_missing", instrument=instrument.name)
        return None

    def _taken_back(self, instrument: Instrument) -> Explanation:
        taken = instrument.taken_back
        return explained(
            "instrument_taken_back", instrument=instrument.name, by=taken.by if taken else "",
            since=(taken.since if taken else "")[:16].replace("T", " "), why=(taken.why if taken else "") or "…",
            contact=f"operator@{self.site}",
        )  # fmt: skip


def _closed(instrument: Instrument, now: datetime, seconds: float) -> Explanation:
    window, zone = instrument.windows.next_for(now, seconds), instrument.windows.zone
    minutes = f"{seconds / 60:.3g}"
    if window is None:
        return explained("instrument_never_open", instrument=instrument.name, minutes=minutes)
    return explained("instrument_closed", instrument=instrument.name, minutes=minutes, when=window.words(zone))

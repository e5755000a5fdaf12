"""Answers about instruments: when one may be used, and who has it, until when and why."""

from __future__ import annotations

from pydantic import Field

from yosegi.core.identifiers import SiteId
from yosegi.core.states import BookingState, ReservationState
from yosegi.services.answer import Answer, Decimals, Timestamp
from yosegi.trust.explanation import Explanation


class InstrumentUse(Answer):
    """A task that runs on an instrument now.

    Args:
        task: `home/key`; empty where it is another team's.
        team: whose; empty where it is another team's.
        until: when it ends at the latest, by its contract.
    """

    task: str
    team: str
    capability: str
    since: Timestamp
    until: Timestamp


class ReservationDetail(Answer):
    """A reservation of an instrument.

    Args:
        id: its name among the instrument's; its first characters do.
        team: whose; empty where it is another team's, as are the fields below it.
        person: for whom it was booked, and `by` whom.
        campaign: the only one that uses it; empty if every campaign of the team may.
        starts: as it was booked, like `ends`.
        until: when it ended, or will.
        held: hours held from the grant until it is over, and `spent` the hours it cost.
    """

    instrument: str
    id: str
    state: ReservationState
    starts: Timestamp
    ends: Timestamp
    until: Timestamp
    team: str = ""
    charter: str = ""
    campaign: str = ""
    person: str = ""
    by: str = ""
    grant: str = ""
    held: Decimals = Field(default_factory=dict)
    spent: Decimals = Field(default_factory=dict)
    why: str = ""


class BookingDetail(Answer):
    """A reservation of another site's instrument, as this site knows it.

    Args:
        owner: whose instrument, and whose words `instrument`, `reasons` and `why` are.
        key: its name; its first characters do.
        capability: what was named that uses the instrument.
        instrument: as the owner calls it; empty until it has booked it.
        person: for whom.
        campaign: the only one that uses it; empty if every campaign of the team may.
        starts: as it was asked for, like `ends`.
        until: when it ended, or will.
        held: hours held from the grant at the owner until it is over, and `spent` the hours it cost.
        reasons: why it was refused.
        cancelling: whether the owner was asked to cancel it, and has not answered yet.
    """

    owner: SiteId
    key: str
    capability: str
    instrument: str
    state: BookingState
    starts: Timestamp
    ends: Timestamp
    until: Timestamp
    charter: str
    team: str
    campaign: str
    person: str
    purpose: str
    held: Decimals = Field(default_factory=dict)
    spent: Decimals = Field(default_factory=dict)
    reasons: tuple[Explanation, ...] = ()
    why: str = ""
    cancelling: bool = False


class CalibrationDetail(Answer):
    """The latest calibration of an instrument.

    Args:
        holds: whether it has not run out.
        object: of the data it rests on; empty if it names none.
        values: what was found, by name.
    """

    by: str
    since: Timestamp
    until: Timestamp
    holds: bool
    object: str
    values: dict[str, float]
    note: str


class ControlDetail(Answer):
    """The control sample of an instrument.

    Args:
        due: whether it is measured before anything else.
        measured: when it was last; empty if never.
        values: of those in control since the last that was not, the latest last.
        verdict: of the latest: empty if it was in control.
    """

    capability: str
    output: str
    target: float
    sigma: float
    due: bool
    measured: Timestamp
    values: tuple[float, ...]
    verdict: str


class InstrumentDetail(Answer):
    """An instrument of a site.

    Args:
        capabilities: what uses it.
        simulated: whether anything of it is simulated.
        time_zone: of its shifts.
        windows: when it may be used, as the owner wrote it; none where it may always be.
        open: whether it may be used now.
        window: the window of now, or the next, in words; empty where none is stated, or none is left.
        taken_back_by: who took it back, while nothing may use it; then `taken_back_since` and `taken_back_why` tell
            more.
        recorded: whether the ledger has the latest take-back; it counts all the same.
        running: what runs on it now.
        waiting: tasks that wait for it.
        reservations: in force and to come, the earliest first; of another team's, only when.
        calibration: the latest, if one is on record.
        control: the control sample, if it has one.
    """

    name: str
    capabilities: tuple[str, ...]
    time_zone: str
    windows: tuple[str, ...]
    open: bool
    window: str
    taken_back_by: str = ""
    taken_back_since: Timestamp = ""
    taken_back_why: str = ""
    recorded: bool = True
    running: tuple[InstrumentUse, ...] = ()
    waiting: int = 0
    reservations: tuple[ReservationDetail, ...] = ()
    calibration: CalibrationDetail | None = None
    control: ControlDetail | None = None
    simulated: bool = False

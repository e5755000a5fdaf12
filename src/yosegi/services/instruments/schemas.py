"""Answers about instruments: when one may be used, and who has it, until when and why."""

from __future__ import annotations

from pydantic import Field

from yosegi.core.states import ReservationState
from yosegi.services.answer import Answer, Decimals, Timestamp


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
        held: hours held from the grant, and `spent` the hours it cost.
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


class InstrumentDetail(Answer):
    """An instrument of a site.

    Args:
        capabilities: what uses it.
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

"""The states of tasks, trials, campaigns and reservations: for each an enum and a table of transitions."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from yosegi.core.errors import Conflict


class Effect(StrEnum):
    """What a task did to the world. Grants settle by it."""

    NONE = "none"
    DONE = "done"
    UNKNOWN = "unknown"


class Result(StrEnum):
    """What a task tells. Planners learn from it."""

    VALID = "valid"
    INVALID = "invalid"
    ABSENT = "absent"


class TaskState(StrEnum):
    """Where one task stands at its owner."""

    NEW = "new"
    """Known by its key only; nothing decided."""
    ACCEPTED = "accepted"
    """Authorised, its cost held; waits for a place."""
    DISPATCHED = "dispatched"
    """Durably committed to start; the engine has it."""
    UNCERTAIN = "uncertain"
    """Its effect is unknown; set aside until a person, or the device's own record, settles it."""
    ENDED = "ended"
    """Over, with an effect and a result."""
    REFUSED = "refused"
    """Not allowed, at arrival or just before the start; no effect."""
    CANCELLED = "cancelled"
    """Ended on request, proved without effect."""

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return not _TASK[self]


_TASK: Mapping[TaskState, frozenset[TaskState]] = {
    TaskState.NEW: frozenset({TaskState.ACCEPTED, TaskState.REFUSED}),
    TaskState.ACCEPTED: frozenset({TaskState.DISPATCHED, TaskState.REFUSED, TaskState.CANCELLED}),
    TaskState.DISPATCHED: frozenset({TaskState.DISPATCHED, TaskState.ENDED, TaskState.UNCERTAIN, TaskState.CANCELLED}),
    TaskState.UNCERTAIN: frozenset({TaskState.ENDED}),
    TaskState.ENDED: frozenset(),
    TaskState.REFUSED: frozenset(),
    TaskState.CANCELLED: frozenset(),
}


class TrialState(StrEnum):
    """Where one trial stands at its campaign's home."""

    PROPOSED = "proposed"
    """Recorded; its first task is not asked for yet."""
    RUNNING = "running"
    """At least one of its tasks is asked for."""
    COMPLETED = "completed"
    """Its value was observed."""
    INFEASIBLE = "infeasible"
    """The point has no answer; its neighbourhood is avoided."""
    FAILED = "failed"
    """It broke on the way; the point may be asked again."""
    REFUSED = "refused"
    """An owner or the home site said no; the source is left alone for a while."""
    UNCERTAIN = "uncertain"
    """One of its tasks has an unknown effect; a person settles it, the campaign goes on."""
    WITHDRAWN = "withdrawn"
    """Taken back before its effect."""

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return not _TRIAL[self]


_ENDS = {TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED, TrialState.REFUSED, TrialState.WITHDRAWN}
_TRIAL: Mapping[TrialState, frozenset[TrialState]] = {
    TrialState.PROPOSED: frozenset({TrialState.RUNNING, TrialState.REFUSED, TrialState.WITHDRAWN}),
    TrialState.RUNNING: frozenset({*_ENDS, TrialState.UNCERTAIN}),
    TrialState.UNCERTAIN: frozenset({TrialState.RUNNING, *_ENDS}),
    **{end: frozenset() for end in _ENDS},
}


class CampaignState(StrEnum):
    """Where a campaign stands."""

    RUNNING = "running"
    HELD = "held"
    """Starts nothing new; what runs goes on."""
    STOPPING = "stopping"
    """Safe stop asked for; waits for what runs to end."""
    STOPPED = "stopped"
    """Nothing runs; may be resumed."""
    ENDED = "ended"
    """Answered, or out of budget or hope; may be extended and taken up again."""
    ABORTED = "aborted"
    """Ended by a person, at once."""

    @property
    def final(self) -> bool:
        """Whether it goes on no more by itself; a person may extend one that has ended, and take it up again."""
        return self in (CampaignState.ENDED, CampaignState.ABORTED)


_CAMPAIGN: Mapping[CampaignState, frozenset[CampaignState]] = {
    CampaignState.RUNNING: frozenset(
        {CampaignState.HELD, CampaignState.STOPPING, CampaignState.ENDED, CampaignState.ABORTED}
    ),
    CampaignState.HELD: frozenset({CampaignState.RUNNING, CampaignState.STOPPING, CampaignState.ABORTED}),
    CampaignState.STOPPING: frozenset({CampaignState.STOPPED, CampaignState.ABORTED}),
    CampaignState.STOPPED: frozenset({CampaignState.RUNNING, CampaignState.ABORTED}),
    CampaignState.ENDED: frozenset({CampaignState.RUNNING}),
    CampaignState.ABORTED: frozenset(),
}


class ReservationState(StrEnum):
    """Where one reservation stands."""

    NEW = "new"
    """Nothing is booked."""
    BOOKED = "booked"
    """Its span is its holder's."""
    RELEASED = "released"
    """What was left of its span is anybody's again; it is not paid yet."""
    CANCELLED = "cancelled"
    """Taken back before it began; it costs nothing."""
    SETTLED = "settled"
    """Over, and paid."""

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return not _RESERVATION[self]


_RESERVATION: Mapping[ReservationState, frozenset[ReservationState]] = {
    ReservationState.NEW: frozenset({ReservationState.BOOKED}),
    ReservationState.BOOKED: frozenset(
        {ReservationState.RELEASED, ReservationState.CANCELLED, ReservationState.SETTLED}
    ),
    ReservationState.RELEASED: frozenset({ReservationState.SETTLED}),
    ReservationState.CANCELLED: frozenset(),
    ReservationState.SETTLED: frozenset(),
}


class BookingState(StrEnum):
    """Where a reservation at another site stands, as its home site knows it."""

    NEW = "new"
    """Nothing is asked."""
    ASKED = "asked"
    """Its owner has not answered yet."""
    UNDELIVERED = "undelivered"
    """Its owner did not take the request, or not in time; should it have, its word counts after all."""
    REFUSED = "refused"
    """Its owner will not book it."""
    BOOKED = "booked"
    """Its span is its holder's."""
    RELEASED = "released"
    """What was left of its span is anybody's again; it is not paid yet."""
    CANCELLED = "cancelled"
    """Taken back before it began; it costs nothing."""
    SETTLED = "settled"
    """Over, and paid."""

    @property
    def final(self) -> bool:
        """Whether nothing can follow."""
        return not _BOOKING[self]

    @property
    def stands(self) -> bool:
        """Whether it may still come to something, as far as is known, so that the same is not asked for again."""
        return self in (BookingState.ASKED, BookingState.BOOKED, BookingState.RELEASED)


_BOOKING: Mapping[BookingState, frozenset[BookingState]] = {
    BookingState.NEW: frozenset({BookingState.ASKED}),
    # A later word of the owner may take the place of one that was not delivered yet.
    BookingState.ASKED: frozenset(BookingState) - {BookingState.NEW, BookingState.ASKED},
    BookingState.UNDELIVERED: frozenset(BookingState)
    - {BookingState.NEW, BookingState.ASKED, BookingState.UNDELIVERED},
    BookingState.REFUSED: frozenset(),
    BookingState.BOOKED: frozenset({BookingState.RELEASED, BookingState.CANCELLED, BookingState.SETTLED}),
    BookingState.RELEASED: frozenset({BookingState.SETTLED}),
    BookingState.CANCELLED: frozenset(),
    BookingState.SETTLED: frozenset(),
}

State = TaskState | TrialState | CampaignState | ReservationState | BookingState


def may_follow(before: State, after: State) -> bool:
    """Whether the table allows the transition."""
    return after in _followers(before)


def transition(what: str, before: State, after: State) -> None:
    """Check a transition.

    Raises:
        Conflict: the table does not allow it; says what it allows.
    """
    if not may_follow(before, after):
        allowed = ", ".join(sorted(_followers(before))) or "nothing"
        raise Conflict(what, f"is {before} and cannot become {after}", f"from {before} follows {allowed}")


def _followers(state: State) -> frozenset[State]:
    # Members of different string enums with the same text are equal, so the kind decides which table is read.
    if isinstance(state, TaskState):
        return frozenset(_TASK[state])
    if isinstance(state, TrialState):
        return frozenset(_TRIAL[state])
    if isinstance(state, ReservationState):
        return frozenset(_RESERVATION[state])
    if isinstance(state, BookingState):
        return frozenset(_BOOKING[state])
    return frozenset(_CAMPAIGN[state])

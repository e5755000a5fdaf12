"""How an attempt ended: its outcome, codes for one without a valid result, and why a task waits or is refused.

On the wire and in ledgers they are plain text. A code that is not listed comes from another version of this program; it
is shown as it is, and nothing is concluded from it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from yosegi.core.amounts import Amounts
from yosegi.core.states import Effect, Result
from yosegi.core.values import Value


class OutcomeCode(StrEnum):
    """Why an attempt has no valid result: the `reason` of an `Outcome`."""

    INFEASIBLE = "infeasible"
    """The point has no answer."""
    FAILED = "failed"
    """The capability raised an exception; its last line is the message."""
    BAD_INPUTS = "bad_inputs"
    """The inputs do not hold what the contract says; the capability was not called."""
    BAD_OUTPUT = "bad_output"
    """It ended without an answer, or with one that is not what the contract says."""
    OUTPUT_TOO_LARGE = "output_too_large"
    """It answered or printed more than is taken."""
    TIME_LIMIT = "time_limit"
    """It ran longer than the contract allows and was ended."""
    CRASHED = "crashed"
    """Its process ended by itself, by a signal or with an error."""
    CANCELLED = "cancelled"
    """Taken back before it had an effect."""
    NEVER_HAPPENED = "never_happened"
    """The device was asked by key, and says that it has not done it."""
    NOT_STARTED = "not_started"
    """It could not be started; nothing happened."""
    STATION_SILENT = "station_silent"
    """The station may have begun it and has not been heard of for too long."""
    FACILITY_SILENT = "facility_silent"
    """Another facility may have begun it, and does not tell what became of it."""
    STATION_RESTARTED = "station_restarted"
    """The station ended between the start and the end of it."""
    JOB_ENDED = "job_ended"
    """The batch scheduler ended its job: too much memory, a node down, somebody at the centre; its words tell which."""
    NO_ACCOUNT = "no_account"
    """Its person has no account on the machine that would run it; the computing centre gives one."""
    JOB_LOST = "job_lost"
    """Its job began, and neither its files nor the batch scheduler tell how it ended."""
    STOPPED = "stopped"
    """It was told to stop, by a person or because a right lapsed."""
    INTERRUPTED = "interrupted"
    """The site ended while it ran, and its engine does not remember what it did."""
    GIVEN_UP = "given_up"
    """What ran it, the site or its station, ended as often as it was begun; it is not begun again."""
    LOST_IN_RESTORE = "lost_in_restore"
    """It may have run after the backup was made from which the site was restored."""
    CAPABILITY_GONE = "capability_gone"
    """It ran when the site ended, and its capability is no longer published."""
    SETTLED_BY_PERSON = "settled_by_person"
    """A person looked and said what it did."""
    ONLY_A_SUGGESTION = "only_a_suggestion"
    """It was asked as a suggestion, which is never carried out."""

    @property
    def from_engine(self) -> bool:
        """Whether an engine says it; the others are the owner's own."""
        return self not in _OWNERS

    @property
    def counts_against_capability(self) -> bool:
        """Whether it may be the capability's own fault, so that a breaker counts it.

        A point without an answer is a good answer, and what was stopped, taken back, wrongly asked or forgotten says
        nothing of the capability.
        """
        return self not in _BLAMELESS


_OWNERS = frozenset(
    {
        OutcomeCode.INTERRUPTED,
        OutcomeCode.LOST_IN_RESTORE,
        OutcomeCode.CAPABILITY_GONE,
        OutcomeCode.SETTLED_BY_PERSON,
        OutcomeCode.ONLY_A_SUGGESTION,
    }
)
_BLAMELESS = frozenset(
    {
        OutcomeCode.INFEASIBLE,
        OutcomeCode.NO_ACCOUNT,
        OutcomeCode.CANCELLED,
        OutcomeCode.BAD_INPUTS,
        OutcomeCode.STOPPED,
        OutcomeCode.INTERRUPTED,
        OutcomeCode.LOST_IN_RESTORE,
    }
)


class ReasonCode(StrEnum):
    """Reasons upon which the program acts, among those that are only told to people (`yosegi.core.reasons`)."""

    APPROVAL_MISSING = "approval_missing"
    """The task waits for a person's approval."""
    GRANT_EXCEEDED = "grant_exceeded"
    """No grant of the team covers the cost."""


def code_of(reason: str) -> OutcomeCode | None:
    """The code of an outcome's `reason`; None for an empty or unknown one."""
    try:
        return OutcomeCode(reason)
    except ValueError:
        return None


class Outcome(Value):
    """How one attempt ended: what it did to the world, and what it tells.

    `reason` is the text of an `OutcomeCode` and `message` its detail; both empty for a valid result. `spent` is the
    actual cost, absent where the contract's cost applies. `joules` is the energy of what it ran on, as a scheduler
    measured it; absent where none tells it.
    """

    effect: Effect = Field(strict=False)
    result: Result = Field(strict=False)
    outputs: dict[str, Any] | None = None
    spent: Amounts | None = None
    reason: str = ""
    message: str = ""
    joules: float | None = Field(default=None, ge=0)

    @classmethod
    def failed(cls, effect: Effect, reason: str, message: str = "", *, invalid: bool = False) -> Outcome:
        """An outcome without a usable result."""
        result = Result.INVALID if invalid else Result.ABSENT
        return cls(effect=effect, result=result, reason=str(reason), message=message[:2000])

    @property
    def code(self) -> OutcomeCode | None:
        """What `reason` says; None for a valid result, and for a code of another version of this program."""
        return code_of(self.reason)

"""Answers about a whole site's work: its stop level, breakers, stations, and what a restoration left open."""

from __future__ import annotations

from yosegi.core.background_state import BackgroundState
from yosegi.services.answer import Answer, Timestamp


class StopStatus(Answer):
    """Whether a site starts nothing new, by which word it was stopped, by whom, when and why; empty if it was not.

    Args:
        recorded: whether the ledger has it. A stop that could not be recorded is done all the same, and is recorded as
            soon as that is possible.
    """

    held: bool
    word: str
    recorded: bool = True
    by: str = ""
    since: Timestamp = ""
    why: str = ""


class BreakerStatus(Answer):
    """Why a capability's breaker is open; empty if it is closed."""

    breaker: str


class LostEntry(Answer):
    """What a peer's receipt proves of an entry that a restoration lost."""

    stream: str
    type: str
    time: Timestamp


class RestorationStatus(Answer):
    """What a restoration from a backup may have lost.

    Args:
        open: whether it waits for a person to settle it.
        epoch: which the restoration opened.
        lost: what peers' receipts prove of it, oldest first.
        unheard: peers that were asked what they hold of it, and have not answered yet.
    """

    open: bool
    epoch: int
    lost: tuple[LostEntry, ...]
    unheard: tuple[str, ...] = ()


class RestorationSettled(Answer):
    """Whether the restoration still waits for a person."""

    open: bool


class StationStatus(Answer):
    """Why a station waits for a person; empty if it does not."""

    unsettled: str


class BackgroundTaskStatus(Answer):
    """What is known of one task that runs in the background.

    Args:
        owner: the part of the site that it belongs to.
        since: when it came into this state.
        failures: in a row; a round that succeeds sets it to 0.
        last_error: of the latest failure; empty if it never failed.
        resumes: when it begins again, while it is backing off; else empty.
    """

    owner: str
    name: str
    state: BackgroundState
    since: Timestamp
    failures: int
    last_error: str
    resumes: Timestamp

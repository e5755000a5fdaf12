"""Answers about instruments: when one may be used, and who has it, until when and why."""

from __future__ import annotations

from yosegi.services.answer import Answer, Timestamp


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

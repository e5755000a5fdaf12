"""A breaker for each capability: after failures or unknown effects in a row nothing new starts until a person looked.

What counts is an attempt that went wrong, not a point without an answer: `infeasible` is a good answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yosegi.core.engine import Outcome
from yosegi.core.states import Effect, Result
from yosegi.ledger import Draft, Ledger, Write

OPENED = "breaker.opened"
CLOSED = "breaker.closed"
OPENS_AT = 3
"""Attempts in a row that go wrong before the breaker opens."""


def went_wrong(outcome: Outcome) -> bool:
    """Whether an attempt counts against its capability."""
    if outcome.code is not None and not outcome.code.counts_against_capability:
        return False
    return outcome.effect is Effect.UNKNOWN or outcome.result is not Result.VALID


@dataclass
class Breakers:
    """The breakers of one owner, on record in its ledger."""

    site: str
    ledger: Ledger
    _open: dict[str, str] = field(default_factory=dict)
    _in_a_row: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Read back which are open."""
        for stream in self.ledger.streams("breaker/"):
            last = self.ledger.read(stream)[-1]
            if last.type == OPENED:
                self._open[stream.removeprefix("breaker/")] = str((last.body or {}).get("why", ""))

    @property
    def opened(self) -> Mapping[str, str]:
        """What opened each that is open, by capability."""
        return dict(self._open)

    def why_open(self, capability: str) -> str:
        """What opened it; empty while it is closed."""
        return self._open.get(capability, "")

    def note(self, capability: str, outcome: Outcome) -> Write | None:
        """How an attempt went; the write that opens the breaker, if it does."""
        self._in_a_row[capability] = self._in_a_row.get(capability, 0) + 1 if went_wrong(outcome) else 0
        if self._in_a_row[capability] < OPENS_AT or capability in self._open:
            return None
        why = f"{OPENS_AT} in a row went wrong, the last: {outcome.reason} {outcome.message}".strip()[:500]
        self._open[capability] = why
        draft = Draft(OPENED, {"capability": capability}, {"why": why})
        return Write(f"breaker/{capability}", None, (draft,), charter="", actor=self.site)

    def close(self, capability: str, by: str, note: str) -> Write | None:
        """The write that closes it; None if it is closed."""
        if self._open.pop(capability, None) is None:
            return None
        self._in_a_row[capability] = 0
        draft = Draft(CLOSED, {"capability": capability}, {"note": note})
        return Write(f"breaker/{capability}", None, (draft,), charter="", actor=by)

"""Breakers: after failures or unknown effects in a row nothing new starts until a person looked.

A capability has one for each requester, so that whoever sends it what it cannot do closes it to nobody else; and one of
its own, which opens when several requesters, who do not speak for one another, have found it broken.

What counts is an attempt that went wrong, not a point without an answer: `infeasible` is a good answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from yosegi.core.engine import Outcome
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result
from yosegi.ledger import Draft, Ledger, Write
from yosegi.trust.messages import Request

OPENED = "breaker.opened"
CLOSED = "breaker.closed"
OPENS_AT = 3
"""Attempts of one requester in a row that go wrong before its breaker opens."""
SEVERAL = 2
"""Requesters whose breakers are open before the capability's own opens."""


def went_wrong(outcome: Outcome) -> bool:
    """Whether an attempt counts against its capability."""
    if outcome.code is not None and not outcome.code.counts_against_capability:
        return False
    return outcome.effect is Effect.UNKNOWN or outcome.result is not Result.VALID


@dataclass(frozen=True, slots=True)
class Requester:
    """A person, and the home site that speaks for them.

    Args:
        site: the home site, which signs the request.
        person: on whose behalf it asks.
    """

    site: str
    person: str

    @classmethod
    def of(cls, request: Request) -> Requester:
        """Who asked for something."""
        return cls(request.sender, request.on_behalf_of)

    def __str__(self) -> str:
        return self.person if self.person.endswith(f"@{self.site}") else f"{self.person} through {self.site}"


@dataclass
class Breakers:
    """The breakers of one owner, on record in its ledger.

    Streams are `breaker/CAPABILITY` and `breaker/CAPABILITY/SITE/PERSON`.
    """

    site: str
    ledger: Ledger
    _open: dict[tuple[str, Requester | None], str] = field(default_factory=dict)
    _in_a_row: dict[tuple[str, Requester], int] = field(default_factory=dict)

    def start(self) -> None:
        """Read back which are open."""
        for stream in self.ledger.streams("breaker/"):
            last = self.ledger.read(stream)[-1]
            if last.type == OPENED:
                capability, *who = stream.removeprefix("breaker/").split("/", 2)
                self._open[capability, Requester(*who) if who else None] = str((last.body or {}).get("why", ""))

    @property
    def opened(self) -> Mapping[str, str]:
        """What opened each capability's own that is open, by capability."""
        return {capability: why for (capability, who), why in self._open.items() if who is None}

    @property
    def opened_to(self) -> Mapping[tuple[str, Requester], str]:
        """What opened each requester's that is open, by capability and requester."""
        return {(capability, who): why for (capability, who), why in self._open.items() if who is not None}

    def why_open(self, capability: str) -> str:
        """What opened the capability's own; empty while it is closed."""
        return self._open.get((capability, None), "")

    def why_open_to(self, capability: str, who: Requester) -> str:
        """What keeps a requester from a capability; empty if no breaker does."""
        return self.why_open(capability) or self._open.get((capability, who), "")

    def note(self, capability: str, who: Requester, outcome: Outcome) -> tuple[Write, ...]:
        """How an attempt went; the writes that open breakers, if it does open any."""
        here = capability, who
        # What ended its site or station as often as it was begun says enough by itself.
        one = OPENS_AT if outcome.code is OutcomeCode.GIVEN_UP else 1
        self._in_a_row[here] = self._in_a_row.get(here, 0) + one if went_wrong(outcome) else 0
        if not self._in_a_row[here]:
            del self._in_a_row[here]
        if self._in_a_row.get(here, 0) < OPENS_AT or here in self._open:
            return ()
        last = f"{outcome.reason} {outcome.message}".strip()
        why = (last if one == OPENS_AT else f"{OPENS_AT} in a row went wrong, the last: {last}")[:500]
        writes = [self._opening(capability, who, why)]
        if (capability, None) not in self._open and len(self._voices(capability)) >= SEVERAL:
            writes.append(self._opening(capability, None, f"for {SEVERAL} requesters {why}"[:500]))
        return tuple(writes)

    def _voices(self, capability: str) -> set[str]:
        """Who says by an open breaker that it is broken: this site's own people each; of a peer's, all are one voice.

        A peer vouches for its people, and so could let any number of them speak.
        """
        return {
            who.person if who.site == self.site else who.site for (name, who), _ in self.opened_to.items()
            if name == capability
        }  # fmt: skip

    def _opening(self, capability: str, who: Requester | None, why: str) -> Write:
        self._open[capability, who] = why
        draft = Draft(OPENED, {"capability": capability}, {"why": why})
        return Write(_stream(capability, who), None, (draft,), charter="", actor=self.site)

    def open_all(self, capabilities: Iterable[str], why: str) -> tuple[Write, ...]:
        """The writes that open the own breakers of capabilities, but for those that are open."""
        return tuple(self._opening(name, None, why[:500]) for name in capabilities if (name, None) not in self._open)

    def close(self, capability: str, by: str, note: str) -> tuple[Write, ...]:
        """The writes that close it to everybody; none if it is closed to nobody."""
        found = [who for name, who in self._open if name == capability]
        for who in found:
            del self._open[capability, who]
        self._in_a_row = {here: count for here, count in self._in_a_row.items() if here[0] != capability}
        draft = Draft(CLOSED, {"capability": capability}, {"note": note})
        return tuple(Write(_stream(capability, who), None, (draft,), charter="", actor=by) for who in found)


def _stream(capability: str, who: Requester | None) -> str:
    return f"breaker/{capability}" if who is None else f"breaker/{capability}/{who.site}/{who.person}"

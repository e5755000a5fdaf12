"""What agents call: so many a minute, within the mandate's budget, and each on record with what it was answered.

A call is on record in the ledger like everything else, so that what an agent did is one stream, one page and one
command, and its budget of calls outlives a restart. A person's own client only reads; its calls are counted and not
recorded, as a person's looks at pages are not.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.errors import NotFound, Refused
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.mandates.mandate import Mandate, MandateRefused
from yosegi.identity.accounts import Session
from yosegi.ledger import Ledger, Write
from yosegi.services.agents.schemas import AgentActivity, AgentCall
from yosegi.services.agents.view import agent_stream, called

MOST_A_MINUTE = 120
"""Calls of one agent, or of one person's own client."""
MOST_AT_ONCE = 32
"""Calls of one of them that are under way."""
MOST_ARGUMENTS = 16 * 1024
"""Bytes of what was given that are kept; of more, the digest alone."""
MOST_CALLERS = 4096


@dataclass
class AgentService:
    """Calls of the agents of one site."""

    ledger: Ledger
    clock: Clock
    delegation: Delegation
    most_a_minute: int = MOST_A_MINUTE
    _times: dict[str, deque[float]] = field(default_factory=dict)
    _under_way: Counter[str] = field(default_factory=Counter)
    """Calls that are not on record yet, by caller and by mandate."""

    @contextmanager
    def one_call(self, who: Session, mandate: Mandate | None, *, ends: bool = False) -> Iterator[None]:
        """One more call, if it is within bounds; it counts while it is under way, and then by its record.

        What takes something back is bounded by the rate alone.

        Raises:
            Refused: `called_too_often`, or `calls_used_up`.
        """
        name = f"{who.person} {who.mandate}"
        if not self._allows(name) or self._under_way[name] >= MOST_AT_ONCE:
            raise Refused("this call", ("called_too_often",))
        if mandate is not None and not ends and self.left(mandate) == 0:
            raise Refused(f"a call under the mandate {mandate.id}", ("calls_used_up",))
        counted = Counter([name, *([mandate.id] if mandate is not None else [])])
        self._under_way += counted
        try:
            yield
        finally:
            self._under_way -= counted

    def check_listing(self, who: Session) -> None:
        """See that somebody may list what there is once more; that changes nothing and is bounded by its rate.

        Raises:
            Refused: `called_too_often`.
        """
        if not self._allows(f"{who.person} {who.mandate} lists"):
            raise Refused("this call", ("called_too_often",))

    def _allows(self, name: str) -> bool:
        now = self.clock.monotonic()
        if len(self._times) > MOST_CALLERS:
            self._times = {who: times for who, times in self._times.items() if times and times[-1] > now - 60.0}
        times = self._times.setdefault(name, deque())
        while times and times[0] <= now - 60.0:
            times.popleft()
        if len(times) >= self.most_a_minute:
            return False
        times.append(now)
        return True

    def left(self, mandate: Mandate) -> int | None:
        """Calls that are left, of the mandate and of each that it was cut from; None if none has such a budget.

        Those under way are counted: else many at once would be as many more than the budget.
        """
        found: Mandate | None = mandate
        least: int | None = None
        while found is not None:
            if found.right.calls is not None:
                here = max(0, found.right.calls - self._calls_below(found.id))
                least = here if least is None else min(least, here)
            found = self.delegation.get(found.parent) if found.parent is not None else None
        return least

    def _calls_below(self, mandate: str) -> int:
        total = 0
        for name in self.delegation.cut_from(mandate):
            rows = self.ledger.query("SELECT calls FROM agent_totals WHERE mandate = ?", (name,))
            total += (int(rows[0]["calls"]) if rows else 0) + self._under_way[name]
        return total

    async def record(
        self, who: Session, charter: str, tool: str, arguments: dict[str, Any], *, acts: bool, outcome: str,
        codes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """Put one call of an agent on record; of a person's own client none."""
        if not who.agent:
            return
        data = canonical.dumps(arguments)
        kept = arguments if len(data) <= MOST_ARGUMENTS else {"bytes": len(data)}
        digest = canonical.digest(data)
        draft = called(who.mandate, tool, acts=acts, outcome=outcome, codes=codes, digest=digest, arguments=kept)
        stream = agent_stream(who.mandate)
        await self.ledger.append(
            Write(stream, None, (draft,), charter=charter, actor=who.agent, on_behalf_of=who.person)
        )

    def activity(self, mandate: str, who: Session, most: int = 100) -> AgentActivity:
        """What was called under a mandate: for its person, its agent, and those who run the site.

        Raises:
            NotFound: no such mandate, or none that somebody may look at.
        """
        try:
            found = self.delegation.get(mandate)
        except MandateRefused:
            raise NotFound("mandate", mandate) from None
        mine = found.person == who.person and (not who.agent or mandate in self.delegation.cut_from(who.mandate))
        if not mine and (who.agent or not who.runs_the_site):
            raise NotFound("mandate", mandate)
        totals = self.ledger.query("SELECT calls, refused FROM agent_totals WHERE mandate = ?", (mandate,))
        rows = self.ledger.query(
            "SELECT * FROM agent_calls WHERE mandate = ? ORDER BY sequence DESC LIMIT ?", (mandate, most)
        )
        return AgentActivity(
            mandate=mandate,
            agent=found.agent or "",
            person=found.person,
            stands=self.delegation.over(mandate) is None,
            calls=int(totals[0]["calls"]) if totals else 0,
            refused=int(totals[0]["refused"]) if totals else 0,
            left=self.left(found),
            latest=tuple(
                AgentCall(
                    sequence=row["sequence"],
                    time=row["at"],
                    tool=row["tool"],
                    acts=bool(row["acts"]),
                    outcome=row["outcome"],
                    codes=tuple(filter(None, row["codes"].split(","))),
                    arguments=row["arguments"],
                )
                for row in rows
            ),
        )

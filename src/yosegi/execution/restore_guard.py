"""What a restored ledger may have lost: until a person has looked, nothing that cannot be repeated is started.

After a backup was restored nobody here knows what was asked and done since it was made. So what may have happened
never happens again: a request made before the restoration that this ledger does not know is not carried out, and what
it knew as waiting or running is uncertain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from yosegi.core.clock import parse_timestamp
from yosegi.core.contract import Contract
from yosegi.core.errors import Conflict, Invalid
from yosegi.exchange.restore_sync import ASKED, HEARD
from yosegi.governance.policy.explanation import explained
from yosegi.ledger import LEDGER, OPENED, REFILLED, Draft, Ledger, Write
from yosegi.trust.document import SKEW
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Request

SETTLED = "restore.settled"
STREAM = "restore/gap"


@dataclass
class RestoreGuard:
    """The last restoration of this ledger, and whether a person has settled it."""

    site: str
    ledger: Ledger
    epoch: int = 0
    sequence: int = -1
    """Of the entry that opened the epoch; what stands before it is as old as the backup."""
    since: datetime | None = None
    open: bool = False

    def __post_init__(self) -> None:
        openings = [e for e in self.ledger.read(LEDGER) if e.type == OPENED and "restored" in e.facts]
        if not openings:
            return
        # An epoch that the site opened itself, to admit more of what was lost, belongs to the same restoration: it was
        # settled with that, once.
        openings = [entry for entry in openings if entry.header.actor != self.site] or openings[:1]
        settled = max((entry.facts["epoch"] for entry in self.ledger.read(STREAM)), default=0)
        self.epoch, self.sequence = openings[-1].header.epoch, openings[-1].sequence
        self.since = parse_timestamp(openings[-1].time)
        self.open = settled < self.epoch

    def closes(self, contract: Contract, request: Request) -> Explanation | None:
        """Why a request may not be taken: the gap is not settled, or it may have been carried out before."""
        if self.since is None or contract.effect.repeatable:
            return None
        if request.issued <= self.since + SKEW:
            return explained("lost_in_restore", site=self.site)
        if self.open:
            return explained("restore_unsettled", site=self.site, contact=f"operator@{self.site}")
        return None

    def is_older(self, sequence: int) -> bool:
        """Whether an entry is from before the restoration."""
        return sequence < self.sequence

    def lost(self) -> list[dict[str, str]]:
        """What peers' receipts prove of the lost entries: stream, type and time of each, oldest first."""
        headers = [entry.facts["header"] for entry in self.ledger.read(LEDGER) if entry.type == REFILLED]
        return [{name: str(header[name]) for name in ("stream", "type", "time")} for header in headers]

    def unheard(self) -> tuple[str, ...]:
        """The peers that were asked for what they hold of the lost entries, and have not answered yet."""
        silent: dict[str, bool] = {}
        for stream in self.ledger.streams("recall/"):
            types = {entry.type for entry in self.ledger.read(stream) if not self.is_older(entry.sequence)}
            peer = stream.rpartition("/")[2]
            silent[peer] = silent.get(peer, False) or (ASKED in types and HEARD not in types)
        return tuple(sorted(peer for peer, is_silent in silent.items() if is_silent))

    async def settle(self, by: str, note: str) -> None:
        """A person has looked at every instrument; what cannot be repeated may start again.

        Raises:
            Conflict: there is nothing to settle.
            Invalid: the note says nothing.
        """
        if not self.open:
            raise Conflict("the restoration", "there is none that waits to be settled", "there is nothing to do")
        if not note.strip():
            raise Invalid("the note", "it is empty", "say what was found at the instruments")
        draft = Draft(SETTLED, {"epoch": self.epoch}, {"note": note})
        await self.ledger.append(Write(STREAM, None, (draft,), charter="", actor=by))
        self.open = False

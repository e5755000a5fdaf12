"""Reads a running site's ledger again and again from its file, so that damage is told before the entry is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from yosegi.core.clock import Clock
from yosegi.core.errors import YosegiError
from yosegi.ledger import StoreFailed
from yosegi.ledger.snapshot import Snapshot

AT_ONCE = 500
"""Entries in one round."""
EVERY = 20.0
"""Seconds between two rounds."""
REST = 3600.0
"""Seconds between two readings of all."""


@dataclass
class LedgerScrub:
    """Goes along all entries and verifies each against the tree; when all are read, the store's own pages.

    Args:
        snapshot: the ledger as its file says now; whatever the site itself remembers of it is no proof.
        every: seconds between two rounds.
    """

    site: str
    snapshot: Callable[[], Snapshot]
    clock: Clock
    every: float = EVERY
    damage: str = ""
    """What was found wrong; empty while nothing is."""
    _next: int = 0

    async def round(self) -> bool:
        """Read some more; there is always another round."""
        await self.clock.sleep(self.every)
        more = await asyncio.to_thread(self._read)
        if not more and not self.damage:
            await self.clock.sleep(REST)
        return True

    def _read(self) -> bool:
        """Verify the next entries; whether there are others after them."""
        try:
            with self.snapshot() as ledger:
                ledger.check_part(self.site, self._next, AT_ONCE)
                if self._next + AT_ONCE >= ledger.size:
                    ledger.check_pages()
                self._next = self._next + AT_ONCE if self._next + AT_ONCE < ledger.size else 0
        except StoreFailed:
            raise  # the disk does not answer now, which says nothing of the ledger
        except YosegiError as error:
            self.damage = str(error)
            return False
        if not self._next:
            self.damage = ""
        return self._next > 0

"""The high-water mark of a ledger: its newest signed checkpoint, kept in the home beside the ledger's own file.

A ledger's file that was deleted, emptied, or put back as it was some days ago holds together by itself. The mark does
not go back with it: a home that ever had a ledger never begins a new one, and an older copy is not gone on with as if
nothing had happened. It is written after the ledger, some seconds behind and without a sync, so it never says more
than the ledger holds; what it misses the peers know (`yosegi.exchange.witness`).
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from yosegi.core.clock import Clock
from yosegi.core.errors import Corrupt, YosegiError
from yosegi.ledger import Checkpoint, Ledger, LedgerBehind
from yosegi.trust.envelope import Envelope

EVERY = 1.0
"""Seconds between two writes of the mark, at least."""


@dataclass
class HighWaterMark:
    """One home's mark.

    Args:
        path: its file.
    """

    path: Path

    def check_present(self, *, exists: bool) -> None:
        """Refuse to begin a new ledger in a home that had one.

        Args:
            exists: whether there is a ledger in its place.

        Raises:
            Corrupt: there is none, and there was one.
        """
        if not exists and self.path.exists():
            signed = self._read()
            had = f"over {signed.size} entries" if signed else "of some size"
            raise Corrupt(
                f"the ledger of {self.path.parent}",
                f"it is empty or gone, and {self.path.name} says that it was {had}",
                "bring it back, or a backup: yosegi site restore BACKUP NEW-HOME",
            )

    def check(self, ledger: Ledger) -> None:
        """Hold a ledger that was opened against the mark; a restored copy is about to say itself what it lost.

        Raises:
            LedgerBehind: it was further, or told another story.
        """
        signed = self._read()
        if signed is None or ledger.restored or signed.epoch < ledger.epoch:
            return
        lost = signed.epoch > ledger.epoch or signed.size > ledger.size
        if lost or ledger.root(signed.size) != signed.root_hash:
            raise LedgerBehind(ledger.site, ledger.size, signed.size, f"{self.path.name} in its home has")

    def write(self, signed: Envelope) -> None:
        """Keep a checkpoint, whole or not at all."""
        beside = self.path.with_name(self.path.name + ".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(signed.to_bytes())
        beside.replace(self.path)

    def _read(self) -> Checkpoint | None:
        """What it says; nothing, if it is not there or was lost with the power."""
        try:
            return Checkpoint.read(Envelope.read(self.path.read_bytes()).payload)
        except (OSError, YosegiError):
            return None


@dataclass
class MarkKeeper:
    """Writes the mark of a running site's ledger."""

    mark: HighWaterMark
    ledger: Ledger
    clock: Clock
    _written: int = -1

    async def round(self) -> bool:
        """Write it once there is something new; there is always another round."""
        last = await self.ledger.changed(self._written, 600.0)
        if last > self._written and self.ledger.stopped is None:
            await asyncio.to_thread(self.mark.write, self.ledger.checkpoint())
            self._written = last
        await self.clock.sleep(EVERY)
        return True

"""Peers witness each other: whoever tells two stories is caught at the next exchange, by anybody it talks to.

Each parcel may carry its sender's signed checkpoint, with a proof that it continues the one its addressee holds. The
latest is kept in memory, and on record every so often; two that contradict each other are recorded as evidence, and
their signer is suspended here until a person has looked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.errors import NotFound, Unavailable
from yosegi.exchange.parcel import History
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import LEDGER, OPENED, Checkpoint, Draft, Header, Ledger, Receipt, Write
from yosegi.ledger.witness import Forked, check_continues
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Signer

WITNESSED = "peer.witnessed"
FORKED = "peer.forked"
EVERY = 10.0
"""Seconds between two checkpoints told to one peer."""
IDLE = 40.0
"""Seconds without news of a peer's ledger after which it is asked: a fork is caught within a minute, also when idle."""
RECORD_EVERY = 3600.0
MOST_UNPROVEN = 5
"""Checkpoints without proof that they continue what is held here, after which nothing more of a peer is taken in."""


@dataclass
class Witness:
    """What this site holds of its peers' ledgers, and what they hold of its own.

    Args:
        lasting: signs what is told beside the key that signed it at once, so that what peers put on record each hour
            can be believed for decades.
    """

    site: str
    ledger: Ledger
    clock: Clock
    directory: Registry
    lasting: Signer | None = None
    forked: set[str] = field(default_factory=set)
    _held: dict[tuple[str, str], Envelope] = field(default_factory=dict)
    _told: dict[tuple[str, str], tuple[int, int, float]] = field(default_factory=dict)
    _recorded: dict[tuple[str, str], float] = field(default_factory=dict)
    _heard: dict[tuple[str, str], float] = field(default_factory=dict)
    _unproven: dict[tuple[str, str], int] = field(default_factory=dict)

    def start(self) -> None:
        """Read back what is on record."""
        for stream in self.ledger.streams("witness/"):
            for entry in self.ledger.read(stream):
                body, peer = entry.body or {}, stream.split("/")[2]
                if entry.type == FORKED:
                    self.forked.add(peer)
                elif entry.type == WITNESSED:
                    self._held[entry.header.charter, peer] = Envelope.read(body["checkpoint"])

    def history(self, charter: str, peer: str) -> History | None:
        """What to tell a peer now; None if it was told a moment ago."""
        now = self.clock.monotonic()
        size, epoch, at = self._told.get((charter, peer), (0, 0, -EVERY))
        if now - at < EVERY:
            return None
        self._told[charter, peer] = (size, epoch, now)
        if not self._admits(size, epoch):
            # What it holds of this ledger, lost here, is not admitted yet: it is asked for that (see `recall`).
            size, epoch = 0, 0
        checkpoint = self.ledger.checkpoint()
        if self.lasting is not None:
            checkpoint = checkpoint.signed_also_by(self.lasting)
        mine = Checkpoint.read(checkpoint.payload)
        opened = self._openings(epoch) if size else []
        shared = min([size, *(header.facts["restored"]["size"] for header, _ in opened)])
        proof = self.ledger.consistency(shared, mine.size) if 0 < shared <= mine.size else []
        held = self._held.get((charter, peer))
        return History(
            checkpoint=checkpoint,
            since=size,
            since_epoch=epoch,
            proof=tuple("sha256:" + item.hex() for item in proof),
            opened=tuple(receipt.model_dump(mode="json") for _, receipt in opened),
            holds=0 if held is None else Checkpoint.read(held.payload).size,
            holds_epoch=0 if held is None else Checkpoint.read(held.payload).epoch,
        )

    def quiet_for(self, charter: str, peer: str) -> float:
        """Seconds until a peer is to be asked where its ledger stands, if nothing comes of itself; 0 if now."""
        return max(0.0, self._heard.get((charter, peer), -IDLE) + IDLE - self.clock.monotonic())

    def _admits(self, size: int, epoch: int) -> bool:
        """Whether openings of epochs say that entries up to this size may be lost; true where none is."""
        openings = [header for header, _ in self._openings(epoch)] if size else []
        lost = any(header.facts["restored"]["size"] < size for header in openings)
        witnessed = [header.facts["witnessed"] for header in openings]
        return not lost or any(said is not None and said["size"] >= size for said in witnessed)

    async def admit(self, charter: str, held: Envelope, by: str) -> None:
        """After a restoration: a peer holds a checkpoint of this ledger, perhaps further than was known; admit it.

        Raises:
            Untrusted: it is not signed by this site's keys.
        """
        checkpoint = Checkpoint.open(held, self.directory.keys_of(charter, self.site), site=self.site)
        if checkpoint.epoch < self.ledger.epoch and not self._admits(checkpoint.size, checkpoint.epoch):
            await self.ledger.open_epoch(checkpoint, by)

    def _openings(self, after: int) -> list[tuple[Header, Receipt]]:
        """The openings of epochs after the one that the other side knows, with their receipts."""
        entries = [entry for entry in self.ledger.read(LEDGER) if entry.type == OPENED and "restored" in entry.facts]
        return [(e.header, self.ledger.receipt(e.sequence)) for e in entries if e.header.epoch > after]

    async def hear(self, charter: str, peer: str, told: History) -> None:
        """Hold what a peer says of its ledger against what it said before.

        Raises:
            Untrusted: the checkpoint is not signed by the peer's keys, with each of the algorithms it states.
            Forked: it contradicts an earlier one; both are on record now, and the peer is suspended here.
        """
        size, _, at = self._told.get((charter, peer), (0, 0, -EVERY))
        self._told[charter, peer] = (told.holds, told.holds_epoch, at)
        # What was told last began elsewhere than the peer can follow: it is owed a proof from what it holds, soon.
        owes = size == 0 and told.holds > 0
        self._heard[charter, peer] = self.clock.monotonic() - (IDLE - EVERY if owes else 0.0)
        keys = self.directory.keys_of(charter, peer)
        # Who states a key of either algorithm signs with both: a signature dropped on the way is missed here.
        needs = {key.algorithm for key in keys.values()}
        later = Checkpoint.open(told.checkpoint, keys, site=peer, needs=needs)
        held = self._held.get((charter, peer))
        if held is not None:
            earlier = Checkpoint.read(held.payload)
            if (told.since, told.since_epoch) != (earlier.size, earlier.epoch):
                # It does not know yet what is held here; it will prove it the next time.
                self._unproven[charter, peer] = self._unproven.get((charter, peer), 0) + 1
                return
            try:
                self._compare(earlier, later, told, keys)
            except Forked as error:
                await self._accuse(charter, peer, held, told.checkpoint, str(error))
                raise
        self._held[charter, peer] = told.checkpoint
        self._unproven.pop((charter, peer), None)
        await self._record(charter, peer, later)

    def check_proven(self, charter: str, peer: str) -> None:
        """Take nothing in of a peer that was told again and again what is held of its ledger, and proves nothing.

        Raises:
            Unavailable: it has yet to prove it; it may at any exchange.
        """
        if self._unproven.get((charter, peer), 0) >= MOST_UNPROVEN:
            why = "it does not prove that it continues the one held here"
            raise Unavailable(f"the ledger of {peer}", why, "it may prove it at the next exchange")

    def _compare(self, earlier: Checkpoint, later: Checkpoint, told: History, keys: Mapping[str, Any]) -> None:
        opened = [Receipt.read(receipt).verify(keys, site=later.site) for receipt in told.opened]
        proof = [bytes.fromhex(item.removeprefix("sha256:")) for item in told.proof]
        check_continues(earlier, later, proof, opened=opened)

    async def _record(self, charter: str, peer: str, checkpoint: Checkpoint) -> None:
        now = self.clock.monotonic()
        if now - self._recorded.get((charter, peer), -RECORD_EVERY) < RECORD_EVERY:
            return
        self._recorded[charter, peer] = now
        body = {"checkpoint": self._held[charter, peer].model_dump(mode="json")}
        draft = Draft(WITNESSED, {"size": checkpoint.size, "root": checkpoint.root, "epoch": checkpoint.epoch}, body)
        await self.ledger.append(Write(f"witness/{charter}/{peer}", None, (draft,), charter=charter, actor=peer))

    async def _accuse(self, charter: str, peer: str, earlier: Envelope, later: Envelope, why: str) -> None:
        self.forked.add(peer)
        body = {"earlier": earlier.model_dump(mode="json"), "later": later.model_dump(mode="json"), "why": why}
        draft = Draft(FORKED, {"peer": peer}, body)
        await self.ledger.append(Write(f"witness/{charter}/{peer}", None, (draft,), charter=charter, actor=self.site))

    def last(self, charter: str, peer: str) -> Envelope:
        """The latest checkpoint held of a peer.

        Raises:
            NotFound: none yet.
        """
        held = self._held.get((charter, peer))
        if held is None:
            raise NotFound("checkpoint of", peer)
        return held

"""Peers that told two stories of their ledger: the evidence, how one may set it right, and an officer who accepts that.

A verdict never lifts itself. The accused shows that it restored its ledger: a new epoch, after both stories, signed,
that continues what is held here or admits what it lost. That is put on record; then an officer of this site may lift
the verdict with a reason. Until then nothing is taken of the accused but where its ledger stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yosegi.core.errors import Conflict
from yosegi.exchange.parcel import History
from yosegi.exchange.witnessed_ledger import WitnessedLedger
from yosegi.ledger import Checkpoint, Draft, Entry, Ledger, Receipt, Write, check_continues
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey

FORKED = "peer.forked"
EXPLAINED = "peer.fork_explained"
LIFTED = "peer.fork_lifted"


@dataclass(frozen=True, slots=True)
class ForkExplanation:
    """How an accused peer set right what it did: under which charter, and its checkpoint in the new epoch."""

    charter: str
    signed: Envelope
    epoch: int


@dataclass
class ForkVerdicts:
    """Whom this site suspended for two stories, as its ledger says.

    Args:
        known: what is held of each ledger, by charter and peer.
    """

    site: str
    ledger: Ledger
    known: dict[tuple[str, str], WitnessedLedger]
    forked: set[str] = field(default_factory=set)
    _epochs: dict[str, int] = field(default_factory=dict)
    """The latest epoch of either story, by peer."""
    _explained: dict[str, ForkExplanation] = field(default_factory=dict)

    def follow(self, peer: str, entry: Entry) -> None:
        """Take note of an entry of a stream `witness/CHARTER/PEER`."""
        body, charter = entry.body or {}, entry.header.charter
        if entry.type == FORKED:
            self.forked.add(peer)
            stories = [Checkpoint.read(Envelope.read(body[story]).payload) for story in ("earlier", "later")]
            self._epochs[peer] = max(self._epochs.get(peer, 0), *(story.epoch for story in stories))
            self._explained.pop(peer, None)
        elif entry.type in (EXPLAINED, LIFTED):
            signed = Envelope.read(body["checkpoint"])
            self._explained[peer] = ForkExplanation(charter, signed, Checkpoint.read(signed.payload).epoch)
            if entry.type == LIFTED:
                self._accept(peer)

    async def accuse(self, charter: str, peer: str, earlier: Envelope, later: Envelope, why: str) -> None:
        """Suspend a peer here, with the two checkpoints that contradict each other as evidence."""
        self.forked.add(peer)
        body = {"earlier": earlier.model_dump(mode="json"), "later": later.model_dump(mode="json"), "why": why}
        await self._write(charter, peer, Draft(FORKED, {"peer": peer}, body), self.site)

    def may_explain(self, peer: str, told: History | None) -> bool:
        """Whether what an accused peer says of its ledger is of an epoch after both stories; not verified here.

        Raises:
            Invalid: it is no checkpoint.
        """
        return told is not None and Checkpoint.read(told.checkpoint.payload).epoch > self._epochs.get(peer, 0)

    async def explain(self, charter: str, peer: str, told: History, keys: Mapping[str, PublicKey]) -> bool:
        """Put on record that an accused peer restored its ledger, once an epoch; whether it is shown.

        Raises:
            Untrusted: not signed by the peer's keys.
            Forked: the new epoch does not continue what is held here, nor admits what it lost.
        """
        known = self.known.setdefault((charter, peer), WitnessedLedger())
        later = Checkpoint.open(told.checkpoint, keys, site=peer, needs={key.algorithm for key in keys.values()})
        before = self._explained.get(peer)
        if before is not None and before.epoch >= later.epoch:
            return True
        earlier = known.base(told.since, told.since_epoch)
        if earlier is None:
            return False  # it does not know yet what is held here
        held = Checkpoint.read(earlier.payload)
        opened = [Receipt.read(receipt).verify(keys, site=peer) for receipt in told.opened]
        proof = [bytes.fromhex(item.removeprefix("sha256:")) for item in told.proof]
        check_continues(held, later, proof, opened=opened)
        facts = {"peer": peer, "epoch": later.epoch, "size": later.size}
        body = {"checkpoint": told.checkpoint.model_dump(mode="json"), "opened": list(told.opened)}
        await self._write(charter, peer, Draft(EXPLAINED, facts, body), peer)
        return True

    async def lift(self, peer: str, by: str, why: str) -> str:
        """An officer accepts how a peer set right what it did; the charter under which it showed that.

        Raises:
            Conflict: it has shown nothing yet.
        """
        explained = self._explained.get(peer)
        if explained is None:
            todo = f"{peer} restores its ledger (yosegi site restore), settles what was lost and calls {self.site}"
            raise Conflict(f"the verdict on {peer}", "it has not shown a new epoch that admits what it lost", todo)
        body = {"checkpoint": explained.signed.model_dump(mode="json"), "why": why[:2000]}
        draft = Draft(LIFTED, {"peer": peer, "epoch": explained.epoch}, body)
        await self._write(explained.charter, peer, draft, by)
        return explained.charter

    def _accept(self, peer: str) -> None:
        """Go on from the checkpoint of the new epoch; nothing of either story is asked after any more."""
        explained = self._explained.pop(peer, None)
        self.forked.discard(peer)
        for (charter, other), known in self.known.items():
            if other == peer:
                known.forget()
                if explained is not None and charter == explained.charter:
                    known.proven = explained.signed

    async def _write(self, charter: str, peer: str, draft: Draft, actor: str) -> None:
        write = Write(f"witness/{charter}/{peer}", None, (draft,), charter=charter, actor=actor)
        for entry in await self.ledger.append(write):
            self.follow(peer, entry)

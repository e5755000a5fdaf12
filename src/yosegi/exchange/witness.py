"""Peers witness each other: whoever tells two stories is caught at the next exchange, by anybody it talks to.

Each parcel may carry its sender's signed checkpoint, with a proof that it continues what its addressee holds. That is
the last checkpoint that was proven, and every one that came with a receipt since: a receipt in hand is a promise, too.
What is proven is kept in memory, and on record every so often; two that contradict each other are recorded as
evidence, and their signer is suspended here until a person has looked (`yosegi.exchange.fork_verdicts`).

A site that was just started asks what others hold of its ledger before it tells anything of it: one whose disk was put
back to an earlier day hears so from them, signed by itself, and stops before it tells a second story.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.errors import NotFound, Unavailable, YosegiError
from yosegi.exchange.fork_verdicts import FORKED, ForkVerdicts
from yosegi.exchange.mail_refusals import MailRefusals
from yosegi.exchange.parcel import History, LedgerPosition, PositionProof
from yosegi.exchange.witnessed_ledger import WitnessedLedger
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import LEDGER, OPENED, Checkpoint, Draft, Header, Ledger, LedgerBehind, Receipt, Write
from yosegi.ledger.witness import Forked, check_continues
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Signer

__all__ = ["EVERY", "FORKED", "IDLE", "WITNESSED", "Witness"]

WITNESSED = "peer.witnessed"
EVERY = 10.0
"""Seconds between two checkpoints told to one peer."""
IDLE = 40.0
"""Seconds without news of a peer's ledger after which it is asked: a fork is caught within a minute, also when idle."""
RECORD_EVERY = 3600.0
MOST_UNPROVEN = 5
"""Checkpoints without proof that they continue what is held here, after which nothing more of a peer is taken in."""
SILENT_AT_START = 60.0
"""Seconds after a start until a peer that has said nothing is told where this ledger stands all the same."""
LATEST = 512
"""Entries whose receipts are looked at again at a start."""


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
    verdicts: ForkVerdicts = field(init=False)
    _known: dict[tuple[str, str], WitnessedLedger] = field(default_factory=dict)
    _told: dict[tuple[str, str], tuple[int, int, float]] = field(default_factory=dict)
    _told_too: dict[tuple[str, str], tuple[LedgerPosition, ...]] = field(default_factory=dict)
    _recorded: dict[tuple[str, str], float] = field(default_factory=dict)
    _heard: dict[tuple[str, str], float] = field(default_factory=dict)
    _unproven: dict[tuple[str, str], int] = field(default_factory=dict)
    _asked: set[tuple[str, str]] = field(default_factory=set)
    """Peers that were just started and asked what is held of their ledgers."""
    _signed_too: Envelope | None = None
    _started: float = 0.0

    def __post_init__(self) -> None:
        self.verdicts = ForkVerdicts(self.site, self.ledger, self._known)
        self._started = self.clock.monotonic()

    @property
    def forked(self) -> set[str]:
        """Peers that told two stories, and of which no officer here has accepted how they set that right."""
        return self.verdicts.forked

    def start(self) -> None:
        """Read back what is on record."""
        for stream in self.ledger.streams("witness/"):
            peer = stream.split("/")[2]
            for entry in self.ledger.read(stream):
                if entry.type == WITNESSED:
                    known = self.known(entry.header.charter, peer)
                    known.proven = Envelope.read((entry.body or {})["checkpoint"])
                else:
                    self.verdicts.follow(peer, entry)
        for entry in self.ledger.scan(max(0, self.ledger.size - LATEST)):
            receipt = (entry.body or {}).get("receipt")
            if isinstance(receipt, dict):
                signed = Receipt.parsed(receipt).checkpoint
                peer = Checkpoint.read(signed.payload).site
                if peer != self.site:
                    self.known(entry.header.charter, peer).see(signed)
        self._started = self.clock.monotonic()

    def known(self, charter: str, peer: str) -> WitnessedLedger:
        """What is held of a peer's ledger."""
        return self._known.setdefault((charter, peer), WitnessedLedger())

    # -- telling --------------------------------------------------------------------------------------------------

    def asks(self, charter: str, peer: str) -> bool:
        """Whether a peer is asked what it holds of this ledger: it has not been heard since the start."""
        return (charter, peer) not in self._heard and self._speaks(charter, peer)

    def is_confirmed(self, charter: str, peer: str) -> bool:
        """Whether a peer has told since the start what it holds of this ledger, or cannot."""
        return not self.asks(charter, peer) or peer in self.forked

    def _speaks(self, charter: str, peer: str) -> bool:
        """Whether a peer reads the fields that came with this version."""
        return peer != self.site and self.directory.version_for(charter, peer, MailRefusals) > 0

    def asked_by(self, charter: str, peer: str) -> None:
        """A peer that was just started asks what is held of its ledger: the next history says it, and goes at once."""
        self._asked.add((charter, peer))

    def history(self, charter: str, peer: str, *, by_mail: bool = False) -> History | None:
        """What to tell a peer now; None if it was told a moment ago, or is asked first.

        Args:
            charter: under which charter.
            peer: whom.
            by_mail: whether it travels by mail, whose answer may take long: then nobody is asked first.
        """
        now, asked = self.clock.monotonic(), (charter, peer) in self._asked
        size, epoch, at = self._told.get((charter, peer), (0, 0, -EVERY))
        if (now - at < EVERY and not asked) or self.ledger.stopped is not None:
            return None  # a ledger that has stopped tells no story, least of all a second one
        if self.asks(charter, peer) and now - self._started < SILENT_AT_START and not (asked or by_mail):
            return None
        self._asked.discard((charter, peer))
        self._told[charter, peer] = (size, epoch, now)
        if not self._admits(size, epoch):
            # What it holds of this ledger, lost here, is not admitted yet: it is asked for that (see `recall`).
            size, epoch = 0, 0
        checkpoint = self._checkpoint()
        mine = Checkpoint.read(checkpoint.payload)
        opened = self._openings(epoch) if size else []
        shared = min([size, *(header.facts["restored"]["size"] for header, _ in opened)])
        proof = self.ledger.consistency(shared, mine.size) if 0 < shared <= mine.size else []
        speaks, known = self._speaks(charter, peer), self.known(charter, peer)
        holds, *more = known.to_tell(all_of_them=speaks) or [None]
        return History(
            checkpoint=checkpoint,
            since=size,
            since_epoch=epoch,
            proof=_digests(proof),
            opened=tuple(receipt.model_dump(mode="json") for _, receipt in opened),
            holds=0 if holds is None else holds.size,
            holds_epoch=0 if holds is None else holds.epoch,
            holds_too=tuple(place for place in more if place is not None) or None,
            proofs=self._proofs(charter, peer, mine) if speaks else None,
            held=known.furthest if speaks and asked else None,
        )

    def _checkpoint(self) -> Envelope:
        """The ledger's last checkpoint, signed by the lasting key too: once, whoever is told."""
        last = self.ledger.checkpoint()
        if self.lasting is None:
            return last
        if self._signed_too is None or self._signed_too.signatures[:1] != last.signatures:
            self._signed_too = last.signed_also_by(self.lasting)
        return self._signed_too

    def _proofs(self, charter: str, peer: str, mine: Checkpoint) -> tuple[PositionProof, ...] | None:
        """That this ledger continues what a peer holds too; of an epoch that is over nothing is shown this way."""
        places = [
            place
            for place in self._told_too.get((charter, peer), ())
            if place.epoch == mine.epoch and place.size <= mine.size
        ]
        made = (
            PositionProof(place=place, proof=_digests(self.ledger.consistency(place.size, mine.size)))
            for place in places
        )
        return tuple(made) or None

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
        if after >= self.ledger.epoch:
            return []  # as in nearly every parcel: the ledger is not read for it
        entries = [entry for entry in self.ledger.read(LEDGER) if entry.type == OPENED and "restored" in entry.facts]
        return [(e.header, self.ledger.receipt(e.sequence)) for e in entries if e.header.epoch > after]

    # -- hearing --------------------------------------------------------------------------------------------------

    async def hear(self, charter: str, peer: str, told: History) -> None:
        """Hold what a peer says of its ledger against all that it signed before.

        Raises:
            Untrusted: the checkpoint is not signed by the peer's keys, with each of the algorithms it states.
            Forked: it contradicts an earlier one; both are on record now, and the peer is suspended here.
            LedgerBehind: it holds a checkpoint that this ledger does not contain: this one is an older copy.
        """
        size, _, at = self._told.get((charter, peer), (0, 0, -EVERY))
        self._told[charter, peer] = (told.holds, told.holds_epoch, at)
        self._told_too[charter, peer] = told.holds_too or ()
        # What was told last began elsewhere than the peer can follow: it is owed a proof from what it holds, soon.
        owes = size == 0 and told.holds > 0
        self._heard[charter, peer] = self.clock.monotonic() - (IDLE - EVERY if owes else 0.0)
        if told.held is not None:
            self._check_own(charter, told.held)
        keys = self.directory.keys_of(charter, peer)
        # Who states a key of either algorithm signs with both: a signature dropped on the way is missed here.
        needs = {key.algorithm for key in keys.values()}
        later = Checkpoint.open(told.checkpoint, keys, site=peer, needs=needs)
        known = self.known(charter, peer)
        if known.proven is not None:
            earlier = known.base(told.since, told.since_epoch)
            if earlier is None:
                # It does not know yet what is held here; it will prove it the next time.
                self._unproven[charter, peer] = self._unproven.get((charter, peer), 0) + 1
                return
            try:
                moved = known.follow(told.checkpoint, self._compare(earlier, later, told, keys, known))
            except Forked as error:
                contradicted = known.at(error.earlier) or earlier
                await self.verdicts.accuse(charter, peer, contradicted, told.checkpoint, str(error))
                raise
            if not moved:
                return
        else:
            known.proven = told.checkpoint
        self._unproven.pop((charter, peer), None)
        await self._record(charter, peer, later)

    async def explain(self, charter: str, peer: str, told: History) -> None:
        """Hear of an accused peer where its ledger stands, and nothing else.

        Raises:
            Untrusted, Forked: it shows no restoration that sets right what it did.
        """
        _, _, at = self._told.get((charter, peer), (0, 0, -EVERY))
        self._told[charter, peer] = (told.holds, told.holds_epoch, at)
        await self.verdicts.explain(charter, peer, told, self.directory.keys_of(charter, peer))

    async def see(self, charter: str, peer: str, signed: Envelope) -> None:
        """A verified receipt came under this checkpoint of a peer's: its ledger has to contain it from now on.

        Raises:
            Forked: another was signed over as many entries; both are on record now, and the peer is suspended here.
        """
        known = self.known(charter, peer)
        try:
            known.see(signed)
        except Forked as error:
            await self.verdicts.accuse(charter, peer, known.at(error.earlier) or signed, signed, str(error))
            raise

    def _check_own(self, charter: str, held: Envelope) -> None:
        """Hold this ledger against what it signed itself, and a peer kept.

        Raises:
            LedgerBehind: it does not contain that, and nothing more is written to it.
        """
        try:
            kept = Checkpoint.open(held, self.directory.keys_of(charter, self.site), site=self.site)
        except YosegiError:
            return  # of keys that are replaced, or of nobody's: it proves nothing
        if kept.epoch < self.ledger.epoch:
            return
        lost = kept.epoch > self.ledger.epoch or kept.size > self.ledger.size
        if lost or self.ledger.root(kept.size) != kept.root_hash:
            raise self.ledger.stop(LedgerBehind(self.site, self.ledger.size, kept.size, "a peer holds"))

    def check_proven(self, charter: str, peer: str) -> None:
        """Take nothing in of a peer that was told again and again what is held of its ledger, and proves nothing.

        Raises:
            Unavailable: it has yet to prove it; it may at any exchange.
        """
        if self._unproven.get((charter, peer), 0) >= MOST_UNPROVEN:
            why = "it does not prove that it continues the one held here"
            raise Unavailable(f"the ledger of {peer}", why, "it may prove it at the next exchange")

    def _compare(
        self,
        earlier: Envelope,
        later: Checkpoint,
        told: History,
        keys: Mapping[str, Any],
        known: WitnessedLedger,
    ) -> Iterable[tuple[int, int]]:
        """The places, epoch and size, that the later checkpoint is proven to continue."""
        opened = [Receipt.read(receipt).verify(keys, site=later.site) for receipt in told.opened]
        check_continues(Checkpoint.read(earlier.payload), later, _hashes(told.proof), opened=opened)
        proven = {(told.since_epoch, told.since)}
        for one in told.proofs or ():
            held = known.base(one.place.size, one.place.epoch)
            if held is not None and one.place.epoch == later.epoch:
                check_continues(Checkpoint.read(held.payload), later, _hashes(one.proof))
                proven.add((one.place.epoch, one.place.size))
        return proven

    async def _record(self, charter: str, peer: str, checkpoint: Checkpoint) -> None:
        now, proven = self.clock.monotonic(), self.known(charter, peer).proven
        if proven is None or now - self._recorded.get((charter, peer), -RECORD_EVERY) < RECORD_EVERY:
            return
        self._recorded[charter, peer] = now
        body = {"checkpoint": proven.model_dump(mode="json")}
        draft = Draft(WITNESSED, {"size": checkpoint.size, "root": checkpoint.root, "epoch": checkpoint.epoch}, body)
        await self.ledger.append(Write(f"witness/{charter}/{peer}", None, (draft,), charter=charter, actor=peer))

    def last(self, charter: str, peer: str) -> Envelope:
        """The furthest checkpoint held of a peer, those of receipts included.

        Raises:
            NotFound: none yet.
        """
        furthest = self.known(charter, peer).furthest
        if furthest is None:
            raise NotFound("checkpoint of", peer)
        return furthest


def _digests(proof: Iterable[bytes]) -> tuple[str, ...]:
    return tuple("sha256:" + item.hex() for item in proof)


def _hashes(proof: Iterable[str]) -> list[bytes]:
    return [bytes.fromhex(item.removeprefix("sha256:")) for item in proof]

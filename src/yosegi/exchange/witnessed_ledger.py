"""What is held of one peer's ledger under a charter: state and pure decisions, no I/O."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

from yosegi.exchange.parcel import MOST_PLACES, LedgerPosition
from yosegi.ledger import Checkpoint
from yosegi.ledger.witness import Forked
from yosegi.trust.envelope import Envelope

_Where = tuple[int, int]
"""Epoch and size: the order of a ledger's checkpoints."""
_RECENT = 8


@dataclass
class WitnessedLedger:
    """Signed checkpoints of one ledger: the last that was proven, and those that receipts brought since.

    A peer proves from what it was told some seconds ago; what was proven lately is therefore still known as a base.
    """

    proven: Envelope | None = None
    _pending: dict[_Where, Envelope] = field(default_factory=dict)
    _recent: dict[_Where, Envelope] = field(default_factory=dict)
    _turn: bool = False

    @property
    def furthest(self) -> Envelope | None:
        """The furthest of all."""
        places = self._places()
        return places[max(places)] if places else None

    def before(self, epoch: int) -> Envelope | None:
        """The furthest of the epochs before one."""
        earlier = {where: signed for where, signed in (self._recent | self._places()).items() if where[0] < epoch}
        return earlier[max(earlier)] if earlier else None

    def forget(self) -> None:
        """Begin anew, after an officer has accepted how the peer set its ledger right."""
        self.proven = None
        self._pending.clear()
        self._recent.clear()

    def _places(self) -> dict[_Where, Envelope]:
        return self._pending | ({} if self.proven is None else {_where(self.proven): self.proven})

    def base(self, size: int, epoch: int) -> Envelope | None:
        """The checkpoint from which a proof may begin; None if none is held there."""
        return (self._recent | self._places()).get((epoch, size))

    def at(self, checkpoint: Checkpoint) -> Envelope | None:
        """The signed form of a checkpoint that is held."""
        return self.base(checkpoint.size, checkpoint.epoch)

    def to_tell(self, *, all_of_them: bool) -> list[LedgerPosition | None]:
        """Where proofs are asked from, the furthest first; one alone of a peer that reads no more, in turns."""
        places = sorted(self._places(), reverse=True)
        last = None if self.proven is None else _where(self.proven)
        if not all_of_them and len(places) > 1:
            self._turn = not self._turn
            places = [last] if last is not None and not self._turn else places[:1]
        elif last is not None and last[0] < places[0][0]:
            # From an epoch that is over a proof needs its openings, which go with the first place alone.
            places.sort(key=lambda where: where != last)
        for where in places:
            self._remember(where)
        return [LedgerPosition(size=size, epoch=epoch) for epoch, size in places]

    def see(self, signed: Envelope) -> None:
        """A receipt came under this checkpoint, whose signature was verified.

        Raises:
            Forked: another one is held over as many entries of the same epoch.
        """
        checkpoint = Checkpoint.read(signed.payload)
        where = (checkpoint.epoch, checkpoint.size)
        held = self.base(checkpoint.size, checkpoint.epoch)
        if held is not None:
            before = Checkpoint.read(held.payload)
            if before.root != checkpoint.root:
                raise Forked(before, checkpoint, f"its first {checkpoint.size} entries are others now")
            return
        if self.proven is None:
            self.proven = signed
        elif where[0] >= _where(self.proven)[0]:
            self._pending[where] = signed
            if len(self._pending) >= MOST_PLACES:
                # The furthest tells of what was lost since, the first of what was rewritten; between them one goes.
                del self._pending[sorted(self._pending)[-2]]

    def follow(self, later: Envelope, proven: Iterable[_Where]) -> bool:
        """A later checkpoint continues these places; whether it continues the last one that was proven, too.

        Raises:
            Forked: another one is held over as many entries of the same epoch.
        """
        self.see(later)
        self._pending.pop(_where(later), None)
        done = set(proven)
        for where in done:
            self._remember(where)
            self._pending.pop(where, None)
        if self.proven is not None and _where(self.proven) not in done:
            return False
        self.proven = later
        epoch = _where(later)[0]
        # What an epoch has lost that is over was admitted when the next was opened.
        self._pending = {where: signed for where, signed in self._pending.items() if where[0] >= epoch}
        return True

    def _remember(self, where: _Where) -> None:
        signed = self._places().get(where)
        if signed is not None:
            self._recent.pop(where, None)
            self._recent[where] = signed
            while len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]


def _where(signed: Envelope) -> _Where:
    return _where_in(signed.payload)


# Each parcel asks again where what is held of a peer stands.
@functools.lru_cache(maxsize=1024)
def _where_in(payload: bytes) -> _Where:
    checkpoint = Checkpoint.read(payload)
    return checkpoint.epoch, checkpoint.size

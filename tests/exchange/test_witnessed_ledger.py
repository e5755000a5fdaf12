"""What is held of a peer's ledger: what was proven, what receipts brought since, and from where a proof may begin."""

from __future__ import annotations

import hashlib

import pytest

from yosegi.exchange.parcel import MOST_PLACES, LedgerPosition
from yosegi.exchange.witnessed_ledger import WitnessedLedger
from yosegi.ledger import Checkpoint, Forked
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Ed25519Signer

NIMS = Ed25519Signer.from_seed(b"nims".ljust(32, b"."))


def at(size: int, epoch: int = 1, story: str = "true") -> Envelope:
    root = "sha256:" + hashlib.sha256(f"{story} {epoch} {size}".encode()).hexdigest()
    time = "2026-04-01T00:00:00.000000Z"
    return Checkpoint(site="nims", epoch=epoch, size=size, root=root, time=time).sign(NIMS)


def places(known: WitnessedLedger, *, all_of_them: bool = True) -> list[tuple[int, int]]:
    return [(place.epoch, place.size) for place in known.to_tell(all_of_them=all_of_them) if place is not None]


def test_the_furthest_that_a_receipt_brought_is_asked_from_and_the_others_beside_it() -> None:
    known = WitnessedLedger(at(100))
    known.see(at(105))
    known.see(at(103))
    assert known.furthest == at(105)
    assert known.to_tell(all_of_them=True)[0] == LedgerPosition(size=105, epoch=1)
    assert places(known) == [(1, 105), (1, 103), (1, 100)]


def test_a_receipt_under_another_root_of_the_same_size_is_a_second_story() -> None:
    known = WitnessedLedger(at(100))
    known.see(at(105))
    for size in (100, 105):
        with pytest.raises(Forked, match="others now"):
            known.see(at(size, story="other"))


def test_what_was_not_proven_stays_asked_for() -> None:
    known = WitnessedLedger(at(100))
    known.see(at(105))
    assert not known.follow(at(110), [(1, 105)])
    assert known.proven == at(100)
    assert known.follow(at(112), [(1, 100)])
    assert places(known) == [(1, 112)]


def test_a_proof_from_a_place_that_was_told_a_moment_ago_is_still_understood() -> None:
    known = WitnessedLedger(at(100))
    known.see(at(105))
    known.to_tell(all_of_them=True)
    known.see(at(107))
    assert known.follow(at(110), [(1, 105), (1, 100)])
    assert known.base(105, 1) == at(105)
    assert known.furthest == at(110)


def test_a_peer_that_reads_one_place_is_asked_from_each_in_turn() -> None:
    known = WitnessedLedger(at(100))
    known.see(at(105))
    asked = {tuple(places(known, all_of_them=False)) for _ in range(2)}
    assert asked == {((1, 105),), ((1, 100),)}


def test_of_many_receipts_the_first_and_the_furthest_are_kept() -> None:
    known = WitnessedLedger(at(100))
    for size in range(101, 140):
        known.see(at(size))
    kept = places(known)
    assert len(kept) <= MOST_PLACES
    assert (kept[0], kept[-1]) == ((1, 139), (1, 100))
    assert (1, 101) in kept


def test_after_a_restoration_a_proof_begins_in_the_epoch_that_is_over() -> None:
    known = WitnessedLedger(at(100))
    known.see(at(60, epoch=2))
    assert places(known)[0] == (1, 100)
    assert known.before(2) == at(100)
    assert known.follow(at(80, epoch=2), [(1, 100)])
    assert known.proven == at(80, epoch=2)
    known.see(at(104))
    assert known.furthest == at(80, epoch=2)

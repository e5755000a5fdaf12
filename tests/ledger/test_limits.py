"""Exactly at the limit, and one step beyond: names, sizes, places and proofs; and what a refusal says was wrong."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import pytest

from ledger.support import KEYS, SIGNER, Budget, Opener, Titles, open_ledger, write
from yosegi.core.errors import Conflict, Corrupt, Invalid, NotFound, Refused, Unavailable
from yosegi.ledger import Checkpoint, Draft, Header, Ledger, SqliteStore, Write, tree, verify_entries
from yosegi.ledger.witness import check_contains, check_continues
from yosegi.trust.errors import Untrusted
from yosegi.trust.signer import Ed25519Signer

MAX_HEADER, MAX_BODY = 64 * 1024, 4 * 2**20
DIGEST = "sha256:" + "ab" * 32
HASHES = [tree.leaf_hash(bytes([n])) for n in range(9)]


def expect(holds: bool, kind: type[Exception] = Invalid) -> Any:
    return nullcontext() if holds else pytest.raises(kind)


def story(tell: Callable[[Ledger], Awaitable[None]], opened: Opener, **fields: Any) -> None:
    async def body() -> None:
        await tell(await opened(**fields))

    asyncio.run(body())


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 1, 200, 201])
def test_a_name_has_one_to_two_hundred_letters(length: int) -> None:
    name, holds = "n" * length, 0 < length <= 200
    with expect(holds):
        Draft(name)
    for fields in ((name, "pi@nims", None), ("task/1", name, None), ("task/1", "pi@nims", name)):
        with expect(holds):
            Write(fields[0], None, (Draft("t"),), "", fields[1], fields[2])


@pytest.mark.parametrize("length", [0, 60, 61])
def test_a_charters_name_has_sixty_letters_and_may_be_left_out(length: int) -> None:
    with expect(length <= 60):
        Write("task/1", None, (Draft("t"),), "c" * length, "pi@nims")


@pytest.mark.parametrize("name", ["a\nb", "a\0", 7, None])
def test_a_name_can_be_read_on_a_line(name: Any) -> None:
    with pytest.raises(Invalid, match=r"an entry's type: .* is not 1 to 200 printable characters"):
        Draft(name)


@pytest.mark.parametrize(("version", "holds"), [(0, False), (1, True), (2, True), (True, False), (1.0, False)])
def test_a_types_version_is_a_whole_number_from_one_on(version: Any, holds: bool) -> None:
    with expect(holds):
        Draft("t", type_version=version)


@pytest.mark.parametrize(("expected", "holds"), [(-1, False), (0, True), (None, True), (False, False), (0.0, False)])
def test_an_expected_position_is_a_whole_number_from_nought_on(expected: Any, holds: bool) -> None:
    with expect(holds):
        Write("task/1", expected, (Draft("t"),), "", "pi@nims")


def test_an_entry_follows_sixty_four_others_at_most() -> None:
    assert len(Draft("t", after=(DIGEST,) * 64).after) == 64
    with pytest.raises(Invalid, match="65 entries, and at most 64 are named"):
        Draft("t", after=(DIGEST,) * 65)
    for digest in (DIGEST[:-1], DIGEST + "0", DIGEST.upper(), "sha1:" + "ab" * 32):
        with pytest.raises(Invalid, match="is not sha256: and 64 digits"):
            Draft("t", after=(DIGEST, digest))


def test_facts_are_an_object_and_a_body_is_an_object_or_bytes() -> None:
    for facts in ([], "x", None):
        with pytest.raises(Invalid, match="not an object"):
            Draft("t", facts=facts)  # type: ignore[arg-type]
    for body in ([], "x", 1):
        with pytest.raises(Invalid, match="neither an object nor bytes"):
            Draft("t", body=body)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="no drafts in it"):
        Write("task/1", None, (), "", "pi@nims")


def test_a_body_is_kept_up_to_its_greatest_size_and_what_is_larger_leaves_nothing(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        (entry,) = await ledger.append(write("a", body=b"x" * MAX_BODY))
        assert len(entry.body_bytes or b"") == MAX_BODY
        with pytest.raises(Invalid, match=f"{MAX_BODY + 1} bytes, and at most {MAX_BODY}"):
            await ledger.append(write("a", body=b"x" * (MAX_BODY + 1)))
        assert (ledger.size, ledger.position("a")) == (2, 1)

    story(tell, opened)


def test_a_header_is_kept_and_read_up_to_its_greatest_size(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        (small,) = await ledger.append(write("a", facts={"text": ""}))
        room = MAX_HEADER - len(small.header_bytes)
        (largest,) = await ledger.append(write("a", facts={"text": "x" * room}))
        assert len(largest.header_bytes) == MAX_HEADER
        assert Header.read(largest.header_bytes).facts == {"text": "x" * room}
        with pytest.raises(Invalid, match=f"a header of {MAX_HEADER + 1} bytes"):
            await ledger.append(write("a", facts={"text": "x" * (room + 1)}))
        with pytest.raises(Invalid, match=f"{MAX_HEADER + 1} bytes, and at most {MAX_HEADER} are read"):
            Header.read(largest.header_bytes + b" ")

    story(tell, opened)


# --- what is asked for -----------------------------------------------------------------------------------------------


def test_what_is_not_there_is_refused_and_what_is_there_is_named(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        await ledger.append(write("a", drafts=3))
        for ask in (
            lambda: ledger.entry(4),
            lambda: ledger.receipt(4),
            lambda: ledger.prove([0, 4]),
            lambda: ledger.attest([0, 4]),
        ):
            with pytest.raises(NotFound, match=r"no entry '4'.*0 to 3"):
                ask()
        with pytest.raises(NotFound, match=r"no entry '2'.*0 to 1"):
            ledger.prove([0, 2], size=2)
        for size in (-1, 5):
            for whole in (lambda: ledger.root(size), lambda: ledger.prove([0], size=size)):  # noqa: B023
                with pytest.raises(NotFound, match=rf"no ledger of size '{size}'.*0 to 4"):
                    whole()
        for before, after in ((3, 2), (-1, 2)):
            with pytest.raises(NotFound, match=rf"no ledger of size '{before}'.*0 to 2"):
                ledger.consistency(before, after)
        assert ledger.consistency(0, 4) == ledger.consistency(4, 4) == []
        assert ledger.root(0) == tree.EMPTY_ROOT
        assert ledger.root(4) == ledger.root() == Checkpoint.open(ledger.checkpoint(), KEYS).root_hash

    story(tell, opened)


@pytest.mark.parametrize("chosen", [[], [0], [3], [0, 3], [2, 1, 1], [0, 1, 2, 3]])
def test_any_entries_are_proved_with_as_few_hashes_as_they_need(opened: Opener, chosen: list[int]) -> None:
    async def tell(ledger: Ledger) -> None:
        await ledger.append(write("a", drafts=3))
        proof, checkpoint = ledger.attest(chosen)
        headers = [ledger.entry(number).header_bytes for number in sorted(set(chosen))]
        found = verify_entries(headers, checkpoint, KEYS, proof=proof, site="riken")
        assert [header.sequence for header in found] == sorted(set(chosen))
        assert proof == ledger.prove(chosen)
        assert (len(proof) == 0) == (len(set(chosen)) == 4)

    story(tell, opened)


def test_a_scan_gives_what_is_there_and_no_more_than_was_asked(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        await ledger.append(write("a", drafts=3))
        for start, limit, expected in ((0, None, [0, 1, 2, 3]), (1, 2, [1, 2]), (3, 9, [3]), (4, 1, []), (0, 0, [])):
            assert [entry.sequence for entry in ledger.scan(start, limit)] == expected
        assert [entry.position for entry in ledger.read("a", after=2)] == [3]
        assert (ledger.position("a"), ledger.position("b")) == (3, 0)

    story(tell, opened)


def test_figures_tell_commits_refusals_and_failures_apart(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        await ledger.append(write("a", 0, drafts=2))
        await ledger.append(write("a", 2), write("b", 0))
        with pytest.raises(Conflict, match="stream a: at position 3, and 0 was expected"):
            await ledger.append(write("a", 0))
        with pytest.raises(Refused):
            await ledger.append(write("a", 3, facts={"amount": 2}))
        found = ledger.statistics()
        expected = {"entries": 5, "epoch": 1, "term": 1, "waiting": 0, "commits": 3, "refusals": 2, "failures": 0}
        assert expected.items() <= found.items()
        assert found["file_bytes"] > 0
        assert repr(ledger) == "ledger of riken: 5 entries, epoch 1, term 1"

    story(tell, opened, views=[Budget(1)])


def test_an_entrys_body_is_erased_once_and_only_where_there_is_one(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        await ledger.append(write("a", body={"title": "x"}, type="titled"), write("a"))
        erased = await ledger.erase(1, "asked for", "officer@riken")
        body = ledger.entry(1).header.body
        assert erased.facts == {"sequence": 1, "stream": "a", "body": body, "reason": "asked for"}
        entry = ledger.entry(1)
        assert (entry.erased, entry.body, entry.body_bytes, entry.salt) == (True, None, None, None)
        assert not ledger.entry(2).erased
        for sequence in (1, 2):
            with pytest.raises(NotFound, match=f"no body of entry '{sequence}'"):
                await ledger.erase(sequence, "again", "officer@riken")
        with pytest.raises(NotFound, match="no entry '9'"):
            await ledger.erase(9, "why", "officer@riken")
        assert ledger.size == 4
        assert ledger.query("SELECT title FROM titles") == [{"title": None}]

    story(tell, opened, views=[Titles()])


# --- trees and proofs ------------------------------------------------------------------------------------------------


def root_of(leaves: list[bytes]) -> bytes:
    frontier = tree.Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_a_leaf_beyond_the_tree_is_in_no_tree(index: int) -> None:
    with pytest.raises(Invalid, match=f"no leaf {index} is in a tree of 5"):
        tree.check_inclusion(HASHES[0], index, 5, [], root_of(HASHES[:5]))


def test_an_inclusion_proof_of_another_length_is_told_so() -> None:
    root = root_of(HASHES[:5])
    path = [root_of(HASHES[4:5]), root_of(HASHES[2:4]), root_of(HASHES[1:2])][::-1]
    tree.check_inclusion(HASHES[0], 0, 5, path, root)
    with pytest.raises(Invalid, match="shorter than the tree is high"):
        tree.check_inclusion(HASHES[0], 0, 5, path[:-1], root)
    with pytest.raises(Invalid, match="longer than the tree is high"):
        tree.check_inclusion(HASHES[0], 0, 5, [*path, HASHES[0]], root)
    with pytest.raises(Invalid, match="leads to another root for leaf 1 of 5"):
        tree.check_inclusion(HASHES[0], 1, 5, path, root)
    with pytest.raises(Invalid, match="a hash is not 32 bytes long"):
        tree.check_inclusion(HASHES[0], 0, 5, [*path[:-1], path[-1][:31]], root)


def test_a_consistency_proof_that_shows_nothing_is_told_why() -> None:
    five, eight = root_of(HASHES[:5]), root_of(HASHES[:8])
    for old, new, proof, roots, why in (
        (6, 5, [], (five, five), "a tree of 5 cannot follow one of 6"),
        (-1, 5, [], (five, five), "a tree of 5 cannot follow one of -1"),
        (0, 5, [], (five, five), "a root that is not that of an empty tree"),
        (5, 5, [], (five, eight), "two roots for the same 5 entries"),
        (5, 5, [five], (five, five), "nothing is needed from 5 to 5, and 1 hashes are there"),
        (5, 8, [], (five, eight), "empty"),
        (4, 8, [], (root_of(HASHES[:4]), eight), "shorter than the tree is high"),
        (4, 8, [root_of(HASHES[4:8])] * 2, (root_of(HASHES[:4]), eight), "longer than the tree is high"),
        (4, 8, [five], (root_of(HASHES[:4]), eight), "the tree of 8 does not continue the tree of 4"),
    ):
        with pytest.raises(Invalid) as caught:
            tree.check_consistency(old, new, proof, *roots)
        assert why in caught.value.why
    tree.check_consistency(0, 0, [], tree.EMPTY_ROOT, tree.EMPTY_ROOT)
    tree.check_consistency(0, 5, [], tree.EMPTY_ROOT, five)
    tree.check_consistency(4, 8, [root_of(HASHES[4:8])], root_of(HASHES[:4]), eight)


def test_a_bundle_that_does_not_fit_its_tree_is_told_why() -> None:
    leaves = dict(enumerate(HASHES[:3]))
    assert tree.bundle_root(leaves, 3, []) == root_of(HASHES[:3])
    assert tree.bundle_root({}, 0, []) == tree.EMPTY_ROOT
    for wrong, size, proof, why in (
        (leaves, 2, [], "leaf 2 is not in a tree of 2"),
        ({-1: HASHES[0]}, 2, [], "leaf -1 is not in a tree of 2"),
        (leaves, 4, [], "0 hashes, and these entries need 1"),
        (leaves, 3, HASHES[:1], "1 hashes, and these entries need 0"),
    ):
        with pytest.raises(Invalid, match=why):
            tree.bundle_root(wrong, size, proof)


# --- damage ----------------------------------------------------------------------------------------------------------


def damaged(file: Path, statement: str) -> str:
    """What a whole check says of seven entries after a statement was run on their file."""

    async def body() -> str:
        ledger = await open_ledger(SqliteStore(file, durable=False))
        await ledger.append(write("a", drafts=2, body={"n": 1}), write("b", drafts=2))
        await ledger.append(write("a", drafts=2))
        with closing(sqlite3.connect(file)) as db:
            db.execute(statement)
            db.commit()
        try:
            with pytest.raises(Corrupt) as caught:
                list(ledger.check())
        finally:
            ledger.close()
        return f"{caught.value.where}: {caught.value.why}"

    return asyncio.run(body())


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM ledger_entries WHERE sequence = 3", "entry 3: it is missing"),
        ("UPDATE ledger_entries SET position = 7 WHERE sequence = 4", "entry 4: it is filed at 7 of b, not at 2 of b"),
        ("UPDATE ledger_entries SET stream = 'c' WHERE sequence = 4", "entry 4: it is filed at 2 of c, not at 2 of b"),
        ("UPDATE ledger_bodies SET body = X'78' WHERE sequence = 1", "entry 1: its body is not the one its header"),
        ("UPDATE ledger_bodies SET body = 'x' WHERE sequence = 1", "entry 1: what is stored of it is not of its form"),
        (
            "UPDATE ledger_entries SET header = 'x' WHERE sequence = 2",
            "entry 2: what is stored of it is not of its form",
        ),
        ("UPDATE ledger_checkpoints SET envelope = 'x' WHERE size = 5", "a checkpoint: what is stored of it"),
        ("DELETE FROM ledger_bodies WHERE sequence = 2", "entry 2: its body is gone, and no entry says it was erased"),
        ("UPDATE ledger_checkpoints SET envelope = X'7B7D' WHERE size = 5", "checkpoint 5: "),
        (
            "UPDATE ledger_checkpoints SET envelope = (SELECT envelope FROM ledger_checkpoints WHERE size = 7)"
            " WHERE size = 5",
            "entry 4: the entries up to it lead to another root than the signed checkpoint over 5",
        ),
    ],
)
def test_damage_is_named_with_where_it_is_and_what_is_there(file: Path, statement: str, why: str) -> None:
    assert damaged(file, statement).startswith(why)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM ledger_checkpoints", "entry 6: 7 entries, and no checkpoint over them"),
        ("DELETE FROM ledger_checkpoints WHERE size = 7", "entry 5: no checkpoint is over it: the last is over 5 "),
        ("DELETE FROM ledger_entries WHERE sequence > 5", "entry 6: it is missing: the last checkpoint is over 7 "),
        ("UPDATE ledger_sequencer SET layout = 99", "its tables are of layout 99"),
    ],
)
def test_an_end_that_does_not_hold_is_named_when_the_ledger_is_opened(file: Path, statement: str, why: str) -> None:
    async def body() -> None:
        ledger = await open_ledger(SqliteStore(file, durable=False))
        await ledger.append(write("a", drafts=4))
        await ledger.append(write("a", drafts=2))
        ledger.close()
        with closing(sqlite3.connect(file)) as db:
            db.execute(statement)
            db.commit()
        with pytest.raises(Corrupt) as caught:
            await open_ledger(SqliteStore(file, durable=False))
        assert why in f"{caught.value.where}: {caught.value.why}"

    asyncio.run(body())


# --- witnesses and receipts ------------------------------------------------------------------------------------------


def checkpoint(**changes: Any) -> Checkpoint:
    fields = {"site": "riken", "epoch": 1, "size": 5, "root": "sha256:" + root_of(HASHES[:5]).hex()}
    return Checkpoint(**(fields | {"time": "2026-11-21T04:00:00.000000Z"} | changes))


def test_what_a_witness_refuses_is_told_with_both_sizes_or_epochs() -> None:
    held = checkpoint()
    for later, why in (
        (checkpoint(site="nims"), "of nims, where one of riken is held"),
        (checkpoint(size=4), "the first 5 entries are kept in every epoch, and it has 4"),
        (checkpoint(root="sha256:" + "0" * 64), "two roots for the same 5 entries"),
        (checkpoint(epoch=2), r"\[\], from epoch 1 to 2"),
    ):
        with pytest.raises(Invalid, match=why):
            check_continues(held, later, [])
    with pytest.raises(Invalid, match="epoch 1 comes before epoch 2"):
        check_continues(checkpoint(epoch=2), held, [])
    check_continues(held, held, [])


def test_who_has_the_whole_ledger_sees_by_its_root_whether_it_continues(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        held = Checkpoint.open(ledger.checkpoint(), KEYS)
        await ledger.append(write("a", drafts=3))
        later = Checkpoint.open(ledger.checkpoint(), KEYS)
        check_contains(held, later, ledger.root)
        check_contains(later, later, ledger.root)
        with pytest.raises(Invalid, match="its first 1 entries are others now"):
            check_contains(checkpoint(size=1), later, ledger.root)
        with pytest.raises(Invalid, match="the first 9 entries are kept in every epoch, and it has 4"):
            check_contains(checkpoint(size=9), later, ledger.root)

    story(tell, opened)


def test_an_epoch_that_lost_entries_admits_it(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        opening = await ledger.open_epoch(None, "operator@riken")
        held = checkpoint(size=9, root="sha256:" + "0" * 64)
        later = Checkpoint.open(ledger.checkpoint(), KEYS)
        with pytest.raises(Invalid, match="epoch 2 does not admit the entries it lost"):
            check_continues(held, later, ledger.consistency(1, 2), opened=[opening.header])

    story(tell, opened)


def test_the_epochs_between_are_named_in_order_once_and_to_the_last(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        held = Checkpoint.open(ledger.checkpoint(), KEYS)
        second, third = [(await ledger.open_epoch(None, "operator@riken")).header for _ in range(2)]
        (other,) = await ledger.append(write("a"))
        later = Checkpoint.open(ledger.checkpoint(), KEYS)
        proof = ledger.consistency(1, 4)
        check_continues(held, later, proof, opened=[second, third])
        check_continues(held, later, proof, opened=[third])
        for wrong in ([], [second], [third, second], [second, second, third]):
            with pytest.raises(Invalid, match=r"the opened epochs: .*, from epoch 1 to 3"):
                check_continues(held, later, proof, opened=wrong)
        for stray in (other.header, third.model_copy(update={"site": "nims"})):
            with pytest.raises(Invalid, match="it does not open an epoch"):
                check_continues(held, later, proof, opened=[second, stray])

    story(tell, opened)


def test_a_receipt_counts_under_its_own_checkpoint_alone(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        await ledger.append(write("a", drafts=3))
        headers = [entry.header_bytes for entry in ledger.scan()]
        hashes = [entry.hash for entry in ledger.scan()]
        assert len(verify_entries(headers, ledger.checkpoint(), KEYS, hashes=hashes)) == 4
        root = "sha256:" + ledger.root().hex()
        for changes, why in (
            ({"site": "nims"}, "entry 0: of riken, under a checkpoint of nims"),
            ({"size": 3}, "entry 3: beyond the checkpoint's 3 entries"),
        ):
            signed = checkpoint(**({"size": 4, "root": root} | changes)).sign(SIGNER)
            with pytest.raises(Invalid, match=why):
                verify_entries(headers, signed, KEYS)
        with pytest.raises(Invalid, match="header 4 of the bundle: entry 0 is there twice"):
            verify_entries([*headers, headers[0]], ledger.checkpoint(), KEYS)
        for wrong in (hashes[:3], [*hashes[:3], DIGEST]):
            with pytest.raises(Invalid, match=r"header 3 of the bundle: changed since .*it calls itself entry 3"):
                verify_entries(headers, ledger.checkpoint(), KEYS, hashes=wrong)
        with pytest.raises(Invalid, match="the 3 entries of riken: lead to another root than the checkpoint at 4"):
            verify_entries(headers[:3], ledger.checkpoint(), KEYS, proof=[DIGEST])
        with pytest.raises(Untrusted):
            verify_entries(headers, checkpoint().sign(Ed25519Signer.from_seed(b"x" * 32)), KEYS)

    story(tell, opened)


def test_an_entry_of_a_later_epoch_is_not_under_an_earlier_checkpoint(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        await ledger.open_epoch(None, "operator@riken")
        headers = [entry.header_bytes for entry in ledger.scan()]
        root = "sha256:" + ledger.root().hex()
        with pytest.raises(Invalid, match="entry 1: of epoch 2, under a checkpoint of epoch 1"):
            verify_entries(headers, checkpoint(size=2, root=root).sign(SIGNER), KEYS)
        assert len(verify_entries(headers, checkpoint(size=2, root=root, epoch=2).sign(SIGNER), KEYS)) == 2

    story(tell, opened)


def test_an_epoch_says_what_was_restored_and_what_was_witnessed(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        root = "sha256:" + ledger.root().hex()
        opening = await ledger.open_epoch(checkpoint(epoch=4, size=9), "operator@riken")
        witnessed = {"epoch": 4, "size": 9, "root": checkpoint().root}
        facts = {"epoch": 5, "key": SIGNER.public.key_id, "restored": {"size": 1, "root": root}, "witnessed": witnessed}
        assert opening.facts == facts
        assert (ledger.epoch, opening.header.epoch) == (5, 5)
        assert (await ledger.open_epoch(None, "operator@riken")).facts["witnessed"] is None
        assert ledger.epoch == 6
        with pytest.raises(Invalid, match="of nims, not of riken"):
            await ledger.open_epoch(checkpoint(site="nims"), "operator@riken")

    story(tell, opened)


def test_a_closed_ledger_says_so(opened: Opener) -> None:
    async def tell(ledger: Ledger) -> None:
        ledger.close()
        with pytest.raises(Unavailable, match="it is closed"):
            await ledger.append(write("a"))

    story(tell, opened)

"""Reading, waiting for news, receipts, erasure, upcasting, backups and epochs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ledger.support import KEYS, SIGNER, Opener, StillClock, Titles, open_ledger, write
from yosegi.core.errors import Corrupt, Invalid, NotFound
from yosegi.ledger import Checkpoint, NotRestored, Receipt, SqliteStore, Upcasters, tree, verify_entries
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer


def run(action: Any) -> Any:
    return asyncio.run(action)


def test_a_ledger_is_read_in_order(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        for number in range(5):
            await ledger.append(*[write(f"task/{number}", 0) for number in range(number * 500, number * 500 + 500)])
        assert [entry.sequence for entry in ledger.scan()] == list(range(2501))
        assert [entry.sequence for entry in ledger.scan(2499)] == [2499, 2500]
        assert [entry.sequence for entry in ledger.scan(10, limit=2)] == [10, 11]
        with pytest.raises(NotFound, match="no entry '2501'"):
            ledger.entry(2501)

    run(body())


def test_streams_are_found_by_prefix(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        for stream in ("task/1", "task/2", "task", "tasks/1", "a", "task/\U0001f600"):
            await ledger.append(write(stream, 0, drafts=2))
        assert ledger.streams("task/") == ["task/1", "task/2", "task/\U0001f600"]
        assert ledger.streams() == ["a", "ledger", "task", "task/1", "task/2", "task/\U0001f600", "tasks/1"]

    run(body())


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "thread"])
def test_a_waiter_wakes_when_something_is_written(opened: Opener, inline: bool) -> None:
    async def body() -> None:
        clock = StillClock()
        ledger = await opened(clock=clock, inline=inline)
        assert await ledger.changed(-1, timeout=60) == 0
        waiting = asyncio.ensure_future(ledger.changed(0, timeout=60))
        await asyncio.sleep(0)
        assert not waiting.done()
        await ledger.append(write("a", 0, drafts=3))
        assert await waiting == 3

    run(body())


def test_a_waiter_gives_up_after_its_timeout(opened: Opener) -> None:
    async def body() -> None:
        clock = StillClock()
        ledger = await opened(clock=clock)
        waiting = asyncio.ensure_future(ledger.changed(0, timeout=60))
        for _ in range(3):
            await asyncio.sleep(0)
        clock.turn(59)
        await asyncio.sleep(0)
        assert not waiting.done()
        clock.turn(1)
        assert await waiting == 0

    run(body())


def test_a_waiter_does_not_outlast_the_ledger(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened(inline=False)
        waiting = asyncio.ensure_future(ledger.changed(0, timeout=60))
        await asyncio.sleep(0)
        ledger.close()
        assert await waiting == 0

    run(body())


def test_a_receipt_proves_an_entry_offline(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        for number in range(20):
            await ledger.append(write(f"task/{number}", 0))
        for sequence in range(21):
            receipt = Receipt.read(ledger.receipt(sequence).to_bytes())
            assert receipt.verify(KEYS, site="riken") == ledger.entry(sequence).header
            assert receipt.hash == ledger.entry(sequence).hash

    run(body())


def test_a_receipt_that_was_changed_is_refused(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        await ledger.append(*[write(f"task/{n}", 0, facts={"amount": 5}) for n in range(9)])
        receipt = ledger.receipt(4)
        changed = receipt.model_copy(update={"header": receipt.header.replace('"amount":5', '"amount":6')})
        with pytest.raises(Invalid, match="another root"):
            changed.verify(KEYS)
        with pytest.raises(Invalid, match="shorter"):
            receipt.model_copy(update={"proof": receipt.proof[:-1]}).verify(KEYS)
        with pytest.raises(Invalid, match="argonne was expected"):
            receipt.verify(KEYS, site="argonne")
        stranger = Ed25519Signer.generate()
        with pytest.raises(Untrusted):
            receipt.verify(by_id([stranger.public]))
        with pytest.raises(Invalid, match="beyond the checkpoint"):
            receipt.model_copy(update={"header": receipt.header.replace('"sequence":4', '"sequence":40')}).verify(KEYS)

    run(body())


def test_a_receipt_of_another_site_under_this_sites_checkpoint_is_refused(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened()
        other = await open_ledger(SqliteStore(tmp_path / "other.sqlite", durable=False), site="argonne")
        mixed = ledger.receipt(0).model_copy(update={"header": other.receipt(0).header})
        with pytest.raises(Invalid, match="riken"):
            mixed.verify(KEYS)
        other.close()

    run(body())


def test_a_bundle_is_verified_offline_and_a_changed_header_is_named(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        await ledger.append(*[write(f"task/{n}", 0, facts={"amount": 5}) for n in range(40)])
        chosen = [3, 4, 17, 40]
        headers = [ledger.entry(sequence).header_bytes for sequence in chosen]
        hashes = [ledger.entry(sequence).hash for sequence in chosen]
        proof = ledger.prove(chosen)
        found = verify_entries(reversed(headers), ledger.checkpoint(), KEYS, proof=proof, site="riken")
        assert [header.sequence for header in found] == chosen
        proof_and_checkpoint = ledger.attest(chosen)
        await ledger.append(write("later", 0))
        assert proof_and_checkpoint[0] == proof
        verify_entries(headers, proof_and_checkpoint[1], KEYS, proof=proof_and_checkpoint[0])
        proof = ledger.prove(chosen)
        whole = [entry.header_bytes for entry in ledger.scan()]
        assert len(verify_entries(whole, ledger.checkpoint(), KEYS)) == 42
        headers[2] = headers[2].replace(b'"amount":5', b'"amount":6')
        with pytest.raises(Invalid, match="another root"):
            verify_entries(headers, ledger.checkpoint(), KEYS, proof=proof)
        with pytest.raises(Invalid, match=r"header 2 of the bundle: changed .* it calls itself entry 17"):
            verify_entries(headers, ledger.checkpoint(), KEYS, proof=proof, hashes=hashes)
        with pytest.raises(Invalid, match="there twice"):
            verify_entries(headers[:1] * 2, ledger.checkpoint(), KEYS, proof=proof)
        with pytest.raises(NotFound):
            ledger.prove([42])

    run(body())


def test_the_ledger_at_one_size_is_proved_to_begin_the_ledger_at_another(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        roots = {1: ledger.root()}
        for number in range(12):
            await ledger.append(write(f"task/{number}", 0))
            roots[ledger.size] = Checkpoint.open(ledger.checkpoint(), KEYS).root_hash
        for old in roots:
            assert ledger.root(old) == roots[old]
            for new in range(old, 14):
                tree.check_consistency(old, new, ledger.consistency(old, new), roots[old], roots[new])
        for old, new in ((5, 14), (3, 2)):
            with pytest.raises(NotFound):
                ledger.consistency(old, new)

    run(body())


def test_an_erased_body_is_gone_from_the_disk_and_its_proof_stands(opened: Opener, file: Path) -> None:
    async def body() -> None:
        ledger = await opened(views=[Titles()])
        secret = "a-sentence-that-must-go"
        await ledger.append(write("a", 0, type="titled", body={"title": secret}))
        await ledger.append(write("b", 0, type="titled", body={"title": "another"}))
        erased = await ledger.erase(1, "asked for by its author", "officer@riken")
        entry = ledger.entry(1)
        assert (entry.body, entry.body_bytes, entry.salt, entry.erased) == (None, None, None, True)
        assert ledger.entry(2).erased is False
        assert erased.type == "ledger.erased"
        assert (erased.facts["sequence"], erased.facts["reason"]) == (1, "asked for by its author")
        assert erased.header.charter == "alliance"
        assert ledger.receipt(1).verify(KEYS).body == erased.facts["body"]
        assert ledger.query("SELECT title FROM titles ORDER BY sequence") == [{"title": None}, {"title": "another"}]
        list(ledger.check())
        for path in file.parent.iterdir():
            assert secret.encode() not in path.read_bytes(), path

    run(body())


def test_a_body_is_erased_once_and_only_where_there_is_one(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        await ledger.append(write("a", 0, body={"n": 1}), write("b", 0))
        await ledger.erase(1, "why", "officer@riken")
        for sequence in (1, 2, 99):
            with pytest.raises(NotFound):
                await ledger.erase(sequence, "why", "officer@riken")
        assert ledger.size == 4

    run(body())


def test_an_old_entry_is_read_in_the_newest_form(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        await ledger.append(write("a", 0, type="settled", facts={"cost": 5}, body={"by": "pi"}))
        await ledger.append(write("a", 1, type="settled", facts={"amount": 7, "unit": "node_h"}, type_version=3))
        await ledger.append(write("b", 0, body=b"\xff"))
        ledger.close()
        upcasters = Upcasters()
        upcasters.register("settled", 1, lambda facts, body: ({"amount": facts["cost"]}, body))
        upcasters.register("settled", 2, lambda facts, body: ({**facts, "unit": "jpy"}, {"who": (body or {})["by"]}))
        with pytest.raises(Invalid, match="twice"):
            upcasters.register("settled", 1, lambda facts, body: (facts, body))
        ledger = await opened(upcasters=upcasters)
        first, second = ledger.read("a")
        assert (first.facts, first.body, first.type_version) == ({"amount": 5, "unit": "jpy"}, {"who": "pi"}, 3)
        assert (first.header.facts, first.header.type_version) == ({"cost": 5}, 1)
        assert (second.facts, second.type_version) == ({"amount": 7, "unit": "node_h"}, 3)
        (other,) = ledger.read("b")
        assert (other.facts, other.type_version, other.body_bytes) == ({}, 1, b"\xff")

    run(body())


def test_a_backup_must_open_an_epoch_before_it_is_written(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened(views=[Titles()], inline=False)
        await ledger.append(write("a", 0))
        ledger.backup(tmp_path / "copy.sqlite")
        await ledger.append(write("a", 1), write("b", 0))
        witnessed = Checkpoint.open(ledger.checkpoint(), KEYS)
        lost = [ledger.receipt(sequence) for sequence in (0, 3, 2)]
        copy = await open_ledger(SqliteStore(tmp_path / "copy.sqlite", durable=False), views=[Titles()])
        assert (copy.restored, copy.size, ledger.restored) == (True, 2, False)
        with pytest.raises(NotRestored):
            await copy.append(write("a", 1))
        epoch = await copy.open_epoch(witnessed, by="operator@riken")
        assert epoch.facts["witnessed"] == {"epoch": 1, "size": 4, "root": witnessed.root}
        assert epoch.facts["restored"] == {"size": 2, "root": "sha256:" + ledger.root(2).hex()}
        assert (epoch.header.epoch, epoch.type, copy.epoch, copy.restored) == (2, "ledger.opened", 2, False)
        refilled = await copy.refill(lost, by="operator@riken")
        assert [entry.facts["sequence"] for entry in refilled] == [2, 3]
        assert refilled[0].facts["header"]["stream"] == "a"
        assert refilled[0].header.after == (lost[2].hash,)
        assert Receipt.read(refilled[0].body_bytes or b"").verify(KEYS) == lost[2].verify(KEYS)
        assert await copy.refill(lost, by="operator@riken") == []
        await copy.append(write("a", 1))
        list(copy.check())
        copy.close()
        again = await open_ledger(SqliteStore(tmp_path / "copy.sqlite", durable=False))
        assert (again.epoch, again.restored) == (2, False)
        again.close()

    run(body())


def test_an_epoch_never_repeats_one_that_was_witnessed(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened()
        ledger.backup(tmp_path / "copy.sqlite")
        await ledger.open_epoch(None, by="operator@riken")
        witnessed = Checkpoint.open(ledger.checkpoint(), KEYS)
        assert witnessed.epoch == 2
        copy = await open_ledger(SqliteStore(tmp_path / "copy.sqlite", durable=False))
        assert (await copy.open_epoch(witnessed, by="operator@riken")).header.epoch == 3
        with pytest.raises(Invalid, match="of argonne, not of riken"):
            await copy.open_epoch(witnessed.model_copy(update={"site": "argonne"}), by="operator@riken")
        copy.close()

    run(body())


def test_only_receipts_of_this_ledger_refill_it(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened()
        stranger = Ed25519Signer.generate()
        store = SqliteStore(tmp_path / "other.sqlite", durable=False)
        other = await open_ledger(store, signer=stranger)
        with pytest.raises(Untrusted):
            await ledger.refill([other.receipt(0)], by="operator@riken")
        other.close()

    run(body())


def test_a_replaced_key_needs_the_earlier_one_to_open(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        ledger.close()
        new = Ed25519Signer.from_seed(bytes(32))
        with pytest.raises(Corrupt, match="give the earlier public key too"):
            await opened(signer=new)
        ledger = await opened(signer=new, keys=[SIGNER.public])
        await ledger.append(write())
        assert ledger.receipt(1).verify(by_id([new.public])).sequence == 1
        list(ledger.check())

    run(body())

"""A witness sees whether a site still tells the same story."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ledger.support import KEYS, Opener, open_ledger, write
from yosegi.core.errors import Invalid
from yosegi.ledger import Checkpoint, Forked, Ledger, SqliteStore, check_continues, common_history


def run(action: Any) -> Any:
    return asyncio.run(action)


def checkpoint(ledger: Ledger) -> Checkpoint:
    return Checkpoint.open(ledger.checkpoint(), KEYS)


async def copied(ledger: Ledger, target: Path) -> Ledger:
    ledger.backup(target)
    return await open_ledger(SqliteStore(target, durable=False))


def test_a_ledger_that_went_on_continues(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        held = checkpoint(ledger)
        check_continues(held, held, [])
        for number in range(5):
            await ledger.append(write("a", number))
            later = checkpoint(ledger)
            check_continues(held, later, ledger.consistency(held.size, later.size))
        with pytest.raises(Forked, match="it does not continue the one over 6"):
            check_continues(later, held, [])

    run(body())


def test_two_stories_of_one_epoch_are_a_fork(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened()
        other = await open_ledger(SqliteStore(tmp_path / "other.sqlite", durable=False))
        await ledger.append(write("a", 0))
        await other.append(write("b", 0))
        held = checkpoint(ledger)
        await other.append(write("b", 1))
        with pytest.raises(Forked) as forked:
            check_continues(held, checkpoint(other), other.consistency(held.size, other.size))
        assert (forked.value.earlier, forked.value.later) == (held, checkpoint(other))
        other.close()

    run(body())


def test_a_restored_ledger_continues_if_it_admits_what_it_lost(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened()
        await ledger.append(write("a", 0))
        copy = await copied(ledger, tmp_path / "copy.sqlite")
        await ledger.append(write("a", 1))
        held = checkpoint(ledger)
        opening = (await copy.open_epoch(held, by="operator@riken")).header
        size, _ = common_history(held, [opening])
        assert size == 2
        later = checkpoint(copy)
        check_continues(held, later, copy.consistency(size, later.size), opened=[opening])
        with pytest.raises(Invalid, match="the opened epochs"):
            check_continues(held, later, copy.consistency(size, later.size))
        copy.close()

    run(body())


def test_a_restored_ledger_that_hides_what_it_lost_is_a_fork(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened()
        copy = await copied(ledger, tmp_path / "copy.sqlite")
        older = checkpoint(ledger)
        await ledger.append(write("a", 0))
        held = checkpoint(ledger)
        opening = (await copy.open_epoch(older, by="operator@riken")).header
        proof = copy.consistency(1, copy.size)
        with pytest.raises(Forked, match="does not admit the entries it lost"):
            check_continues(held, checkpoint(copy), proof, opened=[opening])
        check_continues(older, checkpoint(copy), proof, opened=[opening])
        copy.close()

    run(body())


def test_an_epoch_may_follow_one_that_was_lost(opened: Opener, tmp_path: Path) -> None:
    async def body() -> None:
        ledger = await opened()
        held = checkpoint(ledger)
        copy = await copied(ledger, tmp_path / "copy.sqlite")
        await ledger.open_epoch(None, by="operator@riken")
        opening = (await copy.open_epoch(checkpoint(ledger), by="operator@riken")).header
        assert opening.epoch == 3
        check_continues(held, checkpoint(copy), copy.consistency(1, copy.size), opened=[opening])
        with pytest.raises(Forked, match="epoch 1 comes before epoch 3"):
            check_continues(checkpoint(copy), held, [])
        copy.close()

    run(body())


def test_another_sites_checkpoint_or_another_entry_is_refused(opened: Opener) -> None:
    async def body() -> None:
        ledger = await opened()
        held = checkpoint(ledger)
        with pytest.raises(Invalid, match="of argonne"):
            check_continues(held, held.model_copy(update={"site": "argonne"}), [])
        await ledger.open_epoch(held, by="operator@riken")
        (other,) = await ledger.append(write("a", 0))
        with pytest.raises(Invalid, match="does not open an epoch"):
            check_continues(held, checkpoint(ledger), ledger.consistency(1, 3), opened=[other.header])

    run(body())

"""Peers witness each other's ledgers: a forked one is caught at the next exchange, a restored one is understood."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Conflict
from yosegi.core.states import CampaignState
from yosegi.exchange.fork_verdicts import EXPLAINED
from yosegi.exchange.witness import FORKED, WITNESSED, Witness
from yosegi.ledger import Checkpoint, Draft, LedgerBehind, Write
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, Federation
from yosegi.testing.loop import run_simulated

ONLY_EXPERIMENTS = spec(2).partition('[[source]]\nname = "simulation"')[0]


@pytest.fixture
def liars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sites that do not stop when they hear that they go back on what they signed."""
    monkeypatch.setattr(Witness, "_check_own", lambda self, charter, held: None)


async def _put_back(federation: Federation, folder: Path, name: str, copy: Path) -> Site:
    """A site's disk is replaced by an older copy of it, and nobody says a word."""
    await federation.crash(name)
    for leftover in folder.glob(f"{name}.db*"):
        leftover.unlink()
    shutil.copy(copy, folder / f"{name}.db")
    return await federation.restart(name)


def _as_it_was(site: Site, copy: Path) -> None:
    """The file as somebody copies it beside the program: no backup, which would say that it is one."""
    site.ledger.backup(copy)
    with contextlib.closing(sqlite3.connect(copy)) as db:
        db.execute("UPDATE ledger_sequencer SET copied = 0")
        db.commit()


async def _invent(site: Site, entries: int) -> None:
    for number in range(entries):
        draft = Draft("story.invented", {"number": number})
        await site.ledger.append(Write("story", None, (draft,), charter=CHARTER, actor=site.name))


async def _work(federation: Federation, trials: int = 2) -> None:
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(spec(trials)), federation.member())
    while home.campaigns.get("toy").state is not CampaignState.ENDED:
        await asyncio.sleep(5)
    await asyncio.sleep(60)


def test_peers_hold_each_others_latest_checkpoints_on_record(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await _work(federation)
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        held = Checkpoint.read(argonne.channels.witness.last(CHARTER, "nims").payload)
        assert held.size > 10
        assert nims.ledger.root(held.size) == held.root_hash
        assert [e.type for e in argonne.ledger.read(f"witness/{CHARTER}/nims")] == [WITNESSED]
        assert not argonne.channels.witness.forked

    run_simulated(story())


@pytest.mark.usefixtures("liars")
def test_a_ledger_taken_back_to_an_earlier_day_and_written_anew_is_caught(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await federation.crash("nims")
        shutil.copy(tmp_path / "nims.db", tmp_path / "earlier.db")
        await federation.restart("nims")
        await _work(federation)
        # nims hides what it did: it goes back to the copy and tells another story of the same length.
        await federation.crash("nims")
        for leftover in tmp_path.glob("nims.db*"):
            leftover.unlink()
        shutil.copy(tmp_path / "earlier.db", tmp_path / "nims.db")
        nims = await federation.restart("nims")
        for number in range(200):
            draft = Draft("story.invented", {"number": number})
            await nims.ledger.append(Write("story", None, (draft,), charter=CHARTER, actor="nims"))
        await asyncio.sleep(90)
        argonne = federation.places["argonne"].running
        assert argonne.channels.witness.forked == {"nims"}
        evidence = argonne.ledger.read(f"witness/{CHARTER}/nims")[-1]
        assert evidence.type == FORKED
        assert evidence.body is not None
        assert evidence.body["earlier"] != evidence.body["later"]
        # What it says now is refused, also after a restart.
        await federation.crash("argonne")
        again = await federation.restart("argonne")
        assert again.channels.witness.forked == {"nims"}

    run_simulated(story())


def test_a_restored_site_that_opens_an_epoch_is_not_taken_for_a_liar(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        nims = federation.places["nims"].running
        nims.ledger.backup(tmp_path / "backup.db")
        await _work(federation)
        argonne = federation.places["argonne"].running
        witnessed = Checkpoint.read(argonne.channels.witness.last(CHARTER, "nims").payload)
        await federation.crash("nims")
        for leftover in tmp_path.glob("nims.db*"):
            leftover.unlink()
        shutil.copy(tmp_path / "backup.db", tmp_path / "nims.db")
        federation.places["nims"].restored_from = witnessed
        await federation.restart("nims")
        await asyncio.sleep(120)
        assert not argonne.channels.witness.forked
        held = Checkpoint.read(argonne.channels.witness.last(CHARTER, "nims").payload)
        assert held.epoch > witnessed.epoch

    run_simulated(story())


def test_a_site_whose_disk_is_put_back_hears_so_and_stops_before_it_tells_another_story(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        _as_it_was(federation.places["nims"].running, tmp_path / "earlier.db")
        await _work(federation)
        done = dict(federation.world.effects)
        nims = await _put_back(federation, tmp_path, "nims", tmp_path / "earlier.db")
        await asyncio.sleep(5)
        assert isinstance(nims.ledger.stopped, LedgerBehind)
        assert "yosegi site restore" in str(nims.ledger.stopped)
        with pytest.raises(LedgerBehind):
            await _invent(nims, 1)
        await asyncio.sleep(120)
        assert federation.world.effects == done
        assert not federation.places["argonne"].running.channels.witness.forked
        assert not federation.places["riken"].running.channels.witness.forked

    run_simulated(story())


@pytest.mark.usefixtures("liars")
def test_the_last_seconds_of_a_ledger_cannot_be_taken_back_as_receipts_are_held_against_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await asyncio.sleep(60)
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        known = argonne.channels.witness.known(CHARTER, "nims")
        # More was signed since the last proof than the copy holds, and what was proven the copy holds too.
        assert known.proven is not None
        while Checkpoint.read(known.proven.payload).size < nims.ledger.size:
            await asyncio.sleep(1)
        _as_it_was(nims, tmp_path / "earlier.db")
        size = nims.ledger.size
        await argonne.campaigns.start(parse_spec(ONLY_EXPERIMENTS), federation.member())
        await asyncio.sleep(4)
        assert Checkpoint.read(known.proven.payload).size <= size
        assert known.furthest is not None
        assert Checkpoint.read(known.furthest.payload).size > size
        nims = await _put_back(federation, tmp_path, "nims", tmp_path / "earlier.db")
        await _invent(nims, 200)
        await asyncio.sleep(90)
        assert argonne.channels.witness.forked == {"nims"}

    run_simulated(story())


@pytest.mark.usefixtures("liars")
def test_a_verdict_is_lifted_by_an_officer_once_a_restoration_was_shown_and_never_by_itself(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        _as_it_was(nims, tmp_path / "earlier.db")
        await _work(federation)
        nims.ledger.backup(tmp_path / "right.db")
        nims = await _put_back(federation, tmp_path, "nims", tmp_path / "earlier.db")
        await _invent(nims, 5)
        await asyncio.sleep(90)
        witness = argonne.channels.witness
        assert witness.forked == {"nims"}
        with pytest.raises(Conflict, match="not shown a new epoch"):
            await argonne.publisher.lift("site", "nims", "officer@argonne", "they say it was the disk")
        # The right disk is brought back as a restoration.
        federation.places["nims"].restored_from = Checkpoint.read(witness.last(CHARTER, "nims").payload)
        await _put_back(federation, tmp_path, "nims", tmp_path / "right.db")
        await asyncio.sleep(240)
        assert witness.forked == {"nims"}
        assert EXPLAINED in [entry.type for entry in argonne.ledger.read(f"witness/{CHARTER}/nims")]
        await argonne.publisher.lift("site", "nims", "officer@argonne", "they restored and settled it")
        for name in ("riken",):
            other = federation.places[name].running
            if "nims" in other.channels.witness.forked:
                await other.publisher.lift("site", "nims", "officer@riken", "they restored and settled it")
        assert not witness.forked
        await federation.crash("argonne")
        argonne = await federation.restart("argonne")
        assert not argonne.channels.witness.forked
        await federation.places["nims"].running.restore_guard.settle("operator@nims", "looked")
        await argonne.campaigns.start(parse_spec(ONLY_EXPERIMENTS.replace('"toy"', '"again"')), federation.member())
        await asyncio.sleep(240)
        assert argonne.campaigns.get("again").state is CampaignState.ENDED
        assert not argonne.channels.witness.forked

    run_simulated(story())

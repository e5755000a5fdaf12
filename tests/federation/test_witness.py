"""Peers witness each other's ledgers: a forked one is caught at the next exchange, a restored one is understood."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.states import CampaignState
from yosegi.exchange.witness import FORKED, WITNESSED
from yosegi.ledger import Checkpoint, Draft, Write
from yosegi.testing.federation import CHARTER, Federation
from yosegi.testing.loop import run_simulated


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

"""A backup is restored in the middle of everything: nothing physical twice, receipts back, nobody taken for a liar."""

from __future__ import annotations

import asyncio
import logging
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from federation.governed import agreement, amended, governed, signed
from federation.test_refusals import asked
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Conflict, Refused
from yosegi.core.states import CampaignState, Effect, TaskState, TrialState
from yosegi.exchange.passed_on import PASSED_ON
from yosegi.exchange.witness import Witness
from yosegi.identity.accounts import Session
from yosegi.ledger import LEDGER, REFILLED, Checkpoint
from yosegi.services.runtime import Site
from yosegi.testing.faults import When
from yosegi.testing.federation import CHARTER, Federation
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.messages import Request


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


async def _restored(federation: Federation, folder: Path, name: str, witnessed: Checkpoint | None) -> Site:
    """The site's disk is lost; the backup is brought back and an epoch opened, as `yosegi site restore` does."""
    await federation.crash(name)
    for leftover in folder.glob(f"{name}.db*"):
        leftover.unlink()
    shutil.copy(folder / "backup.db", folder / f"{name}.db")
    federation.places[name].restored_from = witnessed
    return await federation.restart(name)


def _seen(federation: Federation, by: str, of: str) -> Checkpoint:
    return Checkpoint.read(federation.places[by].running.channels.witness.last(CHARTER, of).payload)


def _nobody_accused(federation: Federation) -> None:
    for place in federation.places.values():
        assert not place.running.channels.witness.forked, place.name


@pytest.mark.parametrize("told", ["the furthest", "nothing"])
@pytest.mark.parametrize(("backed_up", "lost"), [(0.0, 3.0), (2.6, 8.0), (20.0, 25.0)])
def test_an_owner_restored_in_the_middle_of_a_campaign_repeats_nothing(
    tmp_path: Path, backed_up: float, lost: float, told: str
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["nims"].duration = 5.0
        await federation.start()
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        text = spec(4).partition('[[source]]\nname = "simulation"')[0]
        await home.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(backed_up)
        nims.ledger.backup(tmp_path / "backup.db")
        await asyncio.sleep(lost)
        witnessed = _seen(federation, "argonne", "nims") if told == "the furthest" else None
        federation.places["nims"].book.clear()
        nims = await _restored(federation, tmp_path, "nims", witnessed)
        await asyncio.sleep(120)
        _nobody_accused(federation)
        assert nims.restore_guard.open
        # What uses something up is closed until a person has looked.
        happened = dict(federation.world.effects)
        operator, member = Session("operator@nims", "operator", 1e9, ""), Session("x@nims", "member", 1e9, "")
        with pytest.raises(Refused):
            await nims.operations.settle_restoration(member, "looked")
        await nims.operations.settle_restoration(operator, "looked at every well")
        with pytest.raises(Conflict):
            await nims.operations.settle_restoration(operator, "again")
        assert dict(federation.world.effects) == happened
        for notice in filter(lambda notice: notice.task, nims.alerts.open()):
            await nims.tasks.settle(notice.task, Effect.DONE, "the well is used", operator)
        if home.campaigns.get("toy").state is CampaignState.HELD:
            await home.campaigns.move("toy", CampaignState.RUNNING, federation.member(), "nims is back")
        await asyncio.sleep(400)
        campaign = home.campaigns.get("toy")
        assert campaign.state is CampaignState.ENDED, campaign.why
        assert not [t for t in campaign.trials if t.state in (TrialState.RUNNING, TrialState.UNCERTAIN)]
        assert not federation.world.twice()
        assert nims.ledger.query("SELECT SUM(held) AS held FROM grant_tranches")[0]["held"] == 0
        _nobody_accused(federation)

    run_simulated(story())


def test_receipts_come_back_also_from_a_peer_that_only_dials_out(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne = federation.places["argonne"].running
        argonne.ledger.backup(tmp_path / "backup.db")
        await argonne.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(120)
        assert argonne.campaigns.get("toy").state is CampaignState.ENDED
        made = {e.header.body for s in argonne.ledger.streams("request/nims/") for e in argonne.ledger.read(s)[:1]}
        assert made
        # nims cannot be asked when the backup is brought back: it saw more of the ledger than riken tells.
        witnessed = _seen(federation, "riken", "argonne")
        argonne = await _restored(federation, tmp_path, "argonne", witnessed)
        await asyncio.sleep(120)
        refilled = [e.facts["header"] for e in argonne.ledger.read(LEDGER) if e.type == REFILLED]
        assert made <= {header["body"] for header in refilled}
        assert {line["type"] for line in argonne.restore_guard.lost()} >= {"request.made"}
        _nobody_accused(federation)
        # The campaign may be asked again: its keys were used, and nothing happens twice.
        await argonne.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(300)
        assert not federation.world.twice()
        assert all(trial.state.final for trial in argonne.campaigns.get("toy").trials)

    run_simulated(story())


def test_a_site_that_goes_back_without_a_word_is_still_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        nims.ledger.backup(tmp_path / "backup.db")
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(120)
        before = _seen(federation, "argonne", "nims")
        await _restored(federation, tmp_path, "nims", before)
        await asyncio.sleep(120)
        _nobody_accused(federation)
        # It does not stop when it hears of it, as an honest one does.
        monkeypatch.setattr(Witness, "_check_own", lambda self, charter, held: None)
        # A second time, and it hides that: its disk is put back as it was, and says nothing of what it lost.
        await federation.crash("nims")
        shutil.copy(tmp_path / "nims.db", tmp_path / "earlier.db")
        nims = await federation.restart("nims")
        for _ in range(50):
            await nims.dispatcher.hold("operator@nims", "noise")
        await asyncio.sleep(60)
        await federation.crash("nims")
        for leftover in tmp_path.glob("nims.db*"):
            leftover.unlink()
        shutil.copy(tmp_path / "earlier.db", tmp_path / "nims.db")
        await federation.restart("nims")
        await asyncio.sleep(60)
        assert federation.places["argonne"].running.channels.witness.forked == {"nims"}

    run_simulated(story())


def test_repeatable_work_whose_time_ran_out_while_its_owner_was_away_is_refused_and_closed_at_its_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yosegi.exchange.requests.LIFETIME", timedelta(minutes=5))

    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["riken"].duration = 600.0
        await federation.start()
        riken = federation.places["riken"].running
        riken.ledger.backup(tmp_path / "backup.db")
        made = asyncio.create_task(asked(federation, "riken/toy.simulate@1"))
        await asyncio.sleep(10)
        home = federation.places["argonne"].running
        (stream,) = home.ledger.streams("request/riken/")
        request = Request.recorded((home.ledger.read(stream)[0].body or {})["document"])
        assert made.cancel()
        await federation.crash("riken")
        await asyncio.sleep((request.not_after - request.issued).total_seconds() + 60)
        await _restored(federation, tmp_path, "riken", _seen(federation, "argonne", "riken"))
        await asyncio.sleep(60)
        told = home.requests.get("riken", request.key)
        assert told.state is TaskState.REFUSED
        assert [reason.code for reason in told.reasons] == ["lost_in_restore"]
        assert not home.ledger.query("SELECT stream FROM request WHERE open = 1")

    run_simulated(story())


def test_what_was_signed_after_the_backup_comes_back_to_a_restored_site(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        nims.ledger.backup(tmp_path / "backup.db")
        second = amended(federation.charter(), title="Second")
        stated = federation.statement("riken", serial=2, issued=EPOCH)
        sites = ("argonne", "riken", "nims")
        for envelope in (signed(second, *sites), signed(agreement("later"), *sites), signed(stated, "riken")):
            await argonne.publisher.publish(envelope, "officer@argonne")
        await asyncio.sleep(60)
        assert nims.registry.federation(CHARTER).roster.charter.version == 2
        restored = await _restored(federation, tmp_path, "nims", _seen(federation, "argonne", "nims"))
        assert restored.registry.federation(CHARTER).roster.charter.version == 1, "as the backup has it"
        await asyncio.sleep(180)
        known = restored.registry.federation(CHARTER)
        assert known.roster.charter.version == 2
        assert known.roster.statements["riken"].serial == 2
        assert "later" in known.agreements
        again = [e for e in argonne.ledger.read(f"recall/{CHARTER}/nims") if e.type == PASSED_ON]
        assert len(again) >= 6, "versions, statements, agreement"
        assert not any("document" in (e.body or {}) for e in again), "where it stands, not once more what"
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("commit", [1, 2, 3])
def test_a_peer_that_dies_while_it_says_what_is_in_force_says_all_of_it_in_the_end(
    tmp_path: Path, commit: int, when: When
) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        nims.ledger.backup(tmp_path / "backup.db")
        second = amended(federation.charter(), title="Second")
        for envelope in (
            signed(second, "argonne", "riken", "nims"),
            signed(agreement("later"), "argonne", "riken", "nims"),
        ):
            await argonne.publisher.publish(envelope, "officer@argonne")
        await asyncio.sleep(60)
        # One alone is left to say it.
        await federation.crash("riken")
        store = federation.stores["argonne"]
        store._die_at, store._when = store.commits + commit, when
        restored = await _restored(federation, tmp_path, "nims", _seen(federation, "argonne", "nims"))
        await asyncio.sleep(300)
        assert federation.faults == ["argonne"]
        known = restored.registry.federation(CHARTER)
        assert known.roster.charter.version == 2
        assert "later" in known.agreements
        for name in ("argonne", "nims"):
            await federation.crash(name)

    run_simulated(story())


def test_who_has_not_said_yet_what_was_lost_is_named(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        federation.places["nims"].running.ledger.backup(tmp_path / "backup.db")
        await federation.crash("riken")
        nims = await _restored(federation, tmp_path, "nims", None)
        assert nims.operations.restoration().unheard == ("argonne", "riken")
        await asyncio.sleep(120)
        assert nims.operations.restoration().unheard == ("riken",), "it is down"
        for name in ("argonne", "nims"):
            await federation.crash(name)

    run_simulated(story())

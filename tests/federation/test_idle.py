"""Peers that have nothing to say to each other still tell where their ledgers and clocks stand, once a minute."""

from __future__ import annotations

import asyncio
import logging
import shutil
from pathlib import Path

import pytest

from federation.test_refusals import asked
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Unavailable
from yosegi.core.states import CampaignState
from yosegi.exchange import sender
from yosegi.exchange.parcel import History
from yosegi.exchange.peer_channel import PeerChannel
from yosegi.exchange.witness import Witness
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.ledger import Draft, Write
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, Federation, Place, address
from yosegi.testing.loop import SimulatedClock, run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def test_idle_peers_hear_of_each_other_every_minute_and_it_costs_little(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await asyncio.sleep(120)
        before = federation.network.calls
        for _ in range(10):
            await asyncio.sleep(60)
            for name in ("argonne", "riken"):
                for peer in federation.places[name].running.peers.list():
                    assert peer.heard_seconds_ago <= 60, (name, peer)
        # Ten minutes: nims polls its mailbox (three a minute); the rest is one call a minute and pair.
        assert federation.network.calls - before <= 10 * (3 + 3 + 2)

    run_simulated(story())


async def _goes_back(federation: Federation, folder: Path, name: str, entries: int) -> Site:
    """A site hides what it did: it goes back to an earlier copy and tells another story."""
    await federation.crash(name)
    for leftover in folder.glob(f"{name}.db*"):
        leftover.unlink()
    shutil.copy(folder / "earlier.db", folder / f"{name}.db")
    site = await federation.restart(name)
    for number in range(entries):
        draft = Draft("story.invented", {"number": number})
        await site.ledger.append(Write("story", None, (draft,), charter=CHARTER, actor=name))
    return site


@pytest.fixture
def liars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sites that do not stop when they hear that they go back on what they signed."""
    monkeypatch.setattr(Witness, "_check_own", lambda self, charter, held: None)


@pytest.mark.usefixtures("liars")
@pytest.mark.parametrize("entries", [0, 200])
@pytest.mark.parametrize("name", ["nims", "riken"])
def test_a_fork_of_an_idle_site_is_caught_within_a_minute(tmp_path: Path, name: str, entries: int) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await federation.crash(name)
        shutil.copy(tmp_path / f"{name}.db", tmp_path / "earlier.db")
        site = await federation.restart(name)
        for number in range(50):
            draft = Draft("story.true", {"number": number})
            await site.ledger.append(Write("story", None, (draft,), charter=CHARTER, actor=name))
        await asyncio.sleep(120)
        await _goes_back(federation, tmp_path, name, entries)
        await asyncio.sleep(60)
        assert federation.places["argonne"].running.channels.witness.forked == {name}

    run_simulated(story())


def two_that_dial_out(folder: Path) -> Federation:
    """nims and kek only dial out; argonne listens, and keeps the mail of both."""
    reach = {"argonne": Listens(url=address("argonne")), "nims": Outbound(mailbox="argonne")}
    reach["kek"] = reach["nims"]
    return Federation({name: Place(name, how) for name, how in reach.items()}, folder)


def test_two_sites_that_only_dial_out_hear_of_each_other_every_minute(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_that_dial_out(tmp_path)
        await federation.start()
        await asyncio.sleep(120)
        before = federation.network.calls
        for _ in range(10):
            await asyncio.sleep(60)
            for name in ("nims", "kek"):
                for peer in federation.places[name].running.peers.list():
                    assert peer.heard_seconds_ago <= 60, (name, peer)
        # Ten minutes: each polls its mailbox, leaves its checkpoint for the other twice and collects the other's.
        assert federation.network.calls - before <= 10 * 2 * (3 + 2 + 4)

    run_simulated(story())


async def looks_away(charter: str, peer: str, told: History) -> None:
    """A keeper of mail that compares nothing."""


@pytest.mark.usefixtures("liars")
def test_a_story_told_otherwise_to_a_site_that_is_reached_by_mail_alone_is_caught_there_within_a_minute(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        federation = two_that_dial_out(tmp_path)
        await federation.start()
        await federation.crash("nims")
        shutil.copy(tmp_path / "nims.db", tmp_path / "earlier.db")
        site = await federation.restart("nims")
        for number in range(50):
            draft = Draft("story.true", {"number": number})
            await site.ledger.append(Write("story", None, (draft,), charter=CHARTER, actor="nims"))
        await asyncio.sleep(120)
        # The keeper of their mail would find it too, and let nims leave nothing more; this one looks away.
        federation.places["argonne"].running.channels.witness.hear = looks_away  # type: ignore[method-assign]
        await _goes_back(federation, tmp_path, "nims", 200)
        await asyncio.sleep(60)
        assert federation.places["kek"].running.channels.witness.forked == {"nims"}

    run_simulated(story())


def test_a_site_that_is_away_is_left_a_letter_an_hour_with_nothing_in_it_but_where_the_ledger_stands(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        federation = two_that_dial_out(tmp_path)
        await federation.start()
        await asyncio.sleep(120)
        await federation.crash("nims")
        mailbox = federation.places["argonne"].running.exchange.mailbox
        assert mailbox is not None
        before = mailbox.statistics().get("nims", 0)
        await asyncio.sleep(2 * 3600 + 60)
        assert mailbox.statistics()["nims"] - before <= 3
        await federation.restart("nims")
        await asyncio.sleep(60)
        assert "nims" not in mailbox.statistics()

    run_simulated(story())


def test_a_peer_that_never_proves_that_its_ledger_goes_on_is_not_listened_to(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await asyncio.sleep(120)
        nims, home = federation.places["nims"].running, federation.places["argonne"].running
        honest = nims.channels.witness.history

        def evading(charter: str, peer: str, *, by_mail: bool = False) -> History | None:
            told = honest(charter, peer, by_mail=by_mail)
            return None if told is None else told.model_copy(update={"since": 0, "since_epoch": 0, "proof": ()})

        nims.channels.witness.history = evading  # type: ignore[method-assign]
        await asyncio.sleep(120)
        await home.campaigns.start(parse_spec(spec(1)), federation.member())
        await asyncio.sleep(120)
        assert not home.channels.witness.forked
        assert "does not prove" in next(p.trouble for p in home.channels._channels.values() if p.peer == "nims")
        assert home.campaigns.get("toy").state is not CampaignState.ENDED
        # It thinks better of it.
        nims.channels.witness.history = honest  # type: ignore[method-assign]
        await asyncio.sleep(120)
        assert home.campaigns.get("toy").state is CampaignState.ENDED

    run_simulated(story())


def _set(site: Site, skew: float) -> None:
    assert isinstance(site.clock, SimulatedClock)
    site.clock.skew = skew


@pytest.mark.parametrize("skew", [45.0, -45.0, 4000.0, -4000.0])
def test_a_site_whose_clock_is_off_begins_no_campaign_until_it_is_right_again(tmp_path: Path, skew: float) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await asyncio.sleep(60)
        home = federation.places["argonne"].running
        _set(home, skew)
        await asyncio.sleep(60)
        assert abs(home.channels.clocks.seconds_off - skew) <= 1
        with pytest.raises(Unavailable, match="other sites' clocks"):
            await home.campaigns.start(parse_spec(spec(1)), federation.member())
        assert not home.campaigns.names()
        _set(home, 0.0)
        await asyncio.sleep(60)
        await home.campaigns.start(parse_spec(spec(1)), federation.member())
        await asyncio.sleep(60)
        assert home.campaigns.get("toy").state is CampaignState.ENDED

    run_simulated(story())


@pytest.mark.parametrize("skew", [45.0, -45.0])
def test_a_site_whose_clock_is_off_signs_and_judges_nothing_until_it_is_right_again(
    tmp_path: Path, skew: float
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await asyncio.sleep(60)
        home = federation.places["argonne"].running
        _set(home, skew)
        await asyncio.sleep(60)
        # As one that ran when the clock went wrong.
        await home.campaign_engine.begin(parse_spec(spec(1)), federation.member().person)
        await asyncio.sleep(120)
        assert "other sites' clocks" in home.campaigns.last_error("toy")
        assert not federation.world.effects
        _set(home, 0.0)
        await asyncio.sleep(180)
        assert home.channels.clocks.seconds_off == 0
        assert home.campaigns.get("toy").state is CampaignState.ENDED

    run_simulated(story())


@pytest.mark.parametrize("skew", [45.0, -45.0])
def test_an_owner_whose_clock_is_off_starts_nothing_and_a_peers_is_named(tmp_path: Path, skew: float) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await asyncio.sleep(60)
        home, riken = federation.places["argonne"].running, federation.places["riken"].running
        _set(riken, skew)
        await asyncio.sleep(60)
        told = {peer.peer: peer.trouble for peer in home.peers.list()}
        assert "seconds from the median" in told["riken"]
        assert not told["nims"]
        assert riken.channels.clocks.seconds_off == skew
        assert home.channels.clocks.seconds_off == 0

    run_simulated(story())


@pytest.mark.parametrize("skew", [45.0, -45.0, 4000.0, -4000.0])
def test_two_sites_alone_whose_clocks_are_apart_both_say_so_until_they_agree(tmp_path: Path, skew: float) -> None:
    async def story() -> None:
        both = {name: Place(name, Listens(url=address(name)), "US") for name in ("argonne", "riken")}
        federation = Federation(both, tmp_path)
        await federation.start()
        await asyncio.sleep(60)
        sites = {name: place.running for name, place in federation.places.items()}
        _set(sites["riken"], skew)
        await asyncio.sleep(120)
        for name, peer, ahead in (("argonne", "riken", skew), ("riken", "argonne", -skew)):
            (line,) = sites[name].peers.list()
            if skew == -4000.0 and name == "argonne":
                # Long after its time a parcel might be an old one played again; the peer's refusal says what it is.
                assert "The clock of argonne is 4000 seconds ahead" in line.trouble
                continue
            assert abs(line.clock_seconds - ahead) <= 1
            said = [notice for notice in sites[name].alerts.open() if notice.name == f"clock/{peer}"]
            assert f"{line.clock_seconds} seconds" in said[0].text
            assert str(line.clock_seconds) in said[0].ja
            assert sites[name].channels.clocks.seconds_off == 0, "nobody knows whose is wrong"
        _set(sites["riken"], 0.0)
        await asyncio.sleep(120)
        assert [line.clock_seconds for site in sites.values() for line in site.peers.list()] == [0, 0]
        assert not [notice for site in sites.values() for notice in site.alerts.open()]

    run_simulated(story())


def test_one_wrong_peer_of_two_stops_nobody(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        federation.places["riken"].skew = 100.0
        await federation.start()
        await asyncio.sleep(60)
        home = federation.places["argonne"].running
        text = spec(1).partition('[[source]]\nname = "simulation"')[0]
        await home.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(120)
        assert home.campaigns.get("toy").state is CampaignState.ENDED

    run_simulated(story())


def test_an_acknowledgement_that_waits_for_a_peer_to_dial_in_costs_nothing_while_it_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await asked(federation, "nims/toy.make@1")
        await federation.crash("nims")
        link = home.channels.channel(CHARTER, "nims")
        link.acknowledge("sha256:" + "0" * 64, home.clock.monotonic())
        looked = 0
        wait = sender.until_changed

        async def counted(link: PeerChannel, seconds: float) -> None:
            nonlocal looked
            looked += 1
            await wait(link, seconds)

        monkeypatch.setattr(sender, "until_changed", counted)
        await asyncio.sleep(300)
        # All conversations look around now and then; at a look a millisecond it would be 300,000.
        assert 0 < looked < 600

    run_simulated(story())

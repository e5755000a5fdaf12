"""What a hostile or broken peer leaves in a site's inbox keeps nothing of anybody else's from being taken in."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from federation.toys import simulate, spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Unavailable
from yosegi.core.states import CampaignState
from yosegi.exchange import Received
from yosegi.exchange.parcel import MOST_MAIL, Mail
from yosegi.exchange.peer_channel import Batch, PeerChannel
from yosegi.exchange.sender import MAIL_LIFETIME, PeerSender, _mail_context
from yosegi.ledger import Overtaken
from yosegi.testing.federation import Federation
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.messages import Report
from yosegi.trust.sealed import Sealed

ONLY_EXPERIMENTS = spec(2).partition('[[source]]\nname = "simulation"')[0]


async def _campaign(federation: Federation, seconds: float) -> CampaignState:
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(ONLY_EXPERIMENTS), federation.member())
    await asyncio.sleep(seconds)
    return home.campaigns.get("toy").state


def _garbage(federation: Federation) -> Sealed:
    """A box that opens for nobody: sealed to the key of riken, and left for nims."""
    home = federation.places["argonne"].running
    return home.registry.sealing_key_of("demo", "riken").seal(b"rubbish", context=b"rubbish")


def test_mail_that_cannot_be_opened_is_dropped_and_the_mail_behind_it_is_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        host = federation.places["argonne"].running
        assert host.exchange.mailbox is not None
        bad = [Mail(sender="riken", to="nims", id=f"bad-{n}", box=_garbage(federation)) for n in range(70)]
        await host.exchange.mailbox.keep(bad, senders=3, now=EPOCH)  # more than one fetch takes along
        assert await _campaign(federation, 120) is CampaignState.ENDED
        assert not host.exchange.mailbox.has_mail("nims")

    caplog.set_level(logging.WARNING, "yosegi.exchange")
    run_simulated(story())
    told = [record for record in caplog.records if "mail left by riken could not be read" in record.getMessage()]
    assert 1 <= len(told) <= 8  # and not one line for each of seventy


async def _leave(federation: Federation, to: str, letters: list[Mail]) -> None:
    """As riken, with its valid keys: a parcel for the mailbox at argonne."""
    riken, argonne = federation.places["riken"].running, federation.places["argonne"].running
    channel = riken.channels.channel("demo", "argonne")
    for first in range(0, len(letters), MOST_MAIL):
        parcel = riken.exchange._codec.pack(channel, Batch(), mail=tuple(letters[first : first + MOST_MAIL]))
        await argonne.exchange.handle(parcel.to_bytes())


def test_the_receiver_hears_whose_mail_was_turned_away_and_gets_everybody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yosegi.exchange.mailbox.MOST_LETTERS_OF_A_SENDER", 50)

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        nims = federation.places["nims"].running
        bad = [Mail(sender="riken", to="nims", id=f"bad-{n}", box=_garbage(federation)) for n in range(64)]
        with pytest.raises(Unavailable, match="share is full"):
            await _leave(federation, "nims", bad)
        assert await _campaign(federation, 120) is CampaignState.ENDED
        await asyncio.sleep(700)
        assert nims.ledger.read("mail/demo/argonne")[-1].facts["senders"] == {"riken": 14}
        assert "turned away 14 letters of riken" in nims.alerts.open()[0].text

    run_simulated(story())


def _letter(federation: Federation, name: str) -> Mail:
    """A good letter of riken to nims, as the mailbox at argonne gives it."""
    riken = federation.places["riken"].running
    parcel = riken.exchange._codec.pack(riken.channels.channel("demo", "nims"), Batch(), lifetime=MAIL_LIFETIME)
    box = riken.registry.sealing_key_of("demo", "nims").seal(parcel.to_bytes(), context=_mail_context("riken", "nims"))
    return Mail(sender="riken", to="nims", id=name, box=box)


async def _fetching(folder: Path) -> tuple[Federation, PeerSender, PeerChannel]:
    """A federation, what reads the mail of nims there, and the conversation with argonne, which keeps it."""
    federation = three_sites(folder)
    await federation.start()
    sender = federation.places["nims"].running.exchange._sender
    return federation, sender, sender.channels.channel("demo", "argonne")


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "could not be read" in record.getMessage()]


def test_a_letter_that_a_mailbox_gives_twice_is_no_replay_and_one_left_twice_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        federation, sender, host = await _fetching(tmp_path)
        letter = _letter(federation, "one")
        for _ in range(2):
            await sender._read_mail(host, letter)
        await asyncio.gather(*(sender._read_mail(host, _letter(federation, "two")) for _ in range(2)))
        assert not _said(caplog)
        await sender._read_mail(host, letter.model_copy(update={"id": "another"}))

    caplog.set_level(logging.WARNING, "yosegi.exchange")
    run_simulated(story())
    (said,) = _said(caplog)
    assert "a replay" in said


def test_a_letter_whose_reading_was_broken_off_is_taken_in_when_it_is_fetched_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        federation, sender, host = await _fetching(tmp_path)
        letter = _letter(federation, "one")
        sender.inbox.hold()
        reading = asyncio.create_task(sender._read_mail(host, letter))
        await asyncio.sleep(1)
        await sender._read_mail(host, letter)  # given to another call meanwhile
        reading.cancel()
        await asyncio.wait([reading])
        assert "one" not in host._collected
        sender.inbox.release()
        await sender._read_mail(host, letter)
        assert "one" in host._collected

    caplog.set_level(logging.WARNING, "yosegi.exchange")
    run_simulated(story())
    assert not _said(caplog)


def test_mail_is_kept_for_members_alone_that_have_their_mailbox_here(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        for to in ("riken", "argonne"):
            mail = Mail(sender="riken", to=to, id="one", box=_garbage(federation))
            with pytest.raises(Unavailable, match="has none at argonne"):
                await _leave(federation, to, [mail])

    run_simulated(story())


def test_a_receiver_that_is_away_for_three_hours_finds_few_copies_of_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await federation.crash("nims")
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(ONLY_EXPERIMENTS), federation.member())
        riken = federation.places["riken"].running
        await riken.catalogue.publish(
            {"toy.simulate@2": simulate.contract.model_copy(update={"name": "toy.simulate@2"})}
        )
        await asyncio.sleep(3 * 3600)
        assert home.exchange.mailbox is not None
        # Ever more seldom, up to once an hour; every 30 seconds of two senders would make 720.
        assert 0 < home.exchange.mailbox.statistics()["nims"] < 100
        await federation.restart("nims")
        await asyncio.sleep(120)
        assert not home.exchange.mailbox.has_mail("nims")

    run_simulated(story())


def test_a_document_that_met_another_write_comes_again_and_is_not_refused(tmp_path: Path) -> None:
    met: list[str] = []

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        row = home.exchange.inbox.kinds[Report.payload_type]

        async def overtaken_once(received: Received[Any]) -> None:
            if received.envelope.payload_digest not in met:
                met.append(received.envelope.payload_digest)
                raise Overtaken("request/nims/one", 4, 3)
            await row.handler(received)

        home.exchange.inbox.kinds[Report.payload_type] = replace(row, handler=overtaken_once)
        assert await _campaign(federation, 300) is CampaignState.ENDED

    run_simulated(story())
    assert met


def test_a_fault_while_a_document_is_taken_in_is_logged_once_and_the_document_is_sent_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faults: list[str] = []

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        kinds = federation.places["argonne"].running.exchange.inbox.kinds
        row = kinds[Report.payload_type]

        async def broken_at_first(received: Received[Any]) -> None:
            if faults.count(received.envelope.payload_digest) < 2:
                faults.append(received.envelope.payload_digest)
                raise AttributeError("'str' object has no attribute 'get'")
            await row.handler(received)

        kinds[Report.payload_type] = replace(row, handler=broken_at_first)
        assert await _campaign(federation, 300) is CampaignState.ENDED

    caplog.set_level(logging.ERROR, "yosegi.inbox")
    run_simulated(story())
    logged = [record for record in caplog.records if record.name == "yosegi.inbox"]
    # A later report on the same task replaces one that did not get through, which then fails once alone.
    assert any(faults.count(digest) == 2 for digest in faults)
    assert len(logged) == len(set(faults))

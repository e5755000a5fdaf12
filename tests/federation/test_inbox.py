"""What a hostile or broken peer leaves in a site's inbox keeps nothing of anybody else's from being taken in."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.states import CampaignState
from yosegi.exchange import Received
from yosegi.exchange.parcel import Mail
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
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
        for number in range(70):  # more than one fetch takes along
            mail = Mail(sender="riken", to="nims", id=f"bad-{number}", box=_garbage(federation))
            host.exchange.mailbox.leave(mail)
        assert await _campaign(federation, 120) is CampaignState.ENDED
        assert host.exchange.mailbox.waiting("nims") == ()

    caplog.set_level(logging.WARNING, "yosegi.exchange")
    run_simulated(story())
    assert "mail left by riken could not be read" in caplog.text


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

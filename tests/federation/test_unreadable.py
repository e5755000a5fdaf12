"""A campaign whose entries cannot be followed any more: it says why, and keeps no other from going on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from federation.questions import mixes, two_sites, until_over
from yosegi.campaign import campaign_stream, parse_spec
from yosegi.core.errors import Corrupt
from yosegi.core.states import CampaignState
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Write
from yosegi.services.runtime import Site
from yosegi.testing.loop import run_simulated


async def _erased(home: Site) -> None:
    await home.ledger.erase(home.ledger.read(campaign_stream("mixes"))[0].sequence, "asked", "operator@argonne")


async def _of_another_program(home: Site) -> None:
    stream = campaign_stream("mixes")
    write = Write(stream, None, (Draft("trial.asked", {"whose": "a later version"}),), charter="demo", actor="argonne")
    await home.ledger.append(write)


@pytest.mark.parametrize(("harm", "why"), [(_erased, "specification"), (_of_another_program, "KeyError: 'trial'")])
def test_a_campaign_that_cannot_be_read_keeps_no_other_from_going_on(
    harm: Callable[[Site], Awaitable[None]], why: str, tmp_path: Path
) -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)

    async def story() -> None:
        federation = two_sites(tmp_path)
        await federation.start()
        home, who = federation.places["argonne"].running, federation.member()
        for name in ("mixes", "zinc"):
            await home.campaigns.start(parse_spec(mixes().replace('name = "mixes"', f'name = "{name}"')), who)
        await home.campaigns.move("mixes", CampaignState.HELD, who, "a look")
        await harm(home)
        await federation.crash("argonne")
        home = await federation.restart("argonne")
        await until_over(federation, "zinc")
        await asyncio.sleep(60)

        with pytest.raises(Corrupt, match=why):
            home.campaigns.get("mixes")
        assert why in home.campaign_engine.last_error("mixes")
        assert [one.name for one in home.campaigns.summaries(Session("pi@argonne", "officer", float("inf"), ""))] == [
            "zinc"
        ]

    run_simulated(story())

"""The mandate that a campaign was given by starting it is over with the campaign; one that was named for it is not."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.states import CampaignState
from yosegi.services.runtime import Site
from yosegi.testing.loop import run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def living(home: Site) -> list[str]:
    rows = home.ledger.query("SELECT id FROM mandates WHERE cancelled = 0 ORDER BY id")
    return [str(row["id"]) for row in rows]


@pytest.mark.parametrize("word", [None, CampaignState.ABORTED], ids=["ended", "aborted"])
def test_a_campaigns_own_mandate_ends_with_it(tmp_path: Path, word: CampaignState | None) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(2 if word is None else 50)), federation.member())
        assert living(home) == ["toy.m1"]
        if word is not None:
            await asyncio.sleep(5)
            await home.campaigns.move("toy", word, federation.member(), "enough")
        for _ in range(100):
            await asyncio.sleep(5)
            if home.campaigns.get("toy").state.final and not living(home):
                break
        assert home.campaigns.get("toy").state.final
        assert living(home) == []

    run_simulated(story())

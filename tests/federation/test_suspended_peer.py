"""A site that a peer has suspended is told so, and its campaigns say why they stand; until it is lifted."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Invalid, SenderSuspended
from yosegi.core.states import CampaignState
from yosegi.core.transport import _accepted
from yosegi.http.errors import in_json
from yosegi.testing.loop import run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def test_a_suspended_site_is_told_and_its_campaign_says_why_it_stands(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home, riken = federation.places["argonne"].running, federation.places["riken"].running
        first, _, simulation = spec(3).partition('[[source]]\nname = "simulation"')
        text = first.partition("[[source]]")[0] + '[[source]]\nname = "simulation"' + simulation
        await home.campaigns.start(parse_spec(text), federation.member())
        await riken.publisher.suspend("site", "argonne", "officer@riken", "a stolen key")
        await asyncio.sleep(120)
        (line,) = [peer for peer in home.peers.list() if peer.peer == "riken"]
        assert line.suspended_there
        assert any("riken has suspended this site" in alert.text for alert in home.alerts.open())
        assert "riken has suspended this site" in home.campaigns.last_error("toy")
        assert home.campaigns.get("toy").state is not CampaignState.ENDED
        await riken.publisher.lift("site", "argonne", "officer@riken", "another key")
        await asyncio.sleep(120)
        assert not any(peer.suspended_there for peer in home.peers.list())
        assert home.campaigns.last_error("toy") == ""

    run_simulated(story())


def test_over_http_a_suspension_is_told_by_its_code_and_never_by_its_words() -> None:
    body = bytes(in_json(SenderSuspended("argonne", "riken")).body)
    with pytest.raises(SenderSuspended):
        _accepted("https://riken.example/exchange/v1", 422, body)
    with pytest.raises(Invalid) as other:
        _accepted("https://riken.example/exchange/v1", 422, b"argonne is suspended at riken")
    assert not isinstance(other.value, SenderSuspended)


def test_over_http_a_refusal_is_told_in_its_own_sentence() -> None:
    body = b'{"code": "untrusted", "message": "a message of argonne is not accepted."}'
    with pytest.raises(Invalid, match=r"refused with status 403: a message of argonne is not accepted\.$"):
        _accepted("https://riken.example/exchange/v1", 403, body)

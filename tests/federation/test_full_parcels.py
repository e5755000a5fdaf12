"""Many requests with as much in them as is taken at all: no parcel grows beyond what its receiver reads."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from yosegi.core.capability import capability
from yosegi.core.states import TaskState
from yosegi.exchange.request_draft import RequestDraft
from yosegi.governance.charter.statement import Listens, Outbound, Reach
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import run_simulated

COUNT = 60
TEXT = "x" * 65_000


@dataclass(frozen=True)
class Counted:
    letters: int


@capability("full.count@1", kind="analysis", effect="pure", field="toys", simulated=True)
def count(text: str) -> Counted:
    """Count letters."""
    return Counted(len(text))


@pytest.mark.parametrize(
    "reach", [Listens(url=address("nims")), Outbound(mailbox="argonne"), Outbound(mailbox="post")], ids=str
)
def test_they_all_arrive(tmp_path: Path, reach: Reach) -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "nims": Place("nims", reach, capabilities=[count], duration=0.01),
        "post": Place("post", Listens(url=address("post"))),
    }

    async def story() -> list[TaskState]:
        federation = Federation(places, tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        request = RequestDraft(
            charter=CHARTER, key="", team=TEAM, on_behalf_of="pi@argonne", purpose="research",
            capability="nims/full.count@1", contract=count.contract, inputs={"text": TEXT},
        )  # fmt: skip
        keys = [f"k{number}" for number in range(COUNT)]
        asked = [home.authorizer.authorize(replace(request, key=key)) for key in keys]
        await asyncio.gather(*map(home.requests.ask, asked))
        await asyncio.sleep(400)
        states = [home.requests.get("nims", key).state for key in keys]
        for name in places:
            await federation.crash(name)
        return states

    assert set(run_simulated(story())) == {TaskState.ENDED}

"""Labels at running sites: what comes of data is as strict as the data, and goes on only as every source agreed."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from federation import large
from federation.test_objects_rights import put, site, tell
from federation.toys import simulate, three_sites
from yosegi.core.capability import Capability
from yosegi.core.states import TaskState
from yosegi.exchange.request_draft import RequestDraft
from yosegi.identity.accounts import Session
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated

PI = Session("pi@argonne", "member", float("inf"), "")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


@pytest.mark.parametrize("lowered", [True, False])
def test_a_result_above_what_the_agreement_now_covers_is_done_and_not_released(tmp_path: Path, lowered: bool) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        riken = federation.places["riken"]
        riken.capabilities = [
            Capability(simulate.function, simulate.contract.model_copy(update={"on_revoked": "finish"}))
        ]
        riken.duration = 60.0
        await federation.start()
        home = federation.places["argonne"].running
        contract = riken.running.repository.published["toy.simulate@1"].contract
        asking = RequestDraft(
            charter=CHARTER, key="k", team=TEAM, on_behalf_of="pi@argonne", purpose="research",
            capability="riken/toy.simulate@1", contract=contract, inputs={"x": 0.25},
        )  # fmt: skip
        await home.requests.ask(home.authorizer.authorize(asking))
        await asyncio.sleep(10)
        # While it runs, the owner's parties agree that nothing above public is covered any more.
        highest = "public" if lowered else "team"
        await riken.running.registry.accept(federation.agreement(2, highest_sensitivity=highest), by="operator@riken")
        await riken.running.authorizer.publish(CHARTER)
        await asyncio.sleep(120)
        told = home.requests.get("riken", "k")
        assert (told.state, told.outcome is not None) == (TaskState.ENDED, True)
        assert (told.outcome.outputs is None) == lowered
        assert [reason.code for reason in told.reasons] == (["sensitivity_not_covered"] if lowered else [])

    run_simulated(story())


async def asked(federation: Federation, table: dict[str, Any]) -> Any:
    """A member asks for one task at nims, and says of the table what suits them."""
    asking = site(federation, "argonne").task_requests
    return await asking.ask(
        PI, key="k1", charter=CHARTER, team=TEAM, capability="nims/large.look@1", inputs={"table": table},
        purpose="research", sensitivity="public",
    )  # fmt: skip


@pytest.mark.parametrize("said", ["restricted", "team", "public"])
def test_restricted_data_is_not_asked_about_under_an_agreement_for_less_whatever_is_said_of_it(
    tmp_path: Path, said: str
) -> None:
    async def story(federation: Federation) -> None:
        ref = await put(federation, large.table_of(0.25), sensitivity="restricted")
        told = await asked(federation, ref | {"sensitivity": said})
        assert told.state is TaskState.REFUSED
        assert [reason.code for reason in told.reasons] == ["sensitivity_not_covered"]
        await asyncio.sleep(60)
        assert not federation.places["nims"].objects.held

    tell(large.sites(tmp_path), story)


def test_a_table_of_the_agreements_own_sensitivity_is_looked_at(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        ref = await put(federation, large.table_of(0.25), sensitivity="team")
        await asked(federation, ref)
        await asyncio.sleep(60)
        assert site(federation, "argonne").requests.get("nims", "k1").outcome.outputs

    tell(large.sites(tmp_path), story)


def test_what_comes_of_restricted_data_is_restricted_at_both_ends_though_the_capability_yields_team_data(
    tmp_path: Path,
) -> None:
    async def story(federation: Federation) -> None:
        ref = await put(federation, large.table_of(0.25), sensitivity="restricted")
        # A person says less of it than is known.
        await asked(federation, ref | {"sensitivity": "team"})
        await asyncio.sleep(60)
        home, nims = site(federation, "argonne"), site(federation, "nims")
        told = home.requests.get("nims", "k1")
        assert told.outcome is not None
        assert told.sensitivity == "restricted"
        assert nims.tasks.get("argonne/k1").asked().sensitivity == "restricted"

    tell(large.sites(tmp_path, terms={"highest_sensitivity": "restricted"}), story)

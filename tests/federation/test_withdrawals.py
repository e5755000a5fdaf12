"""A request that was withdrawn before its owner had it: the owner does nothing, and says so."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from federation.asking import ask, person
from federation.toys import three_sites
from yosegi.core.errors import Unavailable
from yosegi.core.states import Effect, TaskState
from yosegi.exchange import Received
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import Cancel


def test_what_was_withdrawn_while_its_owner_was_down_does_nothing_there(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await federation.start()
        home = federation.places["argonne"].running
        await federation.settle_down(5.0)
        await federation.crash("nims")
        # As long as a mailbox waits before it sends again is what may lie between both.
        await home.task_requests.ask(
            person(), key="k", charter=CHARTER, team=TEAM, capability="nims/toy.make@1", inputs={"x": 0.5},
            purpose="research",
        )  # fmt: skip
        await federation.settle_down(20.0)
        assert not home.task_requests.show("nims", "k", person()).withdrawing
        assert (await home.task_requests.withdraw("nims", "k", person(), "a wrong x")).withdrawing
        await federation.settle_down(5.0)
        await federation.restart("nims")
        await federation.settle_down(120.0)
        asked = home.requests.get("nims", "k")
        assert asked.state is TaskState.CANCELLED
        assert not home.task_requests.show("nims", "k", person()).withdrawing
        assert asked.outcome is not None
        assert (asked.outcome.effect, asked.outcome.message) == (Effect.NONE, "a wrong x")
        assert federation.world.effects.total() == 0
        assert _held(federation.places["nims"].running) == 0
        assert not home.ledger.query("SELECT 1 FROM outbox WHERE topic = 'cancel/k'")
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story(three_sites(tmp_path)))


@pytest.mark.parametrize(("sender", "state"), [("argonne", TaskState.CANCELLED), ("riken", TaskState.DISPATCHED)])
def test_a_request_is_withdrawn_before_it_comes_by_its_own_home_alone(
    tmp_path: Path, sender: str, state: TaskState
) -> None:
    async def story(federation: Federation) -> None:
        await federation.start()
        nims = federation.places["nims"].running
        now = nims.clock.now()
        cancel = Cancel(
            charter=CHARTER, sender=sender, to="nims", key="k", issued=now, not_after=now + timedelta(hours=2)
        )
        envelope = cancel.sign(federation.signer(sender))
        with pytest.raises(Unavailable, match="has not arrived yet"):
            await nims.exchange.inbox.kinds[Cancel.payload_type].handler(
                Received(cancel, envelope, None, sender, CHARTER)
            )
        assert (await ask(federation, "k")).state is state
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story(three_sites(tmp_path)))


def _held(site: Site) -> int:
    return int(site.ledger.query("SELECT SUM(held) AS held FROM grant_tranches")[0]["held"])

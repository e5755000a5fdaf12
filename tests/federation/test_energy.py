"""Energy that an owner's scheduler measured: told home in the report, shown owner by owner, and nowhere guessed.

1500 J is what the owner's engine is made to say; the other owner's says nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from federation.test_refusals import asked
from federation.test_routing import SLOW, SWIFT, ended, question, two_owners
from federation.test_versions import FORMATS, with_older
from yosegi.campaign import parse_spec
from yosegi.services.campaigns.schemas import RouteDetail
from yosegi.services.tasks.schemas import RequestDetail
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import Report
from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

JOULES = 1500.0
SIMULATE = f"{SWIFT}/toy.simulate@1"


def measure(federation: Federation, name: str) -> None:
    """From now on the engine of a site tells the energy of each task."""
    engine = federation.places[name].engine
    assert engine is not None
    run = engine.run

    async def measured(*given: Any) -> Any:
        outcome = await run(*given)
        return outcome.model_copy(update={"joules": JOULES})

    engine.run = measured  # type: ignore[method-assign]


def test_a_campaign_shows_the_energy_of_the_owner_that_tells_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_owners(tmp_path)
        await federation.start()
        measure(federation, SWIFT)
        home, who = federation.places["argonne"].running, federation.member()
        await home.campaigns.start(parse_spec(question(4)), who)
        await ended(federation)
        (source,) = home.campaigns.show("toy", who).sources
        routes: dict[str, RouteDetail] = {one.capability: one for one in source.steps[0].routes}
        assert routes[SIMULATE].joules == JOULES
        assert routes[f"{SLOW}/toy.simulate@1"].joules is None
        bundle = read_bundle(await home.campaigns.export("toy"))
        verify_bundle(bundle)
        assert {one.verdict for one in replay_bundle(bundle)} == {"identical"}

    run_simulated(story())


def test_the_energy_of_a_request_stands_beside_its_charge(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_owners(tmp_path)
        await federation.start()
        measure(federation, SWIFT)
        answer = await asked(federation, SIMULATE)
        key = answer.stream.rpartition("/")[2]
        assert RequestDetail.of(answer, SWIFT, key, "argonne", {}, withdrawing=False).joules == JOULES
        # What its home site made of it is there again after a restart.
        await federation.crash("argonne")
        home = await federation.restart("argonne")
        assert home.requests.find(answer.stream).joules == JOULES

    run_simulated(story())


def test_a_home_site_of_before_is_told_no_energy_and_gets_its_answer(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await with_older(tmp_path, "argonne")
        measure(federation, SWIFT)
        answer = await asked(federation, SIMULATE)
        assert answer.outcome is not None
        assert answer.outcome.outputs
        assert (answer.joules, answer.outcome.joules) == (None, None)

    run_simulated(story())


def test_a_site_that_speaks_the_report_of_before_gets_the_decisions_and_no_energy(tmp_path: Path) -> None:
    async def story() -> None:
        federation = two_owners(tmp_path)
        later = Report.payload_types[2:]
        older = tuple(name for name in FORMATS if name not in later)
        federation.places["argonne"] = replace(federation.places["argonne"], formats=older)
        await federation.start()
        for name in later:
            del federation.places["argonne"].running.exchange.inbox.kinds[name]
        measure(federation, SWIFT)
        answer = await asked(federation, SIMULATE)
        assert answer.decided
        assert answer.joules is None

    run_simulated(story())

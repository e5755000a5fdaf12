"""The fault matrix of a campaign whose costly work is done at another facility: its owner may fail at its commits, and
calls of the facility may go wrong. The same end, nothing lost, nothing twice; as for the other engines.

What must hold, and how a campaign is looked at, is that of `tests/federation/test_faults.py`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from federation import running
from federation.running import Told, run_campaign
from federation.test_faults import holds
from federation.toys import three_sites
from iri.bad_facility import FAULTS, BadFacility
from iri.engines import ADDRESS, credentials, settings
from yosegi.app.assembly import Parts
from yosegi.core.engine import LateOutcome, Outcome, Work
from yosegi.core.errors import Unavailable
from yosegi.execution.engines.iri.engine import FacilityEngine
from yosegi.execution.engines.iri.transport import Reply
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.ports import Published
from yosegi.testing.faults import MortalStore, When
from yosegi.testing.federation import Federation, Place
from yosegi.testing.loop import SimulatedClock
from yosegi.testing.world import SimulatedEngine

pytestmark = pytest.mark.slow
OWNER = "nims"
STEP = int(os.environ.get("YOSEGI_FAULT_STEP", "9"))
"""Every how many commits the owner fails; 1 tries each."""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """Faults are what these tests make; their log lines are not news."""
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


@dataclass
class Line:
    """The owner's own end: a process that has died sends nothing and hears nothing."""

    there: BadFacility
    store: MortalStore

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, form: bool = False
    ) -> Reply:
        if self.store.dead:
            raise Unavailable(url, "this process has died")
        return await self.there.call(method, url, headers, body, form=form)

    async def close(self) -> None:
        """The facility goes on."""


@dataclass(repr=False)
class WithAFacility(Federation):
    """The owner's work is done at a facility that outlives it, on the federation's world."""

    fault: Callable[[int], str] = lambda number: ""
    there: list[BadFacility] = field(default_factory=list)

    async def _parts(self, place: Place) -> Parts:
        parts = await super()._parts(place)
        if place.name != OWNER:
            return parts
        own = {one.contract.name: one for one in place.capabilities}
        if not self.there:
            hand = SimulatedEngine("there", own, self.world, store=place.objects)

            async def do(name: str, spec: dict[str, Any]) -> Outcome:
                inputs = json.loads(spec["attributes"]["custom_attributes"]["inputs"])
                contract = own[name].contract
                work = Work(spec["name"], name, inputs, 60.0, contract.effect)
                return await hand.run(work, lambda progress: None)

            self.there.append(BadFacility(SimulatedClock(), self.folder / "there", self.fault, do=do))
        folder = credentials(self.folder / "engine").parent
        line = Line(self.there[0], self.stores[OWNER])

        def opened(on_late: LateOutcome) -> dict[str, Published]:
            contracts = {name: one.contract for name, one in own.items()}
            services = EngineServices(
                "elsewhere",
                OWNER,
                folder,
                parts.clock,
                parts.signer,
                parts.supervisor.scope("engine elsewhere"),
                parts.ledger,
                parts.objects,
                contracts,
                {},
                on_late,
            )
            engine = FacilityEngine(settings(ADDRESS), services, line)
            return {name: Published(one.contract, engine) for name, one in own.items()}

        return replace(parts, engines=opened)


def campaign(
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[int], str] = lambda number: "",
    mortal: Mapping[str, tuple[int, When]] | None = None,
) -> tuple[Told, int]:
    """How the campaign ends, and how often the facility was called."""
    made: list[WithAFacility] = []

    def with_a_facility(folder: Path, **how: Any) -> Federation:
        sites = three_sites(folder, **how)
        made.append(WithAFacility(sites.places, folder, fault=fault, **how))
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr(running, "three_sites", with_a_facility)
        told = run_campaign(mortal=mortal)
    return told, made[-1].there[0].calls


def test_undisturbed_it_ends_with_every_sample_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _ = campaign(monkeypatch)
    holds(told)
    assert told.uncertain == 0
    assert told.completed == told.effects == 2


@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", get_args(When))
def test_the_owner_may_fail_at_its_commits(monkeypatch: pytest.MonkeyPatch, when: When) -> None:
    undisturbed, _ = campaign(monkeypatch)
    for commit in range(1, undisturbed.commits[OWNER] + 1, STEP):
        told, _ = campaign(monkeypatch, mortal={OWNER: (commit, when)})
        assert told.faults, f"commit {commit} never came"
        holds(told)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [one for one in FAULTS if one != "404"])
def test_calls_of_the_facility_may_go_wrong(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    # The first submission, the first look at its job, and a call for the second task; the probe is call 1.
    for number in (2, 3, 9):
        told, _ = campaign(monkeypatch, lambda n, bad=number: fault if n == bad else "")  # type: ignore[misc]
        assert not told.twice
        assert told.held == 1000 * told.uncertain
        assert told.spent <= 1000 * told.effects <= told.spent + told.held

"""The states of a sample, by random acts of two sites against a model that says who holds what.

The model is the physical one: a thing is at one place, there is no more of it than was made, and what is gone stays
gone. It knows nothing of streams, words or keys.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import Bundle as Made
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, multiple, rule

from yosegi.core.errors import Conflict, NotFound
from yosegi.governance.charter.statement import Listens
from yosegi.identity.accounts import Session
from yosegi.services.samples.states import ACTIONS, SampleState
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import SimulatedLoop

SITES = ("argonne", "riken")
CAME = ("good", "damaged", "missing")
GONE = {"used_up", "split", "pooled"}


class SamplesOfTwoSites(RuleBasedStateMachine):
    """What two sites may say of samples, in any order; each act is done, or refused and changes nothing."""

    samples = Made("samples")

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("yosegi").setLevel(logging.CRITICAL)
        self.folder = tempfile.TemporaryDirectory()
        self.loop = SimulatedLoop()
        places = {name: Place(name, Listens(url=address(name)), "US") for name in SITES}
        self.federation = Federation(places, Path(self.folder.name))
        self.model: dict[str, tuple[str, str]] = {}
        self.on_the_way: dict[str, str] = {}
        self.count = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize()
    def found(self) -> None:
        self.run(self.federation.start())

    def teardown(self) -> None:
        for name in SITES:
            self.run(self.federation.crash(name))
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.run(asyncio.sleep(0))
        self.loop.close()
        self.folder.cleanup()

    def who(self, site: str) -> Session:
        return Session(f"operator@{site}", "operator", float("inf"), "")

    def at(self, site: str) -> Any:
        return self.federation.places[site].running

    def name(self) -> str:
        self.count += 1
        return f"s{self.count}"

    def attempt(self, allowed: bool, work: Coroutine[Any, Any, Any]) -> bool:
        """Do something that the model says is allowed or not."""

        async def whole() -> bool:
            try:
                await work
            except (Conflict, NotFound):
                return False
            await asyncio.sleep(60)
            return True

        assert self.run(whole()) is allowed
        return allowed

    @rule(target=samples, site=strategies.sampled_from(SITES))
    def register(self, site: str) -> str:
        name = self.name()
        done = self.at(site).samples.register(name, self.who(site), charter=CHARTER, team=TEAM)
        assert self.attempt(True, done)
        self.model[f"{site}/{name}"] = (site, "available")
        return f"{site}/{name}"

    @rule(
        sample=samples,
        site=strategies.sampled_from(SITES),
        change=strategies.sampled_from(("reserve", "release", "use_up", "lose", "quarantine")),
    )
    def change(self, sample: str, site: str, change: Any) -> None:
        holder, state = self.model[sample]
        allowed = {
            "reserve": state == "available",
            "release": state in ("reserved", "quarantined", "lost"),
            "use_up": state in ("available", "reserved"),
            "lose": state in ("available", "reserved", "quarantined"),
            "quarantine": state in ("available", "reserved"),
        }[change]
        after = {"reserve": "reserved", "release": "available", "use_up": "used_up", "lose": "lost"}
        if self.attempt(allowed and holder == site, self.at(site).samples.change(sample, change, self.who(site))):
            self.model[sample] = (site, after.get(change, "quarantined"))

    @rule(target=samples, sample=samples, site=strategies.sampled_from(SITES))
    def split(self, sample: str, site: str) -> Any:
        names = [self.name(), self.name()]
        allowed = self.model[sample] in ((site, "available"), (site, "reserved"))
        if not self.attempt(allowed, self.at(site).samples.split(sample, names, self.who(site))):
            return multiple()
        self.model[sample] = (site, "split")
        parts = [f"{site}/{name}" for name in names]
        self.model |= dict.fromkeys(parts, (site, "available"))
        return multiple(*parts)

    @rule(target=samples, one=samples, other=samples, site=strategies.sampled_from(SITES))
    def pool(self, one: str, other: str, site: str) -> Any:
        if one == other:
            return multiple()
        name, good = self.name(), ((site, "available"), (site, "reserved"))
        allowed = self.model[one] in good and self.model[other] in good
        if not self.attempt(allowed, self.at(site).samples.pool([one, other], name, self.who(site))):
            return multiple()
        self.model |= {one: (site, "pooled"), other: (site, "pooled"), f"{site}/{name}": (site, "available")}
        return f"{site}/{name}"

    @rule(sample=samples, giver=strategies.sampled_from(SITES))
    def give(self, sample: str, giver: str) -> None:
        to = next(site for site in SITES if site != giver)
        again = self.on_the_way.get(sample) == to
        hands = len([e for e in self.at(giver).ledger.read(f"sample/{sample}") if e.type == "sample.given"])
        allowed = self.model[sample] == (giver, "available") or again
        if hands < 2 and self.attempt(allowed, self.at(giver).hand_overs.give(sample, to, self.who(giver))):
            self.model[sample], self.on_the_way[sample] = (giver, "in_transit"), to

    @rule(
        sample=samples,
        site=strategies.sampled_from(SITES),
        came=strategies.sampled_from(CAME),
    )
    def receive(self, sample: str, site: str, came: Any) -> None:
        if self.on_the_way.get(sample) != site and self.model[sample][1] != "in_transit":
            return
        done = self.at(site).hand_overs.receive(sample, self.who(site), condition=came)
        if self.attempt(self.on_the_way.get(sample) == site, done):
            giver = self.model[sample][0]
            after = {"good": (site, "available"), "damaged": (site, "quarantined"), "missing": (giver, "lost")}
            self.model[sample] = after[came]
            del self.on_the_way[sample]

    @rule(site=strategies.sampled_from(SITES))
    def die(self, site: str) -> None:
        async def dies() -> None:
            await self.federation.crash(site)
            await self.federation.restart(site)
            await asyncio.sleep(60)

        self.run(dies())

    @invariant()
    def the_holders_ledger_says_what_the_model_says(self) -> None:
        for sample, (holder, state) in self.model.items():
            found = self.at(holder).samples.show(sample, self.who(holder))
            assert (found.holder, found.state.value) == (holder, state)

    @invariant()
    def no_two_sites_say_that_they_hold_one(self) -> None:
        for sample in self.model:
            told = {site: self.at(site).samples.samples.find(sample) for site in SITES}
            assert len([site for site, found in told.items() if found and found.holder == site]) == 1


SamplesOfTwoSites.TestCase.settings = settings(max_examples=4, stateful_step_count=25, deadline=None)
TestSamplesOfTwoSites = SamplesOfTwoSites.TestCase


def test_there_is_no_action_from_a_final_state_nor_while_in_transit() -> None:
    begins = {state for states, _ in ACTIONS.values() for state in states}
    assert begins.isdisjoint({*(state for state in SampleState if state.final), SampleState.IN_TRANSIT})
    assert {state.value for state in SampleState if state.final} == GONE

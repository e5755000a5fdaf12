"""The campaign of examples/hpc, once with its costly source asked directly, once driven through the facility API.

What must come out is the same numbers: the capability is a pure function, and the road to it is none of its inputs.
"""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from iri.engines import ADDRESS, credentials
from iri.in_process import InProcess
from web.house import PASSPHRASE, STORED
from yosegi.app.assembly import Parts
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.states import CampaignState, TaskState, TrialState
from yosegi.core.supervision import Supervisor
from yosegi.demo.chain import ground_state
from yosegi.execution.engines.iri.engine import FacilityEngine
from yosegi.execution.engines.iri.settings import FacilitySettings
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.ports import Published
from yosegi.governance.charter.statement import Listens
from yosegi.identity.accounts import Account, Session
from yosegi.iri import make_iri_app
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import run_simulated

EXAMPLES = Path(__file__).parents[2] / "examples" / "hpc"
CENTRE, DRIVER, SHORT = "argonne", "nims", "riken"
HOME = "nims"
NAME = ground_state.contract.name
ENTRY = "yosegi.demo.chain:ground_state"
JOB = {"resource": NAME, "custom_attributes": {"purpose": "research"}}


class Driving(Federation):
    """One site does nothing itself: another facility does it, and is asked through its facility API."""

    there: InProcess

    async def _parts(self, place: Place) -> Parts:
        parts = await super()._parts(place)
        if place.name != DRIVER:
            return parts
        centre = self.places[CENTRE]
        self.there = InProcess(lambda: make_iri_app(centre.running))
        folder = self.folder / "engine"
        credentials(folder, token=(self.folder / "token").read_text())
        settings = FacilitySettings.read(
            {"publish": [ENTRY], "url": ADDRESS, "credentials_file": "credentials.json",
             "account": "demo.colour-team", "job": {NAME: JOB}}
        )  # fmt: skip

        def engines(on_late: Any) -> dict[str, Published]:
            services = EngineServices(
                name="centre", site=DRIVER, folder=folder, clock=parts.clock, signer=parts.signer,
                scope=Supervisor(parts.clock).scope("engine"), ledger=parts.ledger, store=place.objects,
                contracts={NAME: ground_state.contract}, entries={NAME: ENTRY}, on_late=on_late,
            )  # fmt: skip
            engine = FacilityEngine(settings, services, self.there)
            return {NAME: Published(ground_state.contract, engine, 8)}

        return replace(parts, engines=engines)


def federation(folder: Path) -> Driving:
    """A centre, a second one for short chains, and the home site, which also drives the first one's machine."""
    grant = {"node_h": "100"}

    def centre(name: str, country: str) -> Place:
        return Place(name, Listens(url=address(name)), country, capabilities=[ground_state], grant=grant)

    places = {
        CENTRE: centre(CENTRE, "US"),
        SHORT: centre(SHORT, "JP"),
        DRIVER: Place(DRIVER, Listens(url=address(DRIVER)), "JP", grant=grant),
    }
    places[CENTRE].accounts = {f"driver@{CENTRE}": Account(person=f"driver@{CENTRE}", role="member", passphrase=STORED)}
    return Driving(places, folder, home=HOME, people=(f"driver@{CENTRE}",))


def question(file: str) -> str:
    """A campaign of the examples, for the federation of the tests.

    Points follow from the campaign's name, and from which answers came before the next was asked for: so both have one
    name, and one trial at a time.
    """
    text = (EXAMPLES / file).read_text(encoding="utf-8").replace('name = "frustration-iri"', 'name = "frustration"')
    for was, now in (
        ("parallel = 2", "parallel = 1"),
        ('charter = "demonstration"', 'charter = "demo"'),
        ('team = "magnet-team"', 'team = "colour-team"'),
        ('challenge = "frustration"\n', ""),
        ("sites = 14", "sites = 10"),  # a smaller chain: both roads compute it
    ):
        assert was in text, was
        text = text.replace(was, now)
    return text


async def done(folder: Path, file: str) -> tuple[Campaign, Driving]:
    """The campaign, over."""
    folder.mkdir()
    world = federation(folder)
    for name in (CENTRE, SHORT):
        await world.restart(name)
    site = world.places[CENTRE].running
    site.authenticator.accounts = dict(world.places[CENTRE].accounts)
    who = await site.authenticator.by_passphrase(f"driver@{CENTRE}", PASSPHRASE)
    (folder / "token").write_text(await site.sessions.open(who, program=True, how="test"))
    await world.restart(DRIVER)
    await world.settle_down(5.0)
    home = world.places[HOME].running
    await home.campaigns.start(parse_spec(question(file)), world.member())
    for _ in range(400):
        if home.campaigns.get("frustration").state.final:
            break
        await asyncio.sleep(5)
    return home.campaigns.get("frustration"), world


def measured(campaign: Campaign) -> list[tuple[str, dict[str, Any], float | None]]:
    """Each trial in order: on which source, at what point, with what result."""
    return [(trial.source, dict(trial.values), trial.value) for trial in campaign.trials]


def test_a_campaign_through_the_facility_api_has_the_numbers_of_the_same_one_asked_directly(tmp_path: Path) -> None:
    async def both() -> None:
        direct, _ = await done(tmp_path / "direct", "spin-chain.toml")
        through, world = await done(tmp_path / "through", "spin-chain-iri.toml")
        assert (direct.state, through.state) == (CampaignState.ENDED, CampaignState.ENDED), through.why
        assert measured(through) == measured(direct)
        costly = [trial for trial in through.trials if trial.source == "long_chain"]
        assert {trial.steps[0].owner for trial in costly} == {DRIVER}
        assert {trial.state for trial in costly} == {TrialState.COMPLETED}
        launched = [path for method, path, status in world.there.calls if "/compute/job/" in path and status == 200]
        assert len(launched) == len(costly) >= 4
        # The centre has each of them on record as a job of its own member.
        driver = Session(f"driver@{CENTRE}", "member", float("inf"), "")
        jobs = world.places[CENTRE].running.facility_jobs
        listed = jobs.listing(NAME, driver, name="", past=True, offset=0, limit=100)
        assert {job.state for job in listed} == {TaskState.ENDED}
        assert len(listed) == len(costly)

    run_simulated(both())


def test_the_campaign_through_the_facility_api_differs_from_the_direct_one_in_its_costly_source_alone() -> None:
    direct, through = (tomllib.loads((EXAMPLES / f"spin-chain{end}.toml").read_text()) for end in ("", "-iri"))
    direct["source"][0]["step"][0]["capability"] = through["source"][0]["step"][0]["capability"]
    assert through["source"][0]["step"][0]["capability"] == f"{DRIVER}/{NAME}"
    assert {**direct, "name": ""} == {**through, "name": ""}

"""A federation whose samples travel: riken makes films, nims measures them, argonne asks; people ship, days pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal

from federation.toys import Made, Value, X
from yosegi.campaign import parse_spec
from yosegi.core.capability import Context, Infeasible, capability, sample
from yosegi.core.states import CampaignState
from yosegi.governance.charter.statement import Listens, Outbound
from yosegi.identity.accounts import Session
from yosegi.services.runtime import Site
from yosegi.services.samples.schemas import SampleSummary
from yosegi.services.samples.states import SampleState
from yosegi.testing.federation import Federation, Place, address
from yosegi.testing.loop import run_simulated

DAYS = 24 * 3600.0
Condition = Literal["good", "damaged", "missing"]


@capability("film.deposit@1", kind="robot", effect="consuming", field="toys", simulated=True, cost={"samples": "1"})
def deposit(x: X, context: Context) -> Made:
    """Make a film, whose name nobody else gives."""
    if x > 0.995:
        raise Infeasible("it does not hold together")
    return Made(f"film-{context.key[-8:]}-{x}")


@capability("film.measure@1", kind="instrument", effect="consuming", field="toys", simulated=True)
def look(film: Annotated[str, sample()]) -> Value:
    """Measure a film that riken made, by the name it has in the federation."""
    maker, _, name = film.partition("/")
    if maker != "riken":
        raise ValueError(f"{film} is no film of riken")
    return Value((float(name.rpartition("-")[2]) - 0.35) ** 2)


SPEC = """
name = "films"
title = "Films"
question = "Which x?"
charter = "demo"
team = "colour-team"
on_behalf_of = "pi@argonne"
purpose = "research"
planner = "sobol"
parallel = 2
parameter = [{ name = "x", low = 0.0, high = 0.99, resolution = 0.001 }]
objective = { name = "y" }
stop = { trials = TRIALS }
budget = { samples = "20" }
baseline = { description = "by hand" }

[[source]]
name = "film"
price = 1.0

[[source.step]]
name = "make"
capability = "riken/film.deposit@1"

[[source.step]]
name = "measure"
capability = "nims/film.measure@1"
bind = { film = "make.sample" }
SHIPMENT
"""


def spec(trials: int, shipment: str = "shipment = { batch = 3 }") -> str:
    """The campaign file of so many films."""
    return SPEC.replace("TRIALS", str(trials)).replace("SHIPMENT", shipment)


def sites(folder: Path, **how: Any) -> Federation:
    """argonne asks, riken makes, nims measures and only dials out."""
    places = {
        "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
        "riken": Place("riken", Listens(url=address("riken")), capabilities=[deposit], grant={"samples": "40"}),
        "nims": Place("nims", Outbound(mailbox="argonne"), capabilities=[look]),
    }
    return Federation(places, folder, **how)


def tell(folder: Path, story: Callable[[Federation], Awaitable[None]], **how: Any) -> None:
    """Run a story to its end."""

    async def main() -> None:
        federation = sites(folder, **how)
        await federation.start()
        try:
            await story(federation)
        finally:
            for name in federation.places:
                await federation.crash(name)

    run_simulated(main())


def at(federation: Federation, name: str) -> Site:
    """A running site."""
    return federation.places[name].running


def operator(name: str) -> Session:
    """Whoever runs a site."""
    return Session(f"operator@{name}", "operator", float("inf"), "")


def campaign(federation: Federation) -> Any:
    """The campaign, as its home has it."""
    return at(federation, "argonne").campaigns.get("films")


def samples(federation: Federation, name: str, state: str = "") -> tuple[SampleSummary, ...]:
    """Samples as a site lists them."""
    return at(federation, name).samples.listing(operator(name), state=SampleState(state) if state else None)


async def begun(federation: Federation, text: str) -> None:
    """The campaign begins, and makes what it can without anybody's help."""
    await at(federation, "argonne").campaigns.start(parse_spec(text), federation.member())
    await asyncio.sleep(120)


async def travel(federation: Federation, days: float) -> None:
    """Time passes with every site switched off, so that a test need not live through its long polls."""
    for name in federation.places:
        await federation.crash(name)
    await asyncio.sleep(days * DAYS)
    for name in federation.places:
        await federation.restart(name)
    await asyncio.sleep(200)


async def received(federation: Federation, condition: Callable[[str], Condition] = lambda sample: "good") -> list[str]:
    """People at nims receive whatever is on its way to them."""
    names = [one.id for one in samples(federation, "nims", "in_transit")]
    for name in names:
        await at(federation, "nims").hand_overs.receive(name, operator("nims"), condition=condition(name))
    await asyncio.sleep(200)
    return names


async def shipped(federation: Federation, days: float = 2.0) -> list[str]:
    """People at riken hand over what is asked for, and days later it comes to nims."""
    given = await at(federation, "riken").hand_overs.ship("nims", operator("riken"))
    await asyncio.sleep(120)
    if given:
        await travel(federation, days)
    return [one.id for one in given]


async def to_its_end(federation: Federation) -> int:
    """Ship and receive until the campaign is over; how many shipments that took."""
    shipments = 0
    while campaign(federation).state is CampaignState.RUNNING and shipments < 20:
        shipments += bool(await shipped(federation))
        await received(federation)
    return shipments

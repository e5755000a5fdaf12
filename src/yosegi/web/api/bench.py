"""Work that waits for people at this site."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from yosegi.core.engine import PersonResult
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Text
from yosegi.services.answer import JsonObject
from yosegi.services.bench.schemas import BenchCapability, BenchEntered, BenchRows, BenchTask
from yosegi.web.api.router import Csv
from yosegi.web.api.router import router as router_of

router = router_of("bench")


class EnterResult(Body):
    """Outputs by name; or why the point has no answer; or what went wrong."""

    outputs: JsonObject = Field(default_factory=dict)
    infeasible: Text = ""
    failed: Text = ""


class NotConfirmed(Body):
    """Why what was entered is not right."""

    why: Text


class HandOnTask(Body):
    """Who is to do a task, e.g. `pi@riken`, and why; they read it."""

    to: Annotated[str, Field(max_length=80)]
    note: Text


class EnterTable(Body):
    """The table of `GET /bench.csv`, filled in."""

    table: Annotated[str, Field(max_length=4_000_000)]


@router.get("/bench/capabilities")
async def bench_capabilities(site: Here, who: Who) -> tuple[BenchCapability, ...]:
    """The capabilities of this site whose work people do."""
    return site.bench.capabilities()


@router.get("/bench")
async def bench(site: Here, who: Who) -> tuple[BenchTask, ...]:
    """What waits for a person here, for the teams that the caller is in; for who runs the site, all."""
    return site.bench.list_for(who)


@router.get("/bench.csv", response_class=Csv)
async def bench_csv(site: Here, who: Who) -> Csv:
    """The same as a table to fill in."""
    return Csv(site.bench.csv_for(who))


@router.post("/bench.csv")
async def enter_table(body: EnterTable, site: Here, who: Who) -> BenchRows:
    """Enter the results of a table that was filled in; each row is taken, or not and why."""
    return await site.bench.enter_csv(body.table, who)


@router.post("/bench/{home}/{key}")
async def enter_result(home: str, key: str, body: EnterResult, site: Here, who: Who) -> BenchEntered:
    """Enter what came of a task, once."""
    result = PersonResult(body.outputs, body.infeasible, body.failed)
    return await site.bench.enter(f"{home}/{key}", result, who)


@router.post("/bench/{home}/{key}/confirm")
async def confirm_result(home: str, key: str, site: Here, who: Who) -> BenchEntered:
    """Confirm what somebody else of this site entered, where the contract wants a second person."""
    return await site.bench.confirm(f"{home}/{key}", who)


@router.post("/bench/{home}/{key}/not-confirm")
async def not_confirm_result(home: str, key: str, body: NotConfirmed, site: Here, who: Who) -> BenchTask:
    """Say why what somebody else entered is not right; it is entered anew. The task as it waits then."""
    return await site.bench.not_confirm(f"{home}/{key}", body.why, who)


@router.post("/bench/{home}/{key}/hand-on")
async def hand_on_task(home: str, key: str, body: HandOnTask, site: Here, who: Who) -> BenchTask:
    """Hand a task on to another person of this site, who alone enters it from then on. The task as it waits then.

    Whoever handed it on last takes it back by naming themselves.
    """
    return await site.bench.hand_on(f"{home}/{key}", body.to, body.note, who)

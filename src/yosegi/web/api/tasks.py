"""Tasks that others asked of this site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from yosegi.core.states import Effect
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Why
from yosegi.services.tasks.schemas import TaskCancelled, TaskDetail, TaskSummary
from yosegi.web.api.router import router as router_of

router = router_of("tasks")


class Settle(Body):
    """What an uncertain task did, after a look at the instrument."""

    effect: Literal["none", "done"]
    note: Annotated[str, Field(min_length=1, max_length=4000)]


@router.get("/tasks")
async def tasks(site: Here, who: Who, state: str = "") -> tuple[TaskSummary, ...]:
    """The latest tasks others asked of this site."""
    return site.tasks.list_for(who, state)


@router.get("/tasks/{home}/{key}")
async def task(home: str, key: str, site: Here, who: Who) -> TaskDetail:
    """One task."""
    return site.tasks.show(f"{home}/{key}", who)


@router.post("/tasks/{home}/{key}/settle")
async def settle(home: str, key: str, body: Settle, site: Here, who: Who) -> TaskDetail:
    """Say what an uncertain task did."""
    return await site.tasks.settle(f"{home}/{key}", Effect(body.effect), body.note, who)


@router.post("/tasks/{home}/{key}/acknowledge")
async def acknowledge(home: str, key: str, site: Here, who: Who) -> TaskDetail:
    """Say that the alert of an uncertain task was seen."""
    return await site.tasks.acknowledge(f"{home}/{key}", who)


@router.post("/tasks/{home}/{key}/cancel")
async def cancel(home: str, key: str, body: Why, site: Here, who: Who) -> TaskDetail | TaskCancelled:
    """Cancel a task. Stopping is for everybody; what is shown is for the team."""
    return await site.tasks.cancel(f"{home}/{key}", body.why, who)

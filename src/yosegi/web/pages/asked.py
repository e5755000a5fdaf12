"""Pages for whoever asks: what was asked of other sites, and a capability's contract."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from yosegi.core.states import TaskState
from yosegi.services.capabilities.terms import taken, terms_of
from yosegi.web.pages.caller import Here, act, show, signed_in

router = APIRouter(include_in_schema=False)


@router.get("/asked")
async def asked(caller: Here) -> Response:
    """What was asked of other sites."""
    found = caller.site.task_requests.list_for(signed_in(caller))
    stay = (TaskState.REFUSED, TaskState.UNCERTAIN)
    return show(caller, "asked", page="asked", requests=sorted(found, key=lambda one: one.state not in stay))


@router.post("/asked/{owner}/{key}/withdraw")
async def withdraw(owner: str, key: str, caller: Here) -> Response:
    """Ask an owner to take a request back."""
    requests = caller.site.task_requests
    return await act(caller, "asked", lambda session, form: requests.withdraw(owner, key, session))


@router.get("/capabilities/{owner}/{name}")
async def contract(owner: str, name: str, caller: Here) -> Response:
    """A contract: what goes in and comes out, and the terms."""
    signed_in(caller)
    found = caller.site.catalogue.show(f"{owner}/{name}")
    sides: tuple[tuple[str, Any], ...] = (("inputs", found.inputs), ("outputs", found.outputs))
    fields = [
        (way, field, schema, taken(schema))
        for way, described in sides
        for field, schema in described.get("properties", {}).items()
    ]
    return show(caller, "contract", page="catalogue", c=found, fields=fields, terms=terms_of(found))

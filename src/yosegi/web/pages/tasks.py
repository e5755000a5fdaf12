"""The page of what others asked of this site, and of what waits for a person there."""

from __future__ import annotations

from fastapi import APIRouter, Response

from yosegi.core.errors import Invalid
from yosegi.core.states import Effect
from yosegi.identity.accounts import Session
from yosegi.trust.envelope import Envelope
from yosegi.web.pages.caller import Form, Here, act, live, show, signed_in
from yosegi.web.views import Looking, TasksPage

router = APIRouter(include_in_schema=False)


@router.get("/tasks")
async def tasks(caller: Here) -> Response:
    """What others asked of this site."""
    view = TasksPage(caller.look(signed_in(caller)))
    return show(caller, "tasks", page="tasks", stream="tasks/live", parts=view.parts())


@router.get("/tasks/live")
async def tasks_live(caller: Here) -> Response:
    """Its stream; its addresses are those of the page."""
    return await live(caller, TasksPage(Looking(caller.site, signed_in(caller), caller.w, "./")))


@router.post("/tasks/{home}/{key}/settle")
async def settle(home: str, key: str, caller: Here) -> Response:
    """Say what an uncertain task did."""

    async def do(session: Session, form: Form) -> None:
        effect, note = form.get("effect", ""), form.get("note", "").strip()[:4000]
        if effect not in ("none", "done") or not note:
            raise Invalid("the form", "it says neither what happened nor what was seen", "fill in both")
        await caller.site.tasks.settle(f"{home}/{key}", Effect(effect), note, session)

    return await act(caller, "tasks", do)


@router.post("/tasks/{home}/{key}/acknowledge")
async def acknowledge(home: str, key: str, caller: Here) -> Response:
    """Say that a notice was seen."""
    return await act(caller, "tasks", lambda session, form: caller.site.tasks.acknowledge(f"{home}/{key}", session))


@router.post("/tasks/{home}/{key}/approve")
async def approve(home: str, key: str, caller: Here) -> Response:
    """Take a yes that a person signed where their key is: the site holds none of their keys."""

    async def do(session: Session, form: Form) -> None:
        envelope = Envelope.read(form.get("document", "").encode(), what="the signed approval")
        await caller.site.approvals.give(home, key, envelope, session)

    return await act(caller, "tasks", do)


@router.post("/tasks/{home}/{key}/refuse")
async def refuse(home: str, key: str, caller: Here) -> Response:
    """Say no to what waits for a person."""
    site = caller.site
    return await act(
        caller,
        "tasks",
        lambda session, form: site.approvals.refuse(home, key, form.get("why", "").strip()[:2000], session),
    )


@router.post("/tasks/{home}/{key}/cancel")
async def cancel(home: str, key: str, caller: Here) -> Response:
    """Cancel a task."""
    site = caller.site
    return await act(
        caller,
        "tasks",
        lambda session, form: site.tasks.cancel(f"{home}/{key}", f"cancelled by {session.person}", session),
    )

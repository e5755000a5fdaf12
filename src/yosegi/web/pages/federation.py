"""The first page: this site, its peers, what can be used, and what runs; and the switch of every page."""

from __future__ import annotations

from fastapi import APIRouter, Response

from yosegi.web.pages.caller import Here, act, act_on, guarded_form, live, show, signed_in
from yosegi.web.views import FederationPage

router = APIRouter(include_in_schema=False)


@router.get("/")
async def federation(caller: Here) -> Response:
    """This site, its peers, what can be used, and what runs."""
    view = FederationPage(caller.look(signed_in(caller)))
    return show(caller, "federation", page="federation", stream="live", parts=view.parts())


@router.get("/live")
async def federation_live(caller: Here) -> Response:
    """Its stream."""
    return await live(caller, FederationPage(caller.look(signed_in(caller))))


@router.post("/notices/acknowledge")
async def acknowledge_notice(caller: Here) -> Response:
    """Say that a notice was seen."""
    return await act(
        caller, "", lambda session, form: caller.site.alerts.acknowledge_for(form.get("notice", "")[:400], session)
    )


@router.post("/switch/{word}")
async def switch(word: str, caller: Here) -> Response:
    """Hold, safely stop or abort everything this site runs, once it was confirmed; or release it."""
    session, form = await guarded_form(caller)
    why, operations = form.get("why", "")[:2000], caller.site.operations
    if word in ("hold", "stop", "abort") and form.get("confirmed") != "yes" and operations.may_stop(session):
        return show(caller, "confirm_stop", word=word, running=caller.site.tasks.running())
    return await act_on(caller, "", session, form, lambda session, form: operations.set_stop_level(word, session, why))

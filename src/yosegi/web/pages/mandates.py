"""The page of mandates and agents: what acts for a member, how much of it is left, and the button that ends it."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Response
from markupsafe import Markup

from yosegi.web.pages.caller import Here, act, live, show, signed_in
from yosegi.web.views import Looking

MOST_OVER = 20
"""Mandates that are over and still shown."""
MOST_CALLS = 500
"""Calls of an agent that are shown."""

router = APIRouter(include_in_schema=False)


@dataclass
class MandatesPage:
    """A member's own; everybody's, for those who run the site."""

    looking: Looking

    def parts(self) -> dict[str, Markup]:
        """See `View`."""
        look, mandates = self.looking, self.looking.site.mandates
        found = mandates.seen_by(look.session, over=MOST_OVER)
        return {
            "switch": look.switch(),
            "agents": look.render("agents", agents=mandates.agents(found)),
            "standing": look.render("standing", mandates=[one for one in found if one.stands]),
            "over": look.render("over", mandates=[one for one in found if not one.stands]),
        }

    def rows(self) -> dict[str, Markup]:
        """See `View`."""
        return {}


@router.get("/mandates")
async def mandates(caller: Here) -> Response:
    """Mandates, and the agents that act under some of them."""
    view = MandatesPage(caller.look(signed_in(caller)))
    return show(caller, "mandates", page="mandates", stream="mandates/live", parts=view.parts())


@router.get("/mandates/live")
async def mandates_live(caller: Here) -> Response:
    """Its stream; its addresses are those of the page."""
    return await live(caller, MandatesPage(Looking(caller.site, signed_in(caller), caller.w, "./")))


@router.get("/mandates/{mandate}/activity")
async def activity(mandate: str, caller: Here) -> Response:
    """Everything that an agent called under a mandate, the latest first."""
    session = signed_in(caller)
    found = caller.site.agents.activity(mandate, session, MOST_CALLS)
    return show(caller, "activity", page="mandates", a=found)


@router.post("/mandates/{mandate}/cancel")
async def cancel(mandate: str, caller: Here) -> Response:
    """End a mandate, and all that was cut from it."""
    site = caller.site
    return await act(
        caller,
        "mandates",
        lambda session, form: site.mandates.cancel(mandate, form.get("why", "").strip()[:2000], session),
    )

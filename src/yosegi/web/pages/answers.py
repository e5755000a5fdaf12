"""The page of a campaign's answer, tables first and plots on demand; and forms for what people bring to it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response

from yosegi.core.errors import Invalid
from yosegi.identity.accounts import Session
from yosegi.web.learned_plot import parity_plot, slice_plot
from yosegi.web.pages.caller import Form, Here, act, show, signed_in

router = APIRouter(include_in_schema=False)
MOST_DIGITS = 12


@router.get("/campaigns/{name}/answer")
async def answer(name: str, caller: Here) -> Response:
    """What was found, what the model learned, what was gained, and how to cite it."""
    session = signed_in(caller)
    found = await caller.site.campaigns.answer(name, session)
    plots = [{"parity": parity_plot(one), "slices": [slice_plot(part) for part in one.slices]} for one in found.learned]
    campaign = caller.site.campaigns.get_for(name, session)
    return show(
        caller,
        "answer",
        page="campaign",
        name=name,
        title=campaign.spec.title,
        units=campaign.spec.units,
        a=found,
        plots=plots,
    )


@router.post("/campaigns/{name}/measurements")
async def bring(name: str, caller: Here) -> Response:
    """Take measurements that nobody here proposed, from a table that was pasted."""

    async def do(session: Session, form: Form) -> None:
        await caller.site.amendments.add_table(name, form.get("table", ""), "", form.get("file", "")[:200], session)

    return await act(caller, f"campaigns/{quote(name)}", do)


@router.post("/campaigns/{name}/extend")
async def extend(name: str, caller: Here) -> Response:
    """Give a campaign more trials or another budget."""

    async def do(session: Session, form: Form) -> None:
        await caller.site.amendments.extend(name, _changes(form), form.get("why", "")[:2000], session)

    return await act(caller, f"campaigns/{quote(name)}", do)


@router.post("/campaigns/{name}/take-back")
async def take_back(name: str, caller: Here) -> Response:
    """Take a trial back; perhaps its point is never asked again."""

    async def do(session: Session, form: Form) -> None:
        number = _whole_number("trial", form.get("trial", ""))
        skip = form.get("skip", "") == "yes"
        await caller.site.amendments.withdraw(name, number, form.get("why", "")[:2000], session, skip=skip)

    return await act(caller, f"campaigns/{quote(name)}", do)


def _whole_number(what: str, text: str) -> int:
    """A number that a form says.

    Raises:
        Invalid: it is none, or has more digits than any count.
    """
    if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS:
        raise Invalid(what, f"{text[:MOST_DIGITS]!r} is no whole number of at most {MOST_DIGITS} digits")
    return int(text)


def _changes(form: Form) -> dict[str, Any]:
    """What a form of an extension says; what is left empty stays.

    Raises:
        Invalid: a number is none.
    """
    changes: dict[str, Any] = {}
    if text := form.get("trials", "").strip():
        changes["stop"] = {"trials": _whole_number("trials", text)}
    if text := form.get("budget", "").strip():
        parts = [part.partition("=") for part in text.split(",")]
        if not all(equals for _, equals, _ in parts):
            raise Invalid("budget", f"{text!r} is no UNIT=AMOUNT", "e.g. samples=60, node_h=2.5")
        changes["budget"] = {unit.strip(): amount.strip() for unit, _, amount in parts}
    return changes

"""The page of instruments: when each may be used, who has it, until when and why; and the form that takes it back."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response

from yosegi.identity.accounts import Session
from yosegi.web.pages.caller import Form, Here, act, show, signed_in

router = APIRouter(include_in_schema=False)
MOST_SHOWN = 40
"""Reservations at other sites; `yosegi instrument bookings` lists more."""


@router.get("/instruments")
async def instruments(caller: Here) -> Response:
    """Every instrument of this site, and the latest reservations of other sites' that it asked for."""
    session = signed_in(caller)
    may_stop = caller.site.operations.may_stop(session)
    return show(
        caller, "instruments", page="instruments", instruments=caller.site.instruments.listing(session),
        bookings=caller.site.instruments.bookings.listing(session)[:MOST_SHOWN], may_stop=may_stop,
        runs_site=session.runs_the_site,
    )  # fmt: skip


@router.post("/instruments/{name}/take-back")
async def take_back_instrument(name: str, caller: Here) -> Response:
    """Bring what runs on it to its safe state, and let nothing use it."""

    async def do(session: Session, form: Form) -> None:
        await caller.site.instruments.take_back(name, session, form.get("why", "")[:2000])

    return await act(caller, f"instruments#{quote(name)}", do)


@router.post("/instruments/{name}/give-back")
async def give_back_instrument(name: str, caller: Here) -> Response:
    """Let it be used again."""

    async def do(session: Session, form: Form) -> None:
        await caller.site.instruments.give_back(name, session, form.get("why", "")[:2000])

    return await act(caller, f"instruments#{quote(name)}", do)

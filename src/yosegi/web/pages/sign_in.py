"""Signing in and out with a passphrase."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from yosegi.core.errors import Refused
from yosegi.http.authentication import address_of
from yosegi.web.pages.caller import Here, cookie_name, guarded_form, read_form, show

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in_page(caller: Here, to: str = "") -> Response:
    """The form to sign in with."""
    return show(caller, "sign_in", to=to, person="")


@router.post("/sign-in")
async def sign_in(caller: Here) -> Response:
    """Sign in with a passphrase."""
    form = await read_form(caller.request)
    person, to = form.get("person", "").strip()[:80], form.get("to", "")
    try:
        passphrase, address = form.get("passphrase", "")[:1024], address_of(caller.request)
        token = await caller.site.signing_in.by_passphrase(person, passphrase, address, program=False)
    except Refused as error:
        lines = [caller.w.code(code) for code in error.reasons]
        told = {"lines": lines, "codes": error.reasons, "back": None, "missing": False, "stays": True}
        return show(caller, "sign_in", 403, to=to, person=person, problem=told)
    answer = RedirectResponse(f"./{inside(to)}", 303)
    answer.set_cookie(
        cookie_name(caller.site), token, httponly=True, samesite="strict", secure=caller.request.url.scheme == "https"
    )
    return answer


def inside(to: str) -> str:
    """A page of this site, from its root; the root for anything else."""
    known = (
        "/asked", "/bench", "/campaigns/", "/capabilities/", "/catalogue", "/instruments", "/mandates", "/objects",
        "/programme", "/samples", "/search", "/sign-in/hand/", "/start", "/tasks",
    )  # fmt: skip
    return quote(to[1:]) if to.startswith(known) and ".." not in to and len(to) < 200 else ""


@router.post("/sign-out")
async def sign_out(caller: Here) -> Response:
    """Sign out."""
    await guarded_form(caller)
    name = cookie_name(caller.site)
    await caller.site.sessions.close(caller.request.cookies.get(name, ""))
    answer = RedirectResponse("./sign-in", 303)
    answer.delete_cookie(name, httponly=True, samesite="strict")
    return answer

"""Signing in and out by program, also by a person who confirms it in a browser."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import Field

from yosegi.http.authentication import Here, Who, address_of, bearer
from yosegi.http.bodies import Body
from yosegi.services.sessions.schemas import BrowserSignIn, SessionDetail, SessionEnded, SessionToken
from yosegi.web.api.router import Name
from yosegi.web.api.router import router as router_of

router = router_of("sessions")


class SignIn(Body):
    """A passphrase, or a signed login document."""

    person: Annotated[str, Field(max_length=80)] = ""
    passphrase: Annotated[str, Field(max_length=1024)] = ""
    login: dict[str, Any] | None = None


class Collect(Body):
    """What `POST /session/browser` gave."""

    secret: Annotated[str, Field(max_length=100)]


@router.post("/session")
async def sign_in(body: SignIn, site: Here, request: Request) -> SessionToken:
    """Sign in with a passphrase, or with a key by a signed login."""
    if body.login is not None:
        token = await site.signing_in.by_key(json.dumps(body.login).encode(), address_of(request))
    else:
        token = await site.signing_in.by_passphrase(body.person, body.passphrase, address_of(request), program=True)
    return SessionToken(token=token)


@router.post("/session/end")
async def sign_out(site: Here, who: Who, authorization: Annotated[str | None, Header()] = None) -> SessionEnded:
    """Sign out: the token opens nothing any more."""
    await site.sessions.close(bearer(authorization), program=True)
    return SessionEnded(ended=True)


@router.post("/session/browser", status_code=201)
async def begin_in_browser(site: Here) -> BrowserSignIn:
    """Begin a sign-in that a person confirms in a browser: show the code, and the page to open."""
    code, secret = site.handover.begin()
    return BrowserSignIn(code=code, page=f"sign-in/hand/{code}", secret=secret)


@router.post("/session/browser/collect")
async def collect(body: Collect, site: Here, request: Request) -> SessionToken:
    """The token, once the person has confirmed; empty until then. It outlives a restart of the site."""
    given = site.handover.collect(body.secret)
    if given is None:
        return SessionToken(token="")
    return SessionToken(token=await site.signing_in.hand_over(given, address_of(request)))


@router.get("/sessions")
async def sessions(site: Here, who: Who) -> tuple[SessionDetail, ...]:
    """Who is signed in: one's own sessions, or everybody's for those who run the site."""
    return site.signing_in.listing(who)


@router.post("/sessions/{name}/end")
async def end_session(name: Name, site: Here, who: Who) -> SessionEnded:
    """End a session, one's own or, for those who run the site, anybody's: its token opens nothing any more."""
    return await site.signing_in.end(name, who)

"""Signing in and out by program, also by a person who confirms it in a browser."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import Field

from yosegi.http.authentication import Here, Who, bearer
from yosegi.http.bodies import Body
from yosegi.identity.sessions import Sessions
from yosegi.services.sessions.schemas import BrowserSignIn, SessionEnded, SessionToken
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
async def sign_in(body: SignIn, site: Here) -> SessionToken:
    """Sign in with a passphrase, or with a key by a signed login."""
    if body.login is not None:
        return SessionToken(token=site.authenticator.with_key(json.dumps(body.login).encode()))
    token = await asyncio.to_thread(site.authenticator.with_passphrase, body.person, body.passphrase)
    return SessionToken(token=token)


@router.post("/session/end")
async def sign_out(request: Request, who: Who, authorization: Annotated[str | None, Header()] = None) -> SessionEnded:
    """Sign out: the token opens nothing any more."""
    await request.app.state.sessions.close(bearer(authorization), program=True)
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
    sessions: Sessions = request.app.state.sessions
    return SessionToken(token="" if given is None else await sessions.hand(given))

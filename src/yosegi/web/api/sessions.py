"""Signing in and out by program, also by a person who confirms it in a browser."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Header, Request
from pydantic import Field

from yosegi.http.authentication import Here, Who, address_of, bearer
from yosegi.http.bodies import Body
from yosegi.identity.sessions import authenticated
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
async def sign_in(body: SignIn, site: Here, request: Request) -> SessionToken:
    """Sign in with a passphrase, or with a key by a signed login."""
    if body.login is not None:
        who = site.authenticator.by_key(json.dumps(body.login).encode())
    else:
        who = await site.authenticator.by_passphrase(body.person, body.passphrase, address_of(request))
    return SessionToken(token=await site.sessions.open(who, program=True))


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
async def collect(body: Collect, site: Here) -> SessionToken:
    """The token, once the person has confirmed; empty until then. It outlives a restart of the site."""
    given = site.handover.collect(body.secret)
    if given is None:
        return SessionToken(token="")
    who = site.authenticator.still(authenticated(given))
    return SessionToken(token=await site.sessions.open(who, program=True))

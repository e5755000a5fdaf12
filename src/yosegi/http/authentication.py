"""Who calls: the site behind a face, and the session of a bearer token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from yosegi.core.errors import Refused
from yosegi.identity.accounts import Session
from yosegi.services.runtime import Site


async def site_of(request: Request) -> Site:
    """The site behind this face."""
    site: Site = request.app.state.site
    return site


def address_of(request: Request) -> str:
    """The network address a call comes from, as the server or the proxy that it trusts says."""
    return request.client.host if request.client else ""


def bearer(authorization: str | None) -> str:
    """The token in a header; empty if there is none."""
    return authorization.removeprefix("Bearer ") if authorization else ""


async def signed_in(
    site: Annotated[Site, Depends(site_of)], authorization: Annotated[str | None, Header()] = None
) -> Session:
    """Who calls, by bearer token: given for a sign-in here, or handed over on a page.

    Raises:
        Refused: nobody who is signed in, and what ended their session. Cookies do not count here: a page elsewhere
            could send them.
    """
    token = bearer(authorization)
    session = site.sessions.get(token, program=True)
    if session is None:
        raise Refused("this call", site.sessions.why_not(token, program=True))
    return session


Here = Annotated[Site, Depends(site_of)]
Who = Annotated[Session, Depends(signed_in)]

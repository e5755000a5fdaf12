"""Signing in with the institution's provider, and handing a sign-in to a program. The rules are the site's."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from yosegi.core.errors import NotFound, Refused, Unavailable
from yosegi.http.authentication import address_of
from yosegi.identity.accounts import Session
from yosegi.identity.oidc_claims import InstitutionSignIn
from yosegi.services.runtime import Site
from yosegi.web.pages.caller import Caller, Form, Here, act, cookie_name, problem_page, show, signed_in
from yosegi.web.pages.sign_in import inside

router = APIRouter(include_in_schema=False)


def _provider(caller: Caller) -> InstitutionSignIn:
    if caller.site.institution is None:
        raise NotFound("page", caller.request.scope["path"])
    return caller.site.institution


def _kept(site: Site) -> str:
    """The cookie that holds a sign-in under way."""
    return f"yosegi_pending_{site.name}"


@router.get("/sign-in/institution")
async def begin(caller: Here, to: str = "") -> Response:
    """To the provider. The cookie is lax, since the browser comes back from another site."""
    there, kept = await _provider(caller).begin(to)
    answer = RedirectResponse(there, 303, headers={"Cache-Control": "no-store"})
    secure = _provider(caller).openid.client.redirect_uri.startswith("https:")
    answer.set_cookie(_kept(caller.site), kept, max_age=600, httponly=True, samesite="lax", secure=secure)
    return answer


@router.get("/sign-in/institution/back")
async def back(caller: Here) -> Response:
    """From the provider. A session begins anew, whatever the browser held before."""
    provider, site = _provider(caller), caller.site
    kept = caller.request.cookies.get(_kept(site), "")
    try:
        person, role, to = await provider.finish(kept, dict(caller.request.query_params), site.authenticator.accounts)
        address = address_of(caller.request)
        token = await site.signing_in.vouched_for(person, role, provider.openid.client.issuer, address)
    except (Refused, Unavailable) as error:
        answer = problem_page(caller, error, 403 if isinstance(error, Refused) else 503, f"{caller.root}sign-in")
        answer.delete_cookie(_kept(site), httponly=True, samesite="lax")
        return answer
    if before := caller.request.cookies.get(cookie_name(site)):
        await site.sessions.close(before)
    # A page and no redirect: the strict cookie does not go with a navigation that another site began.
    answer = show(caller, "signed_in", there=f"{caller.root}{inside(to)}", person=person)
    secure = provider.openid.client.redirect_uri.startswith("https:")
    answer.set_cookie(cookie_name(site), token, httponly=True, samesite="strict", secure=secure)
    answer.delete_cookie(_kept(site), httponly=True, samesite="lax")
    return answer


# -- handing a sign-in to a program -----------------------------------------------------------------------------------


@router.get("/sign-in/hand/{code}")
async def hand(code: str, caller: Here) -> Response:
    """Ask the person whether the program that shows the code is theirs."""
    signed_in(caller)
    if not caller.site.handover.waits(code):
        raise NotFound("code", code)
    return show(caller, "hand", code=code)


@router.post("/sign-in/hand/{code}")
async def handed(code: str, caller: Here) -> Response:
    """Hand it over."""

    async def do(session: Session, form: Form) -> None:
        caller.site.handover.confirm(code, session)

    return await act(caller, f"sign-in/handed/{quote(code)}", do)


@router.get("/sign-in/handed/{code}")
async def done(code: str, caller: Here) -> Response:
    """Say that the program is signed in."""
    session = signed_in(caller)
    return show(caller, "signed_in", there=caller.root, person=session.person)

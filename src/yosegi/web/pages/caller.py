"""Who calls a page, and how a page, a form, a stream and a refusal are answered.

Every address in a page is relative, so that a site may stand behind a proxy under any prefix.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, YosegiError
from yosegi.core.reasons import Language
from yosegi.http.errors import FormRefused
from yosegi.identity.accounts import Session
from yosegi.identity.sessions import same_token
from yosegi.services.runtime import Site
from yosegi.web.live import stream
from yosegi.web.open_streams import CountedStream
from yosegi.web.views import Looking, PageView, environment
from yosegi.web.words import LANGUAGES, Words

COOKIE = "yosegi_session"
LANG = "yosegi_lang"
MOST_FORM = 64 * 1024
YEAR = 365 * 24 * 3600

Form = dict[str, str]


@dataclass(frozen=True)
class Caller:
    """One call of a page: by whom, and in which language it is answered."""

    request: Request
    site: Site
    session: Session | None
    w: Words

    @property
    def root(self) -> str:
        """The way from this page's address up to the site's root."""
        return "../" * (self.request.scope["path"].count("/") - 1) or "./"

    def look(self, session: Session) -> Looking:
        """What views need."""
        return Looking(self.site, session, self.w, self.root)


def cookie_name(site: Site) -> str:
    """A name of its own for each site: cookies know hosts but not ports."""
    return f"{COOKIE}_{site.name}"


def language_of(request: Request) -> Language:
    """By the address, the cookie, or what the browser prefers."""
    preferred = "ja" if request.headers.get("accept-language", "").lower().startswith("ja") else "en"
    for wanted in (request.query_params.get("lang"), request.cookies.get(LANG), preferred):
        for known in LANGUAGES:
            if wanted == known:
                return known
    return "en"


def caller_of(request: Request) -> Caller:
    """Who calls; perhaps nobody who is signed in."""
    site: Site = request.app.state.site
    session = site.sessions.get(request.cookies.get(cookie_name(site)))
    return Caller(request, site, session, Words(language_of(request)))


async def here(request: Request) -> Caller:
    """The same on the event loop, where all of a site's state lives."""
    return caller_of(request)


Here = Annotated[Caller, Depends(here)]


# -- answering --------------------------------------------------------------------------------------------------------


def show(caller: Caller, template: str, status: int = 200, **values: Any) -> Response:
    """A whole page; it remembers a language that its address names."""
    parts = values.pop("parts", None)
    if parts is None and caller.session is not None:
        parts = {"switch": caller.look(caller.session).switch()}
    given = {"page": "", "stream": "", "problem": None} | values
    text = (
        environment()
        .get_template(f"{template}.html")
        .render(site=caller.site, session=caller.session, w=caller.w, root=caller.root, parts=parts, **given)
    )
    answer = HTMLResponse(text, status, headers={"Cache-Control": "no-store"})
    if caller.request.query_params.get("lang") == caller.w.lang:
        answer.set_cookie(LANG, caller.w.lang, max_age=YEAR, samesite="strict", httponly=True)
    return answer


def to_sign_in(caller: Caller) -> Response:
    """The way to the sign-in page, and back afterwards."""
    query = f"?to={quote(caller.request.scope['path'])}" if caller.request.method == "GET" else ""
    return RedirectResponse(f"{caller.root}sign-in{query}", 303)


def problem_page(caller: Caller, error: YosegiError, status: int, back: str | None) -> Response:
    """What was refused, and why, in the page's language; the reason's codes beside it."""
    codes = error.reasons if isinstance(error, Refused) and not isinstance(error, FormRefused) else ()
    lines = [text for code in codes if (text := caller.w.code(code))] or [str(error)]
    if isinstance(error, Refused) and error.told:
        lines = [ja if caller.w.lang == "ja" else en for en, ja in error.told]
    if isinstance(error, FormRefused):
        lines = [caller.w(error.text)]
    told = {
        "lines": lines,
        "codes": codes,
        "back": back,
        "missing": isinstance(error, NotFound),
        # What answers a form has an address that cannot be asked for again in another language.
        "stays": caller.request.method == "GET",
    }
    return show(caller, "problem", status, problem=told, number=status)


async def live(caller: Caller, view: PageView) -> Response:
    """The stream of a page.

    Raises:
        Refused: nobody is signed in, or too many are open.
    """
    token = caller.request.cookies.get(cookie_name(caller.site))
    events = stream(view, caller.site.ledger, caller.site.clock, lambda: caller.site.sessions.get(token) is not None)
    return CountedStream(events, caller.request.app.state.streams, signed_in(caller).person)


def signed_in(caller: Caller) -> Session:
    """The session.

    Raises:
        Refused: nobody is signed in.
    """
    if caller.session is None:
        raise Refused("this page", ("not_signed_in",))
    return caller.session


async def read_form(request: Request) -> Form:
    """The fields of a form, each once.

    Raises:
        Invalid: too large, or not text.
        FormRefused: the browser says that another site's page sent it.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise FormRefused("from_elsewhere")
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MOST_FORM:
            raise Invalid("the form", f"larger than {MOST_FORM} bytes")
    try:
        return dict(parse_qsl(data.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError:
        raise Invalid("the form", "not made of names and values") from None


async def guarded_form(caller: Caller) -> tuple[Session, Form]:
    """A form of a page of this very session.

    Raises:
        Refused: nobody is signed in, or the form comes from elsewhere.
    """
    session, form = signed_in(caller), await read_form(caller.request)
    if not same_token(session.form_token, form.get("form_token", "")):
        raise FormRefused("form_stale")
    return session, form


async def act(caller: Caller, back: str, do: Callable[[Session, Form], Awaitable[object]]) -> Response:
    """Do what a form asks, then show its page again; what is refused stays on screen with its reason.

    Args:
        caller: who sent the form.
        back: the page, from the root.
        do: what the form asks.
    """
    session, form = await guarded_form(caller)
    return await act_on(caller, back, session, form, do)


async def act_on(
    caller: Caller, back: str, session: Session, form: Form, do: Callable[[Session, Form], Awaitable[object]]
) -> Response:
    """The same for a form that was read already."""
    try:
        await do(session, form)
    except (Refused, Conflict, Invalid) as error:
        return problem_page(caller, error, 403 if isinstance(error, Refused) else 409, f"{caller.root}{back}")
    return RedirectResponse(f"{caller.root}{back}", 303)

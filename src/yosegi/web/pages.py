"""The pages of a site: rendered here, live by one stream each, and steered by plain forms. They hold no rules.

Every address in a page is relative, so that a site may stand behind a proxy under any prefix.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, YosegiError
from yosegi.core.reasons import Language
from yosegi.core.states import Effect
from yosegi.http.authentication import address_of
from yosegi.http.errors import FormRefused
from yosegi.identity.accounts import Session
from yosegi.identity.sessions import same_token
from yosegi.services.campaigns.export import export_campaign
from yosegi.services.runtime import Site
from yosegi.trust.envelope import Envelope
from yosegi.web.api import MOVES, download
from yosegi.web.live import stream
from yosegi.web.views import CampaignPage, FederationPage, Looking, PageView, TasksPage, environment
from yosegi.web.words import LANGUAGES, Words

COOKIE = "yosegi_session"
LANG = "yosegi_lang"
MOST_FORM = 64 * 1024
YEAR = 365 * 24 * 3600

pages = APIRouter(include_in_schema=False)
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
    """The stream of a page."""
    token = caller.request.cookies.get(cookie_name(caller.site))
    events = stream(view, caller.site.ledger, caller.site.clock, lambda: caller.site.sessions.get(token) is not None)
    return StreamingResponse(
        events, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


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
    try:
        await do(session, form)
    except (Refused, Conflict, Invalid) as error:
        return problem_page(caller, error, 403 if isinstance(error, Refused) else 409, f"{caller.root}{back}")
    return RedirectResponse(f"{caller.root}{back}", 303)


# -- signing in -------------------------------------------------------------------------------------------------------


@pages.get("/sign-in")
async def sign_in_page(caller: Here, to: str = "") -> Response:
    """The form to sign in with."""
    return show(caller, "sign_in", to=to, person="")


@pages.post("/sign-in")
async def sign_in(caller: Here) -> Response:
    """Sign in with a passphrase."""
    form = await read_form(caller.request)
    person, to = form.get("person", "").strip()[:80], form.get("to", "")
    try:
        passphrase, address = form.get("passphrase", "")[:1024], address_of(caller.request)
        who = await caller.site.authenticator.by_passphrase(person, passphrase, address)
        token = await caller.site.sessions.open(who, program=False)
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
    known = ("/campaigns/", "/catalogue", "/mandates", "/programme", "/tasks", "/objects", "/sign-in/hand/")
    return quote(to[1:]) if to.startswith(known) and ".." not in to and len(to) < 200 else ""


@pages.post("/sign-out")
async def sign_out(caller: Here) -> Response:
    """Sign out."""
    await guarded_form(caller)
    name = cookie_name(caller.site)
    await caller.site.sessions.close(caller.request.cookies.get(name, ""))
    answer = RedirectResponse("./sign-in", 303)
    answer.delete_cookie(name, httponly=True, samesite="strict")
    return answer


# -- pages ------------------------------------------------------------------------------------------------------------


@pages.get("/")
async def federation(caller: Here) -> Response:
    """This site, its peers, what can be used, and what runs."""
    view = FederationPage(caller.look(signed_in(caller)))
    return show(caller, "federation", page="federation", stream="live", parts=view.parts())


@pages.get("/live")
async def federation_live(caller: Here) -> Response:
    """Its stream."""
    return await live(caller, FederationPage(caller.look(signed_in(caller))))


@pages.get("/campaigns/{name}")
async def campaign(name: str, caller: Here, all: str = "") -> Response:
    """One campaign."""
    view = CampaignPage(caller.look(signed_in(caller)), name, bool(all))
    spec = view.campaign.spec
    return show(
        caller,
        "campaign",
        page="campaign",
        stream=f"{quote(name)}/live{'?all=1' if all else ''}",
        parts=view.parts(),
        rows=list(view.rows().values()),
        name=name,
        title=spec.title,
        objective=spec.objective.name + ("" if spec.objective.unit == "1" else f" ({spec.objective.unit})"),
    )


@pages.get("/campaigns/{name}/live")
async def campaign_live(name: str, caller: Here, all: str = "") -> Response:
    """Its stream; its addresses are those of the page."""
    look = Looking(caller.site, signed_in(caller), caller.w, "../")
    view = CampaignPage(look, name, bool(all))
    view.campaign  # noqa: B018 - an unknown one is refused before the stream begins
    return await live(caller, view)


@pages.get("/campaigns/{name}/bundle")
async def bundle(name: str, caller: Here) -> Response:
    """The whole campaign as a bundle that verifies offline."""
    caller.site.campaign(name, signed_in(caller))
    data = await export_campaign(caller.site, name)
    return Response(data, media_type="application/json", headers={"Content-Disposition": "attachment"})


@pages.post("/campaigns/{name}/{word}")
async def steer(name: str, word: str, caller: Here) -> Response:
    """Hold, resume, safely stop or abort a campaign."""
    move = next((state for known, state in MOVES.items() if known == word), None)
    if move is None:
        raise NotFound("button", word, tuple(MOVES))
    site = caller.site
    return await act(
        caller,
        f"campaigns/{quote(name)}",
        lambda session, form: site.move_campaign(name, move, session, form.get("why", "")[:2000]),
    )


@pages.get("/tasks")
async def tasks(caller: Here) -> Response:
    """What others asked of this site."""
    view = TasksPage(caller.look(signed_in(caller)))
    return show(caller, "tasks", page="tasks", stream="tasks/live", parts=view.parts())


@pages.get("/objects")
async def objects(caller: Here, campaign: str = "", task: str = "") -> Response:
    """Large data that this site knows; of a campaign or a task alone, if one is named."""
    found = caller.site.objects.listing(signed_in(caller), campaign=campaign, task=task)
    return show(caller, "objects", page="objects", objects=found, of=campaign or task)


@pages.get("/objects/{sha256}/bytes")
async def object_bytes(sha256: str, caller: Here) -> Response:
    """An object as a file to be kept."""
    return download(caller.site, sha256, signed_in(caller))


@pages.get("/tasks/live")
async def tasks_live(caller: Here) -> Response:
    """Its stream; its addresses are those of the page."""
    return await live(caller, TasksPage(Looking(caller.site, signed_in(caller), caller.w, "./")))


@pages.post("/tasks/{home}/{key}/settle")
async def settle(home: str, key: str, caller: Here) -> Response:
    """Say what an uncertain task did."""

    async def do(session: Session, form: Form) -> None:
        effect, note = form.get("effect", ""), form.get("note", "").strip()[:4000]
        if effect not in ("none", "done") or not note:
            raise Invalid("the form", "it says neither what happened nor what was seen", "fill in both")
        await caller.site.settle_task(f"{home}/{key}", Effect(effect), note, session)

    return await act(caller, "tasks", do)


@pages.post("/tasks/{home}/{key}/acknowledge")
async def acknowledge(home: str, key: str, caller: Here) -> Response:
    """Say that a notice was seen."""
    return await act(caller, "tasks", lambda session, form: caller.site.acknowledge_task(f"{home}/{key}", session))


@pages.post("/tasks/{home}/{key}/approve")
async def approve(home: str, key: str, caller: Here) -> Response:
    """Take a yes that a person signed where their key is: the site holds none of their keys."""

    async def do(session: Session, form: Form) -> None:
        envelope = Envelope.read(form.get("document", "").encode(), what="the signed approval")
        await caller.site.approvals.give(home, key, envelope, session)

    return await act(caller, "tasks", do)


@pages.post("/tasks/{home}/{key}/refuse")
async def refuse(home: str, key: str, caller: Here) -> Response:
    """Say no to what waits for a person."""
    site = caller.site
    return await act(
        caller,
        "tasks",
        lambda session, form: site.approvals.refuse(home, key, form.get("why", "").strip()[:2000], session),
    )


@pages.post("/tasks/{home}/{key}/cancel")
async def cancel(home: str, key: str, caller: Here) -> Response:
    """Cancel a task."""
    site = caller.site
    return await act(
        caller,
        "tasks",
        lambda session, form: site.cancel_task(f"{home}/{key}", f"cancelled by {session.person}", session),
    )


@pages.post("/notices/acknowledge")
async def acknowledge_notice(caller: Here) -> Response:
    """Say that a notice was seen."""
    return await act(
        caller, "", lambda session, form: caller.site.acknowledge_notice(form.get("notice", "")[:400], session)
    )


@pages.post("/switch/{word}")
async def switch(word: str, caller: Here) -> Response:
    """Hold, safely stop or abort everything this site runs, or release it."""
    return await act(
        caller, "", lambda session, form: caller.site.set_stop_level(word, session, form.get("why", "")[:2000])
    )

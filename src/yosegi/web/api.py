"""The JSON face of a site, and the doors for stations and witnesses. It holds no rules."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from yosegi.campaign import parse_spec
from yosegi.core.contract import Sensitivity
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.identifiers import CharterId, Digest, SiteId, TeamId
from yosegi.core.object import MediaType
from yosegi.core.states import CampaignState, Effect
from yosegi.core.supervision import BackgroundTask
from yosegi.core.values import Value
from yosegi.http.authentication import Here, Who, address_of, bearer
from yosegi.http.bodies import Body, Text, Why
from yosegi.http.limits import body_of
from yosegi.http.strict_json import StrictRoute
from yosegi.identity.accounts import Session
from yosegi.services.campaigns.export import export_campaign
from yosegi.services.runtime import Site
from yosegi.services.schemas import (
    campaign_full,
    campaign_summary,
    contract_full,
    listing_summary,
    task_full,
)

Word = Literal["hold", "resume", "stop", "abort"]
MOVES: dict[Word, CampaignState] = {
    "hold": CampaignState.HELD,
    "resume": CampaignState.RUNNING,
    "stop": CampaignState.STOPPING,
    "abort": CampaignState.ABORTED,
}


class SignIn(Body):
    """A passphrase, or a signed login document."""

    person: Annotated[str, Field(max_length=80)] = ""
    passphrase: Annotated[str, Field(max_length=1024)] = ""
    login: dict[str, Any] | None = None


class StartCampaign(Body):
    """A campaign file's text."""

    spec: Annotated[str, Field(max_length=1_000_000)]
    mandate: Annotated[str, Field(max_length=130)] = ""


class MoveCampaign(Why):
    """A reason; and, for a campaign that is resumed, how far it goes from now on."""

    conduct: Literal["suggest", "approve", "run"] | None = None


class AcknowledgeAlert(Body):
    """Which notice was seen, by its name."""

    notice: Annotated[str, Field(min_length=1, max_length=400)]


class Settle(Body):
    """What an uncertain task did, after a look at the instrument."""

    effect: Literal["none", "done"]
    note: Annotated[str, Field(min_length=1, max_length=4000)]


doors = APIRouter()
api = APIRouter(prefix="/api/v1", route_class=StrictRoute)


class WhatIsHeld(Value):
    """Which ledger's checkpoint is asked for."""

    charter: CharterId
    site: SiteId


@doors.post("/exchange/v1/witness", include_in_schema=False)
async def witness(request: Request, site: Here) -> dict[str, Any]:
    """The latest checkpoint held here of a site: signed by that site, and what it needs after a restore."""
    body = WhatIsHeld.read(await body_of(request.receive), what="the question")
    return site.channels.witness.last(body.charter, body.site).model_dump(mode="json")


@doors.post("/station/v1/{name}", include_in_schema=False)
async def station(name: str, request: Request, site: Here) -> Response:
    """A call of a station of this site."""
    engine = site.engines.answering.get(name)
    if engine is None:
        raise NotFound("station", name)
    return Response(await engine.handle(await body_of(request.receive)), media_type="application/json")


@api.get("/site")
async def about(site: Here) -> dict[str, Any]:
    """Which site this is. Open to all, so that a client can say whom it talks to."""
    return {"site": site.name, "title": site.title, "format": "yosegi.api.v1"}


@api.post("/session")
async def sign_in(body: SignIn, site: Here, request: Request) -> dict[str, str]:
    """Sign in with a passphrase, or with a key by a signed login."""
    if body.login is not None:
        who = site.authenticator.by_key(json.dumps(body.login).encode())
    else:
        who = await site.authenticator.by_passphrase(body.person, body.passphrase, address_of(request))
    return {"token": await site.sessions.open(who, program=True)}


@api.post("/session/end")
async def sign_out(site: Here, who: Who, authorization: Annotated[str | None, Header()] = None) -> dict[str, bool]:
    """Sign out: the token opens nothing any more."""
    await site.sessions.close(bearer(authorization), program=True)
    return {"ended": True}


@api.get("/peers")
async def peers(site: Here, who: Who) -> list[dict[str, Any]]:
    """How each peer is reached, and when it was last heard."""
    return site.peers()


@api.get("/capabilities")
async def capabilities(site: Here, who: Who) -> list[dict[str, Any]]:
    """Everything that can be used here."""
    return [listing_summary(listing) for listing in site.catalogue.listings()]


@api.get("/capabilities/{owner}/{name}")
async def capability(owner: str, name: str, site: Here, who: Who) -> dict[str, Any]:
    """One contract."""
    ref = f"{owner}/{name}"
    for listing in site.catalogue.listings():
        if listing.ref == ref:
            return contract_full(ref, listing.contract)
    raise NotFound("capability", ref, tuple(listing.ref for listing in site.catalogue.listings()))


@api.get("/campaigns")
async def campaigns(site: Here, who: Who) -> list[dict[str, Any]]:
    """Every campaign of this home site's teams that the caller is in; for who runs the site, all."""
    return [campaign_summary(campaign) for campaign in site.campaigns_of(who)]


@api.post("/campaigns", status_code=201)
async def start_campaign(body: StartCampaign, site: Here, who: Who) -> dict[str, Any]:
    """Start a campaign from a campaign file."""
    return campaign_full(await site.start_campaign(parse_spec(body.spec), who, body.mandate))


@api.get("/campaigns/{name}")
async def campaign(name: str, site: Here, who: Who) -> dict[str, Any]:
    """One campaign with its trials."""
    trouble = site.campaigns.last_error(name)
    return campaign_full(site.campaign(name, who)) | {"trouble": trouble}


@api.post("/campaigns/{name}/{word}")
async def move_campaign(name: str, word: Word, body: MoveCampaign, site: Here, who: Who) -> dict[str, Any]:
    """Hold, resume, safely stop or abort. Stopping is for everybody; what is shown is for the team."""
    conduct = body.conduct if word == "resume" else None
    moved = await site.move_campaign(name, MOVES[word], who, body.why, conduct)
    if not site.may_see(moved.spec.charter, moved.spec.team, who):
        return {"name": name, "state": str(moved.state)}
    return campaign_full(moved)


@api.get("/campaigns/{name}/export", response_class=StreamingResponse)
async def export(name: str, site: Here, who: Who) -> StreamingResponse:
    """The whole campaign as a bundle that verifies offline."""
    site.campaign(name, who)
    data = await export_campaign(site, name)
    return StreamingResponse(iter([data]), media_type="application/json")


@api.get("/tasks")
async def tasks(site: Here, who: Who, state: str = "") -> list[dict[str, Any]]:
    """The latest tasks others asked of this site."""
    return site.tasks_for(who, state)


@api.get("/tasks/{home}/{key}")
async def task(home: str, key: str, site: Here, who: Who) -> dict[str, Any]:
    """One task."""
    return task_full(site.task_for(f"{home}/{key}", who))


@api.post("/tasks/{home}/{key}/settle")
async def settle(home: str, key: str, body: Settle, site: Here, who: Who) -> dict[str, Any]:
    """Say what an uncertain task did."""
    return task_full(await site.settle_task(f"{home}/{key}", Effect(body.effect), body.note, who))


@api.post("/tasks/{home}/{key}/acknowledge")
async def acknowledge(home: str, key: str, site: Here, who: Who) -> dict[str, Any]:
    """Say that a notice was seen."""
    return task_full(await site.acknowledge_task(f"{home}/{key}", who))


@api.post("/tasks/{home}/{key}/cancel")
async def cancel(home: str, key: str, body: Why, site: Here, who: Who) -> dict[str, Any]:
    """Cancel a task."""
    cancelled = await site.cancel_task(f"{home}/{key}", body.why, who)
    asked = cancelled.asked()
    if not site.may_see(asked.charter, asked.team, who):
        return {"home": home, "key": key, "state": str(cancelled.state)}
    return task_full(cancelled)


@api.post("/breakers/{capability}/close")
async def close_breaker(capability: str, body: Why, site: Here, who: Who) -> dict[str, str]:
    """Say that a capability works again, after its breaker opened and somebody looked."""
    await site.close_breaker(capability, who, body.why)
    return {"breaker": site.dispatcher.breakers.why_open(capability)}


@api.get("/gap")
async def gap(site: Here, who: Who) -> dict[str, Any]:
    """What a restoration from a backup may have lost, and whether a person has settled it."""
    return {"open": site.restore_guard.open, "epoch": site.restore_guard.epoch, "lost": site.restore_guard.lost()}


@api.post("/gap/settle")
async def settle_restoration(body: Why, site: Here, who: Who) -> dict[str, bool]:
    """Say that the instruments were looked at after a restoration, so that work that uses things up may start."""
    await site.settle_restoration(who, body.why)
    return {"open": site.restore_guard.open}


@api.post("/stations/{name}/settle")
async def settle_station(name: str, body: Why, site: Here, who: Who) -> dict[str, str]:
    """Say that the instrument of a station that had forgotten what it did was looked at, so that it may go on."""
    await site.settle_station(name, who, body.why)
    return {"unsettled": site.engines.settling[name].unsettled}


@api.get("/notices")
async def notices(site: Here, who: Who) -> list[dict[str, Any]]:
    """What a person must look at."""
    names = ("task", "name", "kind", "capability", "since", "text", "ja", "told_by")
    return [{name: getattr(notice, name) for name in names} for notice in site.notices.open()]


@api.get("/background")
async def background(site: Here, who: Who) -> list[BackgroundTask]:
    """What runs in the background of this site, what of it failed, and when that begins again; for operators."""
    return list(site.background(who))


@api.post("/notices/acknowledge")
async def acknowledge_notice(body: AcknowledgeAlert, site: Here, who: Who) -> dict[str, str]:
    """Say that a notice was seen, so that it is not repeated."""
    await site.acknowledge_notice(body.notice, who)
    return {"acknowledged": body.notice}


@api.post("/switch/{word}")
async def switch(
    word: Literal["hold", "stop", "abort", "release"], body: Why, site: Here, who: Who
) -> dict[str, bool | str]:
    """Hold, safely stop or abort everything this site runs for anybody, or release it."""
    await site.set_stop_level(word, who, body.why)
    return {"held": site.dispatcher.is_stopped, "word": site.dispatcher.stop_level}


@api.get("/objects")
async def objects(site: Here, who: Who, campaign: str = "", task: str = "") -> list[dict[str, Any]]:
    """Objects this site knows, the newest first; of a campaign or a task alone, if one is given."""
    return site.objects.listing(who, campaign=campaign, task=task)


@api.post("/objects", status_code=201)
async def put_object(
    request: Request,
    site: Here,
    who: Who,
    team: TeamId,
    media_type: MediaType = "application/octet-stream",
    sensitivity: Sensitivity = "team",
    charter: str = "",
) -> dict[str, Any]:
    """Bring a file here; its bytes are the body."""
    size = 0
    with site.objects.store.scratch() as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > site.transfers.largest:
                raise Invalid("the object", f"larger than {site.transfers.largest} bytes")
            file.write(chunk)
        file.seek(0)
        how = {"media_type": media_type, "team": team, "charter": charter}
        ref = await site.objects.put(file, who, sensitivity=sensitivity, **how)
    return ref.model_dump(mode="json")


@api.get("/objects/{sha256}")
async def show_object(sha256: Digest, site: Here, who: Who) -> dict[str, Any]:
    """One object and every entry that names it."""
    return site.objects.show(sha256, who)


@api.get("/objects/{sha256}/bytes", response_class=StreamingResponse)
async def get_object(sha256: Digest, site: Here, who: Who) -> StreamingResponse:
    """Its bytes."""
    return download(site, sha256, who)


def download(site: Site, sha256: str, who: Session) -> StreamingResponse:
    """An object's bytes as a file to be kept: never shown, never run, whatever its media type says it is."""
    ref, data = site.objects.open(sha256, who)
    headers = {
        "Content-Disposition": f'attachment; filename="{ref.sha256[7:23]}.{extension_of(ref.media_type)}"',
        "Content-Length": str(ref.size),
        "Cache-Control": "no-store",
    }
    return StreamingResponse(data, media_type="application/octet-stream", headers=headers)


def extension_of(media_type: str) -> str:
    """The usual ending of a file of a kind; `bin` where there is none."""
    known = {"application/x-npy": "npy", "text/csv": "csv", "text/plain": "txt", "application/json": "json"}
    return known.get(media_type, "bin")


@api.post("/objects/collect")
async def collect_objects(site: Here, who: Who) -> dict[str, Any]:
    """Take away what no entry names and is older than a day."""
    return await site.objects.collect(who)


@api.post("/objects/{sha256}/erase")
async def erase_object(sha256: Digest, body: Why, site: Here, who: Who) -> dict[str, Any]:
    """Take an object's bytes away for good, here and at every site that has them; the entries that name it stay."""
    return await site.erasure.order("object", sha256, body.why, who)


class EraseTask(Why):
    """A task, `home/owner/key`, and why it is erased."""

    task: Text


@api.post("/erasures")
async def erase_task(body: EraseTask, site: Here, who: Who) -> dict[str, Any]:
    """Erase what was asked by a task and what came of it, at its home and its owner; headers and proofs stand."""
    return await site.erasure.order("task", body.task, body.why, who)


@api.get("/erasures")
async def erasures(site: Here, who: Who) -> list[dict[str, Any]]:
    """Everything that was erased or is to be: why, where it is gone, and who has not answered yet."""
    return site.erasure.listing(who)


@api.get("/changes", response_class=StreamingResponse)
async def changes(request: Request, site: Here, who: Who, after: int = -1) -> StreamingResponse:
    """The ledger's growth as server-sent events: one number an event, the last sequence."""

    async def events() -> AsyncIterator[str]:
        last = after
        while not (site.ledger.ending or await request.is_disconnected()):
            now = await site.ledger.changed(last, 15.0)
            yield f"id: {now}\ndata: {now}\n\n" if now > last else ": still here\n\n"
            last = max(now, last)

    return StreamingResponse(events(), media_type="text/event-stream")

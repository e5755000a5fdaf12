"""Charters, agreements and suspensions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from yosegi.governance.agreements.suspensions import Barred
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Text
from yosegi.services.governance.schemas import AgreementDetail, CharterDetail, DocumentPublished, SuspensionDetail
from yosegi.trust.envelope import Envelope
from yosegi.web.api.router import Name
from yosegi.web.api.router import router as router_of

router = router_of("governance")


class Publish(Body):
    """A signed charter, statement or agreement."""

    document: dict[str, Any]


class Suspend(Body):
    """What is barred here, or barred no more."""

    kind: Barred
    name: Annotated[str, Field(min_length=1, max_length=121)]
    charter: Name = ""
    why: Text = ""


@router.get("/charters")
async def charters(site: Here, who: Who) -> tuple[CharterDetail, ...]:
    """Every charter this site lives in."""
    return site.governance.charters()


@router.get("/charters/{charter}")
async def charter(charter: str, site: Here, who: Who) -> CharterDetail:
    """One charter, with whose statement is in force."""
    return site.governance.charter(charter)


@router.get("/charters/{charter}/documents")
async def documents(charter: str, site: Here, who: Who) -> tuple[Envelope, ...]:
    """Every document accepted under a charter, as it was signed."""
    return site.governance.documents(charter)


@router.post("/governance")
async def publish(body: Publish, site: Here, who: Who) -> DocumentPublished:
    """Put a signed charter, statement or agreement in force, and pass it on to whom it concerns."""
    return await site.governance.publish(body.document, who)


@router.get("/agreements")
async def agreements(site: Here, who: Who, charter: str = "") -> tuple[AgreementDetail, ...]:
    """The agreements this site is a party to."""
    return site.governance.agreements(charter)


@router.get("/suspensions")
async def suspensions(site: Here, who: Who) -> tuple[SuspensionDetail, ...]:
    """What is barred here."""
    return site.governance.suspensions()


@router.post("/suspensions")
async def suspend(body: Suspend, site: Here, who: Who) -> SuspensionDetail:
    """Bar a site, person, agent, team, agreement or capability here, at once."""
    return await site.governance.suspend(body.kind, body.name, who, body.why, body.charter)


@router.post("/suspensions/lift")
async def lift(body: Suspend, site: Here, who: Who) -> SuspensionDetail:
    """Bar it no more."""
    return await site.governance.lift(body.kind, body.name, who, body.why, body.charter)

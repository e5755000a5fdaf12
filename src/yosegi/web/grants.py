"""The JSON face of a site's grants and of what they were spent on. It holds no rules."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Text
from yosegi.services.grants.view import to_csv, usage

grants = APIRouter(prefix="/api/v1")
Name = Annotated[str, Field(min_length=1, max_length=130)]
Decimals = Annotated[dict[str, Annotated[str, Field(max_length=40)]], Field(max_length=20)]


class Award(Body):
    """A grant as people write it."""

    grant: dict[str, Any]


class ReleaseIt(Body):
    """By the funder's signed document, or by the digest of the award letter held here."""

    tranche: Name
    document: dict[str, Any] | None = None
    award_letter: Annotated[str, Field(max_length=80)] = ""


class ClawBack(Body):
    """How much less there is, in exact decimals of whole units."""

    tranche: Name
    amounts: Decimals
    reason: Text = ""


class MoveIt(Body):
    """An amount for a grant of another site."""

    tranche: Name
    to: Name
    into: Name
    amounts: Decimals
    reason: Text = ""


class AnswerIt(Body):
    """Whether what a peer offers is taken."""

    accepted: bool
    why: Text = ""


@grants.get("/grants")
async def list_grants(site: Here, who: Who) -> list[dict[str, Any]]:
    """Every grant of this site, and where it stands."""
    return list(site.grants.list())


@grants.post("/grants", status_code=201)
async def award(body: Award, site: Here, who: Who) -> dict[str, Any]:
    """Give a team a grant."""
    return await site.grants.award(body.grant, who)


@grants.get("/grants/{grant}")
async def grant(grant: str, site: Here, who: Who) -> dict[str, Any]:
    """One grant with its tranches."""
    return site.grants.show(grant)


@grants.post("/grants/{grant}/release")
async def release(grant: str, body: ReleaseIt, site: Here, who: Who) -> dict[str, Any]:
    """Open a contingent tranche."""
    return await site.grants.release(grant, body.tranche, who, document=body.document, award_letter=body.award_letter)


@grants.post("/grants/{grant}/claw-back")
async def claw_back(grant: str, body: ClawBack, site: Here, who: Who) -> dict[str, Any]:
    """Shrink a tranche, never below what is held and spent."""
    return await site.grants.claw_back(grant, body.tranche, body.amounts, body.reason, who)


@grants.post("/grants/{grant}/move")
async def move(grant: str, body: MoveIt, site: Here, who: Who) -> dict[str, Any]:
    """Set an amount apart for a grant of another site, and offer it there."""
    return await site.grants.move(grant, body.tranche, body.to, body.into, body.amounts, body.reason, who)


@grants.get("/moves")
async def moves(site: Here, who: Who) -> list[dict[str, Any]]:
    """Every amount on its way between sites, and those that have ended."""
    return site.grants.moves()


@grants.post("/moves/{peer}/{key}/answer")
async def answer(peer: str, key: str, body: AnswerIt, site: Here, who: Who) -> dict[str, Any]:
    """Take what a peer offers, or do not."""
    return await site.grants.answer(peer, key, body.accepted, body.why, who)


@grants.post("/moves/{peer}/{key}/back")
async def back(peer: str, key: str, site: Here, who: Who) -> dict[str, Any]:
    """Ask a receiver to give a move back."""
    await site.grants.take_back(peer, key, who)
    return {"move": f"{peer}/{key}"}


@grants.get("/usage")
async def used(
    site: Here, who: Who, by: Annotated[list[str] | None, Query(max_length=10)] = None
) -> list[dict[str, Any]]:
    """What tasks held and spent here, summed."""
    return usage(site.ledger.query, by or ("funder", "team", "agreement", "campaign"))


@grants.get("/usage.csv", response_class=Response)
async def used_csv(site: Here, who: Who, by: Annotated[list[str] | None, Query(max_length=10)] = None) -> Response:
    """The same as CSV."""
    rows = usage(site.ledger.query, by or ("funder", "team", "agreement", "campaign"))
    return Response(to_csv(rows), media_type="text/csv; charset=utf-8")

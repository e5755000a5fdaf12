"""Grants, what was spent of them, and what moves between sites."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import Field

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Text
from yosegi.services.grants.schemas import (
    GrantAfterMove,
    GrantDetail,
    MoveAnswered,
    MoveDetail,
    MoveNamed,
    UsageRow,
)
from yosegi.services.grants.usage_table import USUAL
from yosegi.web.api.router import Csv
from yosegi.web.api.router import router as router_of

router = router_of("grants")
Name = Annotated[str, Field(min_length=1, max_length=130)]
Decimals = Annotated[dict[str, Annotated[str, Field(max_length=40)]], Field(max_length=20)]
Groups = Annotated[list[str] | None, Query(max_length=10)]
Bound = Annotated[str, Query(max_length=40, description="a day in UTC, or a moment with its offset")]
"""YYYY-MM-DD, UTC; empty for no bound."""


class Award(Body):
    """A grant as people write it."""

    grant: dict[str, Any]


class ReleaseTranche(Body):
    """By the funder's signed document, or by the digest of the award letter held here."""

    tranche: Name
    document: dict[str, Any] | None = None
    award_letter: Annotated[str, Field(max_length=80)] = ""


class ClawBack(Body):
    """How much less there is, in exact decimals of whole units."""

    tranche: Name
    amounts: Decimals
    reason: Text = ""


class MoveAmount(Body):
    """An amount for a grant of another site."""

    tranche: Name
    to: Name
    into: Name
    amounts: Decimals
    reason: Text = ""


class AnswerMove(Body):
    """Whether what a peer offers is taken."""

    accepted: bool
    why: Text = ""


@router.get("/grants")
async def grants(site: Here, who: Who) -> tuple[GrantDetail, ...]:
    """Every grant of this site, and where it stands."""
    return site.grants.list()


@router.post("/grants", status_code=201)
async def award(body: Award, site: Here, who: Who) -> GrantDetail:
    """Give a team a grant."""
    return await site.grants.award(body.grant, who)


@router.get("/grants/{grant}")
async def grant(grant: str, site: Here, who: Who) -> GrantDetail:
    """One grant with its tranches."""
    return site.grants.show(grant)


@router.post("/grants/{grant}/release")
async def release(grant: str, body: ReleaseTranche, site: Here, who: Who) -> GrantDetail:
    """Open a contingent tranche."""
    return await site.grants.release(grant, body.tranche, who, document=body.document, award_letter=body.award_letter)


@router.post("/grants/{grant}/claw-back")
async def claw_back(grant: str, body: ClawBack, site: Here, who: Who) -> GrantDetail:
    """Shrink a tranche, never below what is held and spent."""
    return await site.grants.claw_back(grant, body.tranche, body.amounts, body.reason, who)


@router.post("/grants/{grant}/move")
async def move(grant: str, body: MoveAmount, site: Here, who: Who) -> GrantAfterMove:
    """Set an amount apart for a grant of another site, and offer it there."""
    return await site.grants.move(grant, body.tranche, body.to, body.into, body.amounts, body.reason, who)


@router.get("/moves")
async def moves(site: Here, who: Who) -> tuple[MoveDetail, ...]:
    """Every amount on its way between sites, and those that have ended."""
    return site.grants.moves()


@router.post("/moves/{peer}/{key}/answer")
async def answer(peer: str, key: str, body: AnswerMove, site: Here, who: Who) -> MoveAnswered:
    """Take what a peer offers, or do not."""
    return await site.grants.answer(peer, key, body.accepted, body.why, who)


@router.post("/moves/{peer}/{key}/back")
async def back(peer: str, key: str, site: Here, who: Who) -> MoveNamed:
    """Ask a receiver to give a move back."""
    return await site.grants.take_back(peer, key, who)


@router.get("/usage", response_model_exclude_none=True)
async def used(site: Here, who: Who, by: Groups = None, since: Bound = "", until: Bound = "") -> tuple[UsageRow, ...]:
    """What tasks accepted between two days, both included, or two moments, held and spent here, summed."""
    return site.grants.usage(by or USUAL, since, until)


@router.get("/usage.csv", response_class=Csv)
async def used_csv(site: Here, who: Who, by: Groups = None, since: Bound = "", until: Bound = "") -> Csv:
    """The same as CSV."""
    return Csv(site.grants.usage_csv(by or USUAL, since, until))

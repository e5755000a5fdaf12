"""Answers about grants: what was awarded, held and spent, and what moves between sites."""

from __future__ import annotations

from typing import Literal

from yosegi.services.answer import Answer, Decimals, Timestamp


class TrancheDetail(Answer):
    """One unit of one tranche of a grant, in exact decimals of whole units.

    Args:
        state: `locked` waits for a release, `not yet` and `lapsed` are outside their dates.
        starts: empty if it always was.
        ends: empty if it never does.
    """

    tranche: str
    unit: str
    state: Literal["open", "locked", "not yet", "lapsed"]
    amount: str
    held: str
    spent: str
    starts: Timestamp
    ends: Timestamp


class GrantDetail(Answer):
    """A grant and where it stands now; `locked` and `left` are of what was awarded."""

    id: str
    charter: str
    team: str
    funder: str
    title: str
    awarded: Decimals
    locked: Decimals
    held: Decimals
    spent: Decimals
    left: Decimals
    tranches: tuple[TrancheDetail, ...]


class GrantAfterMove(GrantDetail):
    """The grant that an amount was set apart from, and the name of the move, `site/key`."""

    move: str


class MoveDetail(Answer):
    """An amount on its way between sites, or one that has arrived or come back.

    Args:
        way: `out` of this site, or `in`.
        grant_id: the grant at this site.
        tranche: which part of it; empty for one that comes in.
        state: where it stands.
    """

    way: Literal["out", "in"]
    peer: str
    move: str
    charter: str
    grant_id: str
    tranche: str
    amounts: Decimals
    state: str


class MoveAnswered(Answer):
    """The move that was answered, `site/key`, and how."""

    move: str
    accepted: bool


class MoveNamed(Answer):
    """The move that is asked back, `site/key`."""

    move: str


class UsageRow(Answer):
    """What tasks held and spent of one unit, summed by the columns that were asked for; the others are not there.

    Args:
        home: the site that asked.
        institution: the person's own.
        month: in which the tasks were accepted.
        tasks: how many.
        held: for tasks that have not ended.
    """

    charter: str | None = None
    funder: str | None = None
    team: str | None = None
    home: str | None = None
    institution: str | None = None
    agreement: str | None = None
    challenge: str | None = None
    campaign: str | None = None
    capability: str | None = None
    person: str | None = None
    grant: str | None = None
    month: str | None = None
    unit: str
    tasks: int
    held: str
    spent: str

"""Grants: amounts of units that a site gives a team, in tranches; and the entries that a ledger keeps of them.

A tranche may have dates (fiscal years) and may wait for a release signed by the funder. Amounts are exact integers of
milli-units and one unit is never converted into another. The owner's site is the authority for its own units.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid, YosegiError
from yosegi.core.identifiers import CharterId, Digest, Key, SiteId, TeamId
from yosegi.core.reasons import explain
from yosegi.core.values import Value
from yosegi.governance.charter.charter import Charter, Title
from yosegi.ledger import Draft
from yosegi.trust.document import Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id

AWARDED, RELEASED, CLAWED_BACK = "grant.awarded", "grant.released", "grant.clawed_back"
HELD, SETTLED, REFUNDED = "grant.held", "grant.settled", "grant.refunded"


class GrantRefused(YosegiError):
    """An entry that a grant does not allow; nothing was written.

    Args:
        grant: which grant.
        reason: a reason code.
        fields: what the reason's sentence names.
    """

    code = "grant_refused"

    def __init__(self, grant: str, reason: str, **fields: Any) -> None:
        self.grant, self.reason, self.fields = grant, reason, fields
        super().__init__(f"grant {grant}: {explain(reason, 'en', **fields)}")


class GrantExceeded(GrantRefused):
    """More was asked than is left.

    Args:
        grant: which grant.
        unit: of which there is not enough.
        asked: milli-units asked for.
        left: milli-units left in tranches that are open now.
    """

    code = "grant_exceeded"

    def __init__(self, grant: str, unit: str, asked: int, left: int) -> None:
        self.unit, self.asked, self.left = unit, asked, left
        super().__init__(grant, "grant_exceeded", unit=unit, asked=_whole(unit, asked), left=_whole(unit, left))


class Tranche(Value):
    """A part of a grant.

    Args:
        id: its name within the grant, e.g. `fy2026`.
        amounts: how much, in milli-units by unit.
        contingent: whether it stays locked until it is released.
        starts: from when on it may be drawn; at once, if none.
        ends: from when on nothing new may be drawn; never, if none.
    """

    id: Key
    amounts: Amounts
    contingent: bool = False
    starts: Moment | None = None
    ends: Moment | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.starts is not None and self.ends is not None and self.ends <= self.starts:
            raise ValueError("ends before it begins")
        return self


class Grant(Value):
    """What a site gives a team.

    Args:
        id: its name at the site.
        charter: under which charter.
        team: who may draw on it.
        funder: the member whose key releases contingent tranches.
        title: for people.
        tranches: its parts.
    """

    id: Key
    charter: CharterId
    team: TeamId
    funder: SiteId
    title: Title
    tranches: tuple[Tranche, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if len({tranche.id for tranche in self.tranches}) != len(self.tranches):
            raise ValueError("a tranche is there more than once")
        return self

    @classmethod
    def simple(cls, name: str, *, charter: str, team: str, funder: str, title: str, amounts: Amounts) -> Self:
        """A grant of one open tranche."""
        tranche = Tranche(id="all", amounts=amounts)
        return cls(id=name, charter=charter, team=team, funder=funder, title=title, tranches=(tranche,))


class Release(Document):
    """A funder's word that a contingent tranche may be drawn on.

    Args:
        charter: under which charter.
        funder: who releases.
        site: whose grant it is.
        grant: which grant.
        tranche: which part.
        issued: when.
        award_letter: digest of the letter it rests on, if there is one.
    """

    kind: ClassVar[str] = "release"

    charter: CharterId
    funder: SiteId
    site: SiteId
    grant: Key
    tranche: Key
    issued: Moment
    award_letter: Digest | None = None


def accept_release(charter: Charter, grant: Grant, site: str, envelope: Envelope, now: datetime) -> Release:
    """The release in an envelope, if the grant's funder signed it for this site's grant.

    Raises:
        Untrusted: the funder is no member, too few of its governance keys signed, or it is for another grant.
        Invalid: signed, but not a release.
    """
    what = f"a release of grant {grant.id}"
    member = charter.member(grant.funder)
    if member is None:
        raise Untrusted(what, "not_a_member", site=grant.funder, charter=charter.id)
    release = Release.open(envelope, by_id(member.keys), now=now, charter=charter.id)
    signed = [signature.key_id for signature in envelope.signatures]
    if not member.signed(signed, charter.algorithms):
        have = member.have_signed(signed, charter.algorithms)
        raise Untrusted(what, "too_few_keys", site=member.id, have=have, need=member.needed)
    expected = (site, grant.id, grant.funder)
    if (release.site, release.grant, release.funder) != expected:
        raise Untrusted(what, "wrong_addressee", found=f"{release.site}/{release.grant}", expected=f"{site}/{grant.id}")
    return release


def awarded(grant: Grant) -> Draft:
    """The entry by which a grant begins."""
    return Draft(AWARDED, {"grant": grant.model_dump(mode="json", exclude_none=True)})


def released(grant: str, tranche: str, evidence: Envelope | str) -> Draft:
    """The entry by which a contingent tranche opens.

    Args:
        grant: which grant.
        tranche: which part.
        evidence: the verified release in its envelope, or the digest of the award letter the owning site attests.
    """
    if isinstance(evidence, str):
        return Draft(RELEASED, {"grant": grant, "tranche": tranche, "by": "site", "evidence": evidence})
    facts = {"grant": grant, "tranche": tranche, "by": "funder", "evidence": evidence.payload_digest}
    return Draft(RELEASED, facts, evidence.to_bytes())


def clawed_back(grant: str, tranche: str, amounts: Amounts, reason: str) -> Draft:
    """The entry by which a tranche shrinks."""
    return Draft(CLAWED_BACK, {"grant": grant, "tranche": tranche, "amounts": dict(amounts)}, {"reason": reason})


def held(grant: str, team: str, task: str, amounts: Amounts) -> Draft:
    """The entry by which a task's greatest cost is set aside before it starts."""
    return Draft(HELD, {"grant": grant, "team": team, "task": task, "amounts": dict(amounts)})


def settled(grant: str, task: str, effect: Literal["none", "done"], spent: Amounts) -> Draft:
    """The entry by which a hold ends at actual cost; the rest is free again.

    An effect that is unknown settles nothing: the hold stays until a person has said what happened.
    """
    return Draft(SETTLED, {"grant": grant, "task": task, "effect": effect, "spent": dict(spent)})


def refunded(grant: str, task: str, why: str) -> Draft:
    """The entry by which a hold ends with nothing spent."""
    return Draft(REFUNDED, {"grant": grant, "task": task, "why": why})


def _whole(unit: str, milli: int) -> str:
    try:
        return Amounts({unit: milli}).decimals().get(unit, "0")
    except Invalid:
        return f"{milli} thousandths"

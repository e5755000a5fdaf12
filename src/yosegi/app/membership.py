"""Federating in ten minutes: an invitation goes, an answer comes back, a welcome ends it; three files, read aloud.

Whoever joins writes the charter's next version (or its first) with itself in it and signs it; whoever invites signs
the very same bytes. What people compare aloud is that charter's fingerprint, and it covers everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from yosegi.app.init_home import state
from yosegi.app.keyring import signers
from yosegi.core.clock import Clock
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CharterId, PersonId, SiteId
from yosegi.core.member_kinds import MemberKind
from yosegi.core.values import Value
from yosegi.governance.charter.amendment import successor
from yosegi.governance.charter.charter import Charter, Member, Team, Threshold, follow
from yosegi.governance.charter.statement import Statement
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

if TYPE_CHECKING:
    from yosegi.app.home import Home
    from yosegi.trust.signer import Signer

YEAR = timedelta(days=365)


class Invitation(Value):
    """What an institution sends to one that is to join it.

    Args:
        charter: which charter.
        title: for people; counts for a first charter.
        inviter: the member that invites, as it stands (or will stand) in the charter.
        team: a team that the new member joins; it is made for a first charter.
        documents: everything accepted under the charter so far; none for a first charter.
        demonstration: whether all of it stands on one machine.
    """

    format: Literal["yosegi.invitation.v1"] = "yosegi.invitation.v1"
    charter: CharterId
    title: str
    inviter: Member
    team: Team | None = None
    documents: tuple[Envelope, ...] = ()
    demonstration: bool = False


class MembershipAnswer(Value):
    """The charter with the new member in it, signed by that member, and its statement under it."""

    format: Literal["yosegi.answer.v1"] = "yosegi.answer.v1"
    charter: Envelope
    statement: Envelope


class Welcome(Value):
    """Every document under the charter, the new one among them."""

    format: Literal["yosegi.welcome.v1"] = "yosegi.welcome.v1"
    site: SiteId
    documents: tuple[Envelope, ...] = Field(min_length=1)


def member_of(home: Home, country: str, kind: MemberKind, governance: Sequence[Signer] = ()) -> Member:
    """A site as it will stand in a charter; all its governance keys sign for it: those given, or those in its home.

    Raises:
        Invalid: it has no governance key, or the country is none.
    """
    settings = home.settings()
    keys = [signer.public.model_dump(mode="json") for signer in governance or signers(home, "governance")]
    fields = {"id": settings.site, "name": settings.title, "kind": kind, "country": country, "keys": keys}
    return Member.read(fields, what="the member")


def charters_in(documents: Iterable[Envelope]) -> list[Envelope]:
    """Every version of the charter among some documents, in order."""
    return [envelope for envelope in documents if envelope.payload_type == Charter.payload_type]


def without_agreements(documents: Iterable[Envelope]) -> tuple[Envelope, ...]:
    """The charters and statements among some documents; an agreement is for its parties, and a newcomer is none."""
    return tuple(one for one in documents if one.payload_type in (Charter.payload_type, Statement.payload_type))


def taken(welcome: Welcome) -> list[Envelope]:
    """What a newcomer puts in force: the charters from the first on that names it, and each member's last statement.

    What was in force before it joined is none of its; it has signed the version that it enters by.
    """
    charters = charters_in(welcome.documents)
    entered = next((n for n, one in enumerate(charters) if Charter.peek(one).member(welcome.site)), len(charters))
    members = {member.id for member in Charter.peek(charters[-1]).members} if charters else set()
    stated = {Statement.peek(one).site: one for one in welcome.documents if one.payload_type == Statement.payload_type}
    return [*charters[entered:], *(one for site, one in stated.items() if site in members)]


def propose(
    invitation: Invitation, member: Member, people: Sequence[PersonId], clock: Clock
) -> tuple[Charter | None, Charter]:
    """The charter in force, if there is one, and the version that has the new member in it.

    Raises:
        Untrusted, Invalid: the invitation's charter does not hold, or has this member already.
    """
    now = clock.now()
    chain = charters_in(invitation.documents)
    current = follow(None, chain, now) if chain else None
    if current is None:
        return None, _first(invitation, member, people, clock)
    if current.member(member.id) is not None:
        raise Invalid(f"charter {current.id}", f"{member.id} is a member of it already", "accept its documents")
    teams = [_joined(team, member, people) if _is(team, invitation.team) else team for team in current.teams]
    changes: dict[str, Any] = {"issued": now, "members": (*current.members, member), "teams": tuple(teams)}
    return current, _holding(lambda: successor(current, **changes))


def _first(invitation: Invitation, member: Member, people: Sequence[PersonId], clock: Clock) -> Charter:
    now = clock.now()
    teams = (_joined(invitation.team, member, people),) if invitation.team else ()
    return _holding(
        lambda: Charter(
            id=invitation.charter,
            version=1,
            title=invitation.title,
            issued=now,
            expires=now + YEAR,
            threshold=Threshold(members=2, per_country=1),
            members=(invitation.inviter, member),
            teams=teams,
            post_quantum=_lasts(invitation.inviter) and _lasts(member),
            demonstration=invitation.demonstration,
        )
    )


def _lasts(member: Member) -> bool:
    """Whether a member can sign so that it is believed in twenty years."""
    return any(key.algorithm == "ml-dsa-65" for key in member.keys)


def _is(team: Team, wanted: Team | None) -> bool:
    return wanted is not None and team.id == wanted.id


def _joined(team: Team, member: Member, people: Sequence[PersonId]) -> Team:
    return team.model_copy(update={"sites": (*team.sites, member.id), "people": (*team.people, *people)})


def _holding(make: Any) -> Charter:
    try:
        made: Charter = make()
    except ValueError as error:
        raise Invalid("the charter that would result", str(error)) from None
    return made


def answer(proposed: Charter, home: Home, clock: Clock, governance: Sequence[Signer] = ()) -> MembershipAnswer:
    """The proposal signed by the new member, with its statement; by the keys given, or by those in its home."""
    keys = governance or signers(home, "governance")
    statement = state(home, proposed, clock, serial=1, governance=keys)
    return MembershipAnswer(charter=proposed.sign(*keys), statement=statement)


def check_mine(home: Home, welcome: Welcome, governance: Sequence[Signer] = ()) -> Charter:
    """The charter of a welcome, if this site signed it: what was compared aloud is what is in force.

    By the keys given, or by those in its home; what the welcome itself says of this site's keys counts for nothing.

    Raises:
        Untrusted, Invalid: it is another charter, for another site, or its chain does not hold.
    """
    site = home.settings().site
    if welcome.site != site:
        raise Invalid("the welcome", f"it is for {welcome.site}, not {site}")
    charters = charters_in(welcome.documents)
    own = {signer.public.key_id: signer.public for signer in governance or signers(home, "governance")}
    signed = [signature for signature in charters[-1].signatures if signature.key_id in own] if charters else []
    if not signed:
        raise Untrusted("the welcome", "not_signed")
    kept = charters[-1].model_copy(update={"signatures": tuple(signed)})
    kept.verify(own, payload_type=Charter.payload_type, needs=())
    return Charter.peek(charters[-1])

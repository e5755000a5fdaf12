"""A site's own short-lived statement: its online keys, how it is reached, what it speaks, how its people sign in.

Online keys change without ceremony this way: the charter names offline governance keys alone, and they sign a new
statement. A statement that has ended suspends that site and no other.

So that it can be short-lived without anybody fetching an offline key each month, governance keys may say until when a
running site may *renew* it: say the very same again, with later dates, signed by the online keys that it names. A
stolen online key can renew no more than the site could, names no other key, and is ended by the next statement of the
governance keys, whose serial no renewal reaches.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CharterId, SiteId
from yosegi.core.values import Value
from yosegi.governance.charter.address import check_address
from yosegi.governance.charter.charter import Charter
from yosegi.trust.document import Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey, by_id
from yosegi.trust.sealed import SealingKey

LONGEST = timedelta(days=92)
"""A quarter: how long a site's keys are believed after it was last heard to state them."""
RENEWED = timedelta(days=30)
"""How long a renewal is good for."""
MOST_RENEWABLE = timedelta(days=366)
"""How long a site may renew by itself what its governance keys once signed."""


class Listens(Value):
    """Others may connect to it."""

    how: Literal["listens"] = "listens"
    url: str = Field(max_length=500)


class Outbound(Value):
    """It only dials out; others leave sealed messages in its mailbox at a member that listens."""

    how: Literal["outbound"] = "outbound"
    mailbox: SiteId


class Carried(Value):
    """It has no connection at all: files are carried to it."""

    how: Literal["carried"] = "carried"


Reach = Annotated[Listens | Outbound | Carried, Field(discriminator="how")]


class Revoked(Value):
    """A key that must not be believed from a moment on; what was witnessed before it still counts.

    Args:
        key_id: which online key.
        since: from when on. For a key that was stolen, when it may first have been.
        why: whether it was laid down or may be in other hands.
    """

    key_id: str = Field(min_length=1, max_length=200)
    since: Moment
    why: Literal["retired", "compromised"]


class Statement(Document):
    """What a site says about itself.

    Args:
        charter: under which charter.
        site: who says it.
        serial: grows with each statement; an older one is refused.
        issued: when it was made.
        not_after: until when it is believed, at most `LONGEST` later.
        keys: online keys that sign for the site.
        sealing: the key to which messages for it are sealed.
        reach: how it is reached.
        formats: payload types it understands.
        revoked: every online key it has ever withdrawn; a statement never drops one.
        renewable_until: until when the site may renew it by its online keys; not at all, if none is named.
        identity_provider: the OpenID Connect issuer with which its people sign in; none where they have accounts at the
            site itself. It is for people to judge by: peers believe the site, and never ask the provider.
    """

    kind: ClassVar[str] = "statement"

    charter: CharterId
    site: SiteId
    serial: int = Field(ge=1, le=2**53 - 1)
    issued: Moment
    not_after: Moment
    keys: tuple[PublicKey, ...] = Field(min_length=1, max_length=32)
    sealing: SealingKey
    reach: Reach
    formats: tuple[str, ...] = ()
    revoked: tuple[Revoked, ...] = Field(default=(), max_length=1000)
    renewable_until: Moment | None = None
    identity_provider: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,400}$")] | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not timedelta() < self.not_after - self.issued <= LONGEST:
            raise ValueError(f"must end after it is issued, and within {LONGEST.days} days")
        if self.renewable_until is not None and not self.not_after <= self.renewable_until:
            raise ValueError("ends after the time until which it may be renewed")
        if len(by_id(self.keys)) != len(self.keys):
            raise ValueError("a key is there more than once")
        if {key.key_id for key in self.keys} & {revoked.key_id for revoked in self.revoked}:
            raise ValueError("a revoked key cannot be stated again")
        if isinstance(self.reach, Outbound) and self.reach.mailbox == self.site:
            raise ValueError("a site that only dials out has its mailbox elsewhere")
        return self

    def renewed(self, now: datetime) -> Self | None:
        """The same with later dates; None where it may not be renewed, or was just now."""
        if self.renewable_until is None or not self.issued < now < self.renewable_until:
            return None
        until = min(now + RENEWED, self.renewable_until)
        return self.model_copy(update={"issued": now, "not_after": until}) if until > self.not_after else None

    def renews(self, known: Self) -> bool:
        """Whether it says the very same as a known one, later, within what that one allows."""
        if known.renewable_until is None or not timedelta() < self.not_after - self.issued <= RENEWED:
            return False
        same = self.model_copy(update={"issued": known.issued, "not_after": known.not_after}) == known
        return same and self.issued > known.issued and self.not_after > known.not_after


def accept_statement(charter: Charter, envelope: Envelope, now: datetime, known: Statement | None = None) -> Statement:
    """The statement in an envelope, if it may be believed: signed by governance keys, or a renewal of the known one.

    Args:
        charter: the charter in force.
        envelope: as received.
        now: the moment to judge by.
        known: the last statement of that site accepted here.

    Raises:
        Untrusted: of no member or of one that another hosts, under another charter, signed by too few of the member's
            governance keys, older than the known one, without a key of each algorithm that the charter asks for, not in
            force, or with an address others may not be sent to.
        Invalid: signed, but not a statement.
    """
    claimed = Statement.peek(envelope)
    what = f"a statement of {claimed.site}"
    member = charter.member(claimed.site)
    if member is None:
        raise Untrusted(what, "not_a_member", site=claimed.site, charter=charter.id)
    if member.hosted_by is not None:
        raise Untrusted(what, "member_is_hosted", site=member.id, host=member.hosted_by)
    key_ids = [signature.key_id for signature in envelope.signatures]
    if known is not None and claimed.renews(known) and not set(key_ids) & {key.key_id for key in member.keys}:
        return Statement.open(envelope, by_id(known.keys), now=now, charter=charter.id, needs=charter.algorithms)
    statement = Statement.open(envelope, by_id(member.keys), now=now, charter=charter.id)
    if statement.renewable_until is not None and statement.renewable_until - statement.issued > MOST_RENEWABLE:
        raise Invalid(what, f"renewable for more than {MOST_RENEWABLE.days} days")
    if not member.signed(key_ids, charter.algorithms):
        have = member.have_signed(key_ids, charter.algorithms)
        raise Untrusted(what, "too_few_keys", site=member.id, have=have, need=member.needed)
    for algorithm in charter.algorithms:
        if algorithm not in {key.algorithm for key in statement.keys}:
            raise Untrusted(what, "stated_key_missing", site=member.id, algorithm=algorithm)
    if known is not None and statement != known:
        _check_succession(known, statement)
    _check_reach(charter, statement)
    return statement


def _check_succession(known: Statement, statement: Statement) -> None:
    what = f"a statement of {known.site}"
    if statement.serial <= known.serial:
        raise Untrusted(what, "statement_rolled_back", site=known.site, found=statement.serial, current=known.serial)
    since = {revoked.key_id: revoked.since for revoked in statement.revoked}
    for revoked in known.revoked:
        # A revocation may be dated back when more is learned, and never forward.
        if revoked.key_id not in since or since[revoked.key_id] > revoked.since:
            raise Untrusted(what, "revocation_dropped", site=known.site, key=revoked.key_id)


def _check_reach(charter: Charter, statement: Statement) -> None:
    match statement.reach:
        case Listens(url=url):
            check_address(url, loopback=charter.demonstration, networks=charter.networks)
        case Outbound(mailbox=mailbox) if charter.member(mailbox) is None:
            raise Untrusted(f"a statement of {statement.site}", "not_a_member", site=mailbox, charter=charter.id)
        case _:
            pass

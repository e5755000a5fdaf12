"""The roster: the charter and everyone's current statements, answering whose key that is and where to find them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Self

from yosegi.core.clock import timestamp
from yosegi.governance.charter.charter import Charter, Member
from yosegi.governance.charter.charter import accept as accept_charter
from yosegi.governance.charter.statement import Reach, Statement, accept_statement
from yosegi.trust.document import SKEW
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey, by_id
from yosegi.trust.sealed import SealingKey


@dataclass(frozen=True, slots=True)
class Roster:
    """One charter as a site knows it now. Immutable: accepting something gives another roster.

    Args:
        charter: the version in force.
        statements: the last statement of each site, by site.
        former: where sites were reached that have to state themselves anew, to ask them for that and for nothing else.
    """

    charter: Charter
    statements: Mapping[str, Statement] = field(default_factory=lambda: MappingProxyType({}))
    former: Mapping[str, Reach] = field(default_factory=lambda: MappingProxyType({}))

    def with_charter(self, envelope: Envelope, now: datetime) -> Self:
        """After a new version of the charter.

        Dropped are the statements of sites no longer in it, of members that another hosts from now on, and of those
        whose governance keys it changes: what a withdrawn key has signed counts no more, so such a site states itself
        anew. Where it was reached is kept: a site that only dials out hears its new statement by asking there.

        Raises:
            Untrusted: see `yosegi.governance.charter.charter.accept`.
        """
        charter = accept_charter(self.charter, envelope, now)
        kept = {site: stated for site, stated in self.statements.items() if self._signs_alike(charter, site)}
        known = {**self.former} | {site: stated.reach for site, stated in self.statements.items() if site not in kept}
        former = {site: reach for site, reach in known.items() if _runs_a_site(charter, site)}
        return replace(self, charter=charter, statements=MappingProxyType(kept), former=MappingProxyType(former))

    def _signs_alike(self, charter: Charter, site: str) -> bool:
        before, after = self.charter.member(site), charter.member(site)
        if before is None or after is None or after.hosted_by is not None:
            return False
        return (before.keys, before.needed) == (after.keys, after.needed)

    def with_statement(self, envelope: Envelope, now: datetime) -> Self:
        """After a site's statement.

        Raises:
            Untrusted: see `yosegi.governance.charter.statement.accept_statement`.
        """
        known = self.statements.get(Statement.peek(envelope).site)
        stated = accept_statement(self.charter, envelope, now, known)
        former = {site: reach for site, reach in self.former.items() if site != stated.site}
        statements = {**self.statements, stated.site: stated}
        return replace(self, statements=MappingProxyType(statements), former=MappingProxyType(former))

    def last_reach(self, site: str) -> Reach | None:
        """How a member was reached by its last statement, whether or not that is in force; none if it never had one."""
        stated = self.statements.get(site)
        return self.former.get(site) if stated is None else stated.reach

    def member(self, site: str, now: datetime) -> Member:
        """The member of that id.

        Raises:
            Untrusted: `not_a_member`, or `charter_expired`.
        """
        self.charter.check_alive(now)
        found = self.charter.member(site)
        if found is None:
            raise Untrusted(f"a message of {site}", "not_a_member", site=site, charter=self.charter.id)
        return found

    def statement_of(self, site: str, now: datetime) -> Statement:
        """The site's statement in force.

        Raises:
            Untrusted: no member, no statement, or one that has ended: that site alone is suspended.
        """
        self.member(site, now)
        stated = self.statements.get(site)
        if stated is None:
            raise Untrusted(f"a message of {site}", "no_statement", site=site)
        if now > stated.not_after + SKEW:
            until = timestamp(stated.not_after)
            raise Untrusted(f"a message of {site}", "statement_expired", site=site, until=until)
        return stated

    def is_stated(self, site: str, now: datetime) -> bool:
        """Whether a member's statement is in force: it runs a site."""
        try:
            self.statement_of(site, now)
        except Untrusted:
            return False
        return True

    def keys_of(self, site: str, now: datetime) -> Mapping[str, PublicKey]:
        """The online keys that sign for a site, by key id.

        Raises:
            Untrusted: see `statement_of`.
        """
        return by_id(self.statement_of(site, now).keys)

    def sealing_key_of(self, site: str, now: datetime) -> SealingKey:
        """The key to which messages for a site are sealed.

        Raises:
            Untrusted: see `statement_of`.
        """
        return self.statement_of(site, now).sealing

    def reach_of(self, site: str, now: datetime) -> Reach:
        """How a site is reached.

        Raises:
            Untrusted: see `statement_of`.
        """
        return self.statement_of(site, now).reach


def _runs_a_site(charter: Charter, site: str) -> bool:
    member = charter.member(site)
    return member is not None and member.hosted_by is None

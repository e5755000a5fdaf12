"""Whom an institution's provider lets in: its word for a person becomes an account at this site, and a role.

The provider says who somebody is; this site says what that means. Nothing it does not name lets anybody in.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from yosegi.core.errors import Refused
from yosegi.core.identifiers import PersonId
from yosegi.identity.accounts import Account, Role
from yosegi.identity.openid import OpenId

log = logging.getLogger(__name__)
_PERSON: TypeAdapter[str] = TypeAdapter(PersonId)
_PLAIN = re.compile(r"[a-z0-9_-]+")
_RISING: tuple[Role, ...] = get_args(Role)
"""From the least right to the most."""


@dataclass(frozen=True, slots=True)
class ClaimMapping:
    """What a provider's claims mean at this site.

    Args:
        site: this site.
        claim: the claim that names the person, e.g. `preferred_username`; one that people cannot choose themselves.
        people: accounts of those whom the claim names otherwise than by their account, by its value.
        groups: the claim that lists a person's groups.
        roles: groups that give each role; where none is named, only people with an account here are let in.
    """

    site: str
    claim: str = "preferred_username"
    people: Mapping[str, str] = field(default_factory=dict)
    groups: str = "groups"
    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)

    def admit(self, claims: Mapping[str, Any], accounts: Mapping[str, Account]) -> tuple[str, Role]:
        """The account and role of a person.

        Raises:
            Refused: `no_account_for_claim` if the claim names nobody of this site, `not_in_a_group` if no group of
                theirs gives a role.
        """
        person = self._person(claims)
        if not self.roles:
            if person not in accounts:
                raise Refused(f"signing in as {person}", ("no_account_for_claim",))
            return person, accounts[person].role
        told = claims.get(self.groups)
        theirs = {group for group in told if isinstance(group, str)} if isinstance(told, list) else set()
        fitting = [role for role in _RISING if theirs & set(self.roles.get(role, ()))]
        if not fitting:
            raise Refused(f"signing in as {person}", ("not_in_a_group",))
        return person, fitting[-1]

    def _person(self, claims: Mapping[str, Any]) -> str:
        named = claims.get(self.claim)
        if isinstance(named, str) and named in self.people:
            return self.people[named]
        try:
            if isinstance(named, str) and _PLAIN.fullmatch(named):
                return _PERSON.validate_python(f"{named}@{self.site}")
        except ValidationError:
            pass
        raise Refused("the sign-in", ("no_account_for_claim",))


@dataclass
class InstitutionSignIn:
    """Sign-in with the institution's provider.

    Args:
        name: what people call it, for the button.
    """

    name: str
    openid: OpenId
    admission: ClaimMapping

    async def begin(self, to: str) -> tuple[str, str]:
        """See `OpenId.begin`."""
        return await self.openid.begin(to)

    async def finish(
        self, kept: str, answer: Mapping[str, str], accounts: Mapping[str, Account]
    ) -> tuple[str, Role, str]:
        """Person, role, and the page that was asked for.

        Raises:
            Refused: see `OpenId.finish` and `Admission.admit`.
            Unavailable: the provider does not answer.
        """
        try:
            claims, to = await self.openid.finish(kept, answer)
            person, role = self.admission.admit(claims, accounts)
        except Refused as error:
            why = "; ".join(getattr(error, "__notes__", ()))
            log.warning("%s: %s %s", self.openid.client.issuer, error, why)
            raise
        return person, role, to

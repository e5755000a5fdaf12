"""Short-lived tokens: a home site says who acts for whom at one other site, and with which key.

A token is worth nothing without the key it names: each use carries a proof, signed by that key, over what is asked.
Being documents, tokens choose no algorithm of their own; the issuer's key decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar, Self

from pydantic import model_validator

from yosegi.core.identifiers import CharterId, Digest, Key, PersonId, SiteId, TeamId, home_of
from yosegi.trust.document import SKEW, Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey, by_id

LONGEST = timedelta(minutes=10)
"""With every link down, what was revoked starts nothing new after this."""

PROOF_LIFE = timedelta(seconds=60)


class Token(Document):
    """Who acts for whom, where, with which key.

    Args:
        charter: under which charter.
        issuer: the home site that vouches.
        audience: the one site it is for.
        person: the member acted for.
        team: in which team.
        agent: the program that acts, if one does.
        mandate: the mandate it was minted under, if any.
        holder: the key that must sign each use.
        issued: when it was minted.
        not_after: at most ten minutes later.
        institution: the member's own institution, where that has no site and the issuer hosts it.
    """

    kind: ClassVar[str] = "token"

    charter: CharterId
    issuer: SiteId
    audience: SiteId
    person: PersonId
    team: TeamId
    agent: Key | None = None
    mandate: Key | None = None
    holder: PublicKey
    issued: Moment
    not_after: Moment
    institution: SiteId | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not timedelta() < self.not_after - self.issued <= LONGEST:
            raise ValueError(f"lives at most {LONGEST.seconds // 60} minutes")
        if home_of(self.person) != (self.institution or self.issuer):
            raise ValueError(f"{self.issuer} cannot vouch for {self.person}")
        return self


class Proof(Document):
    """One use of a token.

    Args:
        token: digest of the token.
        audience: the site it is sent to.
        asked: digest of what is asked (`digest_of_request`).
        key: makes it count once.
        issued: when.
    """

    kind: ClassVar[str] = "proof"

    token: Digest
    audience: SiteId
    asked: Digest
    key: Key
    issued: Moment


def digest_of_request(method: str, path: str, body: bytes) -> str:
    """What a proof is over: method, path with query, and body, none of which can run into the next."""
    parts = (method.upper().encode(), path.encode(), body)
    framed = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return "sha256:" + hashlib.sha256(framed).hexdigest()


def accept_token(
    envelope: Envelope, keys: Mapping[str, PublicKey], *, issuer: str, site: str, charter: str, now: datetime
) -> Token:
    """The token in an envelope, if it is for this site and its issuer vouches for it now.

    Args:
        envelope: as received.
        keys: the issuer's online keys now; a site that left the charter has none.
        issuer: whose keys they are.
        site: this site.
        charter: the charter it must be under.
        now: the moment to judge by.

    Raises:
        Untrusted: of another issuer or charter, for another site, too old, not yet valid, or not signed by the issuer.
    """
    token = Token.open(envelope, keys, now=now, charter=charter)
    if token.issuer != issuer:
        raise Untrusted("a token", "wrong_sender", said=token.issuer, found=issuer)
    if token.audience != site:
        raise Untrusted("a token", "wrong_addressee", found=token.audience, expected=site)
    return token


def accept_proof(
    token: Envelope, accepted: Token, proof: Envelope, *, asked: str, now: datetime, seen: SeenProofs
) -> Proof:
    """The proof of one use.

    Args:
        token: the token in its envelope.
        accepted: the same, accepted.
        proof: as received.
        asked: digest of what this site was asked (`digest_of_request`).
        now: the moment to judge by.
        seen: proofs used before.

    Raises:
        Untrusted: signed by another key than the token's, for another token, site or request, too old, or used before.
    """
    what = "a proof"
    found = Proof.open(proof, by_id([accepted.holder]), now=now, needs=())
    if found.token != token.payload_digest:
        raise Untrusted(what, "proof_of_another_token")
    if found.audience != accepted.audience:
        raise Untrusted(what, "wrong_addressee", found=found.audience, expected=accepted.audience)
    if found.asked != asked:
        raise Untrusted(what, "proof_of_another_request")
    until = found.issued + PROOF_LIFE + SKEW
    if now > until:
        raise Untrusted(what, "document_expired", until=until.isoformat(), now=now.isoformat())
    if not seen.first_time(f"{accepted.holder.key_id} {found.key}", until, now):
        raise Untrusted(what, "used_before", key=found.key)
    return found


class SeenProofs:
    """What was used, for as long as it could be used again.

    Args:
        most: how many are remembered; beyond that everything new is refused until the oldest run out.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._until: dict[str, datetime] = {}

    def first_time(self, name: str, until: datetime, now: datetime) -> bool:
        """Whether the name is new; from now on it is not, until `until`."""
        if self._until.get(name, now) > now:
            return False
        if len(self._until) >= self._most:
            self._until = {known: end for known, end in self._until.items() if end > now}
            if len(self._until) >= self._most:
                return False
        self._until[name] = until
        return True

    def __len__(self) -> int:
        return len(self._until)

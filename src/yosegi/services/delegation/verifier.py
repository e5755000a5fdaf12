"""What an owner believes of who asks: the token, the home site's word on its mandate, and a person's approval."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid
from yosegi.core.events import Events
from yosegi.core.identifiers import derived_key
from yosegi.core.supervision import TaskScope
from yosegi.exchange import Channels, Received, sending
from yosegi.execution.remote_mandates import (
    RemoteMandateStatus,
    facts_of,
    revoked,
    standing_of,
    standing_stream,
    token_facts,
)
from yosegi.execution.tasks import Task
from yosegi.governance.charter.registry import Registry
from yosegi.governance.events import RemoteMandateEnded, RemoteMandateRenewed
from yosegi.governance.mandates.approvals import used
from yosegi.governance.policy.explanation import explained
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.authorization.service import Authorizer, needs_approval
from yosegi.trust.document import SKEW
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Renewal, Request, Revocation
from yosegi.trust.signer import Signer
from yosegi.trust.token import Token, accept_token

ASKED = "standing.asked"
ASK_AGAIN = 60.0
"""Seconds between two questions about one mandate."""
LIFETIME = timedelta(days=1)
REMEMBERED = 4096


def in_words(error: Untrusted) -> Explanation:
    """Why something is not believed."""
    return explained(error.reason, **{name: str(value) for name, value in error.fields.items()})


@dataclass
class DelegationVerifier:
    """Decides nothing that policy decides: it sees that what policy is told is so, now.

    Args:
        events: told `RemoteMandateRenewed` and `RemoteMandateEnded`.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    registry: Registry
    authorizer: Authorizer
    channels: Channels
    events: Events
    scope: TaskScope
    _believed: dict[Envelope, Token] = field(default_factory=dict)
    _wanted: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Ask home sites about mandates under which something waits to start."""
        self.scope.repeat("questions about mandates", self._round)

    # -- when a request arrives -----------------------------------------------------------------------------------

    def token_error(self, request: Request, envelope: Envelope) -> Explanation | None:
        """Why it is not shown who acts for whom; None where it is.

        A token that has run out on the way still says so; nothing starts before a fresh one has come.
        """
        if request.challenge is not None:
            charter = self.registry.federation(request.charter).roster.charter
            if request.challenge not in charter.challenges_of(request.team):
                return explained("challenge_not_of_team")
        if request.token is None:
            if request.agent is not None:
                return explained("mandate_missing", agent=request.agent)
            return explained("token_missing") if request.mandate is not None else None
        try:
            token = self._believe(request.token, request.charter, request.sender, request.issued)
        except Untrusted as error:
            return in_words(error)
        except Invalid as error:
            return explained("bad_inputs", why=str(error))
        for what, said, asked in (
            ("person", token.person, request.on_behalf_of),
            ("team", token.team, request.team),
            ("agent", token.agent, request.agent),
            ("mandate", token.mandate, request.mandate),
        ):
            if said != asked:
                return explained("token_for_another", what=what)
        if token.holder.key_id not in [signature.key_id for signature in envelope.signatures]:
            return explained("token_of_another_key", holder=token.holder.key_id)
        standing = self._standing(request)
        return standing.revoked if standing else None

    def token_facts(self, request: Request) -> dict[str, str]:
        """What the first entry of an accepted task says of its token, and of the challenge it is for."""
        facts = {"challenge": request.challenge} if request.challenge is not None else {}
        if request.token is None:
            return facts
        token, now = self._believe(request.token, request.charter, request.sender, request.issued), self.clock.now()
        # One minted by a clock that was ahead vouches for nothing: its home is asked for another.
        until = {"vouched_until": timestamp(now)} if token.issued > now + SKEW else {}
        return facts | facts_of(token) | until

    def _believe(self, envelope: Envelope, charter: str, home: str, asked: datetime) -> Token:
        """A token of a home site for this one; its end is looked at when something is to start.

        Args:
            envelope: the token.
            charter: the charter it must be under.
            home: the site that must have minted it.
            asked: when the request says it was made. If that is still to come, the home's clock was ahead; its token is
                of the same hour, and nothing is started under it (see `_said_with`).
        """
        keys = self.registry.keys_of(charter, home)
        known = self._believed.get(envelope)
        if (
            known is not None
            and (known.charter, known.issuer) == (charter, home)
            and all(signature.key_id in keys for signature in envelope.signatures)
        ):
            return known
        moment = min(max(self.clock.now(), asked), Token.peek(envelope).not_after)
        token = accept_token(envelope, keys, issuer=home, site=self.site, charter=charter, now=moment)
        if len(self._believed) >= REMEMBERED:
            self._believed.clear()
        self._believed[envelope] = token
        return token

    # -- before something starts, and while it runs ---------------------------------------------------------------

    def lapsed(self, request: Request) -> tuple[Explanation, ...]:
        """What the request stood on and is gone: its home site's place or statement, or its mandate."""
        try:
            self.registry.keys_of(request.charter, request.sender)
        except Untrusted as error:
            return (in_words(error),)
        standing = self._standing(request)
        return (standing.revoked,) if standing is not None and standing.revoked else ()

    def pending_reason(self, request: Request, contract: Contract) -> Explanation | None:
        """What must be there before an accepted request may start; None if nothing lacks."""
        if needs_approval(request, contract) and not self.authorizer.is_approved(request, contract):
            return explained("approval_missing", contact=f"operator@{self.site}")
        if request.mandate is None:
            return None
        standing = self._standing(request)
        if standing is not None and standing.revoked:
            return None  # it never starts: `lapsed` says why
        until = max(standing.until if standing else "", self._said_with(request))
        if until < timestamp(self.clock.now()):
            self._want(request.charter, request.sender, request.mandate)
            return explained("token_stale", mandate=request.mandate)
        return None

    def use_approval(self, task: Task, contract: Contract) -> Write | None:
        """The write that uses up the approval under which a task starts; None where none is needed."""
        request = task.asked()
        if not needs_approval(request, contract):
            return None
        draft = used(task.request_digest, contract.digest, task.stream)
        return Write(f"approval/{task.stream}", None, (draft,), charter=request.charter, actor=self.site)

    def _said_with(self, request: Request) -> str:
        """Until when the token counts that came with a request."""
        token = None if request.token is None else self._believed.get(request.token)
        if token is None or token.issued > self.clock.now() + SKEW:
            return ""  # minted by a clock that was ahead: its home is asked for another
        return timestamp(token.not_after)

    def _standing(self, request: Request) -> RemoteMandateStatus | None:
        if request.mandate is None:
            return None
        return standing_of(self.ledger.query, request.charter, request.sender, request.mandate)

    # -- asking, and hearing --------------------------------------------------------------------------------------

    def _want(self, charter: str, home: str, mandate: str) -> None:
        key = (charter, home, mandate)
        if self.clock.monotonic() - self._wanted.get(key, -1e18) >= ASK_AGAIN:
            self._wanted[key] = float("inf")
            self._wake.set()

    async def _round(self) -> bool:
        await self._wake.wait()
        self._wake.clear()
        for key in [key for key, at in self._wanted.items() if at == float("inf")]:
            self._wanted[key] = self.clock.monotonic()
            try:
                await self._ask(*key)
            except BaseException:
                self._wanted[key] = float("inf")  # asked by the next round
                self._wake.set()
                raise
        return True

    async def _ask(self, charter: str, home: str, mandate: str) -> None:
        now = self.clock.now()
        document = Renewal(
            charter=charter,
            sender=self.site,
            to=home,
            key=derived_key("renewal", self.site, home, mandate, timestamp(now)),
            issued=now,
            not_after=now + LIFETIME,
            mandate=mandate,
        )
        draft = sending(ASKED, home, f"renewal/{mandate}", document.sign(self.signer), {"mandate": mandate}, {})
        write = Write(standing_stream(home, mandate), None, (draft,), charter=charter, actor=self.site)
        self.channels.posted(await self.ledger.append(write))

    async def on_token(self, received: Received[Token]) -> None:
        """A home site says that a mandate stands.

        Raises:
            Untrusted: not a token of that site for this one, or one that has run out.
            Invalid: under no mandate.
        """
        token = received.document
        if token.mandate is None:
            raise Invalid("a token", "names no mandate", "it comes with the request it is for")
        await self._record(received, token.mandate, token_facts(token, received.envelope))
        self.events.publish(RemoteMandateRenewed(token.mandate))

    async def on_revocation(self, received: Received[Revocation]) -> None:
        """A home site says that a mandate is over.

        Raises:
            Untrusted: not of that site, or not for this one.
        """
        found = received.document
        known = standing_of(self.ledger.query, received.charter, received.sender, found.mandate)
        if known is None or known.revoked is None:
            await self._record(received, found.mandate, revoked(found, received.envelope))
        self.events.publish(RemoteMandateEnded(found.mandate))

    async def _record(self, received: Received[Any], mandate: str, draft: Draft) -> None:
        stream = standing_stream(received.sender, mandate)
        await self.ledger.append(Write(stream, None, (draft,), charter=received.charter, actor=received.sender))

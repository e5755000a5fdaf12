"""A running site renews its own statements before they end, so that it is never suspended for a forgotten date.

It can renew only what its governance keys have allowed, and until when; nearer to that end it says who has to sign.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yosegi.core.clock import Clock, timestamp
from yosegi.core.errors import YosegiError
from yosegi.core.supervision import TaskScope
from yosegi.exchange.passed_on import PASSED_ON
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import RENEWED, Statement
from yosegi.services.governance.publisher import DocumentPublisher
from yosegi.trust.document import SKEW
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Signer

log = logging.getLogger(__name__)
EVERY = 3600.0
STEADY = 60.0
"""Seconds after which a clock that jumped is looked at again before anything is renewed by it."""
EARLY = RENEWED / 2
"""How long before its end a statement is renewed: a peer that was away for less has a valid one all the time."""
WARNED = timedelta(days=30)


@dataclass
class StatementRenewal:
    """Keeps the statements of one site alive.

    Args:
        signers: the site's online keys; those sign that the statement names.
    """

    site: str
    clock: Clock
    registry: Registry
    publisher: DocumentPublisher
    signers: Sequence[Signer]
    scope: TaskScope
    _offset: float | None = field(default=None, init=False)
    _next: float = field(default=float("-inf"), init=False)
    """When all statements are looked at again, on the monotonic clock."""

    def start(self) -> None:
        """Look now and every hour; what cannot be renewed now is tried again."""
        self.scope.repeat("renewal of statements", self._round)

    async def _round(self) -> bool:
        await self.clock.sleep(max(0.0, self._next - self.clock.monotonic()))
        if not self._is_steady() and any(map(self._is_due, self.registry.charters())):
            self._next = self.clock.monotonic() + STEADY
            return True
        failed: list[YosegiError] = []
        for charter in self.registry.charters():
            try:
                await self.look(charter)
            except YosegiError as error:
                # One charter is no reason not to look at the others.
                log.warning("the statement under %s was not renewed: %s", charter, error)
                failed.append(error)
        if failed:
            raise failed[0]
        self._next = self.clock.monotonic() + EVERY
        return True

    async def look(self, charter: str) -> None:
        """Renew the statement under a charter if it is time, and see that peers are told of it.

        Raises:
            YosegiError: it could not be signed or recorded.
        """
        roster = self.registry.federation(charter).roster
        stated = roster.statements.get(self.site)
        if stated is None:
            return
        now = self.clock.now()
        if warning := ends_soon(stated, roster.charter.expires, now):
            log.warning("%s", warning)
        if now > stated.not_after - EARLY and (later := stated.renewed(now)) is not None:
            named = {key.key_id for key in stated.keys}
            envelope = later.sign(*(one for one in self.signers if one.public.key_id in named))
            await self.publisher.publish(envelope, by=self.site)
        elif not self._was_passed_on(charter, stated):
            await self.publisher.publish(self._signed(charter, stated), by=self.site)

    def _is_due(self, charter: str) -> bool:
        stated = self.registry.federation(charter).roster.statements.get(self.site)
        return stated is not None and self.clock.now() > stated.not_after - EARLY

    def _is_steady(self) -> bool:
        """Whether the clock went on as time did since it was last looked at; it was not, if it never was.

        One that is far ahead for some seconds, as after a reboot, must not make this site sign a statement of a day
        that is weeks away: no peer could take it before.
        """
        offset = self.clock.now().timestamp() - self.clock.monotonic()
        before, self._offset = self._offset, offset
        return before is not None and abs(offset - before) <= SKEW.total_seconds()

    def _was_passed_on(self, charter: str, stated: Statement) -> bool:
        """Whether peers are told, or will be; what a stopped site accepted from the command line was not, perhaps."""
        told = self.publisher.ledger.read(f"passing/{charter}")
        passed = any(e.type == PASSED_ON and e.facts["document"] == stated.digest for e in told)
        # What founded the federation went round as files: everybody has the first one.
        return passed or stated.serial == 1

    def _signed(self, charter: str, stated: Statement) -> Envelope:
        documents = reversed(self.registry.documents(charter))
        return next(one for one in documents if one.payload_digest == stated.digest)


def ends_soon(stated: Statement, expires: datetime, now: datetime) -> str:
    """What to do about a statement that cannot be renewed much longer; empty if nothing.

    Args:
        stated: the statement.
        expires: when its charter ends, beyond which none is valid.
        now: the present.
    """
    end = stated.renewable_until or stated.not_after
    if end - now > WARNED:
        return ""
    todo = f"bring the governance keys and sign a new one (yosegi charter state {stated.charter})"
    if end >= expires:
        later = "publish a version of the charter with a later `expires` (yosegi charter propose)"
        return f"the statement under {stated.charter} ends with its charter at {timestamp(end)}: {later}, then {todo}"
    return f"the statement under {stated.charter} ends for good at {timestamp(end)}: {todo}"

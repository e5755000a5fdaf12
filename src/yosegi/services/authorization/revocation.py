"""Revocation: what is accepted or runs is decided again when documents, mandates or the time have moved on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from yosegi.core.contract import Contract
from yosegi.core.states import TaskState
from yosegi.core.supervision import TaskScope
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import Task
from yosegi.governance.policy.explanation import why
from yosegi.governance.policy.question import Action
from yosegi.ledger import Ledger
from yosegi.services.authorization.service import Authorizer
from yosegi.services.delegation.verifier import DelegationVerifier
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Request

EVERY = 30.0
"""Seconds between two looks, whatever is heard: what lapses by date alone stops nothing later than this."""


@dataclass
class RevocationMonitor:
    """Looks at every open task of an owner."""

    ledger: Ledger
    repository: TaskRepository
    dispatcher: Dispatcher
    authorizer: Authorizer
    rights: DelegationVerifier
    scope: TaskScope
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def look(self) -> None:
        """Something changed: look now."""
        self._wake.set()

    def start(self) -> None:
        """Look whenever something changed, and every so often."""
        self._wake.set()
        self.scope.repeat("review of open tasks", self._round)

    async def _round(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await self._wake.wait()
        self._wake.clear()
        try:
            await self.once()
        except BaseException:
            self._wake.set()  # what was to be looked at is looked at by the next round
            raise
        return True

    async def once(self) -> None:
        """Refuse what waits and may no longer start, and stop what runs as its contract says."""
        rows = self.ledger.query("SELECT stream FROM task WHERE state IN ('accepted', 'dispatched') ORDER BY first")
        answers: dict[object, tuple[Explanation, ...]] = {}
        for row in rows:
            task = self.repository.task(row["stream"])
            published = self.repository.published_for(task.asked())
            if published is None or task.revoked:
                continue
            if reasons := self._lapsed(task, published.contract, answers):
                await self.dispatcher.revoke(task.stream, reasons)
        self.dispatcher.wake_all()

    def _lapsed(
        self, task: Task, contract: Contract, answers: dict[object, tuple[Explanation, ...]]
    ) -> Sequence[Explanation]:
        request = task.asked()
        if reasons := self.rights.lapsed(request):
            return reasons
        # One decision for all that are alike: what tells them apart, policy does not see.
        key = _alike(request, task.state)
        if key not in answers:
            action: Action = "dispatch" if task.state is TaskState.DISPATCHED else "accept"
            answers[key] = why(self.authorizer.decide(action, request, contract, task.objects.values()))
        return answers[key]


def _alike(request: Request, state: TaskState) -> object:
    return (
        state,
        request.charter,
        request.sender,
        request.on_behalf_of,
        request.team,
        request.agent,
        request.mandate,
        request.purpose,
        request.capability,
        request.contract,
        request.sensitivity,
        request.conduct,
    )

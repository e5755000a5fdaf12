"""Tasks whose record was lost, wholly or in part, in a restoration: never started again, and told to a person."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.core.object import refs
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import TaskState
from yosegi.exchange import Received
from yosegi.execution import tasks
from yosegi.execution.records import TaskRepository
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.execution.tasks import Task, task_stream
from yosegi.governance.grants.grant import GrantExceeded
from yosegi.ledger import Draft, Write
from yosegi.trust.messages import Request

WHY = "the site was restored from an older backup"


@dataclass
class LostTasks:
    """Makes such tasks uncertain, their cost held."""

    repository: TaskRepository
    guard: RestoreGuard

    async def was_lost(self, task: Task, last: int) -> bool:
        """What waited or ran when the backup was made may have happened since: whether this one may have."""
        contract = self.repository.contract_of(task)
        if not self.guard.is_older(last) or contract is None or contract.effect.repeatable:
            return False
        if task.state is TaskState.ACCEPTED:
            task = await self.repository.append(task, Draft(tasks.DISPATCHED, {"attempt": 1}))
        await self.repository.uncertain(task, OutcomeCode.LOST_IN_RESTORE, WHY)
        return True

    async def record(self, received: Received[Request]) -> bool:
        """Record a request that a peer still awaits as uncertain; False if it may simply be taken again."""
        request, envelope = received.document, received.envelope
        published = self.repository.published_for(request)
        if published is None or published.contract.effect.repeatable:
            return False
        stream = task_stream(received.sender, request.key)
        async with self.repository.lock(stream):
            task = self.repository.find(stream)
            if task.state is not TaskState.NEW:
                return True
            facts, objects = tasks.facts_of(request, envelope), refs(published.contract.inputs, request.inputs)
            others: tuple[Write, ...] = ()
            try:
                if hold := self.repository.authorizer.hold(request, published.contract.cost, stream):
                    others = (hold,)
                    facts |= {"grant": hold.drafts[0].facts["grant"], "held": dict(published.contract.cost)}
            except GrantExceeded:
                pass  # what is left of the grant cannot pay for what may have happened; a person sees it
            drafts = Draft(tasks.ACCEPTED, facts, {"request": envelope.plain}), Draft(tasks.DISPATCHED, {"attempt": 1})
            task = await self.repository.append(task, *drafts, request=request, objects=objects, others=others)
            await self.repository.uncertain(task, OutcomeCode.LOST_IN_RESTORE, WHY)
        return True

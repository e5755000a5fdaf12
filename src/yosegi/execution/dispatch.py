"""From accepted to ended: tasks wait for a slot, are decided once more, committed, run, and their outcome recorded."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome, Progress, Work
from yosegi.core.errors import Unavailable
from yosegi.core.identifiers import split_capability
from yosegi.core.object import refs
from yosegi.core.states import Effect, TaskState
from yosegi.execution import reconciliation, tasks
from yosegi.execution.breaker import Breakers
from yosegi.execution.charging import charge, checked
from yosegi.execution.ports import DelegationPort, Published, recorded
from yosegi.execution.reconciliation import DeviceReconciler
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import Task
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Draft
from yosegi.trust.messages import Explanation

log = logging.getLogger("yosegi.owner")

AGAIN_AFTER = 1.0
"""Seconds until something that could not be recorded is tried again."""


async def _nobody(stream: str, outcome: Outcome) -> None:
    """Tell nobody."""


@dataclass
class Dispatcher:
    """Starts what was accepted, as slots, breakers and the switch allow.

    Args:
        held: whether nothing new is to start.
        hindered: why nothing may be judged, and so nothing started, for now; empty if it may.
        resolved: told what an uncertain task did, after all.
    """

    repository: TaskRepository
    clock: Clock
    breakers: Breakers
    rights: DelegationPort
    held: bool = False
    blocked: Callable[[], object] = lambda: ""
    resolved: Callable[[str, Outcome], Awaitable[None]] = _nobody
    progress: dict[str, Progress] = field(default_factory=dict)
    trouble: str = ""
    _queues: dict[str, deque[str]] = field(default_factory=dict)
    _parked: dict[str, Task] = field(default_factory=dict)
    """Accepted, and waiting for something that is no slot, e.g. a person's approval; they hold up nobody else."""
    _running: dict[str, set[str]] = field(default_factory=dict)
    _work: set[asyncio.Task[None]] = field(default_factory=set)
    _asking: DeviceReconciler = field(init=False)

    def __post_init__(self) -> None:
        self._asking = DeviceReconciler(self.clock)
        self.repository.freed = self._freed

    async def close(self) -> None:
        """Stop watching; engines keep or end their processes by their own rule."""
        for work in list(self._work):
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    def queue(self, task: Task) -> None:
        """Wait for a slot."""
        self._queues.setdefault(split_capability(task.asked().capability)[1], deque()).append(task.stream)

    def waiting(self, name: str) -> int:
        """How many tasks of a capability wait for a slot."""
        return len(self._queues.get(name, ()))

    def running(self, name: str) -> int:
        """How many tasks of a capability run."""
        return len(self._running.get(name, ()))

    def may_start_now(self, name: str) -> bool:
        """Whether a task that comes now would start at once."""
        return self.room(name) and not self._queues.get(name)

    def take_slot(self, name: str, stream: str) -> None:
        """Count a task as running."""
        self._running.setdefault(name, set()).add(stream)

    def leave_queue(self, name: str, stream: str) -> None:
        """Wait no more."""
        self._parked.pop(stream, None)
        if stream in self._queues.get(name, ()):
            self._queues[name].remove(stream)

    def room(self, name: str) -> bool:
        """Whether a slot is free, the breaker closed and the switch not thrown."""
        return not (self.held or self.blocked() or self.breakers.why_open(name)) and (
            len(self._running.get(name, ())) < self.repository.published[name].slots
        )

    def leave(self, name: str, stream: str) -> None:
        """Give a slot back."""
        self._running.get(name, set()).discard(stream)

    def wake_all(self) -> None:
        """Something may have come for which a task waits: an approval, a token, or its last moment."""
        for stream, task in list(self._parked.items()):
            published = self.repository.published.get(split_capability(task.asked().capability)[1])
            over = published is None or self.clock.now() > task.asked().not_after
            if over or published is None or self.rights.pending_reason(task.asked(), published.contract) is None:
                del self._parked[stream]
                self.queue(task)
        self.pump_all()

    def pump_all(self) -> None:
        """Start whatever may start."""
        for name in list(self._queues):
            self.pump(name)

    def pump(self, name: str) -> None:
        """Start what waits for a capability, as far as there is room."""
        queue = self._queues.get(name)
        while queue and self.room(name):
            stream = queue.popleft()
            self.take_slot(name, stream)
            self._spawn(self._dispatch(name, stream))

    def _freed(self, task: Task) -> None:
        name = split_capability(task.asked().capability)[1]
        self.leave(name, task.stream)
        self.pump(name)

    async def _dispatch(self, name: str, stream: str) -> None:
        """Start a task whose turn has come; one that cannot be recorded waits in its place until it can."""
        while True:
            try:
                started = await self._commit_to(name, stream)
                break
            except Unavailable as error:
                self.trouble = str(error)
                await self.clock.sleep(AGAIN_AFTER)
        if started is None:
            self.leave(name, stream)
            self.pump(name)
        else:
            self.begin(started, self.repository.published[name])

    async def _commit_to(self, name: str, stream: str) -> Task | None:
        """Decide once more and commit durably; only then may the engine begin. None if it may not."""
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            published = self.repository.published.get(name)
            if task.state is not TaskState.ACCEPTED:
                return None
            if published is not None and self._is_parked(task, published):
                return None
            reasons, decision = self._lapsed(task, published), None
            if published is not None and not reasons:
                decision = self.repository.authorizer.decide("dispatch", task.asked(), published.contract)
                reasons = why(decision)
            if published is None or decision is None or not decision.allow:
                await self.repository.finish(
                    task, tasks.REFUSED, TaskState.REFUSED, None, Amounts(),
                    reasons=reasons, refused=decision, by=self.repository.site,
                )  # fmt: skip
                return None
            draft = Draft(tasks.DISPATCHED, {"attempt": 1}, recorded(self.repository.authorizer, decision))
            if task.reasons or not published.contract.effect.repeatable:
                draft = self.repository.reporter.attach(
                    draft, task.asked(), TaskState.DISPATCHED, published.contract, decided=task.decided
                )
            used = self.rights.use_approval(task, published.contract)
            return await self.repository.append(task, draft, others=() if used is None else (used,))

    def _is_parked(self, task: Task, published: Published) -> bool:
        """Put aside a task that lacks something and may still get it."""
        request = task.asked()
        late = self.clock.now() > request.not_after or request.contract != published.contract.digest
        if late or self.rights.pending_reason(request, published.contract) is None:
            return False
        self._parked[task.stream] = task
        return True

    def _lapsed(self, task: Task, published: Published | None) -> tuple[Explanation, ...]:
        """Why a task that was accepted may no longer start, whatever policy says; empty if it may."""
        request = task.asked()
        if published is None or request.contract != published.contract.digest:
            return (explained("contract_changed", capability=request.capability),)
        if self.clock.now() > request.not_after:
            return (explained("document_expired", until=request.not_after.isoformat()),)
        return self.rights.lapsed(request)

    async def halt(self, task: Task, published: Published) -> None:
        """Stop a task that runs, as it was recorded when its right lapsed."""
        if task.revoked == "abort":
            await published.engine.halt(task.stream, "abort")
        elif task.revoked == "safe_stop":
            await published.engine.halt(task.stream, "safe_stop")

    def begin(self, task: Task, published: Published, *, taken_up: bool = False) -> None:
        """Have the engine carry out a task that is durably dispatched; `taken_up` if it may have had it before."""
        self.take_slot(published.contract.name, task.stream)
        self._spawn(self._carry_out(task, published, taken_up))

    def ask(self, task: Task, published: Published, otherwise: Outcome) -> None:
        """Ask the device what became of a task that may have run; if it cannot tell, it ends so."""
        self.take_slot(published.contract.name, task.stream)
        self._spawn(self._find_out(task, published, otherwise))

    def keep_asking(self, task: Task, published: Published) -> None:
        """Ask about an uncertain task until the device can tell, or somebody has settled it."""
        self._spawn(self._ask_until_told(task, published))

    async def _ask_until_told(self, task: Task, published: Published) -> None:
        pause = reconciliation.AGAIN_AFTER
        while self.repository.task(task.stream).state is TaskState.UNCERTAIN:
            await self.clock.sleep(pause)
            pause = min(2 * pause, reconciliation.SELDOM)
            if (outcome := await self._asking.ask(task, published)) is not None:
                await self.resolved(task.stream, outcome)

    async def _find_out(self, task: Task, published: Published, outcome: Outcome) -> None:
        """Ask once, where asking is possible, and record what is known then."""
        contract = published.contract
        if outcome.effect is Effect.UNKNOWN and contract.can_query:
            outcome = await self._asking.ask(task, published) or outcome
        outcome = checked(outcome, contract, task.asked(), self.repository.site)
        while True:
            try:
                await self._learn(task.stream, outcome, contract)
                break
            except Unavailable as error:
                # A full disk: only this process knows the outcome now, so it waits for room with it.
                self.trouble = str(error)
                await self.clock.sleep(AGAIN_AFTER)
        if outcome.effect is Effect.UNKNOWN and contract.can_query:
            self.keep_asking(task, published)

    async def _carry_out(self, task: Task, published: Published, taken_up: bool) -> None:
        contract, request = published.contract, task.asked()
        work = Work(
            key=task.stream,
            capability=contract.name,
            inputs=request.inputs,
            time_limit=contract.time_limit,
            effect=contract.effect,
            attempt=task.attempt,
            grace=contract.stop_grace,
            objects=refs(contract.inputs, request.inputs),
        )
        if task.revoked:
            self._spawn(self.halt(task, published))  # it lapsed before this site was started again
        engine = published.engine
        outcome = await (engine.attach if taken_up else engine.run)(work, self._progressed)
        self.progress.pop(task.stream, None)
        await self._find_out(task, published, outcome)

    async def _learn(self, stream: str, outcome: Outcome, contract: Contract) -> None:
        """Record what an engine returned."""
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            if task.state.final:
                return
            if opening := self.breakers.note(contract.name, outcome):
                await self.repository.ledger.append(opening)
            if outcome.effect is Effect.UNKNOWN:
                if task.state is TaskState.DISPATCHED:
                    await self.repository.uncertain(task, outcome.reason, outcome.message)
            elif outcome.reason == "cancelled" and outcome.effect is Effect.NONE:
                await self.repository.end_without_effect(task, outcome.message, self.repository.site)
            else:
                charged = charge(task.held, contract, outcome)
                by = self.repository.site
                await self.repository.finish(task, tasks.ENDED, TaskState.ENDED, outcome, charged, by=by)

    def _progressed(self, progress: Progress) -> None:
        self.progress[progress.key] = progress

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, work: asyncio.Task[None]) -> None:
        """A task that could not be recorded (a full disk, a lost term) is taken up again at the next start."""
        self._work.discard(work)
        if not work.cancelled() and (error := work.exception()) is not None:
            self.trouble = f"{type(error).__name__}: {error}"
            log.error("a task could not be carried on", exc_info=error)

"""The owner's side of a task: what arrives is verified, decided and recorded; what people do about it; and the switch.

Everything is recorded before it happens. What is known about a task is its fold; this class does the I/O around it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome, Progress
from yosegi.core.errors import Conflict, Invalid, Unavailable
from yosegi.core.identifiers import split_capability
from yosegi.core.states import Effect, TaskState
from yosegi.exchange import Received
from yosegi.execution import tasks
from yosegi.execution.admission import Admission
from yosegi.execution.breaker import Breakers
from yosegi.execution.charging import charge, checked
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.input_staging import InputFetcher, InputStager
from yosegi.execution.lost_tasks import LostTasks
from yosegi.execution.ports import AuthorizationPort, DelegationPort, Published
from yosegi.execution.records import TaskRepository
from yosegi.execution.reporting import Reporter
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.execution.stop_control import StopControl, StopLevel
from yosegi.execution.tasks import Task, task_stream
from yosegi.governance.charter.registry import Registry
from yosegi.ledger import Draft, Entry, Ledger
from yosegi.trust.errors import Untrusted
from yosegi.trust.messages import Cancel, Explanation, Request
from yosegi.trust.signer import Signer


@dataclass(repr=False)
class TaskOwner:
    """Runs what others ask of this site.

    Args:
        published: capabilities by name and version.
        posted: told of entries that send something.
        changed: told of each task whose state moved.
        most_open: tasks that one team may have waiting and running here at once.
        inputs: brings the objects among inputs here; None where there are none.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    authorizer: AuthorizationPort
    rights: DelegationPort
    published: Mapping[str, Published]
    directory: Registry
    posted: Callable[[Sequence[Entry]], None]
    changed: Callable[[Task], None] = lambda task: None
    most_open: int = 1000
    inputs: InputFetcher | None = None
    breakers: Breakers = field(init=False)
    gap: RestoreGuard = field(init=False)
    _repository: TaskRepository = field(init=False)
    _dispatcher: Dispatcher = field(init=False)
    _waiting: InputStager = field(init=False)
    _acceptance: Admission = field(init=False)
    _switch: StopControl = field(init=False)
    _lost: LostTasks = field(init=False)

    def __repr__(self) -> str:
        return f"<owner {self.site}: {len(self.published)} capabilities>"

    def __post_init__(self) -> None:
        self.breakers, self.gap = Breakers(self.site, self.ledger), RestoreGuard(self.site, self.ledger)
        self.gap.start()
        reporter = Reporter(self.site, self.signer, self.clock, self.directory)
        self._repository = TaskRepository(
            self.site, self.ledger, self.authorizer, self.published, reporter, self.posted, self._moved
        )
        self._dispatcher = Dispatcher(self._repository, self.clock, self.breakers, self.rights)
        self._waiting = InputStager(self._repository, self._dispatcher, self.clock, self.inputs)
        self._acceptance = Admission(
            self.site,
            self.ledger,
            self.authorizer,
            self.rights,
            self.gap,
            self.breakers,
            self._repository,
            self._dispatcher,
            self._waiting,
            lambda: self.most_open,
        )
        self._dispatcher.resolved = self.resolve
        self._switch = StopControl(self.ledger, self.published, self._dispatcher)
        self._lost = LostTasks(self._repository, self.gap)

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up every task where it was left: queued ones wait again, started ones are reconciled."""
        self.breakers.start()
        await self._switch.start()
        rows = self.ledger.query(
            "SELECT stream, last FROM task WHERE state IN ('accepted', 'dispatched') ORDER BY first"
        )
        for row in rows:
            task = self._repository.task(row["stream"])
            if await self._lost.was_lost(task, row["last"]):
                continue
            if task.state is TaskState.DISPATCHED:
                await self._reconcile(task)
            else:
                self._waiting.queue(task)
        for row in self.ledger.query("SELECT stream FROM task WHERE state = 'uncertain' ORDER BY first"):
            task = self._repository.task(row["stream"])
            published = self.published.get(split_capability(task.asked().capability)[1])
            if published is not None and published.contract.can_query:
                self._dispatcher.keep_asking(task, published)
        self._dispatcher.pump_all()

    async def close(self) -> None:
        """Stop watching; engines keep or end their processes by their own rule."""
        await self._waiting.close()
        await self._dispatcher.close()

    async def lost(self, received: Received[Request]) -> None:
        """A peer still awaits the end of a request that this site had taken and lost in a restoration.

        What may be repeated is done again, or refused where its time is over, so that its home asks anew. Anything
        else is recorded as uncertain, its cost held, and never started.
        """
        if await self._lost.record(received):
            return
        request = received.document
        try:
            request.check_in_force(self.clock.now())
        except Untrusted as error:
            if error.reason != "document_expired":
                raise
            stream = task_stream(received.sender, request.key)
            async with self._repository.lock(stream):
                await self._acceptance.too_late(self._repository.find(stream), request, received.envelope)
            return
        await self.on_request(received)

    async def _reconcile(self, task: Task) -> None:
        """After a restart: what was dispatched may have run. Ask who remembers; never repeat what must not be."""
        published = self.published.get(split_capability(task.asked().capability)[1])
        if published is None:
            await self._repository.uncertain(task, "capability_gone")
        elif published.engine.remembers:
            self._dispatcher.begin(task, published, taken_up=True)
        elif published.contract.effect.repeatable:
            task = await self._repository.append(task, Draft(tasks.DISPATCHED, {"attempt": task.attempt + 1}))
            self._dispatcher.begin(task, published)
        else:
            interrupted = Outcome.failed(Effect.UNKNOWN, "interrupted")
            self._dispatcher.ask(task, published, otherwise=interrupted)

    # -- what arrives ---------------------------------------------------------------------------------------------

    async def on_request(self, received: Received[Request]) -> None:
        """Decide on a verified request, hold its cost and record it; start it if there is room. Returns when durable.

        Raises:
            Conflict: its key was used before for another request.
        """
        request, envelope = received.document, received.envelope
        stream = task_stream(received.sender, request.key)
        async with self._repository.lock(stream):
            known = self._repository.find(stream)
            if known.state is not TaskState.NEW:
                if known.request_digest != envelope.payload_digest:
                    raise Conflict(f"key {request.key}", "was used before for another request", "use a new key")
                return
            await self._acceptance.consider(known, request, envelope, received.receipt)

    async def on_cancel(self, received: Received[Cancel]) -> None:
        """Take a request back: proved where possible, told honestly where not.

        Raises:
            Unavailable: the request has not arrived yet.
        """
        cancel, sender = received.document, received.sender
        if not self.ledger.read(task_stream(sender, cancel.key)):
            raise Unavailable(f"task {cancel.key}", "its request has not arrived yet")
        await self.cancel(sender, cancel.key, cancel.reason, by=sender)

    async def cancel(self, home: str, key: str, reason: str, by: str) -> Task:
        """Cancel a task. One that waits ends at once; one that runs ends only if its engine proves it did nothing."""
        stream = task_stream(home, key)
        async with self._repository.lock(stream):
            task = self._repository.task(stream)
            name = split_capability(task.asked().capability)[1]
            if task.state is TaskState.ACCEPTED:
                self._dispatcher.leave_queue(name, stream)
                return await self._repository.end_without_effect(task, reason, by)
        if task.state is TaskState.DISPATCHED and (published := self.published.get(name)):
            # The engine's `run` returns with the outcome, and that ends the task.
            proved = await published.engine.cancel(stream)
            if not proved and published.contract.can_cancel == "running":
                await published.engine.halt(stream, "safe_stop")
        return self._repository.task(stream)

    async def revoked(self, stream: str, reasons: Sequence[Explanation]) -> Task:
        """The right to a task has lapsed: an agreement, mandate, key or member it stood on is gone. Once is enough.

        One that waits is refused with the reasons. For one that runs it is recorded (`task.revoked`) and then done what
        its contract's `on_revoked` says: `finish` lets it end, `safe_stop` asks it to reach its safe state, `abort`
        ends it when its grace is over; after a restart of this site it is done again. One that is uncertain or over
        stays as it is. Whether what comes of it may be released is decided when it ends, as always.

        Raises:
            NotFound: no such task.
        """
        async with self._repository.lock(stream):
            task = self._repository.task(stream)
            name = split_capability(task.asked().capability)[1]
            published = self.published.get(name)
            if task.state is TaskState.ACCEPTED:
                self._dispatcher.leave_queue(name, stream)
                return await self._repository.finish(
                    task, tasks.REFUSED, TaskState.REFUSED, None, Amounts(), reasons=tuple(reasons), by=self.site
                )
            if task.state is not TaskState.DISPATCHED or task.revoked or published is None:
                return task
            body = {"reasons": [reason.model_dump(mode="json") for reason in reasons]}
            draft = Draft(tasks.REVOKED, {"how": published.contract.on_revoked}, body)
            task = await self._repository.append(task, draft)
        await self._dispatcher.halt(task, published)
        return task

    async def decline(self, home: str, key: str, reason: Explanation, by: str) -> Task:
        """A person says no to a task that waits; it ends as refused, and nothing was done.

        Raises:
            NotFound: no such task.
            Conflict: it does not wait any more.
        """
        stream = task_stream(home, key)
        async with self._repository.lock(stream):
            task = self._repository.task(stream)
            if task.state is not TaskState.ACCEPTED:
                raise Conflict(f"task {key}", f"is {task.state} and waits for nobody", "nothing was changed")
            self._dispatcher.leave_queue(split_capability(task.asked().capability)[1], stream)
            return await self._repository.finish(
                task, tasks.REFUSED, TaskState.REFUSED, None, Amounts(), reasons=(reason,), by=by
            )

    def wake_all(self) -> None:
        """Something may have come for which tasks wait: an approval, a token."""
        self._dispatcher.wake_all()

    # -- uncertain ------------------------------------------------------------------------------------------------

    async def settle(self, home: str, key: str, effect: Effect, note: str, by: str) -> Task:
        """A person says what an uncertain task did. Its grant is settled by that.

        Raises:
            NotFound: no such task.
            Conflict: it is not uncertain.
            Invalid: the effect given is `unknown`, or the note says nothing.
        """
        if effect is Effect.UNKNOWN:
            raise Invalid("the effect", "unknown settles nothing", "say none or done")
        if not note.strip():
            raise Invalid("the note", "it is empty", "say what was found at the instrument")
        async with self._repository.lock(task_stream(home, key)):
            task = self._repository.task(task_stream(home, key))
            if task.state is not TaskState.UNCERTAIN:
                raise Conflict(f"task {key}", f"is {task.state}, not uncertain", "there is nothing to settle")
            outcome = Outcome.failed(effect, "settled_by_person", note)
            charged = Amounts() if effect is Effect.NONE else task.held
            return await self._repository.finish(task, tasks.ENDED, TaskState.ENDED, outcome, charged, by=by)

    async def resolve(self, stream: str, outcome: Outcome) -> None:
        """A device that remembers says what an uncertain task did, after all."""
        async with self._repository.lock(stream):
            task = self._repository.task(stream)
            contract = self._repository.contract_of(task)
            if task.state is TaskState.UNCERTAIN and contract and outcome.effect is not Effect.UNKNOWN:
                outcome = checked(outcome, contract, task.asked(), self.site)
                charged = charge(task.held, contract, outcome)
                await self._repository.finish(task, tasks.ENDED, TaskState.ENDED, outcome, charged, by=self.site)

    async def acknowledge(self, home: str, key: str, by: str) -> Task:
        """A person has seen the notice of an uncertain task; it is not repeated any more."""
        stream = task_stream(home, key)
        async with self._repository.lock(stream):
            task = self._repository.task(stream)
            if task.state is not TaskState.UNCERTAIN:
                raise Conflict(f"task {key}", f"is {task.state}, not uncertain", "there is nothing to acknowledge")
            return await self._repository.append(task, Draft(tasks.ACKNOWLEDGED), actor=by)

    # -- the switch -----------------------------------------------------------------------------------------------

    async def hold(self, by: str, reason: str) -> None:
        """Start nothing new for anybody until `release`; what runs goes on."""
        await self._switch.engage("hold", by, reason)

    async def safe_stop(self, by: str, reason: str) -> None:
        """Hold, and bring what runs to its safe state."""
        await self._switch.engage("safe_stop", by, reason)

    async def abort(self, by: str, reason: str) -> None:
        """Hold, and end what runs now: asked first, and by force when the grace of its contract is over."""
        await self._switch.engage("abort", by, reason)

    async def release(self, by: str, reason: str) -> None:
        """Start work again after `hold`, `safe_stop` or `abort`."""
        await self._switch.release(by, reason)

    async def close_breaker(self, name: str, by: str, note: str) -> None:
        """A person has looked, and the capability works again."""
        if closing := self.breakers.close(name, by, note):
            await self.ledger.append(closing)
        self._dispatcher.pump(name)

    @property
    def held(self) -> bool:
        """Whether the switch is thrown."""
        return self._dispatcher.held

    @property
    def switch(self) -> StopLevel:
        """How it is thrown; empty while it is not."""
        return self._switch.word

    # -- parts ----------------------------------------------------------------------------------------------------

    def task(self, stream: str) -> Task:
        """One task by its stream.

        Raises:
            NotFound: no such task.
        """
        return self._repository.task(stream)

    def forget(self, stream: str) -> None:
        """Fold a task anew: bodies of its entries were erased."""
        self._repository.forget(stream)

    def block_while(self, why: Callable[[], object]) -> Callable[[], None]:
        """Start nothing while `why` says something; call what is returned when it no longer does."""
        self._dispatcher.blocked = why
        return self._dispatcher.pump_all

    def contract_of(self, task: Task) -> Contract | None:
        """The contract of what a task asks; None where it is no longer published."""
        return self._repository.contract_of(task)

    @property
    def progress(self) -> Mapping[str, Progress]:
        """How far what runs is, by task."""
        return self._dispatcher.progress

    @property
    def trouble(self) -> str:
        """What could not be recorded last; empty while all goes well."""
        return self._dispatcher.trouble

    def _moved(self, task: Task) -> None:
        self.changed(task)

    def status(self, name: str) -> dict[str, Any]:
        """How busy a capability is."""
        published = self.published[name]
        return {
            "waiting": self._dispatcher.waiting(name),
            "running": self._dispatcher.running(name),
            "held": self._dispatcher.held,
            "breaker": self.breakers.why_open(name),
            "engine": published.engine.statistics(),
        }

"""The owner's side of a task: decide, hold, record, decide again, dispatch, record, settle, release, report.

Everything is recorded before it happens. What is known about a task is its fold; this class does the I/O around it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import Engine, Outcome, Progress, Work
from yosegi.core.errors import Conflict, Invalid, NotFound, Unavailable
from yosegi.core.ids import split_capability
from yosegi.core.states import Effect, Result, TaskState
from yosegi.governance.decision import Decision
from yosegi.governance.explanation import explained, why
from yosegi.governance.grant import GrantExceeded
from yosegi.governance.question import Action
from yosegi.governance.registry import Registry
from yosegi.ledger import Draft, Entry, Ledger, Write
from yosegi.runner import tasks
from yosegi.runner.breaker import Breakers
from yosegi.runner.reporting import Reporter
from yosegi.runner.tasks import Task, fold, task_stream
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Cancel, Explanation, Request
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.owner")

AGAIN_AFTER = 1.0
"""Seconds until something that could not be recorded is tried again."""


@dataclass(frozen=True, slots=True)
class Published:
    """A capability as it runs here: its contract, the engine that does the work, and how many tasks at once."""

    contract: Contract
    engine: Engine
    slots: int = 1


class Law(Protocol):
    """What the owner asks of governance: decisions, and which grant pays."""

    def decide(self, action: Action, request: Request, contract: Contract) -> Decision:
        """May this request be accepted, dispatched, or its result released?"""
        ...

    def hold(self, request: Request, cost: Amounts, task: str) -> Write | None:
        """The write that holds the cost from the team's grant; None where nothing is held.

        Raises:
            GrantExceeded: no grant of the team covers it.
        """
        ...

    def settle(self, task: Task, effect: Effect, charged: Amounts) -> Write | None:
        """The write that ends what was held, by effect; None where nothing was."""
        ...


@dataclass
class Owner:
    """Runs what others ask of this site.

    Args:
        published: capabilities by name and version.
        posted: told of entries that send something.
        changed: told of each task whose state moved.
        most_open: tasks that one team may have waiting and running here at once.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    law: Law
    published: Mapping[str, Published]
    directory: Registry
    posted: Callable[[Sequence[Entry]], None]
    changed: Callable[[Task], None] = lambda task: None
    most_open: int = 1000
    _queues: dict[str, deque[str]] = field(default_factory=dict)
    _running: dict[str, set[str]] = field(default_factory=dict)
    _work: set[asyncio.Task[None]] = field(default_factory=set)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _held: bool = False
    _reporter: Reporter = field(init=False)
    breakers: Breakers = field(init=False)
    progress: dict[str, Progress] = field(default_factory=dict)
    trouble: str = ""

    def __post_init__(self) -> None:
        self._reporter = Reporter(self.site, self.signer, self.clock)
        self.breakers = Breakers(self.site, self.ledger)

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up every task where it was left: queued ones wait again, started ones are reconciled."""
        self.breakers.start()
        switch = self.ledger.read("owner/switch")
        self._held = bool(switch) and switch[-1].facts["held"]
        rows = self.ledger.query("SELECT stream FROM task WHERE state IN ('accepted', 'dispatched') ORDER BY first")
        for row in rows:
            task = self.task(row["stream"])
            if task.state is TaskState.DISPATCHED:
                await self._reconcile(task)
            else:
                self._queue(task)
        self._pump_all()

    async def close(self) -> None:
        """Stop watching; engines keep or end their processes by their own rule."""
        for work in list(self._work):
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    async def _reconcile(self, task: Task) -> None:
        """After a restart: what was dispatched may have run. Ask who remembers; never repeat what must not be."""
        published = self.published.get(split_capability(task.asked().capability)[1])
        if published is None:
            await self._uncertain(task, "capability_gone")
        elif published.engine.remembers:
            self._begin(task, published)
        elif published.contract.effect.repeatable:
            task = await self._append(task, Draft(tasks.DISPATCHED, {"attempt": task.attempt + 1}))
            self._begin(task, published)
        else:
            await self._uncertain(task, "interrupted")

    # -- what arrives ---------------------------------------------------------------------------------------------

    async def on_request(self, charter: str, sender: str, envelope: Envelope, receipt: dict[str, Any] | None) -> None:
        """Verify, decide, hold and record a request; start it if there is room. Returns when it is durable.

        Raises:
            Invalid: not for this site, out of date, not signed by the sender's keys.
            Conflict: its key was used before for another request.
        """
        keys = self.directory.keys_of(charter, sender)
        request = Request.open(envelope, keys, now=self.clock.now(), to=self.site, charter=charter, sender=sender)
        stream = task_stream(sender, request.key)
        async with self._lock(stream):
            known = fold(stream, self.ledger.read(stream))
            if known.state is not TaskState.NEW:
                if known.request_digest != envelope.payload_digest:
                    raise Conflict(f"key {request.key}", "was used before for another request", "use a new key")
                return
            await self._consider(known, request, envelope, receipt)

    async def _consider(self, task: Task, request: Request, envelope: Envelope, receipt: dict[str, Any] | None) -> None:
        site, name = split_capability(request.capability)
        published = self.published.get(name) if site == self.site else None
        facts = {
            "team": request.team,
            "capability": request.capability,
            "request": envelope.payload_digest,
            "campaign": request.campaign or "",
            "by": request.on_behalf_of,
        }
        body: dict[str, Any] = {"request": envelope.model_dump(mode="json"), "receipt": receipt}
        refusal = self._unfit(request, published, name)
        if published is None or refusal is not None:
            reason = refusal or explained("unknown_capability", capability=name)
            await self._refuse(task, request, (reason,), facts, body)
            return
        if refusal := self._too_much(request, name):
            await self._refuse(task, request, (refusal,), facts, body)
            return
        decision = self.law.decide("accept", request, published.contract)
        body["decision"] = decision.model_dump(mode="json", exclude_none=True)
        if not decision.allow:
            await self._refuse(task, request, why(decision), facts, body)
            return
        try:
            hold = self.law.hold(request, published.contract.cost, task.stream)
        except GrantExceeded as error:
            await self._refuse(task, request, (_exceeded(error),), facts, body)
            return
        await self._accept(task, request, published, hold, facts, body)

    def _unfit(self, request: Request, published: Published | None, name: str) -> Explanation | None:
        """What is wrong with a request before any policy is asked."""
        if published is None:
            return explained("unknown_capability", capability=name)
        if request.contract != published.contract.digest:
            return explained("contract_changed", capability=name)
        try:
            published.contract.check_inputs(request.inputs)
        except Invalid as error:
            return explained("bad_inputs", why=str(error))
        return None

    def _too_much(self, request: Request, name: str) -> Explanation | None:
        """Why nothing more is taken now, whoever asks: an open breaker, or a team with too much under way."""
        if opened := self.breakers.why_open(name):
            return explained("breaker_open", capability=name, why=opened, contact=f"operator@{self.site}")
        row = self.ledger.query(
            "SELECT COUNT(*) AS open FROM task WHERE state IN ('accepted', 'dispatched') AND team = ?", (request.team,)
        )
        if row[0]["open"] >= self.most_open:
            return explained("too_many_open", team=request.team, most=str(self.most_open))
        return None

    async def _accept(
        self,
        task: Task,
        request: Request,
        published: Published,
        hold: Write | None,
        facts: dict[str, Any],
        body: dict[str, Any],
    ) -> None:
        name = published.contract.name
        if hold is not None:
            facts |= {"grant": hold.drafts[0].facts["grant"], "held": dict(published.contract.cost)}
        drafts = [Draft(tasks.ACCEPTED, facts, body)]
        # A task that can start at once costs one commit: the decision just made is the one before dispatch too.
        at_once = self._room(name) and not self._queues.get(name)
        if at_once:
            decision = self.law.decide("dispatch", request, published.contract)
            at_once = decision.allow
            if at_once:
                drafts.append(
                    Draft(
                        tasks.DISPATCHED,
                        {"attempt": 1},
                        {"decision": decision.model_dump(mode="json", exclude_none=True)},
                    )
                )
                self._running.setdefault(name, set()).add(task.stream)
        quick = at_once and published.contract.effect.repeatable
        if not quick:
            task_after = TaskState.DISPATCHED if at_once else TaskState.ACCEPTED
            drafts[-1] = self._reporter.attach(drafts[-1], request, task_after, published.contract)
        others = () if hold is None else (hold,)
        try:
            task = await self._append(task, *drafts, request=request, others=others)
        except GrantExceeded as error:
            # Somebody else took the rest between the look and the write; the guard in the transaction is the truth.
            self._leave(name, task.stream)
            facts = {key: value for key, value in facts.items() if key not in ("grant", "held")}
            await self._refuse(task, request, (_exceeded(error),), facts, body)
            return
        except BaseException:
            self._leave(name, task.stream)
            raise
        if at_once:
            self._begin(task, published)
        else:
            self._queue(task)
            self._pump(name)

    async def _refuse(
        self, task: Task, request: Request, reasons: Sequence[Explanation], facts: dict[str, Any], body: dict[str, Any]
    ) -> None:
        body = body | {"reasons": [reason.model_dump(mode="json") for reason in reasons]}
        draft = Draft(tasks.REFUSED, facts, body)
        published = self.published.get(split_capability(request.capability)[1])
        contract = published.contract if published else None
        draft = self._reporter.attach(draft, request, TaskState.REFUSED, contract, reasons=tuple(reasons))
        await self._append(task, draft, request=request)

    async def on_cancel(self, charter: str, sender: str, envelope: Envelope) -> None:
        """Take a request back: proved where possible, told honestly where not.

        Raises:
            Unavailable: the request has not arrived yet.
        """
        keys = self.directory.keys_of(charter, sender)
        cancel = Cancel.open(envelope, keys, now=self.clock.now(), to=self.site, charter=charter, sender=sender)
        if not self.ledger.read(task_stream(sender, cancel.key)):
            raise Unavailable(f"task {cancel.key}", "its request has not arrived yet")
        await self.cancel(sender, cancel.key, cancel.reason, by=sender)

    async def cancel(self, home: str, key: str, reason: str, by: str) -> Task:
        """Cancel a task. One that waits ends at once; one that runs ends only if its engine proves it did nothing."""
        stream = task_stream(home, key)
        async with self._lock(stream):
            task = self.task(stream)
            name = split_capability(task.asked().capability)[1]
            if task.state is TaskState.ACCEPTED:
                if stream in self._queues.get(name, ()):
                    self._queues[name].remove(stream)
                return await self._end_without_effect(task, reason, by)
        if task.state is TaskState.DISPATCHED and (published := self.published.get(name)):
            # The engine's `run` returns with the outcome, and that ends the task.
            await published.engine.cancel(stream)
        return self.task(stream)

    async def _end_without_effect(self, task: Task, reason: str, by: str) -> Task:
        outcome = Outcome.failed(Effect.NONE, "cancelled", reason)
        return await self._finish(task, tasks.CANCELLED, TaskState.CANCELLED, outcome, Amounts(), by=by)

    # -- dispatch -------------------------------------------------------------------------------------------------

    def _queue(self, task: Task) -> None:
        self._queues.setdefault(split_capability(task.asked().capability)[1], deque()).append(task.stream)

    def _room(self, name: str) -> bool:
        return not (self._held or self.breakers.why_open(name)) and (
            len(self._running.get(name, ())) < self.published[name].slots
        )

    def _leave(self, name: str, stream: str) -> None:
        self._running.get(name, set()).discard(stream)

    def _pump_all(self) -> None:
        for name in list(self._queues):
            self._pump(name)

    def _pump(self, name: str) -> None:
        queue = self._queues.get(name)
        while queue and self._room(name):
            stream = queue.popleft()
            self._running.setdefault(name, set()).add(stream)
            self._spawn(self._dispatch(name, stream))

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
            self._leave(name, stream)
            self._pump(name)
        else:
            self._begin(started, self.published[name])

    async def _commit_to(self, name: str, stream: str) -> Task | None:
        """Decide once more and commit durably; only then may the engine begin. None if it may not."""
        async with self._lock(stream):
            task = self.task(stream)
            published = self.published.get(name)
            if task.state is not TaskState.ACCEPTED:
                return None
            reasons = self._lapsed(task, published)
            if published is None or reasons:
                await self._finish(
                    task, tasks.REFUSED, TaskState.REFUSED, None, Amounts(), reasons=reasons, by=self.site
                )
                return None
            decision = self.law.decide("dispatch", task.asked(), published.contract)
            draft = Draft(
                tasks.DISPATCHED, {"attempt": 1}, {"decision": decision.model_dump(mode="json", exclude_none=True)}
            )
            if not published.contract.effect.repeatable:
                draft = self._reporter.attach(draft, task.asked(), TaskState.DISPATCHED, published.contract)
            return await self._append(task, draft)

    def _lapsed(self, task: Task, published: Published | None) -> tuple[Explanation, ...]:
        """Why a task that was accepted may no longer start; empty if it may."""
        request = task.asked()
        if published is None or request.contract != published.contract.digest:
            return (explained("contract_changed", capability=request.capability),)
        if self.clock.now() > request.not_after:
            return (explained("document_expired", until=request.not_after.isoformat()),)
        decision = self.law.decide("dispatch", request, published.contract)
        return () if decision.allow else why(decision)

    def _begin(self, task: Task, published: Published) -> None:
        self._running.setdefault(published.contract.name, set()).add(task.stream)
        self._spawn(self._carry_out(task, published))

    async def _carry_out(self, task: Task, published: Published) -> None:
        contract, request = published.contract, task.asked()
        work = Work(
            key=task.stream,
            capability=contract.name,
            inputs=request.inputs,
            time_limit=contract.time_limit,
            effect=contract.effect,
            attempt=task.attempt,
        )
        outcome = self._checked(await published.engine.run(work, self._progressed), contract)
        self.progress.pop(task.stream, None)
        while True:
            try:
                await self._learn(task.stream, outcome, contract)
                return
            except Unavailable as error:
                # A full disk: only this process knows the outcome now, so it waits for room with it.
                self.trouble = str(error)
                await self.clock.sleep(AGAIN_AFTER)

    async def _learn(self, stream: str, outcome: Outcome, contract: Contract) -> None:
        """Record what an engine returned."""
        async with self._lock(stream):
            task = self.task(stream)
            if task.state.final:
                return
            if opening := self.breakers.note(contract.name, outcome):
                await self.ledger.append(opening)
            if outcome.effect is Effect.UNKNOWN:
                if task.state is TaskState.DISPATCHED:
                    await self._uncertain(task, outcome.reason, outcome.message)
            elif outcome.reason == "cancelled" and outcome.effect is Effect.NONE:
                await self._end_without_effect(task, outcome.message, self.site)
            else:
                charged = self._charge(task, contract, outcome)
                await self._finish(task, tasks.ENDED, TaskState.ENDED, outcome, charged, by=self.site)

    def _progressed(self, progress: Progress) -> None:
        self.progress[progress.key] = progress

    def _checked(self, outcome: Outcome, contract: Contract) -> Outcome:
        """What an engine returned, held against the contract: rubbish is a failed task."""
        if outcome.result is not Result.VALID:
            return outcome
        try:
            contract.check_outputs(outcome.outputs or {})
        except (Invalid, ValueError, TypeError) as error:
            return Outcome.failed(outcome.effect, "bad_output", str(error), invalid=True)
        return outcome

    def _charge(self, task: Task, contract: Contract, outcome: Outcome) -> Amounts:
        """Actual cost by effect: nothing where nothing happened, never more than was held."""
        if outcome.effect is Effect.NONE:
            return Amounts()
        spent = contract.cost if outcome.spent is None else outcome.spent
        return Amounts({unit: min(amount, task.held[unit]) for unit, amount in spent.items()})

    # -- uncertain ------------------------------------------------------------------------------------------------

    async def _uncertain(self, task: Task, code: str, message: str = "") -> None:
        reasons = (explained("effect_unknown", why=f"{code} {message}".strip()),)
        draft = Draft(
            tasks.UNCERTAIN,
            {"effect": str(Effect.UNKNOWN), "reason": code},
            {"reasons": [reason.model_dump(mode="json") for reason in reasons], "message": message},
        )
        contract = self._contract(task)
        draft = self._reporter.attach(draft, task.asked(), TaskState.UNCERTAIN, contract, reasons=reasons)
        await self._append(task, draft)
        self._free(task)

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
        async with self._lock(task_stream(home, key)):
            task = self.task(task_stream(home, key))
            if task.state is not TaskState.UNCERTAIN:
                raise Conflict(f"task {key}", f"is {task.state}, not uncertain", "there is nothing to settle")
            outcome = Outcome.failed(effect, "settled_by_person", note)
            charged = Amounts() if effect is Effect.NONE else task.held
            return await self._finish(task, tasks.ENDED, TaskState.ENDED, outcome, charged, by=by)

    async def resolve(self, stream: str, outcome: Outcome) -> None:
        """A device that remembers says what an uncertain task did, after all."""
        async with self._lock(stream):
            task = self.task(stream)
            contract = self._contract(task)
            if task.state is TaskState.UNCERTAIN and contract and outcome.effect is not Effect.UNKNOWN:
                outcome = self._checked(outcome, contract)
                charged = self._charge(task, contract, outcome)
                await self._finish(task, tasks.ENDED, TaskState.ENDED, outcome, charged, by=self.site)

    async def acknowledge(self, home: str, key: str, by: str) -> Task:
        """A person has seen the notice of an uncertain task; it is not repeated any more."""
        stream = task_stream(home, key)
        async with self._lock(stream):
            task = self.task(stream)
            if task.state is not TaskState.UNCERTAIN:
                raise Conflict(f"task {key}", f"is {task.state}, not uncertain", "there is nothing to acknowledge")
            return await self._append(task, Draft(tasks.ACKNOWLEDGED), actor=by)

    # -- the switch -----------------------------------------------------------------------------------------------

    async def hold(self, by: str, reason: str) -> None:
        """Start nothing new for anybody until `release`; what runs goes on."""
        self._held = True
        await self._record_switch(True, by, reason)

    async def safe_stop(self, by: str, reason: str) -> None:
        """Hold, and bring what runs to its safe state."""
        self._held = True
        engines = {id(published.engine): published.engine for published in self.published.values()}
        await asyncio.gather(*(engine.safe_stop() for engine in engines.values()))
        await self._record_switch(True, by, reason)

    async def release(self, by: str, reason: str) -> None:
        """Start work again after `hold` or `safe_stop`."""
        engines = {id(published.engine): published.engine for published in self.published.values()}
        await asyncio.gather(*(engine.resume() for engine in engines.values()))
        self._held = False
        await self._record_switch(False, by, reason)
        self._pump_all()

    async def close_breaker(self, name: str, by: str, note: str) -> None:
        """A person has looked, and the capability works again."""
        if closing := self.breakers.close(name, by, note):
            await self.ledger.append(closing)
        self._pump(name)

    @property
    def held(self) -> bool:
        """Whether the switch is thrown."""
        return self._held

    async def _record_switch(self, held: bool, by: str, reason: str) -> None:
        draft = Draft("owner.switch", {"held": held}, {"reason": reason})
        await self.ledger.append(Write("owner/switch", None, (draft,), charter="", actor=by))

    # -- parts ----------------------------------------------------------------------------------------------------

    def task(self, stream: str) -> Task:
        """One task by its stream.

        Raises:
            NotFound: no such task.
        """
        entries = self.ledger.read(stream)
        if not entries:
            raise NotFound("task", stream)
        return fold(stream, entries)

    def status(self, name: str) -> dict[str, Any]:
        """How busy a capability is."""
        published = self.published[name]
        return {
            "waiting": len(self._queues.get(name, ())),
            "running": len(self._running.get(name, ())),
            "held": self._held,
            "breaker": self.breakers.why_open(name),
            "engine": published.engine.statistics(),
        }

    def _contract(self, task: Task) -> Contract | None:
        published = self.published.get(split_capability(task.asked().capability)[1])
        return published.contract if published else None

    async def _finish(
        self,
        task: Task,
        kind: str,
        state: TaskState,
        outcome: Outcome | None,
        charged: Amounts,
        *,
        reasons: tuple[Explanation, ...] = (),
        by: str,
    ) -> Task:
        """Record the end, settle the grant and report, in one commit."""
        contract, request = self._contract(task), task.asked()
        if outcome is not None and contract is not None and outcome.outputs:
            release = self.law.decide("release", request, contract)
            if not release.allow:
                reasons, outcome = why(release), outcome.model_copy(update={"outputs": None})
        facts: dict[str, Any] = {"charged": dict(charged)}
        body: dict[str, Any] = {"reasons": [reason.model_dump(mode="json") for reason in reasons]}
        if outcome is not None:
            facts |= {"effect": str(outcome.effect), "result": str(outcome.result)}
            body["outcome"] = outcome.model_dump(mode="json", exclude_none=True)
        draft = self._reporter.attach(
            Draft(kind, facts, body), request, state, contract, reasons=reasons, outcome=outcome, charged=charged
        )
        effect = Effect.NONE if outcome is None else outcome.effect
        settle = self.law.settle(task, effect, charged)
        task = await self._append(task, draft, others=() if settle is None else (settle,), actor=by)
        self._free(task)
        return task

    def _free(self, task: Task) -> None:
        name = split_capability(task.asked().capability)[1]
        self._leave(name, task.stream)
        self._pump(name)

    async def _append(
        self, task: Task, *drafts: Draft, request: Request | None = None, others: Sequence[Write] = (), actor: str = ""
    ) -> Task:
        asked = request or task.asked()
        write = Write(
            task.stream,
            task.position,
            drafts,
            charter=asked.charter,
            actor=actor or self.site,
            on_behalf_of=asked.on_behalf_of,
        )
        entries = await self.ledger.append(write, *others)
        self.posted(entries)
        for entry in entries:
            if entry.stream == task.stream:
                task = task.follow(entry)
        self.changed(task)
        if task.state.final:
            self._locks.pop(task.stream, None)
        return task

    def _lock(self, stream: str) -> asyncio.Lock:
        return self._locks.setdefault(stream, asyncio.Lock())

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


def _exceeded(error: GrantExceeded) -> Explanation:
    return explained("grant_exceeded", **{name: str(value) for name, value in error.fields.items()})

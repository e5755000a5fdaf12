"""The owner's record of its tasks: every change of a task's state is one commit, made here.

A commit settles the grant and signs the report in the same append, so neither can be lost or happen alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakValueDictionary

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict, Invalid, NotFound
from yosegi.core.events import Events
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.identifiers import split_capability
from yosegi.core.object import ObjectRef, refs
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, TaskState
from yosegi.data.entries import naming
from yosegi.execution import tasks
from yosegi.execution.charging import CheckedOutcome, charge, checked, follows, without_instrument_time
from yosegi.execution.events import TaskChanged
from yosegi.execution.ports import AuthorizationPort, Published, recorded
from yosegi.execution.reporting import Reporter
from yosegi.execution.tasks import Task, fold, task_stream
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Draft, Entry, Ledger, Overtaken, Write
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Request

SampleEntries = Callable[[Task, TaskState, Outcome | None, Contract | None], Sequence[Write]]
"""What is to be recorded of samples when a task comes into a state, with its outcome, by its contract."""
MOST_TRIES = 8
"""How often the end of a task is recorded while people say things of its samples at the same moment."""
log = logging.getLogger("yosegi.tasks")


@dataclass
class TaskRepository:
    """Reads and writes tasks.

    Args:
        published: capabilities by name and version.
        posted: told of entries that send something.
        events: told of each task of which more is on record (`TaskChanged`).
        samples: what is recorded of samples in the commit by which a task is over or uncertain.
    """

    site: str
    ledger: Ledger
    authorizer: AuthorizationPort
    published: Mapping[str, Published]
    reporter: Reporter
    posted: Callable[[Sequence[Entry]], None]
    events: Events
    samples: SampleEntries
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """Held or waited for now: a peer's requests that leave nothing else must not leave these."""
    _folds: FifoCache[str, Task] = field(default_factory=lambda: FifoCache(1024))

    def __repr__(self) -> str:
        return f"<tasks of {self.site}: {len(self.published)} capabilities>"

    # -- reading --------------------------------------------------------------------------------------------------

    def task(self, stream: str) -> Task:
        """One task by its stream.

        Raises:
            NotFound: no such task.
        """
        task = self.find(stream)
        if task.position == 0:
            raise NotFound("task", stream)
        return task

    def find(self, stream: str) -> Task:
        """The task of a stream; a new one if there is none.

        One that was written to lately is at hand: nobody else writes to it, and an append says which it was made for.
        """
        known = self._folds.get(stream)
        if known is not None:
            return known
        task = fold(stream, self.ledger.read(stream))
        contract = None if task.request is None or task.state is TaskState.REFUSED else self.contract_of(task)
        return task if contract is None else replace(task, objects=refs(contract.inputs, task.asked().inputs))

    def forget(self, stream: str) -> None:
        """Fold a task anew when it is asked for: bodies of its entries were erased."""
        self._folds.drop(stream)

    def published_for(self, request: Request) -> Published | None:
        """What a request asks for, as it runs here; None where it does not, or another site is meant."""
        site, name = split_capability(request.capability)
        return self.published.get(name) if site == self.site else None

    def contract_of(self, task: Task) -> Contract | None:
        """The contract of what a task asks; None where it is no longer published."""
        published = self.published_for(task.asked())
        return published.contract if published else None

    def contract_on_record(self, task: Task) -> Contract | None:
        """The contract of what a task asks as it was last published here, whether or not it still is."""
        request = task.asked()
        entries = self.ledger.read(f"capability/{split_capability(request.capability)[1]}")
        bodies = [entry.body for entry in entries if entry.body is not None and "contract" in entry.body]
        found = Contract.read(bodies[-1]["contract"]) if bodies else None
        return found if found is not None and found.digest == request.contract else None

    def lock(self, stream: str) -> asyncio.Lock:
        """Held while a task is read, decided and written."""
        return self._locks.setdefault(stream, asyncio.Lock())

    # -- writing --------------------------------------------------------------------------------------------------

    async def append(
        self,
        task: Task,
        *drafts: Draft,
        request: Request | None = None,
        objects: Mapping[str, ObjectRef] | None = None,
        others: Sequence[Write] = (),
        actor: str = "",
    ) -> Task:
        """Append to a task's stream, with others in the same commit; send what it sends.

        With a task's first entries come its request and the objects among its inputs.

        Raises:
            Conflict: somebody else wrote to the stream since it was folded.
        """
        asked = request or task.asked()
        write = Write(
            task.stream,
            task.position,
            drafts,
            charter=asked.charter,
            actor=actor or self.site,
            on_behalf_of=asked.on_behalf_of,
        )
        try:
            entries = await self.ledger.append(write, *others)
        except Conflict:
            self._folds.drop(task.stream)
            raise
        self.posted(entries)
        for entry in entries:
            if entry.stream == task.stream:
                task = task.follow(entry)
                log.info("%s: %s, %s", task.stream, task.state, asked.capability)
        if objects is not None:
            task = replace(task, objects=objects)
        self._folds.put(task.stream, task)
        self.events.publish(TaskChanged(task))
        return task

    async def finish(
        self,
        task: Task,
        state: TaskState,
        end: CheckedOutcome | None,
        charged: Amounts,
        *,
        reasons: tuple[Explanation, ...] = (),
        refused: Decision | None = None,
        by: str = "",
    ) -> Task:
        """Record the end, settle the grant and report, in one commit; `refused` is the decision that ends it."""
        contract, request, outcome = self.contract_of(task), task.asked(), end.outcome if end else None
        reasons = reasons or task.lapsed
        # The reservation pays for the time on the instrument; nothing is charged twice.
        charged = without_instrument_time(charged) if task.reservation else charged
        # What is withheld is named, too, so that its owner keeps it.
        made: Mapping[str, ObjectRef] = end.objects if end else {}
        facts: dict[str, Any] = {"charged": dict(charged)} | naming(made) | ({"team": request.team} if made else {})
        body: dict[str, Any] = {} if refused is None else recorded(self.authorizer, refused)
        if outcome is not None and contract is not None and outcome.outputs:
            release = self.authorizer.decide("release", request, contract, task.objects.values())
            facts["released"] = release.allow
            body |= recorded(self.authorizer, release)
            if not release.allow:
                reasons, outcome = why(release), outcome.model_copy(update={"outputs": None})
        body["reasons"] = [reason.model_dump(mode="json") for reason in reasons]
        if outcome is not None:
            facts |= {"effect": str(outcome.effect), "result": str(outcome.result)}
            body["outcome"] = outcome.model_dump(mode="json", exclude_none=True)
        draft = self.reporter.attach(
            Draft(_ENTRY[state], facts, body), request, state, contract,
            reasons=reasons, outcome=outcome, charged=charged, decided=task.decided,
            calibration=task.calibration,
        )  # fmt: skip
        settle = self.authorizer.settle(task, Effect.NONE if outcome is None else outcome.effect, charged)
        made_here = None if end is None else end.outcome
        return await self._append_with_samples(
            task, draft, state, made_here, others=() if settle is None else (settle,), actor=by
        )

    async def _append_with_samples(
        self, task: Task, draft: Draft, state: TaskState, outcome: Outcome | None, *, others: Sequence[Write] = (),
        actor: str = "",
    ) -> Task:  # fmt: skip
        """Append what a task comes to, and what that means for samples; again if those were written to meanwhile."""
        contract = self.contract_of(task)
        for left in reversed(range(MOST_TRIES)):
            samples = self.samples(task, state, outcome, contract)
            try:
                return await self.append(task, draft, others=(*others, *samples), actor=actor)
            except Overtaken as error:
                if not left or not any(error.stream == write.stream for write in samples):
                    raise
        raise AssertionError("the last try returns or raises")

    async def refuse(
        self, task: Task, reasons: tuple[Explanation, ...], decision: Decision | None = None, by: str = ""
    ) -> Task:
        """Record that a task that waits is refused after all; its grant is refunded."""
        return await self.finish(task, TaskState.REFUSED, None, Amounts(), reasons=reasons, refused=decision, by=by)

    async def end_without_effect(self, task: Task, reason: str, by: str = "") -> Task:
        """Record that a task was cancelled and did nothing; its grant is refunded."""
        end = CheckedOutcome(Outcome.failed(Effect.NONE, OutcomeCode.CANCELLED, reason))
        return await self.finish(task, TaskState.CANCELLED, end, Amounts(), by=by)

    async def capability_gone(self, task: Task) -> None:
        """Record that a task ran here when the site ended, and that what it asks is published here no more.

        Work that may be repeated is failed without effect, and may be asked for elsewhere; of any other nobody knows
        what it did.
        """
        contract = self.contract_on_record(task)
        if contract is None or not contract.effect.repeatable:
            await self.uncertain(task, OutcomeCode.CAPABILITY_GONE)
            return
        gone = f"{contract.name} was taken out of the settings of {self.site} while it ran"
        end = CheckedOutcome(Outcome.failed(Effect.NONE, OutcomeCode.CAPABILITY_GONE, f"{gone}; ask elsewhere"))
        await self.finish(task, TaskState.ENDED, end, Amounts())

    async def uncertain(self, task: Task, code: str, message: str = "") -> None:
        """Record that nobody knows what a task did, and report it."""
        reasons = (explained("effect_unknown", why=f"{code} {message}".strip()),)
        draft = Draft(
            tasks.UNCERTAIN,
            {"effect": str(Effect.UNKNOWN), "reason": str(code)},
            {"reasons": [reason.model_dump(mode="json") for reason in reasons], "message": message},
        )
        contract = self.contract_of(task)
        draft = self.reporter.attach(
            draft, task.asked(), TaskState.UNCERTAIN, contract, reasons=reasons, decided=task.decided,
            calibration=task.calibration,
        )  # fmt: skip
        await self._append_with_samples(task, draft, TaskState.UNCERTAIN, None)

    async def end(self, task: Task, end: CheckedOutcome, contract: Contract) -> None:
        """Record what an engine's outcome leads to."""
        outcome = end.outcome
        match follows(task, outcome):
            case TaskState.UNCERTAIN:
                await self.uncertain(task, outcome.reason, outcome.message)
            case TaskState.CANCELLED:
                await self.end_without_effect(task, outcome.message)
            case TaskState.ENDED:
                await self.finish(task, TaskState.ENDED, end, charge(task.held, contract, outcome))

    # -- uncertain tasks ------------------------------------------------------------------------------------------

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
        async with self.lock(task_stream(home, key)):
            task = self.task(task_stream(home, key))
            if task.state is not TaskState.UNCERTAIN:
                raise Conflict(f"task {key}", f"is {task.state}, not uncertain", "there is nothing to settle")
            end = CheckedOutcome(Outcome.failed(effect, OutcomeCode.SETTLED_BY_PERSON, note))
            charged = Amounts() if effect is Effect.NONE else task.held
            return await self.finish(task, TaskState.ENDED, end, charged, by=by)

    async def resolve(self, stream: str, outcome: Outcome) -> None:
        """A device that remembers says late what an uncertain task did; anything else it says changes nothing.

        Raises:
            NotFound: no such task.
        """
        async with self.lock(stream):
            task = self.task(stream)
            contract = self.contract_of(task)
            if task.state is TaskState.UNCERTAIN and contract and outcome.effect is not Effect.UNKNOWN:
                end = checked(outcome, contract, task, self.site)
                await self.finish(task, TaskState.ENDED, end, charge(task.held, contract, end.outcome))

    async def acknowledge(self, home: str, key: str, by: str) -> Task:
        """A person has seen the notice of an uncertain task; it is not repeated any more.

        Raises:
            NotFound: no such task.
            Conflict: it is not uncertain.
        """
        stream = task_stream(home, key)
        async with self.lock(stream):
            task = self.task(stream)
            if task.state is not TaskState.UNCERTAIN:
                raise Conflict(f"task {key}", f"is {task.state}, not uncertain", "there is nothing to acknowledge")
            return await self.append(task, Draft(tasks.ACKNOWLEDGED), actor=by)


_ENTRY = {state: kind for kind, state in tasks.STATES.items()}
"""The type of the entry that leads to a state."""

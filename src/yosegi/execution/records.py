"""The owner's record of its tasks: every change of a task's state is one commit, made here.

A commit settles the grant and signs the report in the same append, so neither can be lost or happen alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict, NotFound
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.identifiers import split_capability
from yosegi.core.object import refs
from yosegi.core.states import Effect, TaskState
from yosegi.data.entries import naming
from yosegi.execution import tasks
from yosegi.execution.ports import AuthorizationPort, Published, recorded
from yosegi.execution.reporting import Reporter
from yosegi.execution.tasks import Task, fold
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Draft, Entry, Ledger, Write
from yosegi.trust.messages import Explanation, Request


@dataclass
class TaskRepository:
    """Reads and writes tasks.

    Args:
        published: capabilities by name and version.
        posted: told of entries that send something.
        changed: told of each task whose state moved.
        freed: told of each task that runs no more.
    """

    site: str
    ledger: Ledger
    authorizer: AuthorizationPort
    published: Mapping[str, Published]
    reporter: Reporter
    posted: Callable[[Sequence[Entry]], None]
    changed: Callable[[Task], None] = lambda task: None
    freed: Callable[[Task], None] = lambda task: None
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _folds: FifoCache[str, Task] = field(default_factory=lambda: FifoCache(1024))

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
        return fold(stream, self.ledger.read(stream)) if known is None else known

    def forget(self, stream: str) -> None:
        """Fold a task anew when it is asked for."""
        self._folds.drop(stream)

    def contract_of(self, task: Task) -> Contract | None:
        """The contract of what a task asks; None where it is no longer published."""
        published = self.published.get(split_capability(task.asked().capability)[1])
        return published.contract if published else None

    async def append(
        self, task: Task, *drafts: Draft, request: Request | None = None, others: Sequence[Write] = (), actor: str = ""
    ) -> Task:
        """Append to a task's stream, with others in the same commit; send what it sends.

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
        self._folds.put(task.stream, task)
        self.changed(task)
        if task.state.final:
            self._locks.pop(task.stream, None)
        return task

    async def finish(
        self,
        task: Task,
        kind: str,
        state: TaskState,
        outcome: Outcome | None,
        charged: Amounts,
        *,
        reasons: tuple[Explanation, ...] = (),
        refused: Decision | None = None,
        by: str,
    ) -> Task:
        """Record the end, settle the grant and report, in one commit; `refused` is the decision that ends it."""
        contract, request = self.contract_of(task), task.asked()
        reasons = reasons or task.lapsed
        # What is withheld is named, too, so that its owner keeps it.
        made = refs(contract.outputs, outcome.outputs) if outcome is not None and contract is not None else {}
        facts: dict[str, Any] = {"charged": dict(charged)} | naming(made) | ({"team": request.team} if made else {})
        body: dict[str, Any] = {} if refused is None else recorded(self.authorizer, refused)
        if outcome is not None and contract is not None and outcome.outputs:
            release = self.authorizer.decide(
                "release", request, contract, refs(contract.inputs, request.inputs).values()
            )
            facts["released"] = release.allow
            body |= recorded(self.authorizer, release)
            if not release.allow:
                reasons, outcome = why(release), outcome.model_copy(update={"outputs": None})
        body["reasons"] = [reason.model_dump(mode="json") for reason in reasons]
        if outcome is not None:
            facts |= {"effect": str(outcome.effect), "result": str(outcome.result)}
            body["outcome"] = outcome.model_dump(mode="json", exclude_none=True)
        draft = self.reporter.attach(
            Draft(kind, facts, body), request, state, contract,
            reasons=reasons, outcome=outcome, charged=charged, decided=task.decided,
        )  # fmt: skip
        effect = Effect.NONE if outcome is None else outcome.effect
        settle = self.authorizer.settle(task, effect, charged)
        task = await self.append(task, draft, others=() if settle is None else (settle,), actor=by)
        self.freed(task)
        return task

    async def end_without_effect(self, task: Task, reason: str, by: str) -> Task:
        """Record that a task was cancelled and did nothing; its grant is refunded."""
        outcome = Outcome.failed(Effect.NONE, "cancelled", reason)
        return await self.finish(task, tasks.CANCELLED, TaskState.CANCELLED, outcome, Amounts(), by=by)

    async def uncertain(self, task: Task, code: str, message: str = "") -> None:
        """Record that nobody knows what a task did, and report it."""
        reasons = (explained("effect_unknown", why=f"{code} {message}".strip()),)
        draft = Draft(
            tasks.UNCERTAIN,
            {"effect": str(Effect.UNKNOWN), "reason": code},
            {"reasons": [reason.model_dump(mode="json") for reason in reasons], "message": message},
        )
        contract = self.contract_of(task)
        draft = self.reporter.attach(
            draft, task.asked(), TaskState.UNCERTAIN, contract, reasons=reasons, decided=task.decided
        )
        await self.append(task, draft)
        self.freed(task)

    def lock(self, stream: str) -> asyncio.Lock:
        """Held while a task is read, decided and written."""
        return self._locks.setdefault(stream, asyncio.Lock())

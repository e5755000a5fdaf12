"""Tasks whose inputs are objects wait for their bytes before they wait for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.errors import Unavailable
from yosegi.core.identifiers import split_capability
from yosegi.core.object import ObjectRef, refs
from yosegi.core.states import TaskState
from yosegi.execution import tasks
from yosegi.execution.dispatch import AGAIN_AFTER, Dispatcher
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import Task
from yosegi.trust.messages import Explanation, Request


class InputFetcher(Protocol):
    """What the owner asks of whoever brings objects here."""

    def unfit(self, objects: Mapping[str, ObjectRef]) -> Explanation | None:
        """Why objects would never be taken here; None if they would."""
        ...

    def missing(self, request: Request, objects: Mapping[str, ObjectRef]) -> dict[str, ObjectRef]:
        """Those whose bytes this request may not use yet: not here, or here for others alone."""
        ...

    async def bring(self, request: Request, stream: str, objects: Mapping[str, ObjectRef]) -> tuple[Explanation, ...]:
        """Have them here for the request; why they did not come, or nothing if they did."""
        ...


@dataclass
class InputStager:
    """Accepted tasks on their way to a slot."""

    repository: TaskRepository
    dispatcher: Dispatcher
    clock: Clock
    inputs: InputFetcher | None = None
    _work: set[asyncio.Task[None]] = field(default_factory=set)

    def missing(self, request: Request, contract: Contract) -> dict[str, ObjectRef]:
        """The inputs that a request has to wait for."""
        objects = refs(contract.inputs, request.inputs)
        return self.inputs.missing(request, objects) if objects and self.inputs is not None else {}

    def unfit(self, request: Request, contract: Contract) -> Explanation | None:
        """Why the objects among its inputs would never be taken; None if they would.

        Raises:
            Invalid: an input that should be an object is none.
        """
        objects = refs(contract.inputs, request.inputs)
        return self.inputs.unfit(objects) if objects and self.inputs is not None else None

    def queue(self, task: Task) -> None:
        """Let a task wait for its inputs, then for its turn."""
        contract = self.repository.contract_of(task)
        missing = self.missing(task.asked(), contract) if contract is not None else {}
        if not missing:
            self._turn(task)
            return
        work = asyncio.create_task(self._await(task.stream, task.asked(), missing))
        self._work.add(work)
        work.add_done_callback(self._work.discard)

    def _turn(self, task: Task) -> None:
        self.dispatcher.queue(task)
        self.dispatcher.pump(split_capability(task.asked().capability)[1])

    async def _await(self, stream: str, request: Request, missing: Mapping[str, ObjectRef]) -> None:
        if self.inputs is None:
            return
        reasons = await self.inputs.bring(request, stream, missing)
        while True:
            try:
                await self._brought(stream, reasons)
                return
            except Unavailable as error:
                self.dispatcher.trouble = str(error)
                await self.clock.sleep(AGAIN_AFTER)

    async def _brought(self, stream: str, reasons: tuple[Explanation, ...]) -> None:
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            if task.state is not TaskState.ACCEPTED:
                return
            if not reasons:
                self._turn(task)
                return
            by = self.repository.site
            state = TaskState.REFUSED
            await self.repository.finish(task, tasks.REFUSED, state, None, Amounts(), reasons=reasons, by=by)

    async def close(self) -> None:
        """Wait no more; what is on its way goes on after the next start."""
        for work in list(self._work):
            work.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

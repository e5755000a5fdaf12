"""Asking a device by a task's key what became of it, where the contract says that it can be asked.

It is asked when an attempt ended without telling, after a restart, and from time to time while the task is uncertain.
What it says is put in one table; whatever is not in it leaves the effect unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.core.clock import Clock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.ports import Published
from yosegi.execution.tasks import Task

PATIENCE = 30.0
"""Seconds for an answer before the task is uncertain; an engine that is out of reach is asked again later."""
AGAIN_AFTER = 60.0
"""Seconds before it is asked a second time; doubled each time, up to `SELDOM`."""
SELDOM = 3600.0


def told(answer: Outcome) -> Outcome | None:
    """What an answer says of the task: done, with these outputs; never happened; or nothing (None)."""
    if answer.result is Result.VALID:
        return answer.model_copy(update={"effect": Effect.DONE})
    if answer.code is OutcomeCode.NEVER_HAPPENED:
        return Outcome.failed(Effect.NONE, OutcomeCode.NEVER_HAPPENED, answer.message)
    return None


@dataclass
class DeviceReconciler:
    """Asks through the engine that had the task, which knows the way to its device."""

    clock: Clock
    _number: int = 0

    async def ask(self, task: Task, published: Published, patience: float = PATIENCE) -> Outcome | None:
        """What the device says of a task; None if it cannot tell, or not in time."""
        self._number += 1
        contract = published.contract
        work = Work(
            # A key of its own: an engine that remembers answers the same key with the same answer.
            key=f"{task.stream}?{int(self.clock.now().timestamp() * 1000)}.{self._number}",
            capability=contract.name,
            inputs=task.asked().inputs,
            time_limit=min(contract.time_limit, patience),
            effect=EffectClass.PURE,
            query_of=task.stream,
        )
        answer = await first_of(published.engine.query(work), self.clock.sleep(patience))
        return None if answer is None else told(answer)

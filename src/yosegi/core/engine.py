"""Engines do the work of a site. All are asked the same way, so a runner need not know what it runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import Field

from yosegi.core.amounts import Amounts
from yosegi.core.contract import EffectClass
from yosegi.core.object import ObjectRef
from yosegi.core.outcomes import OutcomeCode, code_of
from yosegi.core.states import Effect, Result
from yosegi.core.values import Value

Stopping = Literal["safe_stop", "abort"]
"""How what runs is stopped: it finishes or reaches its safe state, or it ends now."""


@dataclass(frozen=True, slots=True)
class Work:
    """One task as an engine sees it.

    Args:
        key: the task's key; an engine that remembers answers the same key with the same outcome.
        capability: name and version within the site, e.g. `colour.mix@1`.
        inputs: checked against the contract.
        time_limit: seconds of wall time after which the work is ended by force.
        effect: the contract's effect class.
        attempt: 1 for the first; more for a repeatable task that is run again.
        grace: seconds it has to reach its safe state after an abort or at its time limit; the engine's own if None.
        objects: those among the inputs, by name; their bytes are in this site's store.
        query_of: for a question: nothing is done, and the device is asked what became of the task of this key. Its
            outcome is valid with that task's outputs, or `never_happened`, or a failure that tells nothing.
        taken_up: whether the engine may have had it before this site was started again.
    """

    key: str
    capability: str
    inputs: dict[str, Any]
    time_limit: float
    effect: EffectClass
    attempt: int = 1
    grace: float | None = None
    objects: Mapping[str, ObjectRef] = field(default_factory=dict)
    query_of: str = ""
    taken_up: bool = False


class Outcome(Value):
    """How one attempt ended: what it did to the world, and what it tells.

    `reason` is the text of an `OutcomeCode` and `message` its detail; both empty for a valid result. `spent` is the
    actual cost, absent where the contract's cost applies.
    """

    effect: Effect = Field(strict=False)
    result: Result = Field(strict=False)
    outputs: dict[str, Any] | None = None
    spent: Amounts | None = None
    reason: str = ""
    message: str = ""

    @classmethod
    def failed(cls, effect: Effect, reason: str, message: str = "", *, invalid: bool = False) -> Outcome:
        """An outcome without a usable result."""
        result = Result.INVALID if invalid else Result.ABSENT
        return cls(effect=effect, result=result, reason=str(reason), message=message[:2000])

    @property
    def code(self) -> OutcomeCode | None:
        """What `reason` says; None for a valid result, and for a code of another version of this program."""
        return code_of(self.reason)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running task is, from 0 to 1."""

    key: str
    fraction: float
    text: str = ""


class Engine(Protocol):
    """Something that runs tasks. Each method is called on the site's event loop."""

    name: str

    remembers: bool
    """Whether `run` with a key it had before returns what became of that key and never starts it twice, even after a
    restart of the engine and of the site. A task whose effect is unknown is handed again only to such an engine."""

    @property
    def unsettled(self) -> str:
        """Why nothing that cannot be repeated is started until a person has looked; empty if it may be."""
        ...

    async def start(self) -> None:
        """Make ready; called once before the first `run`."""
        ...

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """Do the work and say how it ended; never raises for a failure of the work itself."""
        ...

    async def cancel(self, key: str) -> bool:
        """End a task. True only if it is proved to have had no effect; its `run` then returns effect `none`."""
        ...

    async def halt(self, key: str, word: Stopping) -> None:
        """Stop one task; its `run` tells how it ended, and one that waits never starts.

        A safe stop asks it to reach its safe state, and lets one that does not listen finish. An abort asks too, and
        ends it by force after its grace.
        """
        ...

    async def safe_stop(self) -> None:
        """Ask all that runs to reach its safe state, and start nothing more until `resume`."""
        ...

    async def abort(self) -> None:
        """End all that runs, by force after its grace, and start nothing more until `resume`."""
        ...

    async def resume(self) -> None:
        """Start again after `safe_stop` or `abort`."""
        ...

    async def close(self) -> None:
        """End every process this engine started."""
        ...

    def statistics(self) -> dict[str, Any]:
        """Counts for people, e.g. running and waiting."""
        ...

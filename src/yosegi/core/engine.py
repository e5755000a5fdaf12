"""Engines do the work of a site. All have the same verbs, so whoever dispatches a task need not know what runs it.

What only some engines need is an ability with a Protocol of its own (`AnswersCalls`, `NeedsSettling`, `AsksPeople`): an
engine has it by having its methods, and whoever offers the ability looks for it in `Engines`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from yosegi.core.contract import EffectClass
from yosegi.core.object import ObjectRef
from yosegi.core.outcomes import Outcome as Outcome

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
        query_of: the key of the task that a query asks about (`Engine.query`); empty for work to be done.
        team: on whose behalf it is asked; empty where nobody says.
        member: the person in it; empty where nobody says.
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
    team: str = ""
    member: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running task is, from 0 to 1."""

    key: str
    fraction: float
    text: str = ""


LateOutcome = Callable[[str, Outcome], Awaitable[None]]
"""Takes the outcome of a task, by its key, that no `run` waits for any more. Returns once it is on record.

Raises:
    NotFound: no such task; the outcome need not be told again.
    YosegiError: it could not be recorded, and is to be told again.
"""


class Engine(Protocol):
    """Something that runs tasks. Each method is called on the site's event loop.

    An engine is started once, runs any number of tasks at a time, each with a key of its own, and is closed once. No
    method but `start` raises: what goes wrong with a task is its outcome. A class may name this Protocol as its base.
    """

    name: str
    """As `[engine.NAME]` in the site's settings says."""

    remembers: bool
    """Whether it knows what became of a key it had before, even after a restart of the engine and of the site: then
    `run` with a key it had before returns that and never starts it twice, and `attach` is called after a restart of
    the site. A task whose effect is unknown is handed again only to such an engine."""

    async def start(self) -> None:
        """Make ready; called once before anything else. An engine that needs nothing does nothing.

        Raises:
            YosegiError: it can never work here, as a person has to mend something first; the site does not start.
        """
        ...

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """Do the work and say how it ended. Returns when it has ended, and waits while the engine is stopped.

        A capability it does not have, or a key that runs already, is an outcome `not_started` of effect `none`. If the
        caller is cancelled, the work is ended by force where the engine can, or goes on where it remembers.
        """
        ...

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """As `run`, for work that the engine may have had before this site was started again.

        Never called where `remembers` is false; such an engine may answer as `run` does.
        """
        ...

    async def query(self, work: Work) -> Outcome:
        """Ask the device what became of the task `work.query_of`; nothing is done.

        The outcome is valid with that task's outputs, or has the reason `never_happened`, or is any other failure,
        which tells nothing and is asked again. Called only where a contract says `can_query`; an engine that cannot
        ask returns a failure.
        """
        ...

    async def cancel(self, key: str) -> bool:
        """End a task. True only if it is proved to have had no effect; its `run` then returns effect `none`.

        A key that is unknown, over, or cannot be ended without effect: false, and nothing is changed.
        """
        ...

    async def halt(self, key: str, word: Stopping) -> None:
        """Stop one task; its `run` tells how it ended, and one that waits never starts. An unknown key: nothing.

        A safe stop asks it to reach its safe state, and lets one that does not listen finish. An abort asks too, and
        ends it by force after its grace.
        """
        ...

    async def safe_stop(self) -> None:
        """Ask all that runs to reach its safe state, and start nothing more until `resume`. Twice is as once."""
        ...

    async def abort(self) -> None:
        """End all that runs, by force after its grace, and start nothing more until `resume`. Twice is as once."""
        ...

    async def resume(self) -> None:
        """Start again after `hold`, `safe_stop` or `abort`; where nothing was stopped, nothing happens."""
        ...

    async def close(self) -> None:
        """End every process this engine started; tasks that wait end as `cancelled`. Twice is as once."""
        ...

    def statistics(self) -> dict[str, Any]:
        """Counts for people: at least `running`, `waiting` (numbers of tasks) and `stopped` (true or false)."""
        ...


@runtime_checkable
class AnswersCalls(Protocol):
    """An ability: the engine's other end calls the site, which answers at `/station/v1/NAME`."""

    name: str

    async def handle(self, call: bytes) -> bytes:
        """Answer one call; may be held open while there is nothing to say.

        Raises:
            Untrusted: not signed by the key that the engine expects.
            Conflict: it was received before.
            Invalid: no call at all.
        """
        ...

    @property
    def silent_seconds(self) -> float:
        """Seconds since the other end was last heard, or since the start; 0 while a call is open."""
        ...

    def release_waiters(self) -> None:
        """Answer the calls that are held open, so that the site can end; later ones are answered at once."""
        ...


@runtime_checkable
class HoldsWaiting(Protocol):
    """An ability: what the engine was handed may wait elsewhere, e.g. in a scheduler's queue, and be kept there."""

    async def hold(self) -> None:
        """Let nothing more begin until `resume`; what has begun goes on. Twice is as once."""
        ...


@runtime_checkable
class NeedsSettling(Protocol):
    """An ability: the engine can come to not know what it did, and a person has to look before it goes on."""

    name: str

    @property
    def unsettled(self) -> str:
        """Why nothing that cannot be repeated is started until a person has looked; empty if it may be."""
        ...

    async def settle(self, by: str, note: str) -> None:
        """A person has looked.

        Raises:
            Conflict: there is nothing to settle.
            Invalid: the note says nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class PersonTask:
    """One task that waits for a person.

    Args:
        key: the task's stream, e.g. `task/argonne/KEY`.
        capability: name and version within the site.
        inputs: what they are to do.
        outputs: JSON Schemas of what they enter, by name.
        since: when they were first asked, UTC.
        needs_second: whether a second person confirms what is entered.
        entered: what was entered and waits for a second person; nothing if nothing does.
        entered_by: who entered that.
        not_confirmed: why somebody has not confirmed what was entered before.
        handed_to: who alone enters it, as it was handed on to them; empty while anybody may who may see it.
        handed_by: who handed it on, at `handed_at` (UTC), and why: `handed_note`.
    """

    key: str
    capability: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    since: str
    needs_second: bool = False
    entered: Mapping[str, Any] = field(default_factory=dict)
    entered_by: str = ""
    not_confirmed: str = ""
    handed_to: str = ""
    handed_by: str = ""
    handed_at: str = ""
    handed_note: str = ""


@dataclass(frozen=True, slots=True)
class PersonResult:
    """What a person enters: outputs, or why the point has no answer, or what went wrong."""

    outputs: Mapping[str, Any] = field(default_factory=dict)
    infeasible: str = ""
    failed: str = ""


@runtime_checkable
class AsksPeople(Protocol):
    """An ability: the engine's work is done by people, who enter what came of it."""

    name: str

    def tasks_of_people(self) -> tuple[PersonTask, ...]:
        """What waits for somebody, the oldest first."""
        ...

    async def enter(self, key: str, result: PersonResult, by: str) -> Outcome:
        """Take what somebody enters, once; where a second person confirms it, it counts when they have.

        Raises:
            NotFound: nobody was ever asked for that.
            Conflict: it was entered already, or it is waited for no more, or it was handed on to somebody else.
            Invalid: it is not what the contract says; it may be entered again.
        """
        ...

    async def confirm(self, key: str, by: str) -> Outcome:
        """Take what somebody else entered.

        Raises:
            NotFound, Conflict: as `enter`.
            Conflict: nothing waits to be confirmed, or not by them.
        """
        ...

    async def not_confirm(self, key: str, why: str, by: str) -> None:
        """Say that what somebody else entered is not right: it is entered anew.

        Raises:
            NotFound, Conflict: as `confirm`.
            Invalid: no reason is given.
        """
        ...

    async def hand_on(self, key: str, to: str, note: str, by: str, *, runs_site: bool) -> None:
        """Give a task to a named person, who alone enters it from then on; others may still confirm what they enter.

        Whoever handed it on last takes it back by handing it on to themselves.

        Args:
            key: of the task.
            to: who enters it from then on.
            note: why; they read it.
            by: who hands it on.
            runs_site: whether that is somebody who runs the site, and may do so whoever holds it.

        Raises:
            NotFound, Conflict: as `confirm`.
            Conflict: it is with that person already, or with somebody else and not for `by` to hand on.
            Invalid: the note says nothing.
        """
        ...

    def may_hand_on(self, key: str, by: str, *, runs_site: bool) -> bool:
        """Whether somebody may hand a task on that waits; false of one that does not."""
        ...

    async def withdraw(self, key: str, why: str) -> None:
        """Whoever asked takes it back: nobody is asked for it any more, and who answers late is told why.

        Its `run` returns without effect where the work may be repeated, else of unknown effect, as somebody may have
        begun. A key that does not wait: nothing.
        """
        ...


def unsettled(engine: Engine) -> str:
    """Why an engine starts nothing that cannot be repeated; empty if it does."""
    return engine.unsettled if isinstance(engine, NeedsSettling) else ""


class Engines:
    """The engines of one site, each once, and those among them with an ability, by name."""

    def __init__(self, engines: Iterable[Engine]) -> None:
        self._engines = tuple({id(engine): engine for engine in engines}.values())
        self.answering: Mapping[str, AnswersCalls] = {e.name: e for e in self._engines if isinstance(e, AnswersCalls)}
        self.people: Mapping[str, AsksPeople] = {e.name: e for e in self._engines if isinstance(e, AsksPeople)}
        self.settling: Mapping[str, NeedsSettling] = {e.name: e for e in self._engines if isinstance(e, NeedsSettling)}

    def __iter__(self) -> Iterator[Engine]:
        return iter(self._engines)

    def __repr__(self) -> str:
        return f"<engines {', '.join(engine.name for engine in self._engines) or 'none'}>"

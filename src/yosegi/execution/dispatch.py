"""From accepted to ended: tasks wait for inputs and a slot, are decided once more, committed, run, and recorded.

Everything is recorded before it happens. What may start is said by `Slots` and `may_start`, what an outcome leads to by
`charging.follows`; this module does the I/O around them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any, TypeVar

from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import AsksPeople, Outcome, Progress, Work
from yosegi.core.errors import Conflict, Unavailable
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, TaskState
from yosegi.core.supervision import TaskScope
from yosegi.execution import reconciliation, tasks
from yosegi.execution.breaker import Breakers, Requester
from yosegi.execution.charging import CheckedOutcome, checked
from yosegi.execution.instruments.control_runner import ControlRunner, control_stream
from yosegi.execution.instruments.instrument import Instrument
from yosegi.execution.instruments.register import Instruments, longest
from yosegi.execution.last_resort import LastResort
from yosegi.execution.lost_tasks import LostTasks
from yosegi.execution.outcomes import MOST_ATTEMPTS, given_up
from yosegi.execution.ports import ClockPort, DelegationPort, InputFetcher, Published, SamplePort, recorded
from yosegi.execution.reconciliation import DeviceReconciler
from yosegi.execution.records import TaskRepository
from yosegi.execution.slots import Slots
from yosegi.execution.start_check import NotWaiting, Park, RefuseStart, Start, may_start
from yosegi.execution.stop_control import StopControl, StopLevel, engines_of
from yosegi.execution.tasks import Task, task_stream
from yosegi.execution.turn_view import turns_taken
from yosegi.governance.policy.explanation import explained
from yosegi.ledger import Draft
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Request

T = TypeVar("T")
log = logging.getLogger("yosegi.execution")

AGAIN_AFTER = 1.0
"""Seconds until something that could not be recorded is tried again."""


@dataclass
class Dispatcher:
    """Starts what was accepted, as slots, breakers and stop levels allow, and records how it ends.

    Args:
        clocks: by a clock that is off nothing may be judged, and so nothing started.
        inputs: brings the objects among inputs here.
        samples: says which samples among inputs may be used.
        lost: knows what a restoration has lost.
        instruments: say when what uses one may start.
        controls: run their control samples.
        scope: keeps what runs in the background.
        last_resort: has a stop until the ledger has it.
    """

    repository: TaskRepository
    clock: Clock
    clocks: ClockPort
    rights: DelegationPort
    inputs: InputFetcher
    samples: SamplePort
    breakers: Breakers
    lost: LostTasks
    scope: TaskScope
    last_resort: LastResort
    instruments: Instruments
    controls: ControlRunner
    progress: dict[str, Progress] = field(default_factory=dict)
    """How far what runs is, by task."""
    _slots: Slots = field(init=False)
    _stop: StopControl = field(init=False)
    _device: DeviceReconciler = field(init=False)

    def __repr__(self) -> str:
        return f"<dispatcher of {self.repository.site}{f', stopped: {self.stop_level}' if self.is_stopped else ''}>"

    def __post_init__(self) -> None:
        self._slots = Slots(self.published, self.instruments.lane_of)
        self._stop = StopControl(
            self.repository.ledger, engines_of(self.published), self.clock, self.last_resort, self.scope
        )
        self._device = DeviceReconciler(self.clock)

    @property
    def published(self) -> Mapping[str, Published]:
        """Capabilities by name and version."""
        return self.repository.published

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up every task where it was left: queued ones wait again, started ones are reconciled."""
        self.breakers.start()
        await self._stop.start()
        ledger = self.repository.ledger
        self._slots.restore(turns_taken(ledger.query))
        rows = ledger.query("SELECT stream, last FROM task WHERE state IN ('accepted', 'dispatched') ORDER BY first")
        for row in rows:
            task = self.repository.task(row["stream"])
            if not await self.lost.was_lost(task, row["last"]):
                await self._take_up(task)
        for row in ledger.query("SELECT stream FROM task WHERE state = 'uncertain' ORDER BY first"):
            await self._take_up(self.repository.task(row["stream"]))
        self.start_waiting()

    async def _take_up(self, task: Task) -> None:
        """Go on with a task from what is on record of it: after a restart, or after a fault of this program."""
        if task.state is TaskState.DISPATCHED:
            await self._reconcile(task)
        elif task.state is TaskState.ACCEPTED:
            self._slots.give_back(task.capability, task.stream)
            self.enqueue(task)
        elif task.state is TaskState.UNCERTAIN:
            published = self.repository.published_for(task.asked())
            if published is not None and published.contract.can_query:
                self._keep_asking(task, published)

    async def close(self) -> None:
        """Stop watching; engines keep or end their processes by their own rule."""
        await self.scope.close()

    async def _reconcile(self, task: Task) -> None:
        """After a restart: what was dispatched may have run. Ask who remembers; never repeat what must not be."""
        published = self.repository.published_for(task.asked())
        if published is None:
            await self.repository.capability_gone(task)
        elif published.engine.remembers:
            self.begin(task, published, taken_up=True)
        elif published.contract.effect.repeatable and task.attempt >= MOST_ATTEMPTS:
            end = CheckedOutcome(given_up(task.attempt, f"the site {self.repository.site}"))
            self._slots.take(task.capability, task.stream)
            self._begin("give up", task.stream, lambda: self._end_with(task, published, end))
        elif published.contract.effect.repeatable:
            task = await self.repository.append(task, Draft(tasks.DISPATCHED, {"attempt": task.attempt + 1}))
            self.begin(task, published)
        else:
            interrupted = Outcome.failed(Effect.UNKNOWN, OutcomeCode.INTERRUPTED)
            self._slots.take(task.capability, task.stream)
            self._begin("ask", task.stream, lambda: self._find_out(task, published, interrupted))

    # -- waiting --------------------------------------------------------------------------------------------------

    def enqueue(self, task: Task) -> None:
        """Let an accepted task wait for its inputs, and then for a slot."""
        if missing := self.inputs.missing(task.asked(), task.objects) if task.objects else {}:
            self._begin("stage", task.stream, lambda: self._stage(task, missing))
        else:
            self._queue(task)

    def _queue(self, task: Task) -> None:
        self._slots.enqueue(task.capability, task.stream, team_of(task.asked()))
        self._pump(task.capability)

    async def _stage(self, task: Task, missing: Mapping[str, Any]) -> None:
        """Have a task's inputs here; it waits for a slot then, or is refused if they do not come."""
        reasons = await self.inputs.bring(task.asked(), task.stream, missing)
        await self._until_recorded(lambda: self._staged(task.stream, reasons))

    async def _staged(self, stream: str, reasons: tuple[Explanation, ...]) -> None:
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            if task.state is not TaskState.ACCEPTED:
                return
            if reasons:
                await self.repository.refuse(task, reasons)
            else:
                self._queue(task)

    def may_start_now(self, name: str) -> bool:
        """Whether a task that comes now would start at once."""
        return self._slots.has_free(name) and not self._is_closed(name)

    def take_slot(self, name: str, stream: str, request: Request) -> None:
        """A task that has come just now starts with its first entry; `give_back` if that fails."""
        self._slots.take(name, stream, team_of(request))

    def facts_at_start(self, request: Request, contract: Contract, stream: str) -> dict[str, Any]:
        """What the entry by which a task starts keeps: its attempt, what held on its instrument, and its turn there."""
        turn = self._slots.turn(stream)
        facts: dict[str, Any] = {"attempt": 1} | self.instruments.facts_at_start(request, contract)
        return facts | (turn.facts if turn is not None else {})

    def give_back(self, name: str, stream: str) -> None:
        """A task that had taken a slot does not start."""
        self._slots.give_back(name, stream)

    def wake_all(self) -> None:
        """Something may have come for which a task waits: an approval, a token, or its last moment."""
        self._slots.unpark(self._may_go_on)
        self.start_waiting()

    def _may_go_on(self, task: Task) -> bool:
        """Whether a parked task lacks nothing any more, or has nothing to wait for."""
        request, published = task.asked(), self.repository.published_for(task.asked())
        if published is None or self.clock.now() > request.not_after:
            return True
        if task.reservation and self.instruments.is_over(task.reservation, published.contract):
            return True
        return not (self._breaker_of(task) or self._waits_for(task, published.contract))

    def _waits_for(self, task: Task, contract: Contract) -> Explanation | None:
        """What an accepted task lacks before it may start: somebody's word, or time on its instrument."""
        request = task.asked()
        return self.rights.pending_reason(request, contract) or self.instruments.pending_reason(
            request, contract, task.reservation
        )

    def why_waiting(self, task: Task) -> tuple[Explanation, ...]:
        """Why a task waits, as things are now; what was recorded of it where that says more, e.g. of its inputs."""
        published = None if task.state is not TaskState.ACCEPTED else self.repository.published_for(task.asked())
        found = None if published is None else self._waits_for(task, published.contract)
        return task.reasons if found is None else (found,)

    def _breaker_of(self, task: Task) -> str:
        """What keeps the requester of a task from its capability; empty if no breaker does."""
        return self.breakers.why_open_to(task.capability, Requester.of(task.asked()))

    def _is_kept(self, task: Task, published: Published) -> bool:
        """Whether a task that has its slot may not start yet all the same; the clock may have gone wrong meanwhile."""
        if self.clocks.seconds_off or self._breaker_of(task):
            return True
        return self.instruments.pending_reason(task.asked(), published.contract, task.reservation) is not None

    def _is_closed(self, name: str) -> bool:
        """Whether nothing of a capability starts now, whatever is free."""
        return bool(self._stop.level or self.clocks.seconds_off or self.breakers.why_open(name))

    def start_waiting(self) -> None:
        """Start whatever waits for a slot and may start."""
        for name in self._slots.names():
            self._pump(name)

    def _pump(self, name: str) -> None:
        """Start what waits for a capability, or shares an instrument with it, as far as there is room."""
        for capability, stream in self._slots.due(name, self._is_closed):
            self._begin("start", stream, partial(self._dispatch, capability, stream))

    def task_changed(self, task: Task) -> None:
        """A task that runs no more has given its slot back."""
        if task.request is not None and (task.state.final or task.state is TaskState.UNCERTAIN):
            self._slots.give_back(task.capability, task.stream)
            self._pump(task.capability)

    # -- starting -------------------------------------------------------------------------------------------------

    async def _dispatch(self, name: str, stream: str) -> None:
        """Start a task whose turn has come; one that cannot be recorded waits in its place until it can."""
        started = await self._until_recorded(lambda: self._commit_start(stream))
        if started is None:
            self._slots.give_back(name, stream)
            self._pump(name)
        else:
            self.begin(*started)

    async def _commit_start(self, stream: str) -> tuple[Task, Published] | None:
        """Decide once more and commit durably; only then may the engine begin. None if it may not."""
        repository = self.repository
        async with repository.lock(stream):
            task = repository.task(stream)
            published = None if task.request is None else repository.published_for(task.request)
            verdict = may_start(task, published, self.clock.now(), repository.authorizer, self.rights, self.samples)
            if isinstance(verdict, NotWaiting):
                return None
            if task.reservation and published and self.instruments.is_over(task.reservation, published.contract):
                over = explained("reservation_over", reservation=task.reservation.split("/", 2)[2])
                await repository.refuse(task, (over,))
                return None
            if isinstance(verdict, Park) or (isinstance(verdict, Start) and self._is_kept(task, verdict.published)):
                self._slots.park(task, team_of(task.asked()))
                return None
            if isinstance(verdict, RefuseStart):
                await repository.refuse(task, verdict.reasons, verdict.decision)
                return None
            contract = verdict.published.contract
            facts = self.facts_at_start(task.asked(), contract, stream)
            draft = Draft(tasks.DISPATCHED, facts, recorded(repository.authorizer, verdict.decision))
            if task.reasons or not contract.effect.repeatable:
                draft = repository.reporter.attach(
                    draft, task.asked(), TaskState.DISPATCHED, contract, decided=task.decided
                )
            used = self.rights.use_approval(task, contract)
            return await repository.append(task, draft, others=() if used is None else (used,)), verdict.published

    def begin(self, task: Task, published: Published, *, taken_up: bool = False) -> None:
        """Have the engine carry out a task that is durably dispatched; `taken_up` if it may have had it before."""
        self._slots.take(published.contract.name, task.stream)
        self._begin("run", task.stream, lambda: self._run(task, published, taken_up))

    async def _run(self, task: Task, published: Published, taken_up: bool) -> None:
        contract = published.contract
        work = Work(
            key=task.stream,
            capability=contract.name,
            inputs=task.asked().inputs,
            time_limit=contract.time_limit,
            effect=contract.effect,
            attempt=task.attempt,
            grace=contract.stop_grace,
            objects=task.objects,
            team=task.asked().team,
            member=task.asked().on_behalf_of,
        )
        if self.instruments.is_taken_back(contract.name):
            if not taken_up:
                # Its instrument was taken back after the start was committed; no engine has heard of it.
                why = "its instrument was taken back before it began"
                outcome = Outcome.failed(Effect.NONE, OutcomeCode.STOPPED, why)
                await self._find_out(task, published, outcome)
                return
            self._begin(
                "halt", task.stream, partial(published.engine.halt, task.stream, "safe_stop"), is_repeatable=True
            )
        if task.revoked:
            # It lapsed before this site was started again.
            self._begin("halt", task.stream, lambda: self._halt(task, published), is_repeatable=True)
        engine = published.engine
        outcome = await (engine.attach if taken_up else engine.run)(work, self._progressed)
        self.progress.pop(task.stream, None)
        await self._find_out(task, published, outcome)

    def _progressed(self, progress: Progress) -> None:
        self.progress[progress.key] = progress

    # -- ending ---------------------------------------------------------------------------------------------------

    async def _find_out(self, task: Task, published: Published, outcome: Outcome) -> None:
        """Ask the device once, where its effect is unknown and asking is possible, and record what is known then."""
        contract = published.contract
        if outcome.effect is Effect.UNKNOWN and contract.can_query:
            outcome = await self._device.ask(task, published) or outcome
        end = checked(outcome, contract, task, self.repository.site)
        await self._end_with(task, published, end)
        if end.outcome.effect is Effect.UNKNOWN and contract.can_query:
            self._keep_asking(task, published)

    async def _end_with(self, task: Task, published: Published, end: CheckedOutcome) -> None:
        # A full disk: only this process knows the outcome now, so it waits for room with it.
        await self._until_recorded(lambda: self._record(task.stream, end, published.contract))

    async def _record(self, stream: str, end: CheckedOutcome, contract: Contract) -> None:
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            if task.state.final:
                return
            if opening := self.breakers.note(contract.name, Requester.of(task.asked()), end.outcome):
                await self.repository.ledger.append(*opening)
            await self.repository.end(task, end, contract)

    def _keep_asking(self, task: Task, published: Published) -> None:
        """Ask about an uncertain task until the device can tell, or somebody has settled it."""
        self._begin("query", task.stream, lambda: self._ask_until_told(task, published), is_repeatable=True)

    async def _ask_until_told(self, task: Task, published: Published) -> None:
        pause = reconciliation.AGAIN_AFTER
        while self.repository.task(task.stream).state is TaskState.UNCERTAIN:
            await self.clock.sleep(pause)
            pause = min(2 * pause, reconciliation.SELDOM)
            if (outcome := await self._device.ask(task, published)) is not None:
                await self.repository.resolve(task.stream, outcome)

    async def _until_recorded(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it until it can be recorded, e.g. until a full disk has room."""
        while True:
            try:
                return await work()
            except Unavailable as error:
                log.warning("a task waits to be recorded: %s", error)
                await self.clock.sleep(AGAIN_AFTER)

    def _begin(
        self, what: str, stream: str, work: Callable[[], Awaitable[None]], *, is_repeatable: bool = False
    ) -> None:
        """Go on with one task in the background.

        After a fault the task is taken up from what is on record, as after a restart, so that nothing that may have
        happened is repeated; only what changes nothing (`is_repeatable`) is simply done again.
        """
        begun = False

        async def work_round() -> bool:
            nonlocal begun
            if begun and not is_repeatable:
                await self._take_up(self.repository.task(stream))
            else:
                begun = True
                await work()
            return False

        names = (f"{what} {stream}" if number == 1 else f"{what} {stream} ({number})" for number in count(1))
        self.scope.repeat(next(name for name in names if not self.scope.is_running(name)), work_round)

    # -- what people and home sites do about one task -------------------------------------------------------------

    async def cancel(self, home: str, key: str, reason: str, by: str) -> Task:
        """Cancel a task. One that waits ends at once; one that runs ends only if its engine proves it did nothing.

        Raises:
            NotFound: no such task.
        """
        stream = task_stream(home, key)
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            if task.state is TaskState.ACCEPTED:
                self._slots.leave(task.capability, stream)
                return await self.repository.end_without_effect(task, reason, by)
        if task.state is TaskState.DISPATCHED and (published := self.repository.published_for(task.asked())):
            # The engine's `run` returns with the outcome, and that ends the task.
            proved = await published.engine.cancel(stream)
            if not proved and isinstance(published.engine, AsksPeople):
                await published.engine.withdraw(stream, reason)
            elif not proved and published.contract.can_cancel == "running":
                await published.engine.halt(stream, "safe_stop")
        return self.repository.task(stream)

    async def revoke(self, stream: str, reasons: Sequence[Explanation]) -> Task:
        """The right to a task has lapsed: an agreement, mandate, key or member it stood on is gone. Once is enough.

        One that waits is refused with the reasons. For one that runs it is recorded (`task.revoked`) and then done what
        its contract's `on_revoked` says: `finish` lets it end, `safe_stop` asks it to reach its safe state, `abort`
        ends it when its grace is over; after a restart of this site it is done again. One that is uncertain or over
        stays as it is. Whether what comes of it may be released is decided when it ends, as always.

        Raises:
            NotFound: no such task.
        """
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            published = self.repository.published_for(task.asked())
            if task.state is TaskState.ACCEPTED:
                self._slots.leave(task.capability, stream)
                return await self.repository.refuse(task, tuple(reasons))
            if task.state is not TaskState.DISPATCHED or task.revoked or published is None:
                return task
            body = {"reasons": [reason.model_dump(mode="json") for reason in reasons]}
            draft = Draft(tasks.REVOKED, {"how": published.contract.on_revoked}, body)
            task = await self.repository.append(task, draft)
        await self._halt(task, published)
        return task

    async def decline(self, home: str, key: str, reason: Explanation, by: str) -> Task:
        """A person says no to a task that waits; it ends as refused, and nothing was done.

        Raises:
            NotFound: no such task.
            Conflict: it does not wait any more.
        """
        stream = task_stream(home, key)
        async with self.repository.lock(stream):
            task = self.repository.task(stream)
            if task.state is not TaskState.ACCEPTED:
                raise Conflict(f"task {key}", f"is {task.state} and waits for nobody", "nothing was changed")
            self._slots.leave(task.capability, stream)
            return await self.repository.refuse(task, (reason,), by=by)

    async def _halt(self, task: Task, published: Published) -> None:
        """Stop a task that runs, as it was recorded when its right lapsed."""
        if task.revoked == "abort":
            await published.engine.halt(task.stream, "abort")
        elif task.revoked == "safe_stop":
            await published.engine.halt(task.stream, "safe_stop")

    # -- instruments ----------------------------------------------------------------------------------------------

    def waiting(self, name: str) -> int:
        """How many tasks of a capability wait, for a slot or for anything else."""
        return self._slots.waiting(name) + self._slots.parked(name)

    def running_on(self, instrument: Instrument) -> Iterator[tuple[Task, str]]:
        """What runs on an instrument, and since when (RFC 3339), the oldest first."""
        refs = [f"{self.repository.site}/{name}" for name in instrument.settings.capabilities]
        rows = self.repository.ledger.query(
            "SELECT stream, changed FROM task WHERE state = 'dispatched'"
            f" AND capability IN ({', '.join('?' * len(refs))}) ORDER BY first",
            refs,
        )
        for row in rows:
            yield self.repository.task(row["stream"]), str(row["changed"])

    def begin_control(self, instrument: Instrument) -> None:
        """Measure an instrument's control sample if it is due and nothing else runs there now."""
        control = instrument.settings.control
        published = None if control is None else self.published.get(control.capability)
        if control is None or published is None or self.controls.is_running(instrument):
            return
        is_open = instrument.taken_back is None and instrument.windows.may_hold(
            self.clock.now(), longest(published.contract)
        )
        is_free = not self._is_closed(control.capability) and self._slots.is_empty(control.capability)
        if is_open and is_free and self.controls.is_due(instrument):
            self.controls.begin(instrument, published)

    async def clear(self, instrument: Instrument) -> None:
        """Bring what runs on an instrument to its safe state; each task's own end tells what became of it.

        Each is told, whatever comes of telling another.
        """
        told = [(self.repository.published_for(task.asked()), task.stream) for task, _ in self.running_on(instrument)]
        control = instrument.settings.control
        if control is not None:
            number = self.controls.history(instrument).number
            told.append((self.published.get(control.capability), f"{control_stream(instrument.name)}/{number}"))
        await asyncio.gather(*(one.engine.halt(key, "safe_stop") for one, key in told if one is not None))

    # -- stopping everything --------------------------------------------------------------------------------------

    @property
    def stop_level(self) -> StopLevel:
        """What stops this owner's work now; empty while nothing does."""
        return self._stop.level

    @property
    def stopped_by(self) -> tuple[str, str, str]:
        """Who stopped it, when and why; three empty texts while nothing is stopped."""
        stop = self._stop
        return (stop.by, stop.since, stop.reason) if stop.level else ("", "", "")

    @property
    def stop_is_recorded(self) -> bool:
        """Whether the ledger has the latest stop; until then it stands in the file of last resort."""
        return self._stop.unrecorded is None

    @property
    def is_stopped(self) -> bool:
        """Whether nothing new is started."""
        return bool(self._stop.level)

    async def hold(self, by: str, reason: str) -> None:
        """Start nothing new for anybody until `release`; what runs goes on."""
        await self._stop.engage("hold", by, reason)

    async def safe_stop(self, by: str, reason: str) -> None:
        """Hold, and bring what runs to its safe state."""
        await self._stop.engage("safe_stop", by, reason)

    async def abort(self, by: str, reason: str) -> None:
        """Hold, and end what runs now: asked first, and by force when the grace of its contract is over."""
        await self._stop.engage("abort", by, reason)

    async def release(self, by: str, reason: str) -> None:
        """Start work again after `hold`, `safe_stop` or `abort`.

        Raises:
            Unavailable: it cannot be recorded; everything stays stopped.
        """
        await self._stop.release(by, reason)
        self.start_waiting()

    async def close_breaker(self, name: str, by: str, note: str) -> None:
        """A person has looked, and the capability works again."""
        if closing := self.breakers.close(name, by, note):
            await self.repository.ledger.append(*closing)
        self.wake_all()

    # -- parts ----------------------------------------------------------------------------------------------------

    def status(self, name: str) -> dict[str, Any]:
        """How busy a capability is."""
        return {
            "waiting": self._slots.waiting(name),
            "running": self._slots.running(name),
            "held": self.is_stopped,
            "breaker": self.breakers.why_open(name),
            "engine": self.published[name].engine.statistics(),
        }


def team_of(request: Request) -> str:
    """Whose turn a request takes."""
    return f"{request.charter}/{request.team}"

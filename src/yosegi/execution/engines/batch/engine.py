"""The engine of batch clusters: each task is a job, found again by its name whatever was lost on the way.

`submitting` is on disk before the scheduler is called. Whether a job may begin is decided by a folder that exactly one
of two makes: the job, before it begins, or this engine, and then it never will. So a lost answer, a job that a
scheduler forgot, and one that it starts twice all come to the same: one of them holds the fence, and nothing happens
twice. What to conclude is said by `judge`; this module does the I/O around it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Self, TypeVar

from yosegi.core.clock import Clock
from yosegi.core.contract import Contract, EffectClass
from yosegi.core.engine import Engine, LateOutcome, Outcome, Progress, Stopping, Work
from yosegi.core.errors import Corrupt, Invalid, NotFound, Unavailable, YosegiError
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect
from yosegi.core.supervision import TaskScope
from yosegi.data.pulling import Offload
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.engines.batch.accounts import AccountMap, AccountUnmapped, LocalAccount
from yosegi.execution.engines.batch.case import BatchCase
from yosegi.execution.engines.batch.dialect import Dialect, JobPhase
from yosegi.execution.engines.batch.dialects import accounts_of, dialect_of
from yosegi.execution.engines.batch.examination import MARGIN, examine, misfits, wall_seconds
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.judgement import (
    JobEnded,
    JobNeverBegan,
    MakeFence,
    Patience,
    fenced,
    judge,
    outcome_of,
    without_effect,
)
from yosegi.execution.engines.batch.metering import is_metered, metered, usage_of, with_energy
from yosegi.execution.engines.batch.records import JobRecord, JobRecords, job_name
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.execution.engines.batch.spool import JobProgram, JobSpool
from yosegi.execution.engines.batch.watch import JobWatch
from yosegi.execution.engines.plugin import EngineConcern, EngineServices
from yosegi.execution.outcomes import ended_badly, never_began

log = logging.getLogger("yosegi.execution")
T = TypeVar("T")
_WRAPPER = "yosegi.execution.engines.batch.wrapper"
_MOST_JOBS = 5
"""Jobs that are submitted for one attempt, each after the one before is proved never to begin."""
_TIDY_EVERY = 3600.0
_CLAIM_POLLS = 3


class BatchEngine(Engine):
    """Runs capabilities as jobs of a batch scheduler.

    Args:
        site: this site's name; it stands in the names of jobs.
        contracts: of what it does, by name and version.
        entries: where each of them is found, by name and version.
        on_late: takes the outcome of a task whose job was given up and tells its end after all.
        offload: does long work with the disk.
        accounts: whose account a job runs under; None where every job is this process's own user's.
    """

    remembers = True
    Settings = BatchSettings

    @classmethod
    def examine(cls, settings: BatchSettings, contracts: Mapping[str, Contract] | None) -> Iterable[EngineConcern]:
        """See `EngineKind`."""
        return examine(settings, contracts)

    @classmethod
    def open(cls, settings: BatchSettings, services: EngineServices) -> Self:
        """See `EngineKind.open`.

        Raises:
            Invalid: a capability asks for more than the caps allow.
        """
        return cls(
            services.name, settings, dialect_of(settings, services.clock), JobRecords(services.folder / "jobs"),
            JobSpool(settings.spool(), services.store), services.clock, services.scope, site=services.site,
            contracts=services.contracts, entries=services.entries, on_late=services.on_late, offload=services.offload,
            accounts=accounts_of(settings),
        )  # fmt: skip

    def __init__(
        self, name: str, settings: BatchSettings, dialect: Dialect, records: JobRecords, spool: JobSpool, clock: Clock,
        scope: TaskScope, *, site: str, contracts: Mapping[str, Contract], entries: Mapping[str, str],
        on_late: LateOutcome, offload: Offload = asyncio.to_thread, accounts: AccountMap | None = None,
    ) -> None:  # fmt: skip
        self.name, self._site, self._settings, self._dialect = name, site, settings, dialect
        self._records, self._spool, self._clock = records, spool, clock
        self._contracts, self._entries, self._on_late, self._offload = contracts, entries, on_late, offload
        for concern in misfits(settings, contracts):
            raise Invalid(f"[{'.'.join(('engine', name, *concern.field))}]", concern.why, concern.todo)
        self._accounts = accounts
        self._cases: dict[str, BatchCase] = {}
        self._given_up: dict[str, JobRecord] = {}
        self._scope = scope
        self._stopped: Stopping | Literal["hold"] | None = None
        self._fresh = True
        self._counts = {"ended": 0, "failed": 0, "jobs": 0}
        self._tidied = clock.monotonic()
        self._watch = JobWatch(
            dialect, spool, clock, scope, offload, lambda: tuple(self._cases.values()), settings.poll_seconds,
            settings.look_seconds, self._after_look, settings.private_queue,
        )  # fmt: skip

    def _duration(self, contract: Contract) -> float:
        """Seconds of wall time that a job of a capability asks for."""
        return wall_seconds(self._settings, contract)

    # -- life -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Make the folders, and go on looking for jobs that were given up.

        Raises:
            Unavailable: a folder cannot be made.
        """
        try:
            await self._offload(self._records.open)
            await self._offload(self._spool.open)
        except OSError as error:
            todo = f"mend `folder` in [engine.{self.name}], and start the site again"
            raise Unavailable(f"engine {self.name}", f"its folders cannot be used ({error})", todo) from None
        for record in await self._offload(lambda: list(self._records.ended())):
            if record.outcome is not None and record.outcome.code is OutcomeCode.JOB_LOST:
                self._given_up[record.name] = record
        self._watch.start()

    async def close(self) -> None:
        """Ask the scheduler no more; jobs go on, and are taken up at the next start."""
        for case in self._cases.values():
            if case.record is None:
                case.cancelled = True
                case.news.set()
        await self._scope.close()

    # -- one task -------------------------------------------------------------------------------------------------

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.run`."""
        if (unfit := self._unfit(work)) is not None:
            return unfit
        case = self._cases[work.key] = BatchCase(work, progress)
        try:
            if self._fresh and self._stopped is None:
                self._fresh = False
                await self._patiently(lambda: self._spool.stop_all(False))
            outcome = await self._carry(case)
        finally:
            del self._cases[work.key]
            case.over.set()
        self._counts["failed" if outcome.reason else "ended"] += 1
        return outcome

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """As `run`: what is on record of a key is taken up, whoever asks."""
        return await self.run(work, progress)

    async def query(self, work: Work) -> Outcome:
        """See `Engine.query`: a job that asks the device; one that may be submitted again at will."""
        return await self.run(work, lambda progress: None)

    def _unfit(self, work: Work) -> Outcome | None:
        contract = self._contracts.get(work.capability)
        if contract is None:
            return never_began("not_started", f"{work.capability} is not at engine {self.name}")
        if work.key in self._cases:
            return never_began("not_started", f"{work.key} is waited for already")
        try:
            contract.check_inputs(work.inputs)
        except Invalid as error:
            return never_began("bad_inputs", str(error))
        return None

    async def _carry(self, case: BatchCase) -> Outcome:
        """Take up the job that the task has, or submit one; another where one is proved never to begin."""
        work = case.work
        try:
            records = await self._patiently(lambda: self._records.of_task(self._site, work.key, work.attempt))
        except Invalid as error:
            return ended_badly(work.effect, OutcomeCode.JOB_LOST, f"what is on record of it cannot be read: {error}")
        for record in records:
            if record.outcome is not None:
                return record.outcome
        if records and records[-1].state in ("submitting", "submitted"):
            case.submitted(records.pop(), self._clock.monotonic())
            self._watch.ask_soon()
        verdict: JobEnded | JobNeverBegan | None = None
        while True:
            if case.record is None:
                if not await self._turn(case):
                    return without_effect("taken back while it waited", cancelled=True)
                verdict = await self._submit(case, len(records) + 1)
            verdict = verdict or await self._until_known(case)
            outcome = await self._concluded(case, verdict, len(records) + 1)
            if outcome is not None:
                return outcome
            # Submissions are numbered without a gap: the next start looks for them one after the other.
            records += [case.record] if case.record is not None else []
            case.record, verdict = None, None

    async def _turn(self, case: BatchCase) -> bool:
        """Wait while the engine is stopped; false if it was taken back meanwhile."""
        while self._stopped is not None and not case.cancelled:
            case.news.clear()
            await case.news.wait()
        return not case.cancelled

    async def _submit(self, case: BatchCase, submission: int) -> JobNeverBegan | None:
        """Submit a job; why it will never begin, if that is certain already."""
        work, contract = case.work, self._contracts[case.work.capability]
        name = job_name(self._site, work.key, work.attempt, submission)
        case.stopped = False
        record = JobRecord(
            name=name, key=work.key, attempt=work.attempt, submission=submission, state="submitting",
            asked_at=self._clock.now().timestamp(),
        )  # fmt: skip
        if self._accounts is not None:
            try:
                account = await self._account_of(case, self._accounts)
            except AccountUnmapped as error:
                case.submitted(record, self._clock.monotonic())
                return JobNeverBegan(str(error), again=False, code=OutcomeCode.NO_ACCOUNT)
            if account is None:
                case.submitted(record, self._clock.monotonic())
                return JobNeverBegan("taken back before it was submitted")
            record = record.model_copy(update={"user": account.user, "project": account.project or ""})
        # A folder without a record: the record was lost, and with it whether the job was submitted.
        known = await self._patiently(lambda: self._spool.exists(name))
        case.submitted(record, self._clock.monotonic())
        await self._patiently(lambda: self._records.put(record))
        if known:
            self._watch.ask_soon()
            return None
        template = self._settings.template(work.capability)
        program = JobProgram(
            self._entries[work.capability], self._settings.limits(), self._settings.import_path,
            template.cpu_cores_per_process,
        )  # fmt: skip
        try:
            await self._offload(self._spool.prepare, name, work, program)
        except (OSError, NotFound, Corrupt, Unavailable) as error:
            return JobNeverBegan(f"its folder could not be made: {error}", again=False)
        if case.cancelled or self._stopped is not None:
            return JobNeverBegan("taken back before it was submitted")
        self._counts["jobs"] += 1
        answer = await self._dialect.submit(self._spec(case.work, contract, record), record.user)
        if answer.refused:
            return JobNeverBegan(f"the scheduler refused it: {answer.words}", again=False)
        if answer.job:
            case.record = record = record.model_copy(update={"state": "submitted", "job": answer.job})
            await self._patiently(lambda: self._records.put(record))
        else:
            log.warning("engine %s: whether the scheduler took %s is not known: %s", self.name, name, answer.words)
            case.record = record = record.model_copy(update={"note": answer.words[:500]})
            await self._patiently(lambda: self._records.put(record))
            case.progress(Progress(work.key, 0.0, f"whether the scheduler took it is not known: {answer.words}"[:200]))
            self._watch.ask_soon()
        return None

    async def _account_of(self, case: BatchCase, accounts: AccountMap) -> LocalAccount | None:
        """Under whose account a job runs, once the map answers; None if its task was taken back meanwhile.

        Raises:
            AccountUnmapped: nobody's.
        """
        while await self._turn(case):
            try:
                return await accounts.account_of(case.work.member, case.work.team)
            except Unavailable as error:
                case.progress(Progress(case.work.key, 0.0, f"waits: {error}"[:200]))
                case.news.clear()
                await first_of(case.news.wait(), self._clock.sleep(self._settings.look_seconds))
        return None

    def _spec(self, work: Work, contract: Contract, record: JobRecord) -> JobSpec:
        folder, settings = self._spool.folder(record.name), self._settings
        grace = settings.stop_grace_seconds if work.grace is None else work.grace
        return JobSpec(
            record.name, work.key, folder, (settings.python, "-m", _WRAPPER, str(folder)), self._duration(contract),
            grace + MARGIN / 2, settings.template(work.capability), account=record.project, setup=settings.setup,
        )  # fmt: skip

    async def _until_known(self, case: BatchCase) -> JobEnded | JobNeverBegan:
        """Wait until what became of a job is known."""
        patience = self._patience(case.work)
        while True:
            case.news.clear()
            if case.forced is not None:
                return JobEnded(case.forced)
            verdict = judge(
                case.work.effect, case.evidence, case.sighting, case.times(self._clock.monotonic()), patience
            )
            if isinstance(verdict, MakeFence):
                if await self._take_back(case):
                    await self._cancel_job(case)
                    return fenced(verdict, case.work.effect, patience)
            elif verdict is not None:
                return verdict
            await case.news.wait()

    def _patience(self, work: Work) -> Patience:
        contract, settings = self._contracts[work.capability], self._settings
        window = settings.save_window_seconds
        return Patience(
            limit=self._duration(contract), lag=settings.lag_seconds, silence=settings.silence_seconds,
            save_window=self._dialect.save_window if window is None else window, fence_proves=self._fence_proves,
        )  # fmt: skip

    @property
    def _fence_proves(self) -> bool:
        return (self._settings.fence or ("proof" if self._settings.dialect == "slurm" else "hint")) == "proof"

    async def _take_back(self, case: BatchCase) -> bool:
        """Make the fence of a job here, or see who has it; whether the site has it."""
        if case.record is None:
            return False
        name = case.record.name
        try:
            won: bool = await self._offload(self._spool.take_back, name)
        except OSError:
            return False
        if won:
            case.evidence = replace(case.evidence, claim="site")
        case.news.set()
        return won

    async def _cancel_job(self, case: BatchCase) -> None:
        """Take a job out of the scheduler's hands, if it is there; that is tidiness, and nothing rests on it."""
        try:
            if case.record is not None and case.sighting is None:
                await self._watch.ask()
            said, record = case.sighting, case.record
            if record is not None and said is not None and said.phase is not JobPhase.ENDED:
                await self._dialect.cancel([said], record.user)
        except YosegiError:
            return

    async def _concluded(self, case: BatchCase, verdict: JobEnded | JobNeverBegan, submission: int) -> Outcome | None:
        """Put down what became of a job, and the task's outcome; none if another job is to do it."""
        record = case.record
        if record is None:
            raise AssertionError("a verdict about no job")
        if isinstance(verdict, JobEnded):
            outcome = await self._taken_in(record.name, verdict.outcome)
            outcome, usage = with_energy(*await self._metered(case, outcome))
            update: dict[str, Any] = {"state": "ended", "outcome": outcome, "usage": usage}
        else:
            why = verdict.why + (f"; when it was submitted: {record.note}" if record.note else "")
            again = verdict.again or case.stopped or self._stopped is not None
            if again and not case.cancelled and submission < _MOST_JOBS:
                update, outcome = {"state": "never_began", "note": why[:500]}, None
            else:
                outcome = without_effect(why, cancelled=case.cancelled, code=verdict.code)
                update = {"state": "ended", "outcome": outcome}
            # Even of a job that the scheduler refused: what was taken for a refusal might have been none.
            await self._take_back(case)
        done = case.record = record.model_copy(update=update)
        await self._patiently(lambda: self._records.put(done))
        if outcome is not None and outcome.code is OutcomeCode.JOB_LOST:
            self._given_up[done.name] = done
        return outcome

    async def _taken_in(self, name: str, outcome: Outcome) -> Outcome:
        while True:
            try:
                taken: Outcome = await self._offload(self._spool.take_in, name, outcome)
                return taken
            except (Unavailable, OSError):
                await self._clock.sleep(self._settings.look_seconds)

    async def _metered(self, case: BatchCase, outcome: Outcome) -> tuple[Outcome, Any]:
        """The outcome at the cost that the scheduler counted, once it has told; it is waited for, but not for ever."""
        contract = self._contracts[case.work.capability]
        counts = self._settings.meter == "scheduler" and self._settings.pilot is None
        if not counts or outcome.effect is Effect.NONE or not is_metered(contract):
            return outcome, None if case.sighting is None else usage_of(case.sighting)
        deadline = self._clock.monotonic() + 2 * self._settings.poll_seconds + self._settings.lag_seconds
        while (left := deadline - self._clock.monotonic()) > 0:
            if case.sighting is not None and (usage := usage_of(case.sighting)) is not None:
                return metered(outcome, contract, usage), usage
            case.news.clear()
            self._watch.ask_soon()
            await first_of(case.news.wait(), self._clock.sleep(left))
        return outcome, None

    async def _patiently(self, work: Callable[[], T]) -> T:
        """Do something with the disk until it can be done, e.g. until a full one has room."""
        while True:
            try:
                done: T = await self._offload(work)
                return done
            except OSError:
                await self._clock.sleep(self._settings.look_seconds)

    # -- stopping -------------------------------------------------------------------------------------------------

    async def cancel(self, key: str) -> bool:
        """See `Engine.cancel`: proved by the fence, made here first; or, where that is a hint, by the scheduler."""
        case = self._cases.get(key)
        if case is None:
            return False
        if case.record is None:
            case.cancelled = True
            case.news.set()
            return True
        if not await self._take_back(case):
            return await self._end_pure(case)
        case.cancelled = True
        case.news.set()
        if self._fence_proves or case.work.effect.repeatable:
            self._scope.spawn("cancel a job", partial(self._cancel_job, case))
            return True
        await self._cancel_job(case)
        self._watch.ask_soon()
        patience = _CLAIM_POLLS * self._settings.poll_seconds + self._settings.lag_seconds
        await first_of(case.over.wait(), self._clock.sleep(patience))
        record = case.record
        outcome = None if record is None else record.outcome
        return outcome is not None and outcome.code is OutcomeCode.CANCELLED and outcome.effect is Effect.NONE

    async def _end_pure(self, case: BatchCase) -> bool:
        """A pure task is ended at any moment: it has no effect."""
        if case.work.effect is not EffectClass.PURE or case.record is None:
            return False
        case.cancelled = True
        case.forced = without_effect("ended on request; it has no effect outside itself", cancelled=True)
        await self._say(case, "abort")
        self._scope.spawn("cancel a job", partial(self._cancel_job, case))
        case.news.set()
        return True

    async def halt(self, key: str, word: Stopping) -> None:
        """See `Engine.halt`. A job that has not begun never will."""
        case = self._cases.get(key)
        if case is None:
            return
        if case.record is None or await self._take_back(case):
            case.cancelled = True
            case.news.set()
            self._scope.spawn("cancel a job", partial(self._cancel_job, case))
        else:
            await self._say(case, word)

    async def _say(self, case: BatchCase, word: Stopping) -> None:
        """Tell a job to stop; after an abort the scheduler ends it, if it does not end by itself."""
        if case.record is None:
            return
        name = case.record.name
        if word == "abort":
            grace = self._settings.stop_grace_seconds if case.work.grace is None else case.work.grace
            case.kill_at = self._clock.monotonic() + grace + MARGIN
        try:
            await self._offload(self._spool.say_stop, name, word)
        except OSError:
            self._scope.spawn("cancel a job", partial(self._cancel_job, case))

    async def hold(self) -> None:
        """See `HoldsWaiting.hold`. A job whose turn comes ends without beginning; another follows after `resume`."""
        self._stopped, self._fresh = self._stopped or "hold", False
        await self._patiently(lambda: self._spool.stop_all(True))
        for case in self._cases.values():
            case.stopped = True

    async def safe_stop(self) -> None:
        """See `Engine.safe_stop`. Jobs that wait keep their place, and do not begin while the engine is stopped."""
        await self._stop("safe_stop")

    async def abort(self) -> None:
        """See `Engine.abort`."""
        await self._stop("abort")

    async def _stop(self, word: Stopping) -> None:
        self._stopped, self._fresh = word, False
        await self._patiently(lambda: self._spool.stop_all(True))
        for case in list(self._cases.values()):
            case.stopped = True
            # Those too that have not begun: one may begin at this very moment, and looks for a word first.
            await self._say(case, word)

    async def resume(self) -> None:
        """See `Engine.resume`."""
        self._stopped = None
        for case in list(self._cases.values()):
            if case.record is not None and case.evidence.claim != "job":
                await self._patiently(lambda name=case.record.name: self._spool.unsay_stop(name))  # type: ignore[misc]
                case.kill_at = None
        await self._patiently(lambda: self._spool.stop_all(False))
        for case in self._cases.values():
            case.news.set()

    # -- beside ---------------------------------------------------------------------------------------------------

    def _after_look(self) -> None:
        """What is done once in a while: ends of jobs that do not stop, of those given up, and old folders."""
        now = self._clock.monotonic()
        for case in self._cases.values():
            if case.kill_at is not None and now >= case.kill_at:
                case.kill_at = None
                self._scope.spawn("cancel a job", partial(self._cancel_job, case))
        if self._given_up and not self._stopped:
            self._scope.spawn("hear of jobs given up", self._hear_given_up)
        if now - self._tidied >= _TIDY_EVERY:
            self._tidied = now
            self._scope.spawn("remove old folders", self._tidy)

    async def _hear_given_up(self) -> None:
        """A job that was given up has told its end after all."""
        found = await self._offload(self._spool.look, list(self._given_up))
        for name, evidence in found.items():
            record = self._given_up.get(name)
            if record is None or evidence.exit is None:
                continue
            del self._given_up[name]
            outcome = await self._taken_in(name, outcome_of(evidence.exit, EffectClass.CONSUMING))
            try:
                await self._on_late(record.key, outcome)
            except NotFound:
                pass
            except YosegiError:
                self._given_up[name] = record
                continue
            done = record.model_copy(update={"outcome": outcome})
            await self._patiently(lambda done=done: self._records.put(done))  # type: ignore[misc]

    async def _tidy(self) -> None:
        older = self._settings.keep_days * 86400

        def tidy() -> None:
            for record in self._records.ended():
                if record.name not in self._given_up:
                    self._spool.remove(record.name, older=older)

        await self._offload(tidy)

    def printed(self, key: str) -> str:
        """The last that a task has printed, bounded; empty if nothing is known of it."""
        case = self._cases.get(key)
        return "" if case is None or case.record is None else self._spool.printed(case.record.name)

    def statistics(self) -> dict[str, Any]:
        """See `Engine.statistics`."""
        running = sum(1 for case in self._cases.values() if case.is_running)
        return {
            "running": running,
            "waiting": len(self._cases) - running,
            "stopped": self._stopped is not None,
            "submitted": sum(1 for case in self._cases.values() if case.record is not None),
            "given_up": len(self._given_up),
            "polls": self._watch.polls,
            "trouble": self._watch.trouble or ("" if self._accounts is None else self._accounts.trouble),
            **self._counts,
        }

    def __repr__(self) -> str:
        return f"<batch engine {self.name} ({self._dialect.name}): {len(self._cases)} tasks>"

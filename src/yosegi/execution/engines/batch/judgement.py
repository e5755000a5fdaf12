"""What is to be concluded about a job: a pure function of what its folder holds and what the scheduler said.

The truth is, in this order: the files of the job, a positive word of the scheduler, and then *not known*. That a job is
missing, from a queue, from a history, from an answer that never came, proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.outcomes import OutcomeCode
from yosegi.execution.engines.batch.dialect import JobPhase, JobSighting
from yosegi.execution.outcomes import ended_badly, never_began


@dataclass(frozen=True, slots=True)
class JobEvidence:
    """What lies in a job's folder.

    Args:
        claim: who made the fence, `job` or `site`; empty if nobody has.
        started: whether the capability may have been called.
        exit: the outcome that the job wrote; None if it has not.
        signalled: whether the scheduler asked it to end.
        beat: grows while the job lives.
        line: the last line it printed.
    """

    claim: str = ""
    started: bool = False
    exit: dict[str, Any] | None = None
    signalled: bool = False
    beat: int = 0
    fraction: float = 0.0
    text: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class JobTimes:
    """How long ago things were, in seconds; infinite for never where that matters.

    Args:
        asked: since it was submitted.
        ended: from when the scheduler first said that it has ended to the last look into its folder.
        absent: for which the scheduler has answered, again and again, and not named it.
        claimed: since its claim was first seen here.
        sign: since its last sign of life in its folder.
    """

    asked: float = 0.0
    ended: float = 0.0
    absent: float = 0.0
    claimed: float = 0.0
    sign: float = 0.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    Args:
        limit: from a job's start to its last moment by its contract, its grace included.
        save_window: for which a scheduler may not know what it accepted.
        lag: that a file may take from a node to here.
        silence: without a sign, beyond the limit.
        fence_proves: whether a fence made here proves that the job will never begin.
    """

    limit: float
    save_window: float
    lag: float
    silence: float
    fence_proves: bool = True


@dataclass(frozen=True, slots=True)
class JobEnded:
    """The task has an outcome."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class JobNeverBegan:
    """The capability was not called, and never will be by this job; `again` if another job may be submitted."""

    why: str
    again: bool = True
    code: OutcomeCode = OutcomeCode.NOT_STARTED


@dataclass(frozen=True, slots=True)
class MakeFence:
    """Try to make the fence here: it decides whether the job has begun or never will.

    Args:
        why: it is looked into.
        over: whether the scheduler says that the job is over.
    """

    why: str
    again: bool = True
    over: bool = False


JobVerdict = JobEnded | JobNeverBegan | MakeFence | None


def judge(
    effect: EffectClass, seen: JobEvidence, said: JobSighting | None, times: JobTimes, patience: Patience
) -> JobVerdict:
    """What is known of a job; None while it is waited for.

    Cases, in order:
      1. it wrote its outcome; of one that may be repeated and was stopped by the scheduler, why is asked first;
      2. the site made the fence: it never began;
      3. the scheduler says that it has ended: what the fence says once files had time to arrive;
      4. the scheduler says that it will never start it: the fence decides;
      5. the scheduler says that it waits or runs;
      6. nobody names it: the fence decides, after the save window; one that has begun is waited for, for the whole of
         its time and more, and then its end is not known.
    """
    if seen.exit is not None:
        return _told(outcome_of(seen.exit, effect), effect, seen, said, times, patience)
    if seen.claim == "site" and (patience.fence_proves or effect.repeatable):
        return JobNeverBegan("it was taken back before it began")
    if said is not None and said.phase is JobPhase.ENDED:
        return None if times.ended < patience.lag else _over(effect, seen, said)
    if said is not None and said.unfit and seen.claim != "job":
        return MakeFence(f"the scheduler will never start it {said.words}", again=False)
    if said is not None:
        return None
    if seen.claim != "job":
        if times.absent >= patience.save_window and times.asked >= patience.save_window:
            return MakeFence("the scheduler does not know it")
        return None
    if times.claimed >= patience.limit + patience.silence and times.sign >= patience.silence:
        why = "it began, and neither its files nor the scheduler tell how it ended; look at what it does to the world"
        return JobEnded(ended_badly(effect, OutcomeCode.JOB_LOST, why))
    return None


def _told(
    outcome: Outcome, effect: EffectClass, seen: JobEvidence, said: JobSighting | None, times: JobTimes, wait: Patience
) -> JobVerdict:
    """It wrote its outcome. One that was stopped as its nodes were taken away may be run again, if it may be at all."""
    if not (seen.signalled and effect.repeatable and outcome.code is OutcomeCode.STOPPED):
        return JobEnded(outcome)
    if said is not None and said.phase is JobPhase.ENDED:
        lost = said.lost_node and not said.over_time
        return JobNeverBegan(f"it was stopped, and may be run again: {said.words}") if lost else JobEnded(outcome)
    return JobEnded(outcome) if times.absent >= wait.save_window else None


def _over(effect: EffectClass, seen: JobEvidence, said: JobSighting) -> JobVerdict:
    """The scheduler says that it has ended, and it wrote no outcome."""
    printed = f"; the last it printed: {seen.line}" if seen.line else ""
    if seen.claim != "job":
        return MakeFence(f"it ended before it began: {said.words}{printed}", again=said.lost_node, over=True)
    if not seen.started and not (said.lost_node and not effect.repeatable):
        why = f"it ended before its capability was called: {said.words}{printed}"
        return JobNeverBegan(why, again=said.lost_node)
    # Of a node that is out of the scheduler's reach nobody knows what it still does: only what may be repeated is.
    if said.over_time:
        return JobEnded(ended_badly(effect, OutcomeCode.TIME_LIMIT, said.words + printed))
    if said.lost_node and effect.repeatable:
        return JobNeverBegan(f"it was lost, and may be run again: {said.words}")
    return JobEnded(ended_badly(effect, OutcomeCode.JOB_ENDED, said.words + printed))


def outcome_of(exit: dict[str, Any], effect: EffectClass) -> Outcome:
    """The outcome that a job wrote; rubbish is a bad output."""
    try:
        return Outcome.read(exit, what="the outcome of a job")
    except Invalid as error:
        return ended_badly(effect, OutcomeCode.BAD_OUTPUT, str(error))


def fenced(verdict: MakeFence, effect: EffectClass, patience: Patience) -> JobEnded | JobNeverBegan:
    """What follows once the site has made the fence first.

    Where the nodes may not see it at once it proves nothing about a job that nobody can account for, and only what may
    be repeated goes on.
    """
    if patience.fence_proves or verdict.over or effect.repeatable:
        return JobNeverBegan(verdict.why, again=verdict.again)
    return JobEnded(
        ended_badly(effect, OutcomeCode.JOB_LOST, f"{verdict.why}, and it is not proved that it never began")
    )


def without_effect(why: str, *, cancelled: bool, code: OutcomeCode = OutcomeCode.NOT_STARTED) -> Outcome:
    """The outcome of a task none of whose jobs ever began."""
    return never_began(OutcomeCode.CANCELLED if cancelled else code, why)

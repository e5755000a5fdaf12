"""What the end of a job at another facility is worth as an outcome. A pure function."""

from __future__ import annotations

from collections.abc import Iterable

from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome, Work
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.iri.documents import RemoteJob
from yosegi.execution.outcomes import ended_badly, never_began


def is_uncertain(job: RemoteJob) -> bool:
    """Whether the facility itself does not know what a job did."""
    return job.status is not None and job.status.state == "held" and job.yosegi_state == "uncertain"


def outcome_of(work: Work, contract: Contract, job: RemoteJob, files: Iterable[str] = ()) -> Outcome:
    """How a task ended whose job is over, or of which the facility itself does not know it; `files` are fetched apart.

    Cases, in order:
      1. another Yosegi site tells the outcome, or that it refused or cancelled the task without effect;
      2. completed without an error: valid, if `meta_data.outputs` holds what the contract says, or it says nothing;
      3. all else began and ended badly: of unknown effect, unless the work may be repeated.
    """
    status = job.status
    if status is None:
        return ended_badly(work.effect, OutcomeCode.FACILITY_SILENT, "its status is missing")
    message = (status.message or "")[:1500]
    if job.outcome is not None:
        return job.outcome
    if job.yosegi_state == "cancelled":
        return never_began(OutcomeCode.CANCELLED, message)
    if job.yosegi_state == "refused":
        return never_began(OutcomeCode.NOT_STARTED, message)
    if is_uncertain(job):
        return Outcome.failed(Effect.UNKNOWN, OutcomeCode.FACILITY_SILENT, message)
    if status.state == "completed" and not status.exit_code:
        return _completed(work, contract, job, frozenset(files))
    code = OutcomeCode.STOPPED if status.state == "canceled" else OutcomeCode.CRASHED
    exit_code = "" if status.exit_code is None else f"exit code {status.exit_code}. "
    return ended_badly(work.effect, code, f"{exit_code}{message}")


def without_files(work: Work, why: str) -> Outcome:
    """The outcome of a job that is completed, and whose output files cannot be had."""
    done = Effect.NONE if work.effect.repeatable else Effect.DONE
    message = f"the job is completed, and an output of it cannot be had: {why}"[:2000]
    return Outcome(effect=done, result=Result.INVALID, reason=str(OutcomeCode.BAD_OUTPUT), message=message)


def _completed(work: Work, contract: Contract, job: RemoteJob, files: frozenset[str]) -> Outcome:
    outputs = (job.status.meta_data or {}).get("outputs") if job.status else None
    if outputs is None and not set(contract.outputs.get("required", ())) - files:
        outputs = {}
    if isinstance(outputs, dict):
        return Outcome(effect=Effect.DONE, result=Result.VALID, outputs=outputs)
    done = Effect.NONE if work.effect.repeatable else Effect.DONE
    why = "the job is completed, and its meta_data holds no outputs"
    return Outcome(effect=done, result=Result.INVALID, reason=str(OutcomeCode.BAD_OUTPUT), message=why)

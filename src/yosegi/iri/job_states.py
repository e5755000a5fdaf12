"""What a task's state means as a job's. What nobody knows is `held`, and never `failed` and never `completed`."""

from __future__ import annotations

from typing import Any

from yosegi.core.clock import parse_timestamp
from yosegi.core.outcomes import Outcome
from yosegi.core.states import Result, TaskState
from yosegi.iri.jobs import IriJob, IriJobStatus
from yosegi.iri.schemas import JobState
from yosegi.services.facility_jobs.schemas import JobDetail

UNCERTAIN = "Nobody knows whether it had its effect; a person has to look and settle it"
WAITS = "It waits for a person"


def job(detail: JobDetail, *, with_specification: bool) -> IriJob:
    """A job as it is sent."""
    return IriJob(
        id=detail.key,
        status=status(detail),
        job_spec=detail.specification if with_specification else None,
    )


def state(detail: JobDetail) -> JobState:
    """The state of a job."""
    if detail.state is TaskState.ENDED:
        return "completed" if detail.outcome is not None and detail.outcome.result is Result.VALID else "failed"
    if detail.state is TaskState.ACCEPTED:
        return "held" if detail.waits else "queued"
    known: dict[TaskState, JobState] = {
        TaskState.NEW: "new",
        TaskState.DISPATCHED: "active",
        TaskState.UNCERTAIN: "held",
        TaskState.REFUSED: "failed",
        TaskState.CANCELLED: "canceled",
    }
    return known[detail.state]


def status(detail: JobDetail) -> IriJobStatus:
    """Where it stands, with this site's own account of it under `meta_data`."""
    found, outcome = state(detail), detail.outcome
    over = found in ("completed", "failed") and detail.state is TaskState.ENDED
    return IriJobStatus(
        state=found,
        time=parse_timestamp(detail.changed).timestamp(),
        message=_message(detail) or None,
        exit_code=(0 if found == "completed" else 1) if over else None,
        meta_data={"yosegi": _told(detail)} if outcome or detail.reasons else {"yosegi": {"state": str(detail.state)}},
    )


def _message(detail: JobDetail) -> str:
    reasons = " ".join(one.en or one.code for one in detail.reasons)
    if detail.state is TaskState.UNCERTAIN:
        why = f": {_why(detail.outcome)}" if detail.outcome else ""
        return f"{UNCERTAIN}{why}"
    if detail.waits:
        return f"{WAITS}. {reasons}".strip()
    if detail.outcome is not None and detail.outcome.reason:
        return _why(detail.outcome)
    return reasons


def _why(outcome: Outcome) -> str:
    return f"{outcome.reason}: {outcome.message}" if outcome.message else outcome.reason


def _told(detail: JobDetail) -> dict[str, Any]:
    """The task's state, outcome and reasons in this site's own words."""
    # The outcome is what another Yosegi site reads, a site of before too: energy, and amounts in whole units, stand
    # beside it.
    found = detail.outcome
    outcome = None if found is None else found.model_dump(mode="json", exclude_none=True, exclude={"joules"})
    spent = None if found is None or found.spent is None else found.spent.decimals()
    energy = None if found is None else found.joules
    return {
        "state": str(detail.state),
        "outcome": outcome,
        **({} if energy is None else {"joules": energy}),
        **({} if spent is None else {"spent": spent}),
        "charged": detail.charged,
        "reasons": [one.model_dump(mode="json") for one in detail.reasons],
    }

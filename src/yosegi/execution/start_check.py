"""The last look before a task starts: may it, must it wait for something, or is it refused after all?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from yosegi.core.states import TaskState
from yosegi.execution.ports import AuthorizationPort, DelegationPort, Published, SamplePort
from yosegi.execution.tasks import Task
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.explanation import explained, why
from yosegi.trust.explanation import Explanation


@dataclass(frozen=True, slots=True)
class Start:
    """It may start by this decision."""

    published: Published
    decision: Decision


@dataclass(frozen=True, slots=True)
class Park:
    """It lacks something that may still come, e.g. a person's approval."""


@dataclass(frozen=True, slots=True)
class RefuseStart:
    """It may not start any more."""

    reasons: tuple[Explanation, ...]
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class NotWaiting:
    """It was ended while it waited for its slot."""


StartVerdict = Start | Park | RefuseStart | NotWaiting


def may_start(
    task: Task,
    published: Published | None,
    now: datetime,
    authorizer: AuthorizationPort,
    rights: DelegationPort,
    samples: SamplePort,
) -> StartVerdict:
    """What becomes of a task whose slot has come.

    Cases, in order:
      1. it was cancelled, declined or refused meanwhile;
      2. its capability is not published any more, or under another contract;
      3. its time is over;
      4. it lacks something that may still come;
      5. what it stood on is gone: its home site's place, or its mandate;
      6. this owner's policy does not allow it any more;
      7. a sample that it names may not be used: it went elsewhere, was set aside, lost or used up meanwhile.
    """
    if task.state is not TaskState.ACCEPTED:
        return NotWaiting()
    request = task.asked()
    if published is None or request.contract != published.contract.digest:
        return RefuseStart((explained("contract_changed", capability=request.capability),))
    if now > request.not_after:
        return RefuseStart((explained("document_expired", until=request.not_after.isoformat()),))
    if rights.pending_reason(request, published.contract) is not None:
        return Park()
    if reasons := rights.lapsed(request):
        return RefuseStart(reasons)
    decision = authorizer.decide("dispatch", request, published.contract, task.objects.values())
    if not decision.allow:
        return RefuseStart(why(decision), decision)
    if unusable := samples.not_usable(request, published.contract):
        return RefuseStart(unusable, decision)
    return Start(published, decision)

"""Asking for one task, following it, and taking it back."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from pydantic import Field

from yosegi.core.contract import Conduct, Sensitivity
from yosegi.core.outcomes import ReasonCode
from yosegi.core.states import TaskState
from yosegi.exchange.requests import Asked
from yosegi.governance.charter.statement import Listens
from yosegi.http.bodies import Body
from yosegi.mcp.tool import Call, Tool
from yosegi.services.tasks.schemas import RequestDetail

Name = Annotated[str, Field(max_length=130)]
MadeOnce = Annotated[
    str,
    Field(
        max_length=128,
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]{0,127})?$",
        description="makes it happen once: the same key again asks nothing new; chosen for you if you give none",
    ),
]
LONGEST_WAIT = 50.0
"""Seconds; a client that wants to wait longer calls again."""
LOOK_EVERY = 5.0


class TaskWanted(Body):
    """One task of one capability."""

    charter: Name
    team: Name
    capability: Annotated[str, Field(max_length=130, description="site/name@version")]
    inputs: Annotated[dict[str, Any], Field(description="as the capability's contract says")]
    purpose: Annotated[str, Field(min_length=1, max_length=200)] = "research"
    conduct: Annotated[
        Conduct | None,
        Field(
            description="suggest, approve: nothing starts before a person agrees, or run; if you name none, as far as "
            "your mandate goes"
        ),
    ] = None
    sensitivity: Sensitivity = "team"
    key: MadeOnce = ""


class FollowTask(Body):
    """Which request, and how long to wait for news of it."""

    owner: Name
    key: Name
    wait_seconds: Annotated[float, Field(ge=0, le=LONGEST_WAIT)] = 0.0


class WithdrawTask(Body):
    """Which request to take back, and why."""

    owner: Name
    key: Name
    why: Annotated[str, Field(max_length=1000)] = ""


class TaskAnswer(RequestDetail):
    """A request, and whether a person must approve it first.

    Args:
        waits_for_approval: whether nothing is done before a person approves it at the owner's site.
        approved_is: digest of the signed request: exactly that is what a person approves, and nothing else.
        page: where a person who may approve it reads it, if this site is the owner; the caller cannot approve it.
        owners_address: the owner's own address, if it is another site that states one.
    """

    waits_for_approval: bool
    approved_is: str
    page: str
    owners_address: str


async def ask(call: Call, asked: TaskWanted) -> TaskAnswer:
    """Ask an owner for one task."""
    key = asked.key or secrets.token_hex(16)
    conduct = asked.conduct or (call.mandate.right.furthest if call.mandate is not None else None) or "suggest"
    detail = await call.site.task_requests.ask(call.who, **(dict(asked) | {"key": key, "conduct": conduct}))
    return answer(call, detail)


def answer(call: Call, detail: RequestDetail) -> TaskAnswer:
    """A request with what a person must do first."""
    owner, _, key = detail.request.partition("/")
    found = call.site.requests.get(owner, key)
    waits = _waits(found)
    own = owner == call.site.name
    return TaskAnswer(
        **dict(detail),
        waits_for_approval=waits,
        approved_is=found.request.digest if waits and found.request is not None else "",
        page=f"{call.base}/tasks" if waits and own else "",
        owners_address=_address(call, found, owner) if waits and not own else "",
    )


def _waits(found: Asked) -> bool:
    codes = {reason.code for reason in found.reasons}
    return found.state is TaskState.ACCEPTED and ReasonCode.APPROVAL_MISSING in codes


def _address(call: Call, found: Asked, owner: str) -> str:
    """Where the owner is reached, as its own statement says; empty where it does not listen."""
    charter = found.request.charter if found.request is not None else ""
    stated = call.site.registry.federation(charter).roster.statements.get(owner) if charter else None
    return stated.reach.url if stated is not None and isinstance(stated.reach, Listens) else ""


async def follow(call: Call, asked: FollowTask) -> TaskAnswer:
    """Where a request stands, at once or when it has moved on."""
    detail = call.site.task_requests.show(asked.owner, asked.key, call.who)
    began, last = call.site.clock.monotonic(), -1
    while not detail.state.final and not call.site.ledger.ending:
        waited = call.site.clock.monotonic() - began
        if waited >= asked.wait_seconds:
            break
        call.site.mandates.acting_under(call.who)
        await call.progress(waited, f"the task is {detail.state}")
        last = await call.site.ledger.changed(last, min(LOOK_EVERY, asked.wait_seconds - waited))
        before, detail = detail, call.site.task_requests.show(asked.owner, asked.key, call.who)
        if detail.state is not before.state:
            break
    return answer(call, detail)


async def withdraw(call: Call, asked: WithdrawTask) -> TaskAnswer:
    """Take back a request made under the caller's own mandate."""
    return answer(call, await call.site.task_requests.withdraw(asked.owner, asked.key, call.who, asked.why))


TOOLS = (
    Tool(
        "get_task",
        "Follow a task",
        "Say where a request stands and what came of it; with wait_seconds, wait for it to move on.",
        FollowTask,
        TaskAnswer,
        follow,
    ),
    Tool(
        "ask_task",
        "Ask for a task",
        "Ask an owner for one task. It happens at most once for each key. Where a person must approve it first, the "
        "answer says so and names the page: tell your person, and do not ask again.",
        TaskWanted,
        TaskAnswer,
        ask,
        needs="suggest",
    ),
    Tool(
        "withdraw_task",
        "Take a task back",
        "Ask the owner to take back a request of yours that has not had its effect.",
        WithdrawTask,
        TaskAnswer,
        withdraw,
        ends=True,
    ),
)

"""What waits for a person's yes or no at this owner."""

from __future__ import annotations

from typing import Any

from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body, Why
from yosegi.services.approvals.schemas import ApprovalRequest, ApprovalWithdrawn
from yosegi.services.tasks.schemas import TaskDetail
from yosegi.trust.envelope import Envelope
from yosegi.web.api.router import router as router_of

router = router_of("approvals")


class Signed(Body):
    """A document in its envelope, signed with the caller's own key."""

    document: dict[str, Any]


@router.get("/approvals")
async def approvals(site: Here, who: Who) -> tuple[ApprovalRequest, ...]:
    """What waits for a person's approval here, the oldest first, as far as the caller may see it."""
    return site.approvals.waiting_for(who)


@router.get("/tasks/{home}/{key}/asked")
async def asked(home: str, key: str, site: Here, who: Who) -> ApprovalRequest:
    """What exactly a task asks, and what was said to it."""
    return site.approvals.asked(site.tasks.get_for(f"{home}/{key}", who).stream)


@router.post("/tasks/{home}/{key}/approve")
async def approve(home: str, key: str, body: Signed, site: Here, who: Who) -> TaskDetail:
    """Say yes, in a document signed with the person's own key."""
    envelope = Envelope.read(body.document, what="an approval")
    return await site.approvals.give(*site.tasks.find(f"{home}/{key}"), envelope, who)


@router.post("/tasks/{home}/{key}/refuse")
async def refuse(home: str, key: str, body: Why, site: Here, who: Who) -> TaskDetail:
    """Say no, with words that the asker reads."""
    return await site.approvals.refuse(*site.tasks.find(f"{home}/{key}"), body.why, who)


@router.post("/approvals/{approval}/withdraw")
async def withdraw(approval: str, body: Why, site: Here, who: Who) -> ApprovalWithdrawn:
    """Take an approval back that was not used yet."""
    return await site.approvals.withdraw(approval, body.why, who)

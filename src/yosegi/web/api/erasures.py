"""Erasing a spill, here and at every site that holds it."""

from __future__ import annotations

from yosegi.core.identifiers import Digest
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Text, Why
from yosegi.services.erasure.schemas import ErasureOrdered, ErasureStatus
from yosegi.web.api.router import router as router_of

router = router_of("erasures")


class EraseTask(Why):
    """A task, `home/owner/key`, and why it is erased."""

    task: Text


@router.post("/objects/{sha256}/erase")
async def erase_object(sha256: Digest, body: Why, site: Here, who: Who) -> ErasureOrdered:
    """Take an object's bytes away for good, here and at every site that has them; the entries that name it stay."""
    return await site.erasure.order("object", sha256, body.why, who)


@router.post("/erasures")
async def erase_task(body: EraseTask, site: Here, who: Who) -> ErasureOrdered:
    """Erase what was asked by a task and what came of it, at its home and its owner; headers and proofs stand."""
    return await site.erasure.order("task", body.task, body.why, who)


@router.get("/erasures")
async def erasures(site: Here, who: Who) -> tuple[ErasureStatus, ...]:
    """Everything that was erased or is to be: why, where it is gone, and who has not answered yet."""
    return site.erasure.listing(who)

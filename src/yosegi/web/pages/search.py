"""A page that finds what a person may see by the words in its name or title."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response

from yosegi.identity.accounts import Session
from yosegi.services.runtime import Site
from yosegi.web.pages.caller import Here, show, signed_in

router = APIRouter(include_in_schema=False)
MOST_FOUND = 50
"""Shown of each kind."""
Words = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One thing that a search found.

    Args:
        kind: the key of the word for it.
        address: of its page, from the root.
    """

    kind: str
    name: str
    title: str
    address: str


@router.get("/search")
async def search(caller: Here, q: Words = "") -> Response:
    """Whatever has all the words in its name or title, of what the caller may see."""
    session, words = signed_in(caller), q.casefold().split()
    found = list(_found(_everything(caller.site, session), words)) if words else []
    return show(caller, "search", page="search", q=q, found=found)


def _found(of: Iterable[SearchHit], words: list[str]) -> Iterator[SearchHit]:
    """Those that have every word, some of each kind."""
    count: dict[str, int] = {}
    for one in of:
        text = f"{one.name} {one.title}".casefold()
        if all(word in text for word in words) and count.get(one.kind, 0) < MOST_FOUND:
            count[one.kind] = count.get(one.kind, 0) + 1
            yield one


def _everything(site: Site, who: Session) -> Iterator[SearchHit]:
    """Campaigns, capabilities, what was asked of others and by others, and objects: by the rule of each list."""
    for campaign in site.campaigns.list_for(who):
        spec = campaign.spec
        yield SearchHit("campaigns", spec.name, f"{spec.title} {spec.question}", f"campaigns/{spec.name}")
    for line in site.catalogue.summaries():
        yield SearchHit("capabilities", line.ref, line.title, f"capabilities/{line.ref}")
    for request in site.task_requests.list_for(who, 1000):
        yield SearchHit("asked_of_others", request.request, f"{request.capability} {request.campaign}", "asked")
    for task in site.tasks.list_for(who, limit=1000):
        yield SearchHit("tasks", task.name, f"{task.capability} {task.campaign}", "tasks")
    for one in site.objects.listing(who):
        yield SearchHit("objects", one.sha256.removeprefix("sha256:"), " ".join(one.names), "objects")

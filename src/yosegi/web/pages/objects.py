"""The page of large data."""

from __future__ import annotations

from fastapi import APIRouter, Response

from yosegi.web.api.objects import download
from yosegi.web.pages.caller import Here, show, signed_in

router = APIRouter(include_in_schema=False)


@router.get("/objects")
async def objects(caller: Here, campaign: str = "", task: str = "") -> Response:
    """Large data that this site knows; of a campaign or a task alone, if one is named."""
    found = caller.site.objects.listing(signed_in(caller), campaign=campaign, task=task)
    return show(caller, "objects", page="objects", objects=found, of=campaign or task)


@router.get("/objects/{sha256}/bytes")
async def object_bytes(sha256: str, caller: Here) -> Response:
    """An object as a file to be kept."""
    return await download(caller.site, sha256, signed_in(caller))

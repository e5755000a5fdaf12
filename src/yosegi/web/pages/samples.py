"""The page of samples, and a label to print and stick on one."""

from __future__ import annotations

from fastapi import APIRouter, Response

from yosegi.web.pages.caller import Here, show, signed_in

router = APIRouter(include_in_schema=False)


@router.get("/samples")
async def samples(caller: Here) -> Response:
    """Samples that this site made, holds, held or is given."""
    return show(caller, "samples", page="samples", samples=caller.site.samples.listing(signed_in(caller)))


@router.get("/samples/{maker}/{name}")
async def sample_label(maker: str, name: str, caller: Here) -> Response:
    """A sample's label, and its life below it."""
    return show(caller, "sample", page="samples", sample=caller.site.samples.show(f"{maker}/{name}", signed_in(caller)))

"""The page of samples, and a label to print and stick on one."""

from __future__ import annotations

from fastapi import APIRouter, Response
from markupsafe import Markup

from yosegi.web.pages.caller import Here, show, signed_in

router = APIRouter(include_in_schema=False)


@router.get("/samples")
async def samples(caller: Here) -> Response:
    """Samples that this site made, holds, held or is given."""
    return show(caller, "samples", page="samples", samples=caller.site.samples.listing(signed_in(caller)))


@router.get("/samples/{maker}/{name}")
async def sample(maker: str, name: str, caller: Here) -> Response:
    """A sample's label, and its life below it."""
    who, id_ = signed_in(caller), f"{maker}/{name}"
    here = caller.site.samples
    return show(caller, "sample", page="samples", sample=here.show(id_, who), label=Markup(here.label(id_, who).svg))


@router.get("/samples/{maker}/{name}/label.svg")
async def label_of_sample(maker: str, name: str, caller: Here) -> Response:
    """The label alone, to print."""
    label = caller.site.samples.label(f"{maker}/{name}", signed_in(caller))
    return Response(label.svg, media_type="image/svg+xml")

"""Large data that this site knows."""

from __future__ import annotations

from fastapi import Request

from yosegi.core.contract import Sensitivity
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import Digest, TeamId
from yosegi.core.object import MediaType, ObjectRef
from yosegi.http.authentication import Here, Who
from yosegi.identity.accounts import Session
from yosegi.services.objects.schemas import ObjectDetail, ObjectsCollected, ObjectSummary
from yosegi.services.runtime import Site
from yosegi.web.api.router import Bytes
from yosegi.web.api.router import router as router_of

router = router_of("objects")


@router.get("/objects")
async def objects(site: Here, who: Who, campaign: str = "", task: str = "") -> tuple[ObjectSummary, ...]:
    """Objects this site knows, the newest first; of a campaign or a task alone, if one is given."""
    return site.objects.listing(who, campaign=campaign, task=task)


@router.post("/objects", status_code=201)
async def put_object(
    request: Request,
    site: Here,
    who: Who,
    team: TeamId,
    media_type: MediaType = "application/octet-stream",
    sensitivity: Sensitivity = "team",
    charter: str = "",
) -> ObjectRef:
    """Bring a file here; its bytes are the body."""
    size = 0
    with site.objects.store.scratch() as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > site.transfers.largest:
                raise Invalid("the object", f"larger than {site.transfers.largest} bytes")
            file.write(chunk)
        file.seek(0)
        how = {"media_type": media_type, "team": team, "charter": charter}
        return await site.objects.put(file, who, sensitivity=sensitivity, **how)


@router.get("/objects/{sha256}")
async def show_object(sha256: Digest, site: Here, who: Who) -> ObjectDetail:
    """One object and every entry that names it."""
    return site.objects.show(sha256, who)


@router.get("/objects/{sha256}/bytes", response_class=Bytes)
async def get_object(sha256: Digest, site: Here, who: Who) -> Bytes:
    """Its bytes."""
    return await download(site, sha256, who)


async def download(site: Site, sha256: str, who: Session) -> Bytes:
    """An object's bytes as a file to be kept: never shown, never run, whatever its media type says it is."""
    ref, data = await site.objects.take(sha256, who)
    headers = {
        "Content-Disposition": f'attachment; filename="{ref.sha256[7:23]}.{extension_of(ref.media_type)}"',
        "Content-Length": str(ref.size),
        "Cache-Control": "no-store",
    }
    return Bytes(data, headers=headers)


def extension_of(media_type: str) -> str:
    """The usual ending of a file of a kind; `bin` where there is none."""
    known = {"application/x-npy": "npy", "text/csv": "csv", "text/plain": "txt", "application/json": "json"}
    return known.get(media_type, "bin")


@router.post("/objects/collect")
async def collect_objects(site: Here, who: Who) -> ObjectsCollected:
    """Take away what no entry names and is older than a day."""
    return await site.objects.collect(who)

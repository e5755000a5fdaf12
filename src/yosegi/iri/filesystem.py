"""Files: the objects of this site, named by their digests. They are read and brought, and never changed."""

from __future__ import annotations

import tempfile
from typing import Annotated, Any

from fastapi import File, Path, Query, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from yosegi.core.errors import NotFound
from yosegi.http.authentication import Here
from yosegi.identity.accounts import Session
from yosegi.iri.account import team_of
from yosegi.iri.calls import Addresses, At, Who
from yosegi.iri.calls import router as router_of
from yosegi.iri.jobs import Flag, Positive, Whole
from yosegi.iri.problems import BadParameters
from yosegi.iri.resources import OBJECTS, check_store, resource
from yosegi.iri.schemas import IriResource, IriTaskSubmitted
from yosegi.services.file_tasks.schemas import FileTaskDetail
from yosegi.services.file_tasks.service import LARGEST
from yosegi.services.runtime import Site

router = router_of("filesystem")
Name = Annotated[str, Path(max_length=200)]
FilePath = Annotated[str, Field(max_length=4096)]
Maybe = Annotated[str | None, Field(max_length=4096)]
Compression = Annotated[
    str, StringConstraints(min_length=25, max_length=400, pattern=r"^urn:doe-iri:compression:[^\s:]+(:[^\s:]+)*$")
]
GZIP = "urn:doe-iri:compression:gzip"


class IriFileCall(BaseModel):
    """What an operation needs to know; fields that it does not know are not heeded, as the description allows them."""

    model_config = ConfigDict(strict=True, extra="ignore")


class PostFileRequest(IriFileCall):
    """A file."""

    path: FilePath


class PostStatRequest(PostFileRequest):
    """A file, or what a link to it refers to."""

    dereference: Flag = False


class PostLsRequest(PostFileRequest):
    """A folder."""

    showHidden: Flag = False
    numericUid: Flag = False
    recursive: Flag = False
    dereference: Flag = False


class PostHeadRequest(PostFileRequest):
    """The beginning of a file."""

    bytes: Whole | None = None
    lines: Whole | None = None
    skipTrailing: Flag = False


class PostTailRequest(IriFileCall):
    """The end of a file."""

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    bytes: Positive | None = None
    lines: Positive | None = None
    skipHeading: Flag = False


class PostViewRequest(PostFileRequest):
    """A part of a file."""

    size: Positive | None = None
    offset: Annotated[Whole, Field(ge=0)] = 0


class PutFileChmodRequest(IriFileCall):
    """Another mode."""

    path: Maybe = None
    mode: Annotated[str, Field(max_length=100)]


class PutFileChownRequest(IriFileCall):
    """Another owner."""

    path: Maybe = None
    owner: Annotated[str, Field(max_length=400)] = ""
    group: Annotated[str, Field(max_length=400)] = ""


class PostMakeDirRequest(IriFileCall):
    """A new folder."""

    path: Maybe = None
    parent: Flag = False


class PostFileSymlinkRequest(IriFileCall):
    """A new link."""

    path: Maybe = None
    link_path: FilePath


class PostTargetRequest(IriFileCall):
    """From one path to another."""

    path: Maybe = None
    target_path: FilePath


class PostCopyRequest(PostTargetRequest):
    """A copy."""

    dereference: Flag = False


class PostExtractRequest(PostTargetRequest):
    """Take an archive apart."""

    compression: Compression = GZIP


class PostCompressRequest(PostExtractRequest):
    """Make an archive."""

    match_pattern: Maybe = None
    dereference: Flag = False


@router.post("/resources", operation_id="getFilesystemResources")
async def list_filesystem_resources(site: Here, at: At) -> list[IriResource]:
    """Resources that hold files."""
    return [resource(site, at, OBJECTS)]


def _submit(site: Site, who: Session, at: Addresses, name: str, command: str, call: IriFileCall) -> IriTaskSubmitted:
    """Do it, and say where its answer is.

    Raises:
        NotFound: no such resource, or one without files.
        Conflict: objects never change, and this would change one.
    """
    check_store(name)
    return submitted(site.file_tasks.do(command, call.model_dump(exclude_none=True), who), at)


def submitted(task: FileTaskDetail, at: Addresses) -> IriTaskSubmitted:
    """Where the answer of a piece of work is."""
    return IriTaskSubmitted(task_id=task.id, task_uri=at("task", task.id))


@router.post("/ls/{resource_id}", operation_id="ls")
async def ls(resource_id: Name, call: PostLsRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """List the objects that the caller may see."""
    return _submit(site, who, at, resource_id, "ls", call)


@router.post("/stat/{resource_id}", operation_id="stat")
async def stat(resource_id: Name, call: PostStatRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Size and date of an object."""
    return _submit(site, who, at, resource_id, "stat", call)


@router.post("/file/{resource_id}", operation_id="file")
async def file_type(resource_id: Name, call: PostFileRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """The media type of an object."""
    return _submit(site, who, at, resource_id, "file", call)


@router.post("/head/{resource_id}", operation_id="head")
async def head(resource_id: Name, call: PostHeadRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """The beginning of an object."""
    return _submit(site, who, at, resource_id, "head", call)


@router.post("/view/{resource_id}", operation_id="view")
async def view(resource_id: Name, call: PostViewRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """A part of an object."""
    return _submit(site, who, at, resource_id, "view", call)


@router.post("/tail/{resource_id}", operation_id="tail")
async def tail(resource_id: Name, call: PostTailRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """The end of an object."""
    return _submit(site, who, at, resource_id, "tail", call)


@router.post("/checksum/{resource_id}", operation_id="checksum")
async def checksum(resource_id: Name, call: PostFileRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """The SHA-256 of an object."""
    return _submit(site, who, at, resource_id, "checksum", call)


@router.post("/download/{resource_id}", operation_id="download")
async def fetch(resource_id: Name, call: PostFileRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """The bytes of a small object, in base 64."""
    return _submit(site, who, at, resource_id, "download", call)


@router.post("/upload/{resource_id}", operation_id="upload")
async def upload(
    resource_id: Name,
    path: Annotated[str, Query(max_length=4096)],
    file: Annotated[UploadFile, File()],
    site: Here,
    who: Who,
    at: At,
) -> IriTaskSubmitted:
    """Bring a small file for a team: the path begins with its project, `/charter.team/…`."""
    check_store(resource_id)
    project = path.strip("/").partition("/")[0]
    try:
        charter, team = team_of(site, who, project)
    except NotFound:
        raise BadParameters(("query.path", "must begin with a project of yours, /charter.team/…")) from None
    with tempfile.SpooledTemporaryFile(LARGEST) as kept:
        while chunk := await file.read(64 * 1024):
            kept.write(chunk)
        return submitted(await site.file_tasks.upload(kept, path, team.id, charter, who), at)  # type: ignore[arg-type]


# -- what would change an object: refused with why --------------------------------------------------------------------


@router.post("/chmod/{resource_id}", operation_id="chmod")
async def chmod(resource_id: Name, call: PutFileChmodRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: objects never change."""
    return _submit(site, who, at, resource_id, "chmod", call)


@router.post("/chown/{resource_id}", operation_id="chown")
async def chown(resource_id: Name, call: PutFileChownRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: objects never change."""
    return _submit(site, who, at, resource_id, "chown", call)


@router.post("/mkdir/{resource_id}", operation_id="mkdir", status_code=201)
async def mkdir(resource_id: Name, call: PostMakeDirRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: there are no folders."""
    return _submit(site, who, at, resource_id, "mkdir", call)


@router.post("/symlink/{resource_id}", operation_id="symlink", status_code=201)
async def symlink(resource_id: Name, call: PostFileSymlinkRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: there are no links."""
    return _submit(site, who, at, resource_id, "symlink", call)


@router.post("/rm/{resource_id}", operation_id="rm")
async def rm(resource_id: Name, call: PostFileRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: an object is erased by its own procedure, at every site that holds it."""
    return _submit(site, who, at, resource_id, "rm", call)


@router.post("/compress/{resource_id}", operation_id="compress", status_code=201)
async def compress(resource_id: Name, call: PostCompressRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: objects never change."""
    return _submit(site, who, at, resource_id, "compress", call)


@router.post("/extract/{resource_id}", operation_id="extract", status_code=201)
async def extract(resource_id: Name, call: PostExtractRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: objects never change."""
    return _submit(site, who, at, resource_id, "extract", call)


@router.post("/mv/{resource_id}", operation_id="mv", status_code=201)
async def mv(resource_id: Name, call: PostTargetRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: an object's path is its digest."""
    return _submit(site, who, at, resource_id, "mv", call)


@router.post("/cp/{resource_id}", operation_id="cp", status_code=201)
async def cp(resource_id: Name, call: PostCopyRequest, site: Here, who: Who, at: At) -> IriTaskSubmitted:
    """Refused: the same bytes are the same object."""
    return _submit(site, who, at, resource_id, "cp", call)


def told(task: FileTaskDetail) -> dict[str, Any]:
    """A piece of work as the facility API sends it."""
    command = {"router": "filesystem", "command": task.command, "args": task.arguments}
    return {"id": task.id, "status": task.state, "result": task.result, "command": command}

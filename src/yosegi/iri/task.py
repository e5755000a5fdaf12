"""Tasks in the facility API's sense: the caller's own work with files; its jobs are in `compute`."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

from yosegi.http.authentication import Here
from yosegi.iri.calls import Who
from yosegi.iri.calls import router as router_of
from yosegi.iri.filesystem import told
from yosegi.iri.schemas import IriFileTask

router = router_of("task")
Name = Annotated[str, Path(max_length=200)]


@router.get("", operation_id="getTasks")
async def list_tasks(site: Here, who: Who) -> list[IriFileTask]:
    """The caller's, the newest first."""
    return [IriFileTask(**told(one)) for one in site.file_tasks.listing(who)]


@router.get("/{task_id}", operation_id="getTask")
async def show_task(task_id: Name, site: Here, who: Who) -> IriFileTask:
    """One of the caller's."""
    return IriFileTask(**told(site.file_tasks.show(task_id, who)))


@router.delete("/{task_id}", operation_id="deleteTask")
async def delete_task(task_id: Name, site: Here, who: Who) -> str:
    """Forget its answer; what was done is done."""
    site.file_tasks.forget(task_id, who)
    return task_id

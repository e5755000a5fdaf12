"""Output files of a job at another facility: fetched by its file system operations, and kept here as objects.

Facilities give small files alone: `download` has at most 5 MiB (the API's description, version 2). Whoever tells the
digest of a file, as another Yosegi site does, is held to it. Of any other file it is taken here, and on record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.contract import Contract, strictest
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.object import ObjectRef, is_object, refs
from yosegi.core.states import Result
from yosegi.data import ObjectStore
from yosegi.data.pulling import Offload
from yosegi.execution.engines.iri.client import FacilityClient
from yosegi.execution.engines.iri.documents import RemoteJob
from yosegi.execution.engines.iri.settings import JobTemplate

LARGEST_FILE = 5 * 1024 * 1024
"""Bytes of one file that are fetched."""
MOST_FILES = 16
"""Files of one job that are fetched."""
OBJECTS = "objects"
"""The resource under which another Yosegi site has its objects, each at the path of its digest."""
_JOB = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


class FacilityFiles:
    """Fetches what jobs left.

    Args:
        client: of the facility.
        store: where the objects are kept.
        site: this site.
        pause: seconds between two looks at a file that is being fetched.
    """

    def __init__(
        self, client: FacilityClient, store: ObjectStore, clock: Clock, offload: Offload, *, site: str, pause: float
    ) -> None:
        self._client, self._store, self._clock, self._offload = client, store, clock, offload
        self._site, self._pause = site, pause

    async def taken_in(
        self, outcome: Outcome, contract: Contract, template: JobTemplate, job: RemoteJob, name: str
    ) -> Outcome:
        """The outcome with every file that it names, and every one that the settings name, kept here.

        Args:
            outcome: as the job's end was understood.
            contract: of the capability.
            template: how the capability is a job there; it may name the path of each output that is a file.
            job: as the facility tells of it.
            name: the job's.

        Raises:
            Unavailable: the facility, or this disk, does not answer just now; it may be tried again.
            Invalid: a file cannot be had, or is not what it should be.
        """
        if outcome.result is not Result.VALID:
            return outcome
        told = refs(contract.outputs, outcome.outputs)
        paths = {output: path for output, path in template.output_files.items() if output not in told}
        if not told and not paths:
            return outcome
        if len(told) + len(paths) > MOST_FILES:
            raise Invalid(
                "the outputs", f"are {len(told) + len(paths)} files, and {MOST_FILES} are fetched at the most"
            )
        outputs = dict(outcome.outputs or {})
        for output, ref in told.items():
            await self._bring(ref, contract)
            outputs[output] = ref.json()
        resource = template.files_resource or template.resource
        for output, path in paths.items():
            data = await self._client.download(resource, path_of(path, job.id, name), self._wait)
            digest, size = await self._keep(data)
            part = contract.outputs["properties"][output]
            outputs[output] = ObjectRef(
                sha256=digest, size=size, media_type=media_type_of(part), site=self._site,
                sensitivity=contract.sensitivity,
            ).json()  # fmt: skip
        return outcome.model_copy(update={"outputs": outputs})

    async def _bring(self, ref: ObjectRef, contract: Contract) -> None:
        """Have the bytes of an object that another Yosegi site made."""
        if ref.size > LARGEST_FILE:
            raise Invalid(f"object {ref.sha256}", f"has {ref.size} bytes, and {LARGEST_FILE} are fetched at the most")
        known = strictest(contract.sensitivity, "team")
        classes = set() if contract.export_class == "none" else {contract.export_class}
        if strictest(ref.sensitivity, known) != known or not set(ref.export_classes) <= classes:
            todo = "publish it here under a contract that says so too"
            raise Invalid(f"object {ref.sha256}", "is labelled more strictly there than the contract here says", todo)
        if await self._offload(self._store.has, ref.sha256):
            return
        digest, _ = await self._keep(await self._client.download(OBJECTS, f"/{ref.sha256}", self._wait))
        if digest != ref.sha256:
            raise Invalid(f"object {ref.sha256}", f"the facility sent other bytes, {digest}")

    async def _keep(self, data: bytes) -> tuple[str, int]:
        if len(data) > LARGEST_FILE:
            raise Invalid("a file", f"has {len(data)} bytes, and {LARGEST_FILE} are fetched at the most")
        kept: tuple[str, int] = await self._offload(self._store.put, data)
        return kept

    async def _wait(self) -> None:
        await self._clock.sleep(self._pause)


def path_of(path: str, job: str, name: str) -> str:
    """A path of the settings with the job's id for `{job}` and its name for `{name}`.

    Example:
        >>> path_of("/scratch/{name}/{job}.csv", "4711", "yabc")
        '/scratch/yabc/4711.csv'

    Raises:
        Invalid: the facility's id of the job is no part of a path.
    """
    if "{job}" in path and _JOB.fullmatch(job) is None:
        raise Invalid("the job's id", f"{job[:80]!r} cannot stand in a path", "name the file by {name}")
    return path.replace("{job}", job).replace("{name}", name)


def media_type_of(part: Mapping[str, Any]) -> str:
    """What kind of object an output of a contract is."""
    for choice in (part, *part.get("anyOf", ())):
        if isinstance(choice, Mapping) and "media_type" in choice.get("properties", {}):
            return str(choice["properties"]["media_type"]["const"])
    return "application/octet-stream"


def check_files(template: JobTemplate, contract: Contract) -> None:
    """Hold the outputs that the settings say are files against the contract.

    Raises:
        Invalid: an output that is not in the contract, or is no object there.
    """
    for output in template.output_files:
        part = contract.outputs.get("properties", {}).get(output)
        if part is None or not is_object(part):
            raise Invalid(f"output_files of {contract.name}", f"{output} is no object among its outputs")

"""A facility's API as this engine uses it: which version it speaks, and four verbs for jobs.

Servers are partial: one centre serves 14 of 43 operations. So nothing is needed but `launchJob` and `getJob`; where
jobs cannot be listed, none is found by its name, and that proves nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from yosegi.core.errors import Invalid, Unavailable
from yosegi.execution.engines.iri.credentials import TokenSource
from yosegi.execution.engines.iri.documents import RemoteFileTask, RemoteJob
from yosegi.execution.engines.iri.transport import FacilityTransport, NothingSent, Reply

VERSIONS = ("v2", "v1")
PROBES = ("facility", "status/resources", "compute/resources", "openapi.json")
"""What says which version is there: any of them is enough."""
REFUSALS = frozenset({400, 401, 403, 404, 405, 413, 415})
"""Answers to a submission that say that there is no job. 409, 422 and 5xx do not."""
PAGE, PAGES = 100, 10
NOT_OFFERED = frozenset({404, 405, 501})
"""Answers by which a facility says that it does not serve an operation."""
_LATER = frozenset({401, 408, 409, 425, 429})
"""Answers of the fours that may be others the next time."""
LOOKS = 600
"""Looks at a file that is being fetched."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What came of one submission; one of the four is set.

    Args:
        job: it is there.
        refused: it is certainly not there, and why.
        unsent: nothing arrived, and why.
        unsure: it may be there, and why nobody knows.
        status: of the answer; 0 if none came.
    """

    job: RemoteJob | None = None
    refused: str = ""
    unsent: str = ""
    unsure: str = ""
    status: int = 0


@dataclass
class FacilityClient:
    """Calls one facility.

    Args:
        url: the address before `/api/v2`.
    """

    url: str
    tokens: TokenSource
    transport: FacilityTransport
    version: str = field(default="", init=False)
    """`v2` or `v1`, once it is known."""

    async def submit(self, resource: str, specification: Mapping[str, Any], key: str) -> Submission:
        """Submit a job; with a key if one is given."""
        path = f"compute/job/{quote(resource, safe='')}"
        try:
            reply = await self._call("POST", path, specification, {"Idempotency-Key": key} if key else {})
        except NothingSent as error:
            return Submission(unsent=error.why)
        except Unavailable as error:
            return Submission(unsure=error.why)
        except Invalid as error:
            return Submission(unsent=str(error))
        if reply.is_good:
            try:
                return Submission(job=RemoteJob.of(reply.json()), status=reply.status)
            except Invalid as error:
                return Submission(unsure=str(error), status=reply.status)
        if reply.status in REFUSALS:
            return Submission(refused=reply.why(), status=reply.status)
        return Submission(unsure=reply.why(), status=reply.status)

    async def find(self, resource: str, name: str) -> RemoteJob | None:
        """The job of a name, over or not; None if the list has none, which does not prove that there is none.

        Raises:
            Unavailable: jobs cannot be listed, or not with their names.
        """
        path, nameless = f"compute/status/{quote(resource, safe='')}", False
        for number in range(PAGES):
            asked = {"historical": "true", "include_spec": "true", "limit": str(PAGE), "offset": str(number * PAGE)}
            reply = await self._call("POST", f"{path}?{urlencode(asked)}", {"name": name})
            listed = self._value(reply)
            if not isinstance(listed, list):
                raise Unavailable("the facility's list of jobs", "is no list")
            for value in listed:
                job = self._job(value)
                nameless = nameless or job.job_spec is None
                if job.job_spec is not None and job.job_spec.name == name:
                    return job
            if len(listed) < PAGE:
                break
        if nameless:
            raise Unavailable("the facility's list of jobs", "does not tell their names")
        return None

    async def job(self, resource: str, job: str) -> RemoteJob:
        """Where a job stands.

        Raises:
            Unavailable: the facility does not say. That it knows no such job is no proof that there was none.
        """
        path = f"compute/status/{quote(resource, safe='')}/{quote(job, safe='')}?historical=true"
        return self._job(self._value(await self._call("GET", path)))

    async def cancel(self, resource: str, job: str) -> bool:
        """Ask for a job's end; whether the facility took it."""
        path = f"compute/cancel/{quote(resource, safe='')}/{quote(job, safe='')}"
        try:
            return (await self._call("DELETE", path)).is_good
        except (Unavailable, Invalid):
            return False

    async def download(self, resource: str, path: str, wait: Callable[[], Awaitable[None]]) -> bytes:
        """A small file there; `wait` is awaited before each look at whether it is fetched.

        Raises:
            Unavailable: the facility does not answer just now.
            Invalid: it does not serve such operations, or has no such file for this site.
        """
        started = await self._start_download(resource, path)
        if started.status in NOT_OFFERED:
            raise Invalid(f"file {path}", f"the facility does not give it: filesystem/download, {started.why()}")
        if 400 <= started.status < 500 and started.status not in _LATER:
            raise Invalid(f"file {path}", started.why())
        told = self._value(started)
        task = told.get("task_id") if isinstance(told, dict) else None
        if not isinstance(task, str) or not 0 < len(task) <= 400:
            raise Invalid(f"file {path}", "the facility's answer names no task")
        for _ in range(LOOKS):
            seen = await self._call("GET", f"task/{quote(task, safe='')}")
            if seen.status in NOT_OFFERED:
                raise Invalid(f"file {path}", f"the facility does not tell what it fetched: task, {seen.why()}")
            found = RemoteFileTask.of(self._value(seen))
            if found.status == "completed":
                return found.file()
            if found.status in ("failed", "canceled"):
                raise Invalid(f"file {path}", f"the facility could not fetch it: {found.why()}")
            await wait()
        raise Unavailable(f"file {path}", "the facility is still fetching it")

    async def _start_download(self, resource: str, path: str) -> Reply:
        """Version 2 takes the path in the body of a POST, version 1 in the query of a GET."""
        if not self.version:
            self.version = await self._probe()
        where = f"filesystem/download/{quote(resource, safe='')}"
        if self.version == "v1":
            return await self._call("GET", f"{where}?{urlencode({'path': path})}")
        return await self._call("POST", where, {"path": path})

    # -- parts ----------------------------------------------------------------------------------------------------

    async def _call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """One call with a token; with a new one, if the facility does not take the first."""
        if not self.version:
            self.version = await self._probe()
        url = f"{self.url}/api/{self.version}/{path}"
        for last in (False, True):
            bearer = {"Authorization": f"Bearer {await self._token()}", "Accept": "application/json"}
            reply = await self.transport.call(method, url, bearer | dict(headers or {}), body)
            if reply.status != 401 or last:
                return reply
            self.tokens.forget()
        raise AssertionError("the loop returns")

    async def _token(self) -> str:
        try:
            return await self.tokens.token()
        except Unavailable as error:
            raise NothingSent(error.what, error.why, error.todo) from None

    async def _probe(self) -> str:
        """The newest version that is there.

        Raises:
            NothingSent: none answers.
        """
        why = "no version of the facility API is there"
        for version in VERSIONS:
            for path in PROBES:
                try:
                    reply = await self.transport.call("GET", f"{self.url}/api/{version}/{path}", {})
                except Unavailable as error:
                    raise NothingSent(self.url, error.why) from None
                if reply.is_good or reply.status == 401:
                    return version
                if reply.status >= 500:
                    why = reply.why()
        raise NothingSent(self.url, why)

    @staticmethod
    def _value(reply: Reply) -> Any:
        if not reply.is_good:
            raise Unavailable("the facility", reply.why())
        try:
            return reply.json()
        except Invalid as error:
            raise Unavailable("the facility", error.why) from None

    @staticmethod
    def _job(value: Any) -> RemoteJob:
        try:
            return RemoteJob.of(value)
        except Invalid as error:
            raise Unavailable("the facility", error.why) from None

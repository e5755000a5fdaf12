"""Work with files over the objects of a site: listed, looked at, fetched and brought, and never changed.

An object is named by its digest, so its path is `/sha256:…`; the root lists those that the caller may see. What is
looked at is no act and stands in no entry; what is brought is an object and on record as one. So the answers are kept
in memory alone, a bounded number of each person's, and whoever finds one gone asks again.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from yosegi.core.errors import Conflict, Invalid, NotFound, YosegiError
from yosegi.core.object import ObjectRef
from yosegi.identity.accounts import Session
from yosegi.services.answer import JsonObject
from yosegi.services.file_tasks.schemas import FileTaskDetail, FileTaskState
from yosegi.services.objects.schemas import ObjectSummary
from yosegi.services.objects.service import ObjectService

LARGEST = 5 * 1024 * 1024
"""Bytes that one answer holds; the facility API's own limit for small files. Larger ones go by `/api/v1/objects`."""
KEPT = 64
"""Answers kept of each person."""
PEOPLE = 256
"""Persons of whom answers are kept."""
_PATH = re.compile(r"/*(?:objects/+)?(?:sha256:)?([0-9a-f]{64})/*")
_ROOT = re.compile(r"/*(?:objects)?/*|\.")
READS = ("ls", "stat", "file", "head", "view", "tail", "checksum", "download")
"""What can be asked of an object. All else would change one."""


@dataclass
class FileTaskService:
    """Work with files at one site."""

    objects: ObjectService
    _kept: OrderedDict[str, OrderedDict[str, FileTaskDetail]] = field(default_factory=OrderedDict)

    def do(self, command: str, arguments: Mapping[str, Any], who: Session) -> FileTaskDetail:
        """Look at an object; what goes wrong is the result.

        Raises:
            Conflict: objects are never changed, and this would.
        """
        if command not in READS:
            raise Conflict(
                f"the operation {command}",
                "objects are named by their digests and never change",
                "bring another object, or use ls, stat, file, head, view, tail, checksum, download or upload",
            )
        return self._finish(command, arguments, who, lambda: self._read(command, arguments, who))

    async def upload(self, file: BinaryIO, path: str, team: str, charter: str, who: Session) -> FileTaskDetail:
        """Bring a file of at most `LARGEST` bytes for a team."""
        arguments = {"path": path}
        try:
            if file.seek(0, 2) > LARGEST:
                raise Invalid("the file", f"larger than {LARGEST} bytes", "send it to /api/v1/objects")
            file.seek(0)
            how: dict[str, Any] = {"media_type": "application/octet-stream", "sensitivity": "team"}
            ref = await self.objects.put(file, who, team=team, charter=charter, **how)
        except YosegiError as error:
            failed = error
            return self._finish("upload", arguments, who, lambda: _fail(failed))
        return self._finish("upload", arguments, who, lambda: {"path": f"/{ref.sha256}", "size": ref.size})

    def listing(self, who: Session) -> tuple[FileTaskDetail, ...]:
        """The answers kept of somebody, the newest first."""
        return tuple(self._own(who).values())[::-1]

    def show(self, name: str, who: Session) -> FileTaskDetail:
        """One answer.

        Raises:
            NotFound: none of that name of this person, or it is not kept any more.
        """
        found = self._own(who).get(name)
        if found is None:
            raise NotFound("task", name)
        return found

    def forget(self, name: str, who: Session) -> None:
        """Keep an answer no longer.

        Raises:
            NotFound: as `show`.
        """
        self.show(name, who)
        del self._kept[who.person][name]

    # -- parts ----------------------------------------------------------------------------------------------------

    def _own(self, who: Session) -> Mapping[str, FileTaskDetail]:
        return self._kept.get(who.person) or OrderedDict()

    def _finish(
        self, command: str, arguments: Mapping[str, Any], who: Session, work: Callable[[], Any]
    ) -> FileTaskDetail:
        state: FileTaskState = "completed"
        try:
            result: JsonObject = {"output": work()}
        except YosegiError as error:
            state, result = "failed", {"error": str(error), "code": error.code}
        name = secrets.token_hex(16)
        task = FileTaskDetail(id=name, command=command, arguments=dict(arguments), state=state, result=result)
        own = self._kept.setdefault(who.person, OrderedDict())
        self._kept.move_to_end(who.person)
        own[task.id] = task
        while len(own) > KEPT:
            own.popitem(last=False)
        while len(self._kept) > PEOPLE:
            self._kept.popitem(last=False)
        return task

    def _read(self, command: str, arguments: Mapping[str, Any], who: Session) -> Any:
        path = str(arguments["path"])
        if command == "ls":
            return self._listed(path, who)
        ref, _ = self.objects.open(self._digest(path), who)
        if command == "stat":
            seen = self.objects.show(ref.sha256, who)
            return {"mode": 0o100440, "nlink": 1, "size": ref.size, "mtime": seen.since}
        if command == "file":
            return ref.media_type
        if command == "checksum":
            return {"algorithm": "SHA-256", "checksum": ref.sha256.removeprefix("sha256:")}
        if command == "download":
            return base64.b64encode(self._bytes(ref, 0, ref.size)).decode()
        return self._part(command, ref, arguments)

    def _listed(self, path: str, who: Session) -> list[dict[str, Any]]:
        if _ROOT.fullmatch(path):
            found: tuple[ObjectSummary, ...] = self.objects.listing(who)
        else:
            found = (self.objects.show(self._digest(path), who),)
        return [
            {
                "name": one.sha256, "type": "-", "linkTarget": None, "user": one.told_by, "group": " ".join(one.teams),
                "permissions": "r--r-----", "lastModified": one.since, "size": str(one.size),
            }
            for one in found
        ]  # fmt: skip

    def _part(self, command: str, ref: ObjectRef, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """A part of an object as text; what is no UTF-8 is shown by a replacement character."""
        count, lines = arguments.get("bytes"), arguments.get("lines")
        if command == "view":
            start, size = int(arguments.get("offset") or 0), int(arguments.get("size") or 0) or LARGEST
            start, end = min(start, ref.size), min(start + size, ref.size)
        elif command == "head":
            start, end = 0, min(ref.size, LARGEST)
            if count is not None:
                end = ref.size - count if arguments.get("skipTrailing") else count
        else:
            start, end = max(0, ref.size - LARGEST), ref.size
            if count is not None:
                start = count if arguments.get("skipHeading") else ref.size - count
        start, end = max(0, min(start, ref.size)), max(0, min(end, ref.size))
        data = self._bytes(ref, start, max(0, end - start))
        if lines is not None and command != "view":
            data = _lines(data, command, lines, bool(arguments.get("skipTrailing") or arguments.get("skipHeading")))
        text = data.decode("utf-8", errors="replace")
        return {"content": text, "contentType": ref.media_type, "startPosition": start, "endPosition": end}

    def _bytes(self, ref: ObjectRef, start: int, size: int) -> bytes:
        if size > LARGEST:
            why = f"{size} bytes, and {LARGEST} are given at once"
            raise Invalid(f"object {ref.sha256}", why, f"fetch it from /api/v1/objects/{ref.sha256}/bytes")
        return self.objects.store.read(ref.sha256, start, size) if size else b""

    @staticmethod
    def _digest(path: str) -> str:
        found = _PATH.fullmatch(path)
        if found is None:
            raise NotFound("object", path[:200])
        return f"sha256:{found[1]}"


def _lines(data: bytes, command: str, count: int, skips: bool) -> bytes:
    """The first or last lines, or all but them."""
    whole, count = data.splitlines(keepends=True), max(0, count)
    if command == "head":
        return b"".join(whole[: max(0, len(whole) - count)] if skips else whole[:count])
    return b"".join(whole[count:] if skips else whole[max(0, len(whole) - count) :])


def _fail(error: YosegiError) -> Any:
    raise error

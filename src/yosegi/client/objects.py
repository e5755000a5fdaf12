"""Objects in the Python client: files in, files out, each verified by its digest."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from urllib.parse import quote, urlencode

from yosegi.client.connection import LONG, Connection, read_answer
from yosegi.core.contract_terms import Sensitivity
from yosegi.core.errors import Corrupt, NotFound
from yosegi.core.files import written
from yosegi.core.object import ObjectRef
from yosegi.services.erasure.schemas import ErasureOrdered
from yosegi.services.objects.schemas import ObjectDetail, ObjectsCollected, ObjectSummary

_BLOCK = 1024 * 1024


class ObjectsClient:
    """The objects of one site. Made by `Client.objects`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<objects at {self._connection.url}>"

    def put(
        self, file: Path | str, *, team: str, media_type: str = "", label: Sensitivity = "team", charter: str = ""
    ) -> ObjectRef:
        """Bring a file to the site; the reference to it.

        Args:
            file: the file.
            team: for which team; the person must be a member.
            media_type: by default from the file's name.
            label: `public`, `team` or `restricted`.
            charter: under which; not needed where the site holds one.
        """
        path = Path(file)
        kind = media_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        query = urlencode({"team": team, "media_type": kind, "sensitivity": label, "charter": charter})
        request = self._connection.request("POST", f"/objects?{query}")
        request.add_header("Content-Type", "application/octet-stream")
        request.add_header("Content-Length", str(path.stat().st_size))
        with path.open("rb") as data:
            request.data = data
            with self._connection.opened(request, LONG) as answer:
                return read_answer(ObjectRef, answer.read())

    def get(self, sha256: str, file: Path | str, *, overwrite: bool = True) -> Path:
        """Write an object's bytes to a file, and verify them; seen whole or not at all.

        Raises:
            Corrupt: what came is not the object; nothing is left.
            Invalid: the file is there and may not be replaced.
        """
        path, sha = Path(file), hashlib.sha256()
        request = self._connection.request("GET", f"/objects/{quote(sha256)}/bytes")
        with written(path, overwrite) as out, self._connection.opened(request, LONG) as answer:
            while block := answer.read(_BLOCK):
                sha.update(block)
                out.write(block)
            if f"sha256:{sha.hexdigest()}" != sha256:
                raise Corrupt(f"object {sha256}", "other bytes came", "get it again")
        return path

    def list(self, *, campaign: str = "", task: str = "") -> tuple[ObjectSummary, ...]:
        """Objects the site knows, the newest first; of a campaign or a task alone, if one is given."""
        return self._connection.get_all(ObjectSummary, f"/objects?{urlencode({'campaign': campaign, 'task': task})}")

    def show(self, sha256: str) -> ObjectDetail:
        """One object and every entry that names it; the beginning of its digest is enough.

        Raises:
            NotFound: none of that beginning, or several.
        """
        full = sha256 if len(sha256) == 71 else self._full(sha256.removeprefix("sha256:"))
        return self._connection.get(ObjectDetail, f"/objects/{quote(full)}")

    def _full(self, beginning: str) -> str:
        found = {line.sha256 for line in self.list() if line.sha256[7:].startswith(beginning)}
        if len(found) != 1:
            raise NotFound("object", beginning, tuple(sorted(found)))
        return found.pop()

    def collect(self) -> ObjectsCollected:
        """Take away what no entry names and is older than a day."""
        return self._connection.post(ObjectsCollected, "/objects/collect")

    def erase(self, sha256: str, why: str) -> ErasureOrdered:
        """Take an object's bytes away for good, here and where it went; where it is gone, and who has not answered."""
        return self._connection.post(ErasureOrdered, f"/objects/{quote(sha256)}/erase", {"why": why})

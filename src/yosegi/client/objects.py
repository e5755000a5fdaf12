"""Objects in the Python face of a site: files in, files out, each verified by its digest."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from yosegi.core.errors import Corrupt, NotFound, Unavailable, YosegiError

_BLOCK = 1024 * 1024


class ObjectsClient:
    """The objects of one site. Made by `Client.objects`."""

    def __init__(
        self,
        request: Callable[[str, str], urllib.request.Request],
        call: Callable[[str, str], Any],
        post: Callable[[str, dict[str, Any]], Any],
        told: Callable[[urllib.error.HTTPError], YosegiError],
    ) -> None:
        self._request, self._call, self._post, self._told = request, call, post, told

    def put(
        self, file: Path | str, *, team: str, media_type: str = "", label: str = "team", charter: str = ""
    ) -> dict[str, Any]:
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
        request = self._request("POST", f"/objects?{query}")
        request.add_header("Content-Type", "application/octet-stream")
        request.add_header("Content-Length", str(path.stat().st_size))
        with path.open("rb") as data:
            request.data = data
            return dict(self._open(request))

    def _open(self, request: urllib.request.Request) -> Any:
        try:
            with urllib.request.urlopen(request, timeout=3600) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise self._told(error) from None
        except OSError as error:
            raise Unavailable(request.host, str(error), "is the site running?") from None

    def get(self, sha256: str, file: Path | str) -> Path:
        """Write an object's bytes to a file, and verify them.

        Raises:
            Corrupt: what came is not the object; nothing is left.
        """
        path, sha = Path(file), hashlib.sha256()
        half = path.with_name(path.name + ".part")
        try:
            request = self._request("GET", f"/objects/{quote(sha256)}/bytes")
            with urllib.request.urlopen(request, timeout=600) as answer, half.open("wb") as out:
                while block := answer.read(_BLOCK):
                    sha.update(block)
                    out.write(block)
            if f"sha256:{sha.hexdigest()}" != sha256:
                raise Corrupt(f"object {sha256}", "other bytes came", "get it again")
            return half.replace(path)
        except urllib.error.HTTPError as error:
            raise self._told(error) from None
        except OSError as error:
            raise Unavailable(f"object {sha256}", str(error), "get it again") from None
        finally:
            half.unlink(missing_ok=True)

    def list(self, *, campaign: str = "", task: str = "") -> list[dict[str, Any]]:
        """Objects the site knows, the newest first; of a campaign or a task alone, if one is given."""
        query = urlencode({"campaign": campaign, "task": task})
        return [dict(line) for line in self._call("GET", f"/objects?{query}")]

    def show(self, sha256: str) -> dict[str, Any]:
        """One object and every entry that names it; the beginning of its digest is enough."""
        full = sha256 if len(sha256) == 71 else self._full(sha256.removeprefix("sha256:"))
        return dict(self._call("GET", f"/objects/{quote(full)}"))

    def _full(self, beginning: str) -> str:
        found = {line["sha256"] for line in self.list() if line["sha256"][7:].startswith(beginning)}
        if len(found) != 1:
            raise NotFound("object", beginning, tuple(sorted(found)))
        return str(found.pop())

    def collect(self) -> dict[str, Any]:
        """Take away what no entry names and is older than a day."""
        return dict(self._post("/objects/collect", {}))

    def erase(self, sha256: str, why: str) -> dict[str, Any]:
        """Take an object's bytes away for good, here and where it went; where it is gone, and who has not answered."""
        return dict(self._post(f"/objects/{quote(sha256)}/erase", {"why": why}))

"""The facility API of a site in the same process, called as over HTTP: so it runs on simulated time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from starlette.types import ASGIApp

from web.plain import PLAIN
from yosegi.execution.engines.iri.transport import Reply


class InProcess:
    """Calls an application that answers in this process.

    Args:
        app: what answers; asked for at each call, for a site that was started again has another.
    """

    def __init__(self, app: Callable[[], ASGIApp]) -> None:
        self._app = app
        self.calls: list[tuple[str, str, int]] = []

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, form: bool = False
    ) -> Reply:
        """See `FacilityTransport.call`."""
        sent = {"content": json.dumps(body), "headers": {**headers, "Content-Type": "application/json"}}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app()), trust_env=False, verify=PLAIN
        ) as client:
            answer = await client.request(method, url, **(sent if body is not None else {"headers": dict(headers)}))
        self.calls.append((method, answer.request.url.path, answer.status_code))
        return Reply(answer.status_code, answer.content, dict(answer.headers))

    async def close(self) -> None:
        """Nothing is open."""

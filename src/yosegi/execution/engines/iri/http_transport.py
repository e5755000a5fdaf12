"""Calls of a facility over HTTP, with aiohttp, which reading an engine's settings does not need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from yosegi.core.errors import Unavailable
from yosegi.execution.engines.iri.transport import LARGEST, NothingSent, Reply


class HttpFacilityTransport:
    """HTTP; redirects are not followed, since they would carry the token elsewhere.

    Args:
        seconds: that one call may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, form: bool = False
    ) -> Reply:
        """See `FacilityTransport.call`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._seconds))
        sent: dict[str, Any] = {"headers": dict(headers), "allow_redirects": False}
        if body is not None and form:
            sent["data"] = body
        elif body is not None:
            sent["data"] = json.dumps(body).encode()
            sent["headers"]["Content-Type"] = "application/json"
        try:
            async with self._session.request(method, url, **sent) as answer:
                data = b""
                while len(data) <= LARGEST and (part := await answer.content.read(64 * 1024)):
                    data += part
                return Reply(answer.status, data[:LARGEST], dict(answer.headers))
        except aiohttp.ClientConnectorError as error:
            raise NothingSent(url, type(error).__name__) from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(url, type(error).__name__) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

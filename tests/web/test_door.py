from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from yosegi.core.errors import Invalid
from yosegi.http import limits
from yosegi.web.app import in_json
from yosegi.web.parcel_middleware import ParcelMiddleware


class Backwards:
    """Stands for an exchange: answers with what came, reversed."""

    async def handle(self, body: bytes) -> bytes:
        if body == b"bad":
            raise Invalid("a parcel", "not one", "send another")
        return body[::-1]


def post(body: bytes, path: str = "/exchange/v1", method: str = "POST") -> httpx.Response:
    site: Any = SimpleNamespace(exchange=Backwards())
    app = ParcelMiddleware(PlainTextResponse("passed"), site=site, tell=in_json)

    async def main() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://site") as client:
            return await client.request(method, path, content=body)

    return asyncio.run(main())


def test_a_parcel_is_answered_at_the_door() -> None:
    answer = post(b"parcel")
    assert (answer.status_code, answer.content) == (200, b"lecrap")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("path", "method"), [("/exchange/v1/witness", "POST"), ("/", "POST"), ("/exchange/v1", "GET")])
def test_all_else_passes(path: str, method: str) -> None:
    assert post(b"parcel", path, method).text == "passed"


def test_a_parcel_that_is_none_is_refused_with_its_reason() -> None:
    answer = post(b"bad")
    assert answer.status_code == 422
    assert answer.json() == {"code": "invalid", "message": str(Invalid("a parcel", "not one", "send another"))}


def test_no_more_is_read_than_a_parcel_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BODY", 10)
    answer = post(bytes(11))
    assert answer.status_code == 422
    assert "larger than 10 bytes" in answer.json()["message"]

"""Which faces a site's settings turn on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from iri.facility import place
from yosegi.app.faces import make_faces
from yosegi.app.settings import Settings
from yosegi.core.errors import Invalid
from yosegi.testing.federation import Federation

SITE = {"site": "argonne", "title": "Argonne", "listen": "127.0.0.1:1", "url": "https://yosegi.example"}


def answers(folder: Path, iri: dict[str, Any] | None, *paths: str) -> list[httpx.Response]:
    async def main() -> list[httpx.Response]:
        federation = Federation({"argonne": place()}, folder)
        await federation.start()
        settings = Settings.read(SITE | ({"iri": iri} if iri is not None else {}))
        app = make_faces(federation.places["argonne"].running, settings)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
            found = [await client.get(path) for path in paths]
        await federation.crash("argonne")
        return found

    return asyncio.run(main())


def test_the_facility_api_is_not_served_unless_settings_turn_it_on(tmp_path: Path) -> None:
    (answer,) = answers(tmp_path, None, "/iri/api/v2/facility")
    assert answer.status_code == 404


def test_it_is_served_below_its_prefix_beside_the_pages(tmp_path: Path) -> None:
    facility, described, ours, page = answers(
        tmp_path,
        {"prefix": "/facility"},
        "/facility/api/v2/facility",
        "/facility/openapi.json",
        "/openapi.json",
        "/sign-in",
    )
    assert facility.json()["self_uri"] == "https://yosegi.example/facility/api/v2/facility"
    assert "/api/v2/facility" in described.json()["paths"]
    assert "/api/v2/facility" not in ours.json()["paths"]
    assert page.status_code == 200


@pytest.mark.parametrize(
    "iri", [{"prefix": "iri"}, {"prefix": "/"}, {"audience": "x"}, {"support_uri": "javascript:x"}]
)
def test_settings_that_do_not_hold_are_refused(iri: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Settings.read(SITE | {"iri": iri})

"""The API's description in docs/ is the one the program has."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from yosegi.web.app import openapi

KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"


def current() -> dict[str, Any]:
    site = SimpleNamespace(name="any", clock=None, ledger=None, authenticator=None, institution=None)
    return openapi(cast("Any", site))


def test_the_description_in_the_documents_is_current() -> None:
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    assert kept == current(), "write it again: python -m web.test_openapi in tests/"


def test_only_the_api_is_described() -> None:
    assert all(path.startswith("/api/v1/") for path in current()["paths"])


if __name__ == "__main__":
    KEPT.write_text(json.dumps(current(), indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")

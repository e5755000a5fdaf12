"""The description of the API (OpenAPI 3.1): FastAPI's own, with an example of each answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from fastapi import FastAPI

TEXTS = {
    "text/csv; charset=utf-8": "funder,team,unit,tasks,held,spent\r\nnims,colour-team,samples,3,0,3\r\n",
    "text/event-stream": "id: 41\ndata: 41\n\n",
    "application/octet-stream": "x,y\n0.1,0.09\n",
}
"""Examples of what is no JSON, by media type."""


class DescribedApplication(FastAPI):
    """An application whose description shows an example of what each operation answers."""

    def openapi(self) -> dict[str, Any]:
        """The description."""
        if self.openapi_schema is None:
            described = super().openapi()
            for content in _answers(described):
                for media_type, part in content.items():
                    part["example"] = _example(part.get("schema", {}), media_type)
        return super().openapi()


def _answers(described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What each operation answers where it succeeds, by media type."""
    for operations in described["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    yield response.get("content", {})


def _example(schema: Mapping[str, Any], media_type: str) -> Any:
    if media_type in TEXTS:
        return TEXTS[media_type]
    if "$ref" in schema:
        return examples()[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], media_type)
    return [_example(schema["items"], media_type)]


@cache
def examples() -> Mapping[str, Any]:
    """An example of each kind of answer, by its name; recorded from federations that ran (`web.record_examples`)."""
    text = resources.files("yosegi.web").joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found

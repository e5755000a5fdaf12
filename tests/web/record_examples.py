"""A plugin of pytest that keeps an example of each kind of answer from the federations that tests run.

Run in the tests' folder when an answer changes, then look at the difference:

    pytest -p web.record_examples federation/test_campaigns.py …
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from yosegi.services.answer import Answer

KEPT = Path(__file__).parents[2] / "src" / "yosegi" / "web" / "examples.json"
LONGEST = 4000
"""Characters of JSON that an example may have, if there is a shorter one."""

found: dict[str, Any] = {}
_plain_init = Answer.__init__


def _rank(example: dict[str, Any]) -> tuple[bool, int, int]:
    """The better example says something in more of its fields; of two alike the shorter one."""
    said = sum(value not in ("", None, [], {}, 0, False) for value in example.values())
    size = len(json.dumps(example))
    return size <= LONGEST, said, -size


def _recording(self: Answer, **fields: Any) -> None:
    _plain_init(self, **fields)
    name, example = type(self).__name__, self.model_dump(mode="json")
    if name not in found or _rank(example) > _rank(found[name]):
        found[name] = example


def pytest_configure(config: pytest.Config) -> None:
    Answer.__init__ = _recording  # type: ignore[method-assign]


def pytest_unconfigure(config: pytest.Config) -> None:
    before = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    text = json.dumps(before | found, indent=1, ensure_ascii=False, sort_keys=True)
    KEPT.write_text(text + "\n", encoding="utf-8")

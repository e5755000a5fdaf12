"""What usage may be summed by, and its table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

GROUPS = (
    "charter",
    "funder",
    "team",
    "home",
    "institution",
    "agreement",
    "challenge",
    "campaign",
    "capability",
    "person",
    "grant",
    "month",
)
"""What usage may be summed by; `home` is the site that asked, `institution` the person's own (not the same where
the site hosts them), `month` when it was accepted, `challenge` what the campaign named of those its team works on."""


USUAL = ("funder", "team", "agreement", "campaign")
"""What usage is summed by if nothing is said."""


def to_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> str:
    """A table as CSV (RFC 4180), safe to open in a spreadsheet; without rows its heading, where columns are named."""
    kept = list(rows)
    text = io.StringIO()
    if kept or columns:
        writer = csv.DictWriter(text, columns or list(kept[0]))
        writer.writeheader()
        writer.writerows({key: cell(value) for key, value in row.items()} for row in kept)
    return text.getvalue()


def cell(value: Any) -> str:
    """A value as a spreadsheet may hold it: what begins like a formula is text there (CWE-1236)."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text

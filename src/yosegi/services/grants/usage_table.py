"""What usage may be summed by, and its table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from yosegi.core.csv_text import spreadsheet_cell

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
        writer.writerows({key: spreadsheet_cell(str(value)) for key, value in row.items()} for row in kept)
    return text.getvalue()

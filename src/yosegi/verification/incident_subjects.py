"""What can be traced in a ledger."""

from __future__ import annotations

from typing import Literal, get_args

Subject = Literal[
    "key", "person", "agent", "site", "team", "agreement", "capability", "contract", "calibration", "text"
]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)

"""Reasons as they travel to other sites and stand in records: a code, and its words in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yosegi.core.errors import Refused
from yosegi.core.reasons import explain
from yosegi.trust.explanation import Explanation

if TYPE_CHECKING:
    from yosegi.governance.policy.decision import Decision


def explained(code: str, **fields: str) -> Explanation:
    """A reason of the program's own, in words."""
    return Explanation(
        code=code,
        en=explain(code, "en", **fields),
        ja=explain(code, "ja", **fields),
        contact=fields.get("contact", ""),
    )


def why(decision: Decision) -> tuple[Explanation, ...]:
    """Why a decision refuses, in words; empty for one that allows."""
    return tuple(
        Explanation(
            code=note.code, en=note.explain("en"), ja=note.explain("ja"), contact=note.fields.get("contact", "")
        )
        for note in decision.notes
    )


def refused(what: str, decision: Decision) -> Refused:
    """The error of a decision that refuses, with its reasons in words."""
    given = why(decision)
    return Refused(what, tuple(reason.code for reason in given), tuple((reason.en, reason.ja) for reason in given))

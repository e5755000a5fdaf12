"""Answers that wait for a second person of the owner's site: who entered what, and who has not confirmed it and why.

They stand in the engine's stream, so a restart changes nothing: an answer that was not confirmed counts for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict
from yosegi.core.identifiers import home_of
from yosegi.ledger import Draft, Entry

UNCONFIRMED, NOT_CONFIRMED = "person.unconfirmed", "person.not_confirmed"


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """An answer that waits for a second person."""

    outcome: Outcome
    by: str

    @property
    def shown(self) -> dict[str, Any]:
        """What was entered, for whoever is to confirm it."""
        return dict(self.outcome.outputs or {}) or {self.outcome.reason: self.outcome.message}


@dataclass
class Confirmations:
    """The answers of one engine that are not confirmed yet, and what was said of those that were not confirmed."""

    site: str
    waiting: dict[str, Unconfirmed] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def follow(self, entry: Entry) -> None:
        """Take an entry of the engine's stream in."""
        key, body = str(entry.facts["key"]), entry.body or {}
        if entry.type == UNCONFIRMED and "outcome" in body:
            self.took(key, Unconfirmed(Outcome.read(body["outcome"]), str(entry.facts["by"])))
        elif entry.type == NOT_CONFIRMED:
            self.dropped(key, str(body.get("why", "")))

    def took(self, key: str, answer: Unconfirmed) -> None:
        """An answer waits for a second person."""
        self.waiting[key] = answer
        self.refused.pop(key, None)

    def dropped(self, key: str, why: str = "") -> None:
        """It does not, any more: it counts, or somebody has not confirmed it."""
        self.waiting.pop(key, None)
        self.refused.pop(key, None)
        if why:
            self.refused[key] = why

    @property
    def folder(self) -> str:
        """In whose name a folder's rows are entered: nobody signed in, so it confirms nothing."""
        return f"folder@{self.site}"

    def says_nothing_new(self, key: str, outcome: Outcome, by: str) -> bool:
        """Whether the same is entered again, by the same person or by the folder, which keeps its rows."""
        known = self.waiting.get(key)
        return known is not None and known.outcome == outcome and by in (known.by, self.folder)

    def is_second(self, key: str, outcome: Outcome, by: str) -> bool:
        """Whether an entry confirms the one before: the same, by somebody else of this site."""
        known = self.waiting.get(key)
        return known is not None and known.by != by and known.outcome == outcome and home_of(by) == self.site

    def check_second(self, key: str, by: str) -> Unconfirmed:
        """The answer that somebody confirms or does not.

        Raises:
            Conflict: nothing waits for that, or they entered it themselves, or are of another site.
        """
        known = self.waiting.get(key)
        if known is None:
            raise Conflict(f"task {key}", "has no answer that waits to be confirmed", "enter it first")
        if by == self.folder:
            raise Conflict(f"task {key}", "is confirmed by somebody who has signed in", "a folder confirms nothing")
        if known.by == by:
            raise Conflict(f"task {key}", "was entered by yourself", "a second person confirms it; you may correct it")
        if home_of(by) != self.site:
            raise Conflict(f"task {key}", f"is confirmed by somebody of {self.site}", "ask one of them")
        return known


def unconfirmed_draft(key: str, outcome: Outcome, by: str) -> Draft:
    """The entry of an answer that waits for a second person."""
    facts = {"key": key, "by": by, "effect": str(outcome.effect), "result": str(outcome.result)}
    return Draft(UNCONFIRMED, facts, {"outcome": outcome.model_dump(mode="json")})


def not_confirmed_draft(key: str, why: str, by: str) -> Draft:
    """The entry by which somebody does not confirm an answer."""
    return Draft(NOT_CONFIRMED, {"key": key, "by": by}, {"why": why})


def shown_fields(known: Unconfirmed | None, refused: str) -> Mapping[str, Any]:
    """What a task that waits for people says of its answer so far."""
    entered = {} if known is None else known.shown
    return {"entered": entered, "entered_by": "" if known is None else known.by, "not_confirmed": refused}

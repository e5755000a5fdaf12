"""Tasks that one person handed on to another: who enters them now, and who may hand them on again.

A task that nobody handed on is entered by anybody who may see it. They stand in the engine's stream, so a restart
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.errors import Conflict, Invalid
from yosegi.ledger import Draft, Entry

HANDED_ON = "person.handed_on"


@dataclass(frozen=True, slots=True)
class HandOn:
    """One task handed on: to whom, by whom, when (UTC) and why."""

    to: str
    by: str
    at: str
    note: str


@dataclass
class HandOns:
    """Who holds which task of one engine, by its key, since it was handed on last."""

    latest: dict[str, HandOn] = field(default_factory=dict)

    def follow(self, entry: Entry) -> None:
        """Take an entry of the engine's stream in."""
        facts, body = entry.facts, entry.body or {}
        self.latest[str(facts["key"])] = HandOn(
            str(facts["to"]), str(facts["by"]), entry.time, str(body.get("note", ""))
        )

    def dropped(self, key: str) -> None:
        """It waits for nobody any more."""
        self.latest.pop(key, None)

    def put_back(self, key: str, failed: HandOn, before: HandOn | None) -> None:
        """One that could not be recorded counts for nothing, unless another was taken meanwhile."""
        if self.latest.get(key) is not failed:
            return
        if before is None:
            self.dropped(key)
        else:
            self.latest[key] = before

    def check_enters(self, key: str, by: str) -> None:
        """See that somebody may enter what came of a task.

        Raises:
            Conflict: it was handed on to somebody else.
        """
        known = self.latest.get(key)
        if known is not None and known.to != by:
            raise Conflict(
                f"task {key}",
                f"was handed on to {known.to} by {known.by}, and {known.to} enters it",
                "whoever handed it on may take it back",
            )

    def may_hand_on(self, key: str, by: str, runs_site: bool) -> bool:
        """Whether somebody may hand a task on: who holds it, who handed it on last, and who runs the site."""
        known = self.latest.get(key)
        return known is None or runs_site or by in (known.to, known.by)

    def check(self, key: str, to: str, note: str, by: str, runs_site: bool) -> None:
        """See that somebody may hand a task on to somebody.

        Raises:
            Invalid: no reason is given.
            Conflict: it is with that person already, or with somebody else and not theirs to hand on.
        """
        known = self.latest.get(key)
        if not note.strip():
            raise Invalid("the note", "it is empty", f"say why, for {to}")
        if to == (by if known is None else known.to):
            raise Conflict(f"task {key}", f"is with {to} already", "name another person")
        if known is not None and not self.may_hand_on(key, by, runs_site):
            why = f"was handed on to {known.to} by {known.by}"
            raise Conflict(f"task {key}", why, "one of them hands it on, or an operator of the site")


def handed_on_draft(key: str, to: str, note: str, by: str) -> Draft:
    """The entry by which somebody hands a task on."""
    return Draft(HANDED_ON, {"key": key, "by": by, "to": to}, {"note": note})


def holder_fields(known: HandOn | None) -> Mapping[str, Any]:
    """What a task that waits for people says of who holds it."""
    return {
        "handed_to": known.to if known else "",
        "handed_by": known.by if known else "",
        "handed_at": known.at if known else "",
        "handed_note": known.note if known else "",
    }

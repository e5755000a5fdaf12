"""Calls of agents' tools: the entries, and the tables folded from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from yosegi.ledger import Db, Draft, Entry

CALLED = "agent.called"


def agent_stream(mandate: str) -> str:
    """The stream of what was called under a mandate."""
    return f"agent/{mandate}"


def called(
    mandate: str, tool: str, *, acts: bool, outcome: str, codes: Sequence[str], digest: str, arguments: dict[str, Any]
) -> Draft:
    """The entry of one call; what was given stands in its body, which may be erased."""
    facts = {"mandate": mandate, "tool": tool, "acts": acts, "outcome": outcome, "arguments": digest}
    facts |= {"codes": list(codes)} if codes else {}
    return Draft(CALLED, facts, {"arguments": arguments})


class AgentCallsView:
    """Tables `agent_calls`, one row a call, and `agent_totals`, one a mandate."""

    name = "agent_calls"
    version = 1
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE agent_calls (sequence INTEGER PRIMARY KEY, mandate TEXT NOT NULL, at TEXT NOT NULL,"
        " tool TEXT NOT NULL, acts INTEGER NOT NULL, outcome TEXT NOT NULL, codes TEXT NOT NULL,"
        " arguments TEXT NOT NULL)",
        "CREATE INDEX agent_calls_by_mandate ON agent_calls (mandate, sequence)",
        "CREATE TABLE agent_totals (mandate TEXT PRIMARY KEY, calls INTEGER NOT NULL, refused INTEGER NOT NULL)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Add the row of a call, and count it."""
        if entry.type != CALLED:
            return
        facts = entry.facts
        mandate, failed = str(facts["mandate"]), int(facts["outcome"] != "ok")
        codes = ",".join(str(code) for code in facts.get("codes", ()))
        row = (
            entry.sequence,
            mandate,
            entry.time,
            str(facts["tool"]),
            int(bool(facts["acts"])),
            str(facts["outcome"]),
            codes,
            str(facts["arguments"]),
        )
        db.execute("INSERT INTO agent_calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        if db.one("SELECT 1 FROM agent_totals WHERE mandate = ?", (mandate,)) is None:
            db.execute("INSERT INTO agent_totals VALUES (?, 0, 0)", (mandate,))
        db.execute(
            "UPDATE agent_totals SET calls = calls + 1, refused = refused + ? WHERE mandate = ?", (failed, mandate)
        )

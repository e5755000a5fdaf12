"""What an owner last heard of others' mandates: until when the home site's word counts, and which are over.

A token that came with a request or by itself moves the moment on; a revocation ends it for good, whatever older token
comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from yosegi.core.clock import timestamp
from yosegi.execution.tasks import ACCEPTED
from yosegi.ledger import Db, Draft, Entry
from yosegi.trust.envelope import Envelope
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Revocation
from yosegi.trust.token import Token

VOUCHED, REVOKED = "standing.vouched", "standing.revoked"

Query = Callable[[str, Sequence[Any]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class RemoteMandateStatus:
    """One mandate of another site, as this owner knows it.

    Args:
        until: the end of the last token (RFC 3339); nothing starts later.
        revoked: why it is over; None while it stands.
    """

    until: str
    revoked: Explanation | None = None


def standing_stream(home: str, mandate: str) -> str:
    """The stream in which an owner keeps what a home site said of a mandate."""
    return f"standing/{home}/{mandate}"


def facts_of(token: Token) -> dict[str, str]:
    """What a task's first entry says of the token that came with its request."""
    return {"mandate": token.mandate or "", "vouched_until": timestamp(token.not_after)}


def token_facts(token: Token, envelope: Envelope) -> Draft:
    """The entry that keeps a token which came by itself."""
    return Draft(VOUCHED, facts_of(token), {"token": envelope.model_dump(mode="json")})


def revoked(revocation: Revocation, envelope: Envelope) -> Draft:
    """The entry by which a mandate is over here."""
    facts = {"mandate": revocation.mandate, "reason": revocation.reason.model_dump(mode="json")}
    return Draft(REVOKED, facts, {"document": envelope.model_dump(mode="json")})


def standing_of(query: Query, charter: str, home: str, mandate: str) -> RemoteMandateStatus | None:
    """How a mandate stands; None if nothing was ever heard of it."""
    sql = "SELECT until, reason FROM standings WHERE charter = ? AND home = ? AND mandate = ?"
    rows = query(sql, (charter, home, mandate))
    if not rows:
        return None
    reason = str(rows[0]["reason"])
    return RemoteMandateStatus(str(rows[0]["until"]), Explanation.read(reason.encode()) if reason else None)


class RemoteMandatesView:
    """Table `standings`: one row a mandate of each home site."""

    name = "standings"
    version = 1
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE standings (charter TEXT NOT NULL, home TEXT NOT NULL, mandate TEXT NOT NULL,"
        " until TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (charter, home, mandate))",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep the row of the mandate that the entry speaks of."""
        facts = entry.facts
        if entry.type in (ACCEPTED, VOUCHED) and facts.get("mandate"):
            self._keep(db, entry, facts["mandate"], facts["vouched_until"], "")
        elif entry.type == REVOKED:
            reason = Explanation.read(dict(facts["reason"])).to_bytes().decode()
            self._keep(db, entry, facts["mandate"], "", reason)

    def _keep(self, db: Db, entry: Entry, mandate: str, until: str, reason: str) -> None:
        key = (entry.header.charter, entry.stream.split("/")[1], mandate)
        known = db.one("SELECT until, reason FROM standings WHERE charter = ? AND home = ? AND mandate = ?", key)
        if known is None:
            db.execute("INSERT INTO standings VALUES (?, ?, ?, ?, ?)", (*key, until, reason))
            return
        until, reason = max(until, str(known[0])), str(known[1]) or reason
        sql = "UPDATE standings SET until = ?, reason = ? WHERE charter = ? AND home = ? AND mandate = ?"
        db.execute(sql, (until, reason, *key))

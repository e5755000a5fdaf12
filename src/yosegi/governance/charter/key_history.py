"""Which key counted when: for judging, years later, what was signed and witnessed then.

A signature counts if it was witnessed (by a peer's cosigned checkpoint, say) while its key was believed: after the
statement that brought it, and before it was revoked. When it was signed is only what the signer says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from yosegi.core.clock import timestamp
from yosegi.governance.charter.statement import Statement
from yosegi.trust.document import SKEW
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Span:
    """A key of a site, and when it was believed.

    Args:
        site: whose key.
        key: the key.
        begins: issue of the first statement that had it.
        ends: when it was revoked, or left out of the next statement, or when the last statement with it ran out.
        why: which of these it was: `compromised`, `retired`, `left out` or `ran out`.
    """

    site: str
    key: PublicKey
    begins: datetime
    ends: datetime
    why: str


class KeyHistory:
    """The spans of every online key, from all statements ever accepted, in the order of their acceptance."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._spans: dict[tuple[str, str], Span] = {}
        last: dict[str, Statement] = {}
        for statement in statements:
            if statement.site in last:
                self._leave_out(last[statement.site], statement)
            for key in statement.keys:
                self._believe(statement, key)
            self._revoke(statement)
            last[statement.site] = statement

    def _believe(self, statement: Statement, key: PublicKey) -> None:
        known = self._spans.get((statement.site, key.key_id))
        begins = known.begins if known is not None else statement.issued
        span = Span(statement.site, key, begins, statement.not_after, "ran out")
        self._spans[statement.site, key.key_id] = span

    def _leave_out(self, before: Statement, statement: Statement) -> None:
        kept = {key.key_id for key in statement.keys}
        for key in before.keys:
            span = self._spans[before.site, key.key_id]
            if key.key_id not in kept and statement.issued < span.ends:
                left = Span(span.site, span.key, span.begins, statement.issued, "left out")
                self._spans[before.site, key.key_id] = left

    def _revoke(self, statement: Statement) -> None:
        for revoked in statement.revoked:
            span = self._spans.get((statement.site, revoked.key_id))
            if span is not None and revoked.since <= span.ends:
                ended = Span(span.site, span.key, span.begins, revoked.since, revoked.why)
                self._spans[statement.site, revoked.key_id] = ended

    def span(self, site: str, key_id: str) -> Span | None:
        """When a key was believed to be a site's; None if it never was."""
        return self._spans.get((site, key_id))

    def keys_at(self, site: str, witnessed: datetime) -> dict[str, PublicKey]:
        """The keys of a site that were believed at a moment, by key id: what they signed counts if it was seen then."""
        return {
            key_id: span.key
            for (whose, key_id), span in self._spans.items()
            if whose == site and span.begins - SKEW <= witnessed < span.ends
        }

    def check(self, site: str, key_id: str, witnessed: datetime) -> PublicKey:
        """The key, if what it signed counts, given when that was first witnessed.

        Raises:
            Untrusted: `unknown_key` for a key never stated by that site, or `key_not_believed_then`.
        """
        span = self.span(site, key_id)
        what = f"a signature of {site}"
        if span is None:
            raise Untrusted(what, "unknown_key", key=key_id)
        if not span.begins - SKEW <= witnessed < span.ends:
            begins, ends = timestamp(span.begins), timestamp(span.ends)
            raise Untrusted(
                what, "key_not_believed_then", key=key_id, begins=begins, ends=ends, witnessed=timestamp(witnessed)
            )
        return span.key

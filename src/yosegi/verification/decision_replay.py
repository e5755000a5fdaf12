"""Deciding again: every recorded decision is made anew from its own record and the policies it names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yosegi.core import canonical
from yosegi.core.errors import Corrupt, Invalid
from yosegi.exchange.requests import MADE, REFUSED_AT_HOME
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.charter import Charter
from yosegi.governance.charter.registry import ACCEPTED
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import POLICY, check_signed, redecide
from yosegi.governance.policy.question import vouching
from yosegi.ledger import Entry
from yosegi.trust.messages import Request

DECIDED = (MADE, REFUSED_AT_HOME)


def policies_of(entries: Iterable[Entry]) -> set[str]:
    """The digests of the policies that decisions in these entries rest on."""
    return {str(entry.body["decision"]["policies_digest"]) for entry in entries if entry.type in DECIDED and entry.body}


class DecisionReplay:
    """Makes decisions again, by the policies that were published before them.

    Args:
        entries: of the ledger, published policies among them.

    Raises:
        Corrupt: a bundle of policies is not what its entry says.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._published: dict[str, tuple[int, bytes | None]] = {}
        self._signed: set[str] = set()
        self._checked: set[object] = set()
        self._charters: list[tuple[int, Directory]] = []
        for entry in entries:
            if entry.type == ACCEPTED and str(entry.facts["kind"]).startswith("charter.") and entry.body is not None:
                charter = Charter.recorded(entry.body["document"])
                self._charters.append((entry.sequence, Directory.of(charter)))
            if entry.type == ACCEPTED and str(entry.facts["kind"]).startswith("agreement.") and entry.body is not None:
                self._signed.add(Agreement.recorded(entry.body["document"]).digest)
            if entry.type == POLICY:
                digest, text = str(entry.facts["digest"]), entry.body_bytes
                if text is not None and canonical.digest(text) != digest:
                    raise Corrupt(repr(entry), f"its policies are not {digest}", "compare it with the site's own")
                # The same policies may come into force again; what counts is that they were published at all.
                self._published.setdefault(digest, (entry.sequence, text))
                if text is not None:
                    self._published[digest] = (self._published[digest][0], text)

    def check(self, entry: Entry, request: Request | None = None) -> Decision | None:
        """Hold the decision in an entry, if it has one, against what it rests on; the decision.

        Args:
            entry: of a request that was made or refused at home, or any other.
            request: what was asked, if it was read before.

        Raises:
            Invalid: its policies are missing, were published later or permit by what nobody signed; another answer
                comes out; it knew what the charter does not say; or it was about something else than what was asked.
        """
        body = entry.body
        if entry.type not in DECIDED or body is None:
            return None
        recorded = Decision.parsed(body["decision"])
        first, text = self._published.get(recorded.policies_digest, (-1, None))
        if text is None:
            raise Invalid("its decision", f"the policies {recorded.policies_digest} are missing")
        if first > entry.sequence:
            raise Invalid("its decision", "it rests on policies that were published later")
        if recorded.policies_digest not in self._checked:
            check_signed(text, self._signed)
            self._checked.add(recorded.policies_digest)
        again = redecide(recorded, text)
        if not again.same_as(recorded):
            made, found = ("allowed" if one.allow else "refused" for one in (recorded, again))
            raise Invalid("its decision", f"recorded as {made}, and decided again it is {found}")
        if recorded.allow != (entry.type == MADE):
            raise Invalid("its decision", f"it is recorded as {entry.type}")
        self._check_known(entry.sequence, recorded)
        if entry.type == MADE:
            _check_asked(recorded, request or Request.recorded(body["document"]))
        return recorded

    def _check_known(self, sequence: int, recorded: Decision) -> None:
        """See that who is in a team, and whose site they use, is what the charter said then.

        A decision made while a new version came in force may still rest on the one before.
        """
        then, asked = [number for number, _ in self._charters if number < sequence][-2:], recorded.question
        about = (asked.person, asked.team, asked.home, asked.peer, asked.capability)
        alike = (recorded.entities_digest, about, tuple(then))
        if alike in self._checked:
            return
        entities = canonical.loads(recorded.entities, what="recorded entities")
        if not any(number in then and directory.agrees(asked, entities) for number, directory in self._charters):
            raise Invalid("its decision", "what it knew of sites, teams and people is not what the charter said then")
        self._checked.add(alike)


def _check_asked(recorded: Decision, request: Request) -> None:
    """See that a decision was about the request beside it."""
    question = recorded.question
    pairs: dict[str, tuple[Any, Any]] = {
        "action": (question.action, "request"),
        "person": (question.person, request.on_behalf_of),
        "team": (question.team, request.team),
        "charter": (question.charter, request.charter),
        "capability": (question.capability.ref, request.capability),
        "contract": (question.capability.contract, request.contract),
        "purpose": (question.purpose, request.purpose),
        "host": (question.host, vouching(request.on_behalf_of, request.sender)[1]),
    }
    for name, (decided, asked) in pairs.items():
        if decided != asked:
            raise Invalid("its decision", f"it is about the {name} {decided}, and {asked} was asked")

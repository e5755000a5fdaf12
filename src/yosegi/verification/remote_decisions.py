"""Deciding again for the owners: what each told of its own decisions on a task, held against what it let be seen.

An owner's last report on a task tells every decision it made on it: when, by which policies and entities, and what came
of it. Where the bundle holds their bytes the decision is made again; where the owner keeps its policies to itself, it
is the owner's own word, by digest only, and said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from yosegi.core import canonical
from yosegi.core.contract import strictest
from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.states import TaskState
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.registry import ACCEPTED
from yosegi.governance.policy.disclosure import RECEIVED
from yosegi.governance.policy.policy import check_signed, decide_again
from yosegi.governance.policy.question import Question, vouching
from yosegi.ledger import Entry
from yosegi.trust.messages import DecisionBasis, DecisionSummary, Report, Request


class Naming(Protocol):
    """Turns any refusal inside into one that names an entry."""

    def __call__(self, entry: Entry) -> AbstractContextManager[None]:
        """See the class."""
        ...


@dataclass(frozen=True, slots=True)
class RemoteDecisionsVerified:
    """What became of the owners' decisions.

    Args:
        made_again: decided again from the bundle, with the same answer for the same reasons.
        kept: the owner keeps its policies to itself, so that its word and a digest are all there is.
        missing: the owner shows them, and the bundle does not hold them.
        untold: reports that tell no decision: of an older version, or refused before any policy was asked.
    """

    made_again: int = 0
    kept: int = 0
    missing: int = 0
    untold: int = 0


class RemoteDecisions:
    """Follows a bundle's requests and reports, and then makes the owners' decisions again.

    Args:
        entries: of the bundle.

    Raises:
        Corrupt: what a decision rests on is not what its digest says.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._texts: dict[str, str] = {}
        self._policies: dict[str, bytes] = {}
        self._signed: set[str] = set()
        self._asked: dict[str, tuple[Request, Question]] = {}
        self._told: dict[str, tuple[Entry, Report]] = {}
        for entry in entries:
            if entry.type == ACCEPTED and str(entry.facts["kind"]).startswith("agreement.") and entry.body is not None:
                self._signed.add(Agreement.recorded(entry.body["document"]).digest)
            if entry.type == RECEIVED and entry.body is not None:
                text = str(entry.body["text"])
                if canonical.digest(text.encode()) != entry.facts["digest"]:
                    raise Corrupt(repr(entry), f"it is not {entry.facts['digest']}", "get the bundle again")
                self._texts[str(entry.facts["digest"])] = text

    def asked(self, entry: Entry, request: Request, question: Question) -> None:
        """Take note of a request, and of the question that its home site asked itself about it."""
        self._asked[entry.stream] = request, question

    def told(self, entry: Entry, report: Report) -> None:
        """Take note of an owner's latest report on a request."""
        self._told[entry.stream] = entry, report

    def check(self, naming: Naming) -> RemoteDecisionsVerified:
        """Make every decision that was told again, as far as it can be.

        Raises:
            Corrupt: names the entry of the first report whose decisions do not follow, or contradict what it reports.
        """
        counts = dict.fromkeys(("made_again", "kept", "missing", "untold"), 0)
        for stream, (entry, report) in self._told.items():
            with naming(entry):
                for how in self._check_one(stream, report):
                    counts[how] += 1
        return RemoteDecisionsVerified(**counts)

    def _check_one(self, stream: str, report: Report) -> Iterator[str]:
        if not report.decided:
            yield "untold"
            return
        _check_consistent(report)
        question = _question(*self._asked[stream]) if stream in self._asked else None
        for grounds in report.decided:
            for judged in grounds.judged:
                yield self._made_again(question, grounds, judged)

    def _made_again(self, asked: Question | None, grounds: DecisionBasis, judged: DecisionSummary) -> str:
        if grounds.shown is None:
            return "kept"
        policies, entities = self._shown(grounds.shown.policies), self._texts.get(grounds.entities)
        if policies is None or entities is None or asked is None:
            return "missing"
        step = {"action": judged.action, "approved": bool(judged.approved), "now": judged.at}
        allow, reasons = decide_again(asked.model_copy(update=step), entities, policies)
        if (allow, reasons) != (judged.allow, judged.reasons):
            told, found = (
                f"{'allowed' if one else 'refused'} ({', '.join(why)})"
                for one, why in ((judged.allow, judged.reasons), (allow, reasons))
            )
            raise Invalid(
                f"its owner's decision on {judged.action}", f"told as {told}, and decided again it is {found}"
            )
        return "made_again"

    def _shown(self, digest: str) -> bytes | None:
        """The policies of a digest, which must permit by signed agreements alone; None if they are not here."""
        if digest not in self._policies and digest in self._texts:
            policies = self._texts[digest].encode()
            check_signed(policies, self._signed)
            self._policies[digest] = policies
        return self._policies.get(digest)


def _question(request: Request, asked: Question) -> Question:
    """The question that the owner answered at each step: what the home site asked itself, seen from the other side."""
    home, host = vouching(request.on_behalf_of, request.sender)
    return asked.model_copy(
        update={
            "agent": request.agent,
            "home": home,
            "host": host,
            "conduct": request.how_far,
            "sensitivity": strictest(asked.sensitivity, request.sensitivity),
            "mandate": request.mandate,
            "clearances": request.clearances,
            "peer": request.sender,
            "learned": None,
        }
    )


def _check_consistent(report: Report) -> None:
    """See that what an owner reports may follow on what it decided."""
    last = {judged.action: judged for grounds in report.decided or () for judged in grounds.judged}
    for action in ("accept", "dispatch"):
        if action in last and not last[action].allow and report.state is not TaskState.REFUSED:
            raise Invalid("its owner's decision", f"{action} was refused, and the task is {report.state}")
    released = "release" in last and last["release"].allow
    if report.outcome is not None and report.outcome.outputs and not released:
        raise Invalid("its owner's decision", "a result came that was not released")

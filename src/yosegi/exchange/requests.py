"""The home side of a task: what this site asked of owners on behalf of its members, and what they reported.

A request's stream is `request/<owner>/<key>`. It is decided by the home site's own policy before it is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict, Invalid, NotFound
from yosegi.core.events import Events
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import TaskState
from yosegi.data.entries import naming
from yosegi.exchange.channels import Channels
from yosegi.exchange.outbox import sending
from yosegi.exchange.request_draft import AuthorizedRequest, RequestDraft
from yosegi.governance.charter.registry import Registry
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Db, Draft, Entry, Ledger, Write
from yosegi.trust.calibration import CalibrationHeld
from yosegi.trust.envelope import Envelope
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Cancel, DecisionBasis, Report, Request
from yosegi.trust.signer import Signer

MADE = "request.made"
REFUSED_AT_HOME = "request.refused"
REPORTED = "request.reported"
REJECTED = "request.rejected"
"""Its owner would not take the document at all, e.g. because the key was used before."""
CANCEL_ASKED = "request.cancel_asked"
_NAMED = ("capability", "team", "campaign", "mandate")
LIFETIME = timedelta(days=1)
LIFETIME_FOR_APPROVAL = timedelta(days=7)
"""People need longer than machines; and what uses an instrument may wait for its next shift, over a weekend."""


def request_stream(owner: str, key: str) -> str:
    """The stream of a request."""
    return f"request/{owner}/{key}"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where one request stands, as far as its home site knows.

    Args:
        request: what was asked; None where the home site's own policy refused and nothing was sent, or it was erased.
        state: as last reported by the owner; NEW until then.
        decided: the owner's own decisions, as it last told them.
        refused_at_home: whether the home site's own policy refused it, so that the owner never heard of it.
        joules: the energy of what it ran on, where the owner told it.
    """

    stream: str
    position: int = 0
    request: Request | None = None
    state: TaskState = TaskState.NEW
    outcome: Outcome | None = None
    charged: Amounts = Amounts()
    reasons: tuple[Explanation, ...] = ()
    sensitivity: str = "team"
    simulated: bool = False
    decided: tuple[DecisionBasis, ...] = ()
    refused_at_home: bool = False
    joules: float | None = None
    calibration: CalibrationHeld | None = None
    """Of the instrument, as the owner named it."""

    def follow(self, entry: Entry) -> Asked:
        """The request after one more entry."""
        here = replace(self, position=entry.position)
        body = entry.body or {}
        if entry.type == MADE:
            return replace(here, request=Request.recorded(body["document"]) if "document" in body else None)
        if entry.type in (REFUSED_AT_HOME, REJECTED):
            reasons = tuple(Explanation.read(reason) for reason in body.get("reasons", ()))
            at_home = entry.type == REFUSED_AT_HOME
            return replace(here, state=TaskState.REFUSED, reasons=reasons, refused_at_home=at_home)
        if entry.type == REPORTED and "report" not in body:
            charged = entry.facts.get("counted", entry.facts["charged"])
            return replace(here, state=TaskState(entry.facts["state"]), charged=Amounts(charged))
        if entry.type == REPORTED:
            counted = entry.facts.get("counted")
            return here.reported(
                Report.recorded(body["report"]), body.get("unfit", ""), None if counted is None else Amounts(counted)
            )
        return here

    def reported(self, report: Report, unfit: str, counted: Amounts | None = None) -> Asked:
        """The request after a report.

        Args:
            report: the owner's word.
            unfit: why its outputs are not what the contract says, if they are not.
            counted: what is counted of its charge, if that is above what the contract costs.
        """
        return replace(
            self,
            state=report.state,
            outcome=_as_found(report.outcome, unfit),
            charged=report.charged if counted is None else counted,
            reasons=report.reasons,
            sensitivity=report.sensitivity,
            simulated=report.simulated,
            decided=report.decided or (),
            joules=report.joules,
            calibration=report.calibration,
        )


def fold(stream: str, entries: Iterable[Entry]) -> Asked:
    """The request its entries make."""
    asked = Asked(stream)
    for entry in entries:
        asked = asked.follow(entry)
    return asked


class RequestView:
    """Table `request`: one row a request of this home site."""

    name = "request"
    version = 2
    ddl: ClassVar[Sequence[str]] = (
        "CREATE TABLE request (stream TEXT PRIMARY KEY, charter TEXT NOT NULL, owner TEXT NOT NULL,"
        " key TEXT NOT NULL, campaign TEXT NOT NULL, capability TEXT NOT NULL, state TEXT NOT NULL,"
        " open INTEGER NOT NULL, last INTEGER NOT NULL, mandate TEXT NOT NULL)",
        "CREATE INDEX request_open ON request (open, charter, owner)",
        "CREATE INDEX request_key ON request (key)",
    )

    def apply(self, db: Db, entry: Entry) -> None:
        """Keep the row of the entry's request."""
        facts = entry.facts
        if entry.type in (MADE, REFUSED_AT_HOME):
            state = TaskState.NEW if entry.type == MADE else TaskState.REFUSED
            _, owner, key = entry.stream.split("/", 2)
            row = (
                entry.stream,
                entry.header.charter,
                owner,
                key,
                facts.get("campaign", ""),
                facts["capability"],
                str(state),
                int(not state.final),
                entry.sequence,
                facts.get("mandate", ""),
            )
            db.execute(f"INSERT INTO request VALUES ({', '.join('?' * len(row))})", row)
        elif entry.type in (REPORTED, REJECTED):
            state = TaskState(facts["state"])
            db.execute(
                "UPDATE request SET state = ?, open = ?, last = ? WHERE stream = ?",
                (str(state), int(not state.final), entry.sequence, entry.stream),
            )


@dataclass(frozen=True, slots=True)
class RequestChanged:
    """The state of a request of this site moved, and is on record."""

    asked: Asked


@dataclass
class Requests:
    """Asks owners for tasks; what they report is taken in by `yosegi.exchange.reports.Reports`.

    Args:
        directory: whose keys are whose.
        channels: where what is asked goes out.
        contract_of: the contract of a capability as last offered here under a charter; raises NotFound.
        events: told `RequestChanged` of each request whose state moved.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    directory: Registry
    delegation: Delegation
    channels: Channels
    contract_of: Callable[[str, str], Contract]
    events: Events
    _open: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _folds: FifoCache[str, Asked] = field(default_factory=lambda: FifoCache(1024))

    def start(self) -> None:
        """Take up what is open."""
        for row in self.ledger.query("SELECT charter, owner, stream FROM request WHERE open = 1"):
            self._open.setdefault((row["charter"], row["owner"]), set()).add(row["stream"])

    def expects(self, charter: str, peer: str) -> bool:
        """Whether an answer of the peer is awaited."""
        return bool(self._open.get((charter, peer)))

    def get(self, owner: str, key: str) -> Asked:
        """The request by its owner and key.

        Raises:
            NotFound: never made.
        """
        asked = self.find(request_stream(owner, key))
        if asked.position == 0:
            raise NotFound("request", f"{owner}/{key}")
        return asked

    def forget(self, stream: str) -> None:
        """Fold a request anew: bodies of its entries were erased."""
        self._folds.drop(stream)

    def find(self, stream: str) -> Asked:
        """The request of a stream; a new one if there is none. Goes on from where it was folded last."""
        asked = self._folds.get(stream) or Asked(stream)
        for entry in self.ledger.read(stream, asked.position):
            asked = asked.follow(entry)
        self._folds.put(stream, asked)
        return asked

    def draft(self, authorized: AuthorizedRequest, after: tuple[str, ...] = ()) -> tuple[Write, ...]:
        """The writes that make a request, or the one that records that this site's own policy refused it.

        Under a mandate the request carries a token, and its cost is held in the mandate's budget by the same append.
        Append the writes, alone or together with what caused them, and hand the entries to `made`.

        Raises:
            Unavailable: this site's clock is off, and whatever it signs would be refused.
        """
        self.channels.clocks.check_own()
        request, decision = authorized.request, authorized.decision
        owner, question = request.owner, decision.question
        stream = request_stream(owner, request.key)
        facts = {name: value for name in _NAMED if (value := getattr(request, name))}
        body: dict[str, Any] = {"decision": decision.model_dump(mode="json", exclude_none=True)}
        version = self.directory.version_for(request.charter, owner, Request)
        reasons = _unspoken(request, version) or _unfit(request) if decision.allow else why(decision)
        if (beyond := self.delegation.why_not(question)) is not None:
            reasons = (*reasons, beyond)
        hold = None
        if reasons or not decision.allow:
            body["reasons"] = [reason.model_dump(mode="json") for reason in reasons]
            draft = Draft(REFUSED_AT_HOME, facts, body)
        else:
            hold = self.delegation.hold(question, stream)
            facts |= naming(request.objects)
            draft = sending(MADE, owner, stream, self._signed(authorized, version), facts, body)
        write = Write(
            stream,
            0,
            (replace(draft, after=after),),
            charter=request.charter,
            actor=self.site,
            on_behalf_of=request.on_behalf_of,
        )
        return (write,) if hold is None else (write, hold)

    def _signed(self, authorized: AuthorizedRequest, version: int) -> Envelope:
        request, question = authorized.request, authorized.decision.question
        now = self.clock.now()
        waits_for_shift = question.capability.kind in ("instrument", "robot")
        slow = question.capability.approval or question.conduct == "approve" or waits_for_shift
        document = Request(
            sender=self.site,
            to=request.owner,
            issued=now,
            not_after=now + (LIFETIME_FOR_APPROVAL if slow else LIFETIME),
            agent=question.agent,
            token=self.delegation.token(question.mandate, request.owner) if question.mandate else None,
            **request.fields(),
        )
        return document.sign(self.signer, version=version)

    def contract(self, asked: Asked) -> Contract | None:
        """The contract that a request was made under; None if it is not known here any more."""
        request = asked.request
        if request is None:
            return None
        try:
            contract = self.contract_of(request.charter, request.capability)
        except NotFound:
            return None
        return contract if contract.digest == request.contract else None

    def made(self, entries: Sequence[Entry]) -> None:
        """Requests were appended: send them and await their reports."""
        for entry in entries:
            if entry.type == MADE:
                owner = entry.stream.split("/", 2)[1]
                self._open.setdefault((entry.header.charter, owner), set()).add(entry.stream)
                self._folds.put(entry.stream, Asked(entry.stream).follow(entry))
        self.channels.posted(entries)

    async def ask(self, authorized: AuthorizedRequest) -> Asked:
        """Make one request; asking again with the same key and content changes nothing.

        Raises:
            Conflict: the key was used before with another content, or for a request that this site refused.
            MandateRefused: another request took the rest of the mandate's budget at this moment.
        """
        request = authorized.request
        stream = request_stream(request.owner, request.key)
        if not self.find(stream).position:
            try:
                self.made(await self.ledger.append(*self.draft(authorized)))
            except Conflict:
                pass  # asked twice at the same moment
            else:
                return self.find(stream)
        known = self.find(stream)
        if known.refused_at_home:
            raise Conflict(f"key {request.key}", "was used before, for a request refused here", "use a new key")
        if known.request is None or not _same(known.request, request, self._version_sent(stream)):
            raise Conflict(f"key {request.key}", "was used before with another content", "use a new key")
        return known

    def _version_sent(self, stream: str) -> int:
        """In which version of its kind a request was sent."""
        body = self.ledger.read(stream)[0].body or {}
        return Request.payload_types.index(Envelope.parsed(body["document"]).payload_type) + 1

    def cancel_was_asked(self, owner: str, key: str) -> bool:
        """Whether the owner was already asked to take it back."""
        return any(entry.type == CANCEL_ASKED for entry in self.ledger.read(request_stream(owner, key)))

    async def cancel(self, owner: str, key: str, reason: str, by: str) -> None:
        """Ask the owner to take a request back; its report says what became of it."""
        asked = self.get(owner, key)
        if asked.request is None or asked.state.final:
            return
        now = self.clock.now()
        charter = asked.request.charter
        document = Cancel(
            charter=charter, sender=self.site, to=owner, key=key, issued=now, not_after=now + LIFETIME, reason=reason
        )
        draft = sending(CANCEL_ASKED, owner, f"cancel/{key}", document.sign(self.signer), {}, {"reason": reason})
        write = Write(asked.stream, None, (draft,), charter=charter, actor=self.site, on_behalf_of=by)
        self.channels.posted(await self.ledger.append(write))

    def answered(self, asked: Asked) -> None:
        """An owner's word on a request was appended: await no more where it was the last, and say so."""
        self._folds.put(asked.stream, asked)
        if asked.state.final and asked.request is not None:
            self._open.get((asked.request.charter, asked.request.to), set()).discard(asked.stream)
        self.events.publish(RequestChanged(asked))


def _unspoken(request: RequestDraft, version: int) -> tuple[Explanation, ...]:
    """Why an owner would not understand a request: it speaks no version of it, or none that says how far to go.

    A mandate, its token and clearances are left out for an owner that knows nothing of them: the request then has
    the right that it carries by itself, which is less. A wish to suggest alone, left out, would be a wish to run.
    """
    if version == 0 or (version == 1 and request.conduct):
        needed = Request.payload_types[1 if request.conduct else 0]
        return (explained("format_not_spoken", site=request.owner, format=needed),)
    return ()


def _unfit(request: RequestDraft) -> tuple[Explanation, ...]:
    """Why the inputs are not what the contract says: nothing is sent that its owner would refuse."""
    try:
        request.contract.check_inputs(request.inputs)
    except Invalid as error:
        return (explained("bad_inputs", why=str(error)),)
    return ()


def _as_found(outcome: Outcome | None, unfit: str) -> Outcome | None:
    """What an owner reported, as far as it is worth anything here."""
    if outcome is None or not unfit:
        return outcome
    return Outcome.failed(outcome.effect, OutcomeCode.BAD_OUTPUT, unfit, invalid=True)


def _same(known: Request, draft: RequestDraft, version: int) -> bool:
    later = {name for brought, names in Request.added.items() if brought > version for name in names}
    return all(getattr(known, name) == value for name, value in draft.fields().items() if name not in later)

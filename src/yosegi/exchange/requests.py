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
from yosegi.core.identifiers import split_capability
from yosegi.core.object import ObjectRef, refs
from yosegi.core.states import Result, TaskState
from yosegi.data.entries import naming
from yosegi.exchange.channels import Channels
from yosegi.exchange.outbox import Outgoing, sending
from yosegi.exchange.received import Received
from yosegi.governance.charter.registry import Registry
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Db, Draft, Entry, Ledger, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Cancel, DecisionBasis, Explanation, Report, Request
from yosegi.trust.signer import Signer

MADE = "request.made"
REFUSED_AT_HOME = "request.refused"
REPORTED = "request.reported"
REJECTED = "request.rejected"
"""Its owner would not take the document at all, e.g. because the key was used before."""
CANCEL_ASKED = "request.cancel_asked"
LIFETIME = timedelta(days=1)
LIFETIME_FOR_APPROVAL = timedelta(days=7)
"""People need longer than machines."""


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
    last_sequence: int = 0

    def follow(self, entry: Entry) -> Asked:
        """The request after one more entry."""
        here = replace(self, position=entry.position, last_sequence=entry.sequence)
        body = entry.body or {}
        if entry.type == MADE:
            return replace(here, request=Request.recorded(body["document"]) if "document" in body else None)
        if entry.type in (REFUSED_AT_HOME, REJECTED):
            reasons = tuple(Explanation.read(reason) for reason in body.get("reasons", ()))
            return replace(here, state=TaskState.REFUSED, reasons=reasons)
        if entry.type == REPORTED and "report" not in body:
            return replace(here, state=TaskState(entry.facts["state"]), charged=Amounts(entry.facts["charged"]))
        if entry.type == REPORTED:
            report = Report.recorded(body["report"])
            return replace(
                here,
                state=report.state,
                outcome=_as_found(report.outcome, body.get("unfit", "")),
                charged=report.charged,
                reasons=report.reasons,
                sensitivity=report.sensitivity,
                simulated=report.simulated,
                decided=report.decided or (),
            )
        return here


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
    """Asks owners for tasks, and takes in what they report.

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
    contract_of: Callable[[str, str], Contract | None]
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
        asked = self._known(request_stream(owner, key))
        if asked.position == 0:
            raise NotFound("request", key)
        return asked

    def forget(self, stream: str) -> None:
        """Fold a request anew: bodies of its entries were erased."""
        self._folds.drop(stream)

    def _known(self, stream: str) -> Asked:
        """The request of a stream, which goes on from where it was folded last."""
        asked = self._folds.get(stream) or Asked(stream)
        for entry in self.ledger.read(stream, asked.position):
            asked = asked.follow(entry)
        self._folds.put(stream, asked)
        return asked

    def draft(self, request: dict[str, Any], decision: Decision, after: tuple[str, ...] = ()) -> tuple[Write, ...]:
        """The writes that make a request, or the one that records that this site's own policy refused it.

        Under a mandate the request carries a token, and its cost is held in the mandate's budget by the same append.
        `request` holds the fields of `Request` but for sender, addressee, agent, token and dates. Append the writes,
        alone or together with what caused them, and hand the entries to `made`.

        Raises:
            Unavailable: this site's clock is off, and whatever it signs would be refused.
        """
        self.channels.clocks.check_own()
        owner, _ = split_capability(request["capability"])
        stream = request_stream(owner, request["key"])
        named = ("capability", "team", "campaign", "mandate")
        facts = {name: request[name] for name in named if request.get(name)}
        body: dict[str, Any] = {"decision": decision.model_dump(mode="json", exclude_none=True)}
        version = self.directory.version_for(request["charter"], owner, Request)
        reasons = self._unspoken(request, owner, version) or self._unfit(request) if decision.allow else why(decision)
        if (beyond := self.delegation.why_not(decision.question)) is not None:
            reasons = (*reasons, beyond)
        hold = None
        if reasons or not decision.allow:
            body["reasons"] = [reason.model_dump(mode="json") for reason in reasons]
            drafts: tuple[Draft, ...] = (Draft(REFUSED_AT_HOME, facts, body, after=after),)
        else:
            mandate = decision.question.mandate
            token = self.delegation.token(mandate, owner) if mandate else None
            request = {**request, "agent": decision.question.agent, "token": token}
            hold = self.delegation.hold(decision.question, stream)
            now = self.clock.now()
            question = decision.question
            slow = question.capability.approval or question.conduct == "approve"
            until = now + (LIFETIME_FOR_APPROVAL if slow else LIFETIME)
            contract = self._contract(request["charter"], request["capability"], request["contract"])
            facts |= naming(refs(contract.inputs, request["inputs"])) if contract else {}
            document = Request(sender=self.site, to=owner, issued=now, not_after=until, **request)
            draft = sending(MADE, owner, stream, document.sign(self.signer, version=version), facts, body)
            drafts = (replace(draft, after=after),)
        write = Write(
            stream, 0, drafts, charter=request["charter"], actor=self.site, on_behalf_of=request["on_behalf_of"]
        )
        return (write,) if hold is None else (write, hold)

    def _contract(self, charter: str, capability: str, digest: str) -> Contract | None:
        try:
            contract = self.contract_of(charter, capability)
        except NotFound:
            return None
        return contract if contract is not None and contract.digest == digest else None

    def contract(self, asked: Asked) -> Contract | None:
        """The contract that a request was made under; None if it is not known here any more."""
        request = asked.request
        return None if request is None else self._contract(request.charter, request.capability, request.contract)

    def _unspoken(self, request: dict[str, Any], owner: str, version: int) -> tuple[Explanation, ...]:
        """Why an owner would not understand a request: it speaks no version of it, or none that says how far to go.

        A mandate, its token and clearances are left out for an owner that knows nothing of them: the request then has
        the right that it carries by itself, which is less. A wish to suggest alone, left out, would be a wish to run.
        """
        if version == 0 or (version == 1 and request.get("conduct")):
            needed = Request.payload_types[1 if request.get("conduct") else 0]
            return (explained("format_not_spoken", site=owner, format=needed),)
        return ()

    def _unfit(self, request: dict[str, Any]) -> tuple[Explanation, ...]:
        """Why the inputs are not what the contract says: nothing is sent that its owner would refuse."""
        contract = self._contract(request["charter"], request["capability"], request["contract"])
        try:
            if contract is not None:
                contract.check_inputs(request["inputs"])
        except Invalid as error:
            return (explained("bad_inputs", why=str(error)),)
        return ()

    def made(self, entries: Sequence[Entry]) -> None:
        """Requests were appended: send them and await their reports."""
        for entry in entries:
            if entry.type == MADE:
                owner = entry.stream.split("/", 2)[1]
                self._open.setdefault((entry.header.charter, owner), set()).add(entry.stream)
                self._folds.put(entry.stream, Asked(entry.stream).follow(entry))
        self.channels.posted(entries)

    async def ask(self, request: dict[str, Any], decision: Decision) -> Asked:
        """Make one request; asking again with the same key and content changes nothing.

        Raises:
            Conflict: the key was used before with another content.
            MandateRefused: another request took the rest of the mandate's budget at this moment.
        """
        stream = request_stream(split_capability(request["capability"])[0], request["key"])
        if not self._known(stream).position:
            try:
                self.made(await self.ledger.append(*self.draft(request, decision)))
            except Conflict:
                pass  # asked twice at the same moment
            else:
                return self._known(stream)
        known = self._known(stream)
        if known.request is None or not _same(known.request, request, self._version_sent(stream)):
            raise Conflict(f"key {request['key']}", "was used before with another content", "use a new key")
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

    def _outputs(self, request: Request, outcome: Outcome) -> tuple[dict[str, ObjectRef], str]:
        """The objects among the outputs that were reported; and why they are not what the contract says."""
        contract = self._contract(request.charter, request.capability, request.contract)
        if contract is None or outcome.result is not Result.VALID or outcome.outputs is None:
            return {}, ""
        try:
            contract.check_outputs(outcome.outputs)
            return refs(contract.outputs, outcome.outputs), ""
        except Invalid as error:
            return {}, str(error)[:2000]

    async def rejected(self, out: Outgoing, why: str) -> None:
        """An owner will never take a request: it ends here as refused."""
        entry = self.ledger.entry(out.sequence)
        if entry.type != MADE:
            return
        asked = fold(entry.stream, self.ledger.read(entry.stream))
        if asked.state.final:
            return
        reasons = [explained("not_taken", site=out.to, why=why[:500]).model_dump(mode="json")]
        draft = Draft(REJECTED, {"state": str(TaskState.REFUSED)}, {"reasons": reasons})
        write = Write(entry.stream, asked.position, (draft,), charter=out.charter, actor=out.to)
        entries = await self.ledger.append(write)
        self._open.get((out.charter, out.to), set()).discard(entry.stream)
        self.events.publish(RequestChanged(asked.follow(entries[0])))

    async def on_report(self, received: Received[Report]) -> None:
        """Record a report; the same again, or one that comes late, changes nothing.

        Raises:
            Invalid: of a request never made, or made to somebody else.
        """
        while True:
            try:
                return await self._learn(received)
            except Conflict:
                continue  # another report on the same task was recorded meanwhile: is this one still news?

    async def _learn(self, received: Received[Report]) -> None:
        report = received.document
        stream = request_stream(received.sender, report.key)
        asked = self._known(stream)
        if asked.request is None or asked.request.digest != report.request:
            raise Invalid(f"report on {report.key}", f"{self.site} did not ask {received.sender} for this")
        if not _news(asked, report):
            return
        facts: dict[str, Any] = {"state": str(report.state), "charged": dict(report.charged)}
        body: dict[str, Any] = {"report": received.envelope.plain, "receipt": received.receipt}
        if report.outcome is not None:
            facts |= {"effect": str(report.outcome.effect), "result": str(report.outcome.result)}
            found, unfit = self._outputs(asked.request, report.outcome)
            facts |= naming(found) | ({"team": asked.request.team} if found else {})
            if unfit:
                facts["result"], body["unfit"] = str(Result.INVALID), unfit
        draft = Draft(REPORTED, facts, body)
        write = Write(stream, asked.position, (draft,), charter=received.charter, actor=received.sender)
        settled = self.delegation.settle(stream, report.charged) if report.state.final else None
        entries = await self.ledger.append(write, *(() if settled is None else (settled,)))
        asked = asked.follow(entries[0])
        self._folds.put(stream, asked)
        if asked.state.final:
            self._open.get((received.charter, received.sender), set()).discard(stream)
        self.events.publish(RequestChanged(asked))


def _as_found(outcome: Outcome | None, unfit: str) -> Outcome | None:
    """What an owner reported, as far as it is worth anything here."""
    if outcome is None or not unfit:
        return outcome
    return Outcome.failed(outcome.effect, "bad_output", unfit, invalid=True)


def _news(asked: Asked, report: Report) -> bool:
    """Whether the report tells a later state than is known: reports may be repeated, lost or overtaken."""
    if asked.state.final:
        return False
    order = [TaskState.NEW, TaskState.ACCEPTED, TaskState.DISPATCHED, TaskState.UNCERTAIN]
    if report.state in order:
        return order.index(report.state) > order.index(asked.state)
    return True


def _same(request: Request, fields: dict[str, Any], version: int) -> bool:
    later = {name for brought, names in Request.added.items() if brought > version for name in names}
    return all(getattr(request, name) == value for name, value in fields.items() if name not in later)

"""Taking a request or refusing it: what is fit, what is allowed, what it costs; recorded before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome, unsettled
from yosegi.core.errors import Conflict, Invalid, Unavailable
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.identifiers import split_capability
from yosegi.core.object import ObjectRef, refs
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, TaskState
from yosegi.data.entries import naming
from yosegi.exchange import Received
from yosegi.exchange.budget import PeerBudget, Rate
from yosegi.execution import tasks
from yosegi.execution.breaker import Requester
from yosegi.execution.charging import without_instrument_time
from yosegi.execution.decision_summary import append_decision
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.lost_tasks import LostTasks
from yosegi.execution.ports import AuthorizationPort, DelegationPort, InputFetcher, Published, SamplePort, recorded
from yosegi.execution.records import TaskRepository
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.execution.tasks import Task, task_stream
from yosegi.governance.grants.grant import GrantExceeded
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Draft, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Cancel, Request

REFUSED_ON_RECORD = Rate(burst=200, hourly=600)
"""Of one peer; each takes about 11 kB of the ledger."""
REFUSED_BYTES = Rate(burst=4 * 1024 * 1024, hourly=12 * 1024 * 1024)
"""Bytes of those, as they came: one may be a hundred times as large as is usual."""
BYTES_OF_A_TASK = 12 * 1024
"""That a task of a peer may take of the ledger on average, from its request to its end; one may be larger."""
MOST_WITHDRAWN = 1024
"""Requests of one peer that were withdrawn before they came, remembered."""
OF_A_TASK = 8 * 1024
"""Bytes that are counted of each beside its request: its entries, and what its home is told."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A request that is taken.

    Args:
        objects: those among its inputs, by name.
        hold: the write that holds its cost; None where it costs nothing, or is only a suggestion.
        lacks: what it has to wait for before it waits for a slot.
        paid_by: the reservation that pays for its instrument hours, and in which alone it runs; empty if none has to.
    """

    published: Published
    objects: Mapping[str, ObjectRef]
    hold: Write | None = None
    lacks: tuple[Explanation, ...] = ()
    paid_by: str = ""


@dataclass
class Verdict:
    """What this owner says to a request, with what its first entry keeps of it.

    Args:
        refusal: why it is refused; empty where it is taken.
    """

    facts: dict[str, Any]
    body: dict[str, Any]
    refusal: tuple[Explanation, ...] = ()
    acceptance: Acceptance | None = field(default=None)

    def refuse(self, *reasons: Explanation) -> Verdict:
        """The same, refused."""
        self.refusal = reasons
        return self


@dataclass(frozen=True, slots=True)
class Admission:
    """Says yes or no to what arrives at an owner, by its policy, its grants and what it can do now.

    Args:
        samples: says which samples among inputs may be used.
        budget: how many of a peer's requests are refused on record; above that they are refused all the same, and
            their home is told, but nothing is written here.
        most_open: tasks that one team may have waiting and running here at once.
        most_an_hour: tasks of one peer that are admitted at once and in an hour, and `BYTES_OF_A_TASK` for each; the
            others wait. Many cost nothing of a grant, and each leaves entries here.
    """

    repository: TaskRepository
    dispatcher: Dispatcher
    clock: Clock
    authorizer: AuthorizationPort
    rights: DelegationPort
    inputs: InputFetcher
    samples: SamplePort
    guard: RestoreGuard
    lost: LostTasks
    budget: PeerBudget
    most_open: int
    most_an_hour: int
    _withdrawn: dict[str, FifoCache[str, str]] = field(default_factory=dict)
    """By home, why each request was withdrawn that has not arrived yet; until a restart, for its home says so again."""

    @property
    def site(self) -> str:
        """The owner."""
        return self.repository.site

    # -- what arrives ---------------------------------------------------------------------------------------------

    async def on_request(self, received: Received[Request]) -> None:
        """Decide on a verified request, hold its cost and record it; start it if there is room. Returns when durable.

        Raises:
            Conflict: its key was used before for another request.
            Unavailable: its home has had more admitted in an hour than is allowed; it comes again.
        """
        request, envelope = received.document, received.envelope
        stream = task_stream(received.sender, request.key)
        async with self.repository.lock(stream):
            known = self.repository.find(stream)
            if known.state is not TaskState.NEW:
                if known.request_digest != envelope.payload_digest:
                    raise Conflict(f"key {request.key}", "was used before for another request", "use a new key")
                return
            verdict = self._judge(request, envelope, received.receipt)
            if verdict.acceptance is not None:
                self._check_admitted(request, envelope)
            await self._record(known, request, verdict)

    async def on_cancel(self, received: Received[Cancel]) -> None:
        """Take a request back: proved where possible, told honestly where not.

        One that has not arrived yet is not started when it does, which ends it; nothing is written here before.

        Raises:
            Unavailable: the request has not arrived yet.
        """
        cancel, sender = received.document, received.sender
        if not self.repository.find(task_stream(sender, cancel.key)).position:
            self._withdrawn.setdefault(sender, FifoCache(MOST_WITHDRAWN)).put(cancel.key, cancel.reason)
            raise Unavailable(f"task {cancel.key}", "its request has not arrived yet")
        await self.dispatcher.cancel(sender, cancel.key, cancel.reason, by=sender)

    async def on_lost(self, received: Received[Request]) -> None:
        """A peer still awaits the end of a request that this site had taken and lost in a restoration.

        What may be repeated is done again, or refused where its time is over, so that its home asks anew. Anything
        else is recorded as uncertain, its cost held, and never started.
        """
        if await self.lost.record(received):
            return
        request = received.document
        try:
            request.check_in_force(self.clock.now())
        except Untrusted as error:
            if error.reason != "document_expired":
                raise
            stream = task_stream(received.sender, request.key)
            async with self.repository.lock(stream):
                task = self.repository.find(stream)
                if task.state is TaskState.NEW:
                    facts = tasks.facts_of(request, received.envelope)
                    lost = explained("lost_in_restore", site=self.site)
                    await self._refuse(task, request, Verdict(facts, {"request": received.envelope.plain}).refuse(lost))
            return
        await self.on_request(received)

    # -- deciding -------------------------------------------------------------------------------------------------

    def _judge(self, request: Request, envelope: Envelope, receipt: dict[str, Any] | None) -> Verdict:
        """What becomes of a verified request. Nothing is written.

        Cases, in order:
          1. what is not published here, or not under that contract, is refused, as are inputs that do not fit it;
          2. what a restoration or a station may have forgotten is not done again;
          3. a request without the right it claims is refused;
          4. a breaker that is open, or a team with too much under way, takes nothing more;
          5. this owner's policy has the last word on whom it lets do what;
          6. a sample that it names must be here, of that team, and in a state to be used;
          7. a suggestion holds nothing; anything else needs a grant that covers it.
        """
        verdict = Verdict(tasks.facts_of(request, envelope), {"request": envelope.plain, "receipt": receipt})
        published = self.repository.published_for(request)
        if published is None:
            return verdict.refuse(explained("unknown_capability", capability=split_capability(request.capability)[1]))
        contract = published.contract
        try:
            objects = self._fit(request, contract)
        except _Unfit as unfit:
            return verdict.refuse(unfit.reason)
        closed = self.guard.closes(contract, request) or self._forgot(published)
        if refusal := closed or self.rights.token_error(request, envelope) or self._too_much(request, contract.name):
            return verdict.refuse(refusal)
        verdict.facts |= self.rights.token_facts(request)
        decision = self.authorizer.decide("accept", request, contract, objects.values())
        verdict.body |= recorded(self.authorizer, decision)
        if not decision.allow:
            return verdict.refuse(*why(decision))
        if unusable := self.samples.not_usable(request, contract):
            return verdict.refuse(*unusable)
        if request.how_far == "suggest":
            verdict.acceptance = Acceptance(published, objects)
            return verdict
        try:
            hold, paid_by = self._hold(request, contract)
        except GrantExceeded as error:
            return verdict.refuse(_exceeded(error))
        lacks = self._lacks(request, contract, objects, paid_by)
        verdict.acceptance = Acceptance(published, objects, hold, lacks, paid_by)
        return verdict

    def _hold(self, request: Request, contract: Contract) -> tuple[Write | None, str]:
        """The write that holds a request's cost; and the reservation that pays for its instrument hours, if one must.

        Where the team's grant covers a task only without them, it was used for a reservation of that instrument: the
        task runs inside that alone then.

        Raises:
            GrantExceeded: no grant of the team covers it.
        """
        stream = task_stream(request.sender, request.key)
        try:
            return self.authorizer.hold(request, contract.cost, stream), ""
        except GrantExceeded:
            paid_by = self.dispatcher.instruments.reservation_for(request, contract)
            if not paid_by:
                raise
            return self.authorizer.hold(request, without_instrument_time(contract.cost), stream), paid_by

    def _fit(self, request: Request, contract: Contract) -> dict[str, ObjectRef]:
        """The objects among the inputs of a request that is as its contract wants it.

        Raises:
            _Unfit: it is not.
        """
        if request.contract != contract.digest:
            raise _Unfit(explained("contract_changed", capability=contract.name))
        try:
            contract.check_inputs(request.inputs)
            objects = refs(contract.inputs, request.inputs)
        except Invalid as error:
            raise _Unfit(explained("bad_inputs", why=str(error))) from None
        if unfit := self.inputs.unfit(objects) if objects else None:
            raise _Unfit(unfit)
        return objects

    def _forgot(self, published: Published) -> Explanation | None:
        """Why a station may not be asked: it does not know what it did, and this cannot be repeated."""
        engine = published.engine
        why = unsettled(engine)
        if not why or published.contract.effect.repeatable:
            return None
        contact = f"operator@{self.site}"
        return explained("station_unsettled", station=engine.name, why=why, contact=contact)

    def _too_much(self, request: Request, name: str) -> Explanation | None:
        """Why nothing more is taken now from whom asks: an open breaker, or a team with too much under way."""
        breakers, contact = self.dispatcher.breakers, f"operator@{self.site}"
        if opened := breakers.why_open(name):
            return explained("breaker_open", capability=name, why=opened, contact=contact)
        if opened := breakers.why_open_to(name, who := Requester.of(request)):
            return explained("breaker_open_to", capability=name, requester=str(who), why=opened, contact=contact)
        row = self.repository.ledger.query(
            "SELECT COUNT(*) AS open FROM task WHERE state IN ('accepted', 'dispatched') AND team = ? AND charter = ?",
            (request.team, request.charter),
        )
        if row[0]["open"] >= self.most_open:
            return explained("too_many_open", team=request.team, most=str(self.most_open))
        return None

    def _lacks(
        self, request: Request, contract: Contract, objects: Mapping[str, ObjectRef], paid_by: str
    ) -> tuple[Explanation, ...]:
        waits = (
            self.rights.pending_reason(request, contract),
            self.dispatcher.instruments.pending_reason(request, contract, paid_by),
        )
        missing = self.inputs.missing(request, objects) if objects else {}
        reasons = tuple(reason for reason in waits if reason is not None)
        if missing:
            reasons += (explained("awaits_inputs", names=", ".join(missing), site=request.sender),)
        return reasons

    # -- recording ------------------------------------------------------------------------------------------------

    async def _record(self, task: Task, request: Request, verdict: Verdict) -> None:
        """Put a verdict on record, and start what may start. Returns when it is durable."""
        if verdict.acceptance is None:
            self._check_rate(request, verdict)
            await self._refuse(task, request, verdict)
        elif (reason := self._withdrawal(request)) is not None:
            outcome = Outcome.failed(Effect.NONE, OutcomeCode.CANCELLED, reason)
            await self._end_unstarted(task, request, verdict, verdict.acceptance, outcome)
        elif request.how_far == "suggest":
            outcome = Outcome.failed(Effect.NONE, OutcomeCode.ONLY_A_SUGGESTION)
            reasons = (explained("only_a_suggestion"),)
            await self._end_unstarted(task, request, verdict, verdict.acceptance, outcome, reasons)
        else:
            await self._accept(task, request, verdict, verdict.acceptance)

    async def _accept(self, task: Task, request: Request, verdict: Verdict, accepted: Acceptance) -> None:
        contract, hold, facts, body = accepted.published.contract, accepted.hold, verdict.facts, verdict.body
        granted: dict[str, Any] = {} if hold is None else {"grant": hold.drafts[0].facts["grant"]}
        granted |= {} if hold is None else {"held": dict(hold.drafts[0].facts["amounts"])}
        granted |= {"reservation": accepted.paid_by} if accepted.paid_by else {}
        awaits = {"awaits": accepted.lacks[0].code} if accepted.lacks else {}
        if accepted.lacks:
            body = body | {"reasons": _written(accepted.lacks)}
        drafts = [Draft(tasks.ACCEPTED, facts | granted | naming(accepted.objects) | awaits, body)]
        begun = None if accepted.lacks else self._begun(task, request, accepted)
        if begun is not None:
            drafts.append(begun)
        if begun is None or not contract.effect.repeatable:
            state, before = (TaskState.ACCEPTED, ()) if begun is None else (TaskState.DISPATCHED, _decided(body))
            drafts[-1] = self.repository.reporter.attach(
                drafts[-1], request, state, contract, reasons=accepted.lacks, decided=before
            )
        try:
            task = await self.repository.append(
                task, *drafts, request=request, objects=accepted.objects, others=() if hold is None else (hold,)
            )
        except GrantExceeded as error:
            # Somebody else took the rest between the look and the write; the guard in the transaction is the truth.
            self.dispatcher.give_back(contract.name, task.stream)
            await self._refuse(task, request, verdict.refuse(_exceeded(error)))
        except BaseException:
            self.dispatcher.give_back(contract.name, task.stream)
            raise
        else:
            if begun is None:
                self.dispatcher.enqueue(task)
            else:
                self.dispatcher.begin(task, accepted.published)

    def _begun(self, task: Task, request: Request, accepted: Acceptance) -> Draft | None:
        """The start of a task that can start at once, its slot taken; None if it has to wait.

        It costs no commit of its own: the decision just made is the one before dispatch too.
        """
        contract = accepted.published.contract
        if not self.dispatcher.may_start_now(contract.name):
            return None
        decision = self.authorizer.decide("dispatch", request, contract, accepted.objects.values())
        if not decision.allow:
            return None
        self.dispatcher.take_slot(contract.name, task.stream, request)
        facts = self.dispatcher.facts_at_start(request, contract, task.stream)
        return Draft(tasks.DISPATCHED, facts, recorded(self.authorizer, decision))

    def _withdrawal(self, request: Request) -> str | None:
        """Why a request was withdrawn before it came; None where it was not."""
        told = self._withdrawn.get(request.sender)
        return None if told is None else told.get(request.key)

    async def _end_unstarted(
        self,
        task: Task,
        request: Request,
        verdict: Verdict,
        accepted: Acceptance,
        outcome: Outcome,
        reasons: tuple[Explanation, ...] = (),
    ) -> None:
        """Record what would be carried out, and that it never will be: no grant is held, no slot is taken."""
        ended = Draft(
            tasks.CANCELLED,
            {"charged": {}, "effect": str(outcome.effect), "result": str(outcome.result)},
            {"reasons": _written(reasons), "outcome": outcome.model_dump(mode="json", exclude_none=True)},
        )
        ended = self.repository.reporter.attach(
            ended, request, TaskState.CANCELLED, accepted.published.contract,
            reasons=reasons, outcome=outcome, decided=_decided(verdict.body),
        )  # fmt: skip
        await self.repository.append(task, Draft(tasks.ACCEPTED, verdict.facts, verdict.body), ended, request=request)

    def _check_admitted(self, request: Request, envelope: Envelope) -> None:
        """Take a task that is admitted from its home's budget; what this site asks of itself has none.

        Raises:
            Unavailable: nothing is left of it.
        """
        if (peer := request.sender) == self.site:
            return
        most, size = self.most_an_hour, len(envelope.payload) * 7 // 3 + OF_A_TASK
        rate, bytes_rate = Rate(most, most), Rate(most * BYTES_OF_A_TASK, most * BYTES_OF_A_TASK)
        why = f"{most} tasks of {peer} an hour are admitted, with {BYTES_OF_A_TASK} bytes of the ledger each"
        if not self.budget.allows(peer, "tasks", rate):
            raise Unavailable(f"room for task {request.key}", why, "it comes again by itself")
        if not self.budget.allows(peer, "bytes of tasks", bytes_rate, size):
            self.budget.give_back(peer, "tasks", rate)
            raise Unavailable(f"room for task {request.key}", why, "it comes again by itself")

    def _check_rate(self, request: Request, verdict: Verdict) -> None:
        """Refuse without a record what comes faster than an honest site's mistakes do, or is larger.

        Raises:
            Invalid: what the record would say.
        """
        size, words = len(canonical.dumps(verdict.body)), " ".join(reason.en for reason in verdict.refusal)
        if not self.budget.allows(request.sender, "refused requests", REFUSED_ON_RECORD):
            raise Invalid(f"request {request.key}", words[:1500])
        if not self.budget.allows(request.sender, "bytes of refused requests", REFUSED_BYTES, size):
            raise Invalid(f"request {request.key}", words[:1500])

    async def _refuse(self, task: Task, request: Request, verdict: Verdict) -> None:
        draft = Draft(tasks.REFUSED, verdict.facts, verdict.body | {"reasons": _written(verdict.refusal)})
        published = self.repository.published_for(request)
        contract = published.contract if published else None
        draft = self.repository.reporter.attach(draft, request, TaskState.REFUSED, contract, reasons=verdict.refusal)
        await self.repository.append(task, draft, request=request)


class _Unfit(Exception):
    """Why a request is not as its contract wants it."""

    def __init__(self, reason: Explanation) -> None:
        super().__init__(reason.code)
        self.reason = reason


def _decided(body: Mapping[str, Any]) -> tuple[Any, ...]:
    return append_decision((), body)


def _written(reasons: Sequence[Explanation]) -> list[dict[str, Any]]:
    return [reason.model_dump(mode="json") for reason in reasons]


def _exceeded(error: GrantExceeded) -> Explanation:
    return explained("grant_exceeded", **{name: str(value) for name, value in error.fields.items()})

"""Taking a request or refusing it: what is fit, what is allowed, what it costs; recorded before anything starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome, unsettled
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import split_capability
from yosegi.core.object import refs
from yosegi.core.states import Effect, TaskState
from yosegi.data.entries import naming
from yosegi.execution import tasks
from yosegi.execution.breaker import Breakers
from yosegi.execution.decision_summary import followed
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.input_staging import InputStager
from yosegi.execution.ports import AuthorizationPort, DelegationPort, Published, recorded
from yosegi.execution.records import TaskRepository
from yosegi.execution.restore_guard import RestoreGuard
from yosegi.execution.tasks import Task
from yosegi.governance.grants.grant import GrantExceeded
from yosegi.governance.policy.explanation import explained, why
from yosegi.ledger import Draft, Ledger, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Explanation, Request


@dataclass(frozen=True, slots=True)
class Admission:
    """Says yes or no to what arrives at an owner, by its policy, its grants and what it can do now.

    Args:
        most_open: tasks that one team may have waiting and running here at once.
    """

    site: str
    ledger: Ledger
    authorizer: AuthorizationPort
    rights: DelegationPort
    gap: RestoreGuard
    breakers: Breakers
    repository: TaskRepository
    dispatcher: Dispatcher
    waiting: InputStager
    most_open: Callable[[], int]

    async def consider(self, task: Task, request: Request, envelope: Envelope, receipt: dict[str, Any] | None) -> None:
        """Decide, hold and record a verified request; start it if there is room. Returns when it is durable."""
        site, name = split_capability(request.capability)
        published = self.repository.published.get(name) if site == self.site else None
        facts = _facts(request, envelope)
        body: dict[str, Any] = {"request": envelope.plain, "receipt": receipt}
        refusal = self._unfit(request, published, name)
        if published is None or refusal is not None:
            reason = refusal or explained("unknown_capability", capability=name)
            await self._refuse(task, request, (reason,), facts, body)
            return
        closed = self.gap.closes(published.contract, request) or self._forgot(published)
        if refusal := closed or self.rights.token_error(request, envelope) or self._too_much(request, name):
            await self._refuse(task, request, (refusal,), facts, body)
            return
        facts |= self.rights.token_facts(request)
        decision = self.authorizer.decide("accept", request, published.contract)
        body |= recorded(self.authorizer, decision)
        if not decision.allow:
            await self._refuse(task, request, why(decision), facts, body)
            return
        if request.how_far == "suggest":
            await self._suggested(task, request, published, facts, body)
            return
        try:
            hold = self.authorizer.hold(request, published.contract.cost, task.stream)
        except GrantExceeded as error:
            await self._refuse(task, request, (_exceeded(error),), facts, body)
            return
        await self._accept(task, request, published, hold, facts, body)

    async def too_late(self, task: Task, request: Request, envelope: Envelope) -> None:
        """Refuse a request that was lost in a restoration and whose time is over, so that its home asks again."""
        if task.state is TaskState.NEW:
            lost = explained("lost_in_restore", site=self.site)
            await self._refuse(task, request, (lost,), _facts(request, envelope), {"request": envelope.plain})

    def _unfit(self, request: Request, published: Published | None, name: str) -> Explanation | None:
        """What is wrong with a request before any policy is asked."""
        if published is None:
            return explained("unknown_capability", capability=name)
        if request.contract != published.contract.digest:
            return explained("contract_changed", capability=name)
        try:
            published.contract.check_inputs(request.inputs)
            return self.waiting.unfit(request, published.contract)
        except Invalid as error:
            return explained("bad_inputs", why=str(error))

    def _forgot(self, published: Published) -> Explanation | None:
        """Why a station may not be asked: it does not know what it did, and this cannot be repeated."""
        engine = published.engine
        why = unsettled(engine)
        if not why or published.contract.effect.repeatable:
            return None
        contact = f"operator@{self.site}"
        return explained("station_unsettled", station=engine.name, why=why, contact=contact)

    def _too_much(self, request: Request, name: str) -> Explanation | None:
        """Why nothing more is taken now, whoever asks: an open breaker, or a team with too much under way."""
        if opened := self.breakers.why_open(name):
            return explained("breaker_open", capability=name, why=opened, contact=f"operator@{self.site}")
        row = self.ledger.query(
            "SELECT COUNT(*) AS open FROM task WHERE state IN ('accepted', 'dispatched') AND team = ? AND charter = ?",
            (request.team, request.charter),
        )
        if row[0]["open"] >= self.most_open():
            return explained("too_many_open", team=request.team, most=str(self.most_open()))
        return None

    async def _accept(
        self,
        task: Task,
        request: Request,
        published: Published,
        hold: Write | None,
        facts: dict[str, Any],
        body: dict[str, Any],
    ) -> None:
        name = published.contract.name
        if hold is not None:
            facts |= {"grant": hold.drafts[0].facts["grant"], "held": dict(published.contract.cost)}
        facts |= naming(refs(published.contract.inputs, request.inputs))
        reasons = self._lacks(request, published.contract)
        if reasons:
            facts |= {"awaits": reasons[0].code}
            body["reasons"] = [reason.model_dump(mode="json") for reason in reasons]
        drafts = [Draft(tasks.ACCEPTED, facts, body)]
        begun = None if reasons else self._begun(task, request, published)
        if at_once := begun is not None:
            drafts.append(begun)
        quick = at_once and published.contract.effect.repeatable
        if not quick:
            task_after = TaskState.DISPATCHED if at_once else TaskState.ACCEPTED
            before = followed((), body) if at_once else ()
            drafts[-1] = self.repository.reporter.attach(
                drafts[-1], request, task_after, published.contract, reasons=reasons, decided=before
            )
        others = () if hold is None else (hold,)
        try:
            task = await self.repository.append(task, *drafts, request=request, others=others)
        except GrantExceeded as error:
            # Somebody else took the rest between the look and the write; the guard in the transaction is the truth.
            self.dispatcher.leave(name, task.stream)
            facts = {key: value for key, value in facts.items() if key not in ("grant", "held", "awaits")}
            await self._refuse(task, request, (_exceeded(error),), facts, body)
            return
        except BaseException:
            self.dispatcher.leave(name, task.stream)
            raise
        if at_once:
            self.dispatcher.begin(task, published)
        else:
            self.waiting.queue(task)

    def _begun(self, task: Task, request: Request, published: Published) -> Draft | None:
        """The start of a task that can start at once, its place taken; None if it has to wait.

        It costs no commit of its own: the decision just made is the one before dispatch too.
        """
        name = published.contract.name
        if not self.dispatcher.may_start_now(name):
            return None
        decision = self.authorizer.decide("dispatch", request, published.contract)
        if not decision.allow:
            return None
        self.dispatcher.take_slot(name, task.stream)
        return Draft(tasks.DISPATCHED, {"attempt": 1}, recorded(self.authorizer, decision))

    def _lacks(self, request: Request, contract: Contract) -> tuple[Explanation, ...]:
        """What an accepted request has to wait for before it waits for its turn."""
        waits, missing = self.rights.pending_reason(request, contract), self.waiting.missing(request, contract)
        reasons: tuple[Explanation, ...] = () if waits is None else (waits,)
        if missing:
            reasons += (explained("awaits_inputs", names=", ".join(missing), site=request.sender),)
        return reasons

    async def _suggested(
        self, task: Task, request: Request, published: Published, facts: dict[str, Any], body: dict[str, Any]
    ) -> None:
        """Record what would be carried out, and that it never will be: no grant is held, no place is taken."""
        reasons = (explained("only_a_suggestion"),)
        outcome = Outcome.failed(Effect.NONE, "only_a_suggestion")
        ended = Draft(
            tasks.CANCELLED,
            {"charged": {}, "effect": str(outcome.effect), "result": str(outcome.result)},
            {
                "reasons": [reason.model_dump(mode="json") for reason in reasons],
                "outcome": outcome.model_dump(mode="json", exclude_none=True),
            },
        )
        contract = published.contract
        ended = self.repository.reporter.attach(
            ended, request, TaskState.CANCELLED, contract,
            reasons=reasons, outcome=outcome, decided=followed((), body),
        )  # fmt: skip
        await self.repository.append(task, Draft(tasks.ACCEPTED, facts, body), ended, request=request)

    async def _refuse(
        self, task: Task, request: Request, reasons: Sequence[Explanation], facts: dict[str, Any], body: dict[str, Any]
    ) -> None:
        body = body | {"reasons": [reason.model_dump(mode="json") for reason in reasons]}
        draft = Draft(tasks.REFUSED, facts, body)
        published = self.repository.published.get(split_capability(request.capability)[1])
        contract = published.contract if published else None
        draft = self.repository.reporter.attach(draft, request, TaskState.REFUSED, contract, reasons=tuple(reasons))
        await self.repository.append(task, draft, request=request)


def _facts(request: Request, envelope: Envelope) -> dict[str, Any]:
    return {
        "team": request.team,
        "capability": request.capability,
        "request": envelope.payload_digest,
        "campaign": request.campaign or "",
        "by": request.on_behalf_of,
    }


def _exceeded(error: GrantExceeded) -> Explanation:
    return explained("grant_exceeded", **{name: str(value) for name, value in error.fields.items()})

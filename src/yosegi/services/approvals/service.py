"""A person's yes or no to what waits for one: what exactly is asked, and what the answer rests on.

A yes is signed with the person's own key, which the site does not hold; a no needs only a session.
"""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import Contract
from yosegi.core.errors import Conflict, NotFound, Refused
from yosegi.core.identifiers import split_capability
from yosegi.core.outcomes import ReasonCode
from yosegi.core.states import TaskState
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import Task, task_stream
from yosegi.governance.mandates.approvals import Approval, ApprovalRefused, accept_approval, given, withdrawn
from yosegi.governance.policy.explanation import explained
from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticator
from yosegi.ledger import Ledger, Write
from yosegi.services.approvals.schemas import ApprovalRequest, ApprovalStatus, ApprovalWithdrawn, AskedInput
from yosegi.services.authorization.service import Authorizer
from yosegi.services.tasks.schemas import TaskDetail
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

AWAITED = ReasonCode.APPROVAL_MISSING


@dataclass
class ApprovalService:
    """What waits for a person at one owner."""

    site: str
    ledger: Ledger
    clock: Clock
    repository: TaskRepository
    dispatcher: Dispatcher
    authorizer: Authorizer
    authenticator: Authenticator

    def waiting(self) -> tuple[ApprovalRequest, ...]:
        """Everything that waits for a person, the oldest first."""
        rows = self.ledger.query(
            "SELECT stream FROM task WHERE state = 'accepted' AND awaits = ? ORDER BY first", (AWAITED,)
        )
        return tuple(self.asked(row["stream"]) for row in rows)

    def waiting_for(self, who: Session) -> tuple[ApprovalRequest, ...]:
        """What waits for a person, as far as somebody may look at it."""
        return tuple(one for one in self.waiting() if self.authorizer.may_see(one.charter, one.team, who))

    def asked(self, stream: str) -> ApprovalRequest:
        """What exactly is asked: the inputs with their units, the most it may cost, for whom, and under what.

        Raises:
            NotFound: no such task, or its capability is published no more.
        """
        task = self.repository.task(stream)
        request, contract = task.asked(), self._contract(task)
        given_by = self.ledger.query(
            "SELECT id, person, state, not_after FROM approvals WHERE request = ? ORDER BY issued",
            (task.request_digest,),
        )
        entries = self.ledger.read(stream)
        decision = (entries[0].body or {}).get("decision") or {}
        return ApprovalRequest(
            task=f"{task.home}/{task.key}",
            told_by=task.home,
            state=task.state,
            capability=request.capability,
            title=contract.title,
            effect=contract.effect,
            simulated=contract.simulated,
            inputs=tuple(
                AskedInput(name=name, value=value, unit=_unit(contract, name)) for name, value in request.inputs.items()
            ),
            cost=contract.cost.decimals(),
            on_behalf_of=request.on_behalf_of,
            agent=request.agent or "",
            team=request.team,
            purpose=request.purpose,
            campaign=request.campaign or "",
            mandate=request.mandate or "",
            agreements=tuple(decision.get("reasons", ())),
            charter=request.charter,
            site=self.site,
            request=task.request_digest,
            contract=contract.digest,
            asked=entries[0].time,
            not_after=timestamp(request.not_after),
            approvals=tuple(ApprovalStatus(**row) for row in given_by),
        )

    async def give(self, home: str, key: str, envelope: Envelope, who: Session) -> TaskDetail:
        """Keep a person's signed yes; the task starts when there is room.

        Raises:
            NotFound: no such task.
            Refused: by an agent, in somebody else's name, with a key that is not the person's own, for another
                request, or by a person whom no agreement lets approve.
            Conflict: the task does not wait any more.
        """
        stream, what = task_stream(home, key), f"approving {home}/{key}"
        if who.agent:
            raise Refused(what, ("agent_cannot_approve",))
        task = self.repository.task(stream)
        request, contract = task.asked(), self._contract(task)
        approval = self._opened(what, envelope, request.charter, who)
        if (approval.request, approval.contract) != (task.request_digest, contract.digest):
            raise Refused(what, ("approval_of_another_request",))
        if task.state is not TaskState.ACCEPTED:
            raise Conflict(f"task {key}", f"is {task.state} and waits for no approval", "nothing was changed")
        decision = self.authorizer.decide_approval(who.person, request, contract).or_refuse()
        draft = given(approval, envelope, decision)
        write = Write(f"approval/{stream}", None, (draft,), charter=request.charter, actor=who.person)
        try:
            await self.ledger.append(write)
        except ApprovalRefused as error:
            raise Refused(what, (error.reason,)) from None
        self.dispatcher.wake_all()
        return TaskDetail.of(self.repository.task(stream))

    def _opened(self, what: str, envelope: Envelope, charter: str, who: Session) -> Approval:
        account = self.authenticator.accounts.get(who.person)
        keys = {key.key_id: key for key in account.keys} if account else {}
        try:
            approval = accept_approval(envelope, keys, charter=charter, site=self.site, now=self.clock.now())
        except Untrusted as error:
            raise Refused(what, (error.reason,)) from None
        if approval.person != who.person:
            raise Refused(what, ("not_on_behalf_of_others",))
        return approval

    async def refuse(self, home: str, key: str, why: str, who: Session) -> TaskDetail:
        """Say no: the task ends as refused, with the words.

        Raises:
            NotFound, Conflict: as `Owner.decline`.
            Refused: by an agent, or by a person who could not approve it either.
        """
        what = f"refusing {home}/{key}"
        if who.agent:
            raise Refused(what, ("agent_cannot_approve",))
        task = self.repository.task(task_stream(home, key))
        may = who.runs_the_site
        if not may and not self.authorizer.decide_approval(who.person, task.asked(), self._contract(task)).allow:
            raise Refused(what, ("operators_only",))
        reason = explained("approval_declined", person=who.person, why=why or "…", contact=who.person)
        return TaskDetail.of(await self.dispatcher.decline(home, key, reason, by=who.person))

    async def withdraw(self, approval: str, why: str, who: Session) -> ApprovalWithdrawn:
        """Take an approval back before it was used.

        Raises:
            NotFound: no such approval.
            Refused: somebody else's, or used already.
        """
        rows = self.ledger.query("SELECT person, charter FROM approvals WHERE id = ?", (approval,))
        if not rows:
            raise NotFound("approval", approval)
        what = f"withdrawing approval {approval}"
        if who.agent or (rows[0]["person"] != who.person and not who.runs_the_site):
            raise Refused(what, ("not_on_behalf_of_others",))
        write = Write(
            f"approval/{approval}", None, (withdrawn(approval, why),), charter=rows[0]["charter"], actor=who.person
        )
        try:
            await self.ledger.append(write)
        except ApprovalRefused as error:
            raise Refused(what, (error.reason,)) from None
        return ApprovalWithdrawn(withdrawn=approval)

    def _contract(self, task: Task) -> Contract:
        name = split_capability(task.asked().capability)[1]
        if name not in self.repository.published:
            raise NotFound("capability", name, tuple(self.repository.published))
        return self.repository.published[name].contract


def _unit(contract: Contract, name: str) -> str:
    schema = contract.inputs.get("properties", {}).get(name, {})
    return str(schema.get("unit", ""))

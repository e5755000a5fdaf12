"""Launches, finds and cancels jobs of the facility API. A job is a task that a member of this site asks of this site.

Its specification is on record before the task is asked for, under the task's own key. So the same key with the same
specification is the same job for as long as there is a ledger, whatever died in between, and with another one it is
refused.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.core.errors import Conflict, NotFound, Refused
from yosegi.core.object import refs
from yosegi.core.states import Effect, TaskState
from yosegi.exchange.requests import Asked, Requests, request_stream
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import UNCERTAIN, Task, task_stream
from yosegi.identity.accounts import Session
from yosegi.ledger import Ledger, Write
from yosegi.services.authorization.service import Authorizer
from yosegi.services.facility_jobs.entries import JobOrder, job_stream
from yosegi.services.facility_jobs.schemas import JobDetail
from yosegi.services.tasks.requests import TaskRequests
from yosegi.services.tasks.service import TaskService
from yosegi.trust.explanation import Explanation

log = logging.getLogger("yosegi.facility_jobs")
PATIENCE = 10.0
"""Seconds that a caller is kept until the owner, which is this site, has decided on the task."""
MOST_SEARCHED = 10_000
"""Jobs of one capability that are looked through for one answer, the newest first."""


class KeyReused(Conflict):
    """A key stands for another job already."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key}", "was used before with another specification", "use a new key")


class JobRefused(Refused):
    """This site's policy does not allow a job. `explanations` say why, with their fields."""

    def __init__(self, key: str, explanations: Sequence[Explanation]) -> None:
        super().__init__(f"job {key}", tuple(one.code for one in explanations))
        self.explanations = tuple(explanations)


@dataclass
class FacilityJobs:
    """The jobs of one site's members at this site.

    Args:
        asking: asks for the task, by the same rules as for everybody.
        requests: where each request stands, as its home site knows it.
        repository: where each task stands, as its owner knows it: both are this site.
    """

    site: str
    ledger: Ledger
    clock: Clock
    asking: TaskRequests
    requests: Requests
    repository: TaskRepository
    tasks: TaskService
    authorizer: Authorizer

    async def launch(self, order: JobOrder, who: Session) -> tuple[JobDetail, bool]:
        """Have a job done; and whether its key stood for it already, so that nothing new was done.

        Raises:
            NotFound: the capability is not published here, or there is no such charter.
            Invalid: inputs that are not what the contract says.
            KeyReused: the key stands for another job, or for a task that was asked for otherwise.
            JobRefused: this site's policy says no, as home site or as owner; it stays said for this key.
            Refused: a mandate that is not the caller's to use.
        """
        contract = self.contract(order.capability)
        contract.check_inputs(order.inputs)
        refs(contract.inputs, order.inputs)
        if order.mandate:
            self.asking.mandates.check_holder(order.mandate, who)
        known = await self._record(order, who)
        stream = request_stream(self.site, order.key)
        if not self.requests.find(stream).position:
            await self.asking.ask(
                who,
                key=order.key,
                charter=order.charter,
                team=order.team,
                capability=f"{self.site}/{order.capability}",
                inputs=order.inputs,
                purpose=order.purpose,
                conduct=order.conduct,
                sensitivity=order.sensitivity,
                mandate=order.mandate,
            )
        await self._until_decided(order.key)
        job = self._detail(self._row(order.key))
        if job.state is TaskState.REFUSED:
            raise JobRefused(order.key, job.reasons)
        return job, known

    def contract(self, capability: str) -> Contract:
        """The contract of a capability.

        Raises:
            NotFound: it is not published here.
        """
        if capability not in self.repository.published:
            raise NotFound("resource", capability)
        return self.repository.published[capability].contract

    async def _record(self, order: JobOrder, who: Session) -> bool:
        """Put the order on record, unless it is; whether it was."""
        stream = job_stream(order.key)
        if not self.ledger.read(stream):
            if self.requests.find(request_stream(self.site, order.key)).position:
                raise KeyReused(order.key)
            try:
                write = Write(stream, 0, (order.draft(),), charter=order.charter, actor=who.person)
                await self.ledger.append(write)
            except Conflict:
                pass  # launched twice at the same moment
            else:
                return False
        entry = self.ledger.read(stream)[0]
        if entry.facts["order"] != order.digest or entry.header.actor != who.person:
            raise KeyReused(order.key)
        return True

    async def _until_decided(self, key: str) -> None:
        """Wait until the owner has a task of that key, or the home site has refused it; no longer than `PATIENCE`."""
        until = self.clock.monotonic() + PATIENCE
        while True:
            size = self.ledger.size
            if self._task(key).position or self._asked(key).state.final or self.ledger.ending:
                return
            left = until - self.clock.monotonic()
            if left <= 0:
                log.warning("no decision on job %s within %s seconds; its caller is told that it is new", key, PATIENCE)
                return
            await self.ledger.changed(size - 1, min(left, 1.0))

    def show(self, capability: str, key: str, who: Session) -> JobDetail:
        """One job.

        Raises:
            NotFound: none of that key for that capability, or another team's.
        """
        row = self._row(key)
        if row["capability"] != capability or not self._may_see(row, who):
            raise NotFound("job", key)
        return self._detail(row)

    def listing(
        self, capability: str, who: Session, *, name: str = "", past: bool = False, offset: int = 0, limit: int = 100
    ) -> tuple[JobDetail, ...]:
        """Jobs of a capability that somebody may see, the newest first.

        Args:
            capability: name and version.
            who: for whom.
            name: those that their caller called so, if it is given.
            past: those that are over too.
            offset: how many are left out first.
            limit: how many there are at most.
        """
        named, values = ("AND name = ?", [name]) if name else ("", [])
        query = f"SELECT * FROM facility_job WHERE capability = ? {named} ORDER BY sequence DESC LIMIT {MOST_SEARCHED}"
        found, wanted = list[dict[str, Any]](), offset + limit
        for row in self.ledger.query(query, (capability, *values)):
            if len(found) >= wanted:
                break
            if self._may_see(row, who) and (past or not self._state(row["key"]).final):
                found.append(row)
        return tuple(self._detail(row) for row in found[offset:wanted])

    async def cancel(self, capability: str, key: str, who: Session) -> JobDetail:
        """Cancel a job; one that runs ends only if that is proved to have no effect, or is brought to its safe state.

        Raises:
            NotFound: none of that key for that capability, or another team's.
            Conflict: it is over, or nobody knows what it did.
        """
        job = self.show(capability, key, who)
        if job.state is TaskState.CANCELLED:
            return job
        if job.state.final or job.state is TaskState.UNCERTAIN:
            raise Conflict(f"job {key}", f"is {job.state}", "there is nothing left to cancel")
        if job.state is TaskState.NEW:
            await self.requests.cancel(self.site, key, "cancelled through the facility API", by=who.person)
        else:
            await self.tasks.cancel(f"{self.site}/{key}", "cancelled through the facility API", who)
        return self.show(capability, key, who)

    # -- parts ----------------------------------------------------------------------------------------------------

    def _row(self, key: str) -> dict[str, Any]:
        rows = self.ledger.query("SELECT * FROM facility_job WHERE key = ?", (key,))
        if not rows:
            raise NotFound("job", key)
        return rows[0]

    def _may_see(self, row: dict[str, Any], who: Session) -> bool:
        return self.authorizer.may_see(row["charter"], row["team"], who)

    def _task(self, key: str) -> Task:
        return self.repository.find(task_stream(self.site, key))

    def _asked(self, key: str) -> Asked:
        return self.requests.find(request_stream(self.site, key))

    def _state(self, key: str) -> TaskState:
        """As this site's reports tell it: an outcome counts once its release was decided and its report has come.

        Home site and owner are one here; but what may be told is what the owner reported.
        """
        asked, task = self._asked(key), self._task(key)
        if asked.state.final or asked.state is TaskState.UNCERTAIN:
            return asked.state
        return TaskState.DISPATCHED if task.state in (TaskState.ENDED, TaskState.UNCERTAIN) else task.state

    def _unknown(self, key: str) -> Outcome | None:
        """Why nobody knows what a task did, as its owner recorded it; there are no outputs in it."""
        found = [entry for entry in self.ledger.read(task_stream(self.site, key)) if entry.type == UNCERTAIN]
        if not found:
            return None
        reason, message = str(found[-1].facts.get("reason", "")), str((found[-1].body or {}).get("message", ""))
        return Outcome.failed(Effect.UNKNOWN, reason, message)

    def _detail(self, row: dict[str, Any]) -> JobDetail:
        key = row["key"]
        task, asked = self._task(key), self._asked(key)
        entry, state = self.ledger.read(job_stream(key))[0], self._state(key)
        is_told = asked.state.final or asked.state is TaskState.UNCERTAIN
        changed = self.ledger.query("SELECT changed FROM task WHERE stream = ?", (task.stream,))
        return JobDetail(
            key=key,
            charter=row["charter"],
            team=row["team"],
            capability=row["capability"],
            person=row["person"],
            name=row["name"],
            specification=(entry.body or {}).get("specification"),
            state=state,
            waits=state is TaskState.ACCEPTED and bool(task.reasons),
            outcome=self._unknown(key) if state is TaskState.UNCERTAIN else asked.outcome if is_told else None,
            charged=asked.charged.decimals() if is_told else {},
            reasons=asked.reasons if is_told else task.reasons,
            changed=str(changed[0]["changed"]) if changed else entry.time,
        )

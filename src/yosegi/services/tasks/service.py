"""The tasks that others asked of this site: shown to those who may see them, settled, acknowledged and cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from yosegi.core.errors import NotFound, Refused
from yosegi.core.states import Effect, TaskState
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import Task, task_stream
from yosegi.identity.accounts import Session
from yosegi.ledger import Ledger
from yosegi.services.authorization.roles import check_operator, check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.delegation.service import MandateService
from yosegi.services.tasks.schemas import TaskCancelled, TaskDetail, TaskSummary

COLUMNS = "home, key, team, capability, campaign, state, effect, result, notified, asked, changed"


@dataclass
class TaskService:
    """The tasks of one owner, as people ask for them."""

    ledger: Ledger
    repository: TaskRepository
    dispatcher: Dispatcher
    authorizer: Authorizer
    mandates: MandateService

    # -- looking --------------------------------------------------------------------------------------------------

    def find(self, name: str) -> tuple[str, str]:
        """Home site and key of a task named `home/key`, or by its key alone where that is enough.

        Raises:
            NotFound: none here, or more than one.
        """
        home, _, key = name.rpartition("/")
        rows = self.ledger.query("SELECT home, key FROM task WHERE key = ? OR key LIKE ?", (key, key + "%"))
        found = {(row["home"], row["key"]) for row in rows if home in ("", row["home"])}
        exact = {pair for pair in found if pair[1] == key}
        if len(exact or found) != 1:
            raise NotFound("task", name, tuple(sorted(f"{h}/{k}" for h, k in found)))
        return next(iter(exact or found))

    def get(self, name: str) -> Task:
        """One task, whoever asks; what is shown to people goes through `get_for`."""
        return self.repository.task(task_stream(*self.find(name)))

    def get_for(self, name: str, who: Session) -> Task:
        """One task, for somebody who may see it.

        Raises:
            NotFound: none of that name, or one of another team.
            Refused: what was asked and what came of it were erased.
        """
        task = self.get(name)
        row = self.ledger.query("SELECT charter, team FROM task WHERE stream = ?", (task.stream,))[0]
        if not self.authorizer.may_see(row["charter"], row["team"], who):
            raise NotFound("task", name)
        if task.request is None:
            raise Refused(f"task {name}", ("body_erased",))
        return task

    def show(self, name: str, who: Session) -> TaskDetail:
        """One task as it is shown to somebody.

        Raises:
            NotFound, Refused: as `get_for`.
        """
        task = self.get_for(name, who)
        shown = TaskDetail.of(replace(task, reasons=self.dispatcher.why_waiting(task)))
        progress, doing = self.progress_of(shown.task) if task.state is TaskState.DISPATCHED else (None, "")
        return shown.model_copy(update={"progress": progress, "doing": doing})

    def progress_of(self, name: str) -> tuple[float | None, str]:
        """How far a task that runs has come, from 0 to 1, and what it says it does; `name` is `home/key`."""
        reached = self.dispatcher.progress.get(task_stream(*name.split("/", 1)))
        return (None, "") if reached is None else (reached.fraction, reached.text)

    def list(self, state: str = "", limit: int = 100) -> tuple[TaskSummary, ...]:
        """The latest tasks, whoever asks; what is shown to people goes through `list_for`."""
        return self._where("state = ?" if state else "1 = 1", [state] if state else [], limit)

    def list_for(self, who: Session, state: str = "", limit: int = 100) -> tuple[TaskSummary, ...]:
        """The latest tasks that somebody may see."""
        if who.runs_the_site:
            return self.list(state, limit)
        teams = sorted(self.authorizer.teams_of(who.person))
        if who.agent:
            teams = [team for team in teams if team == self.authorizer.mandated_team(who)[1]]
        if not teams:
            return ()
        condition = f"team IN ({', '.join('?' * len(teams))})"
        if state:
            return self._where(f"{condition} AND state = ?", [*teams, state], limit)
        return self._where(condition, teams, limit)

    def _where(self, condition: str, values: Sequence[str], limit: int) -> tuple[TaskSummary, ...]:
        query = f"SELECT {COLUMNS} FROM task WHERE {condition} ORDER BY first DESC LIMIT ?"
        rows = self.ledger.query(query, (*values, limit))
        typed = ({"state": TaskState(row["state"]), "notified": bool(row["notified"])} for row in rows)
        return tuple(TaskSummary(**dict(row) | fields) for row, fields in zip(rows, typed, strict=True))

    def running(self) -> int:
        """How many tasks run now, of every team."""
        return int(self.ledger.query("SELECT COUNT(*) AS n FROM task WHERE state = 'dispatched'")[0]["n"])

    # -- acting ---------------------------------------------------------------------------------------------------

    async def settle(self, name: str, effect: Effect, note: str, who: Session) -> TaskDetail:
        """Say what an uncertain task did, after a look at the instrument.

        Raises:
            Refused: not an operator.
        """
        check_operator(who, f"settling {name}")
        home, key = self.find(name)
        return TaskDetail.of(await self.repository.settle(home, key, effect, note, by=who.person))

    async def acknowledge(self, name: str, who: Session) -> TaskDetail:
        """Say that the alert of an uncertain task was seen.

        Raises:
            NotFound: none of that name, or one of another team.
            Refused: by an agent: an alert is for people.
        """
        check_person(who, f"acknowledging {name}")
        self.get_for(name, who)
        home, key = self.find(name)
        return TaskDetail.of(await self.repository.acknowledge(home, key, by=who.person))

    async def cancel(self, name: str, reason: str, who: Session) -> TaskDetail | TaskCancelled:
        """Cancel a task that was asked of this site. Stopping is for every person; what is shown is for the team.

        Raises:
            NotFound: none of that name.
            Refused: by an agent, and not asked here under its own mandate.
        """
        home, key = self.find(name)
        if who.agent and not self._is_of(self.get(name), who):
            raise Refused(f"cancelling {name}", ("not_under_own_mandate",))
        cancelled = await self.dispatcher.cancel(home, key, reason, by=who.person)
        asked = cancelled.asked()
        if not self.authorizer.may_see(asked.charter, asked.team, who):
            return TaskCancelled(home=home, key=key, state=cancelled.state)
        return TaskDetail.of(cancelled)

    def _is_of(self, task: Task, agent: Session) -> bool:
        """Whether a task was asked under an agent's mandate, which is of this site: others' may be named alike."""
        mandate = task.request.mandate if task.request is not None else None
        return task.home == self.repository.site and self.mandates.acts_under(mandate or "", agent)

"""What waits for people at this site: shown to the team that asked and to who runs the site, entered once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yosegi.core.csv_text import spreadsheet_cell
from yosegi.core.engine import AsksPeople, Engines, Outcome, PersonResult, PersonTask
from yosegi.core.errors import Conflict, NotFound, YosegiError
from yosegi.core.identifiers import split_capability
from yosegi.execution.engines.person.tables import proposals_csv, read_results
from yosegi.execution.records import TaskRepository
from yosegi.execution.tasks import Task, task_stream
from yosegi.identity.accounts import Session
from yosegi.services.approvals.schemas import AskedInput
from yosegi.services.authorization.roles import check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.bench.people import PeopleHere
from yosegi.services.bench.schemas import AskedOutput, BenchCapability, BenchEntered, BenchRow, BenchRows, BenchTask


@dataclass
class BenchService:
    """Tasks of engines whose work people do.

    Args:
        engines: of this site.
        people: who may be named to do a task here.
    """

    engines: Engines
    repository: TaskRepository
    authorizer: Authorizer
    people: PeopleHere

    def capabilities(self) -> tuple[BenchCapability, ...]:
        """What people do here."""
        return tuple(
            BenchCapability(ref=f"{self.repository.site}/{name}", engine=one.engine.name)
            for name, one in sorted(self.repository.published.items())
            if isinstance(one.engine, AsksPeople)
        )

    def list_for(self, who: Session) -> tuple[BenchTask, ...]:
        """What waits for a person, as far as somebody may look at it, the oldest first."""
        found = [self._detail(engine, waiting, task, who) for engine, waiting, task in self._waiting(who)]
        return tuple(sorted(found, key=lambda task: (task.since, task.task)))

    def csv_for(self, who: Session) -> str:
        """The same as a table to fill in, but for what others hold: inputs, and an empty column for each output."""
        tasks = (one for _, one, _ in self._waiting(who) if one.handed_to in ("", who.person))
        return proposals_csv(tasks, spreadsheet_cell)

    async def enter(self, task: str, result: PersonResult, who: Session) -> BenchEntered:
        """Take what came of a task.

        Raises:
            NotFound: nobody is asked for it, or who asks may not see it.
            Refused: an agent enters it.
            Conflict: it was entered already, or is waited for no more, or was handed on to somebody else.
            Invalid: it is not what the contract says; it may be entered again.
        """
        check_person(who, f"entering a result of {task}")
        stream, engine = self._asked(task, who)
        return _taken(task, engine, stream, await engine.enter(stream, result, who.person))

    async def confirm(self, task: str, who: Session) -> BenchEntered:
        """Confirm what somebody else of this site entered, so that it counts.

        Raises:
            NotFound, Refused, Conflict: as `enter`.
            Conflict: nothing waits to be confirmed, or who confirms it entered it, or is of another site.
        """
        check_person(who, f"confirming a result of {task}")
        stream, engine = self._asked(task, who)
        return _taken(task, engine, stream, await engine.confirm(stream, who.person))

    async def not_confirm(self, task: str, why: str, who: Session) -> BenchTask:
        """Say why what somebody else entered is not right; it is entered anew. The task as it waits then.

        Raises:
            NotFound, Refused, Conflict: as `confirm`.
            Invalid: no reason is given.
        """
        check_person(who, f"confirming a result of {task}")
        stream, engine = self._asked(task, who)
        await engine.not_confirm(stream, why, who.person)
        return self._as_it_waits(task, who)

    async def hand_on(self, task: str, to: str, note: str, who: Session) -> BenchTask:
        """Give a task to another person of this site, who alone enters it from then on. The task as it waits then.

        Whoever handed it on last may name themselves: they take it back.

        Raises:
            NotFound: nobody is asked for it, or who asks may not see it.
            Refused: an agent hands it on; or the other person may not enter a result of that team.
            Conflict: it is waited for no more, or is with that person already, or is not for `who` to hand on.
            Invalid: the note says nothing, or nobody of that name may sign in here.
        """
        what = f"handing on {task}"
        check_person(who, what)
        stream, engine = self._asked(task, who)
        asked = self.repository.task(stream).asked()
        self.people.check(what, to, asked.charter, asked.team)
        await engine.hand_on(stream, to, note, who.person, runs_site=who.runs_the_site)
        return self._as_it_waits(task, who)

    def _as_it_waits(self, task: str, who: Session) -> BenchTask:
        waits = next((one for one in self.list_for(who) if one.task == task), None)
        if waits is None:
            raise Conflict(f"task {task}", "is waited for no more", "tell whoever asked, who may import it")
        return waits

    def _asked(self, task: str, who: Session) -> tuple[str, AsksPeople]:
        home, _, key = task.partition("/")
        stream = task_stream(home, key)
        return stream, self._engine_of(stream, who)

    async def enter_csv(self, text: str, who: Session) -> BenchRows:
        """Take the rows of a table that was filled in; what is wrong with one keeps no other from being taken.

        Raises:
            Refused: an agent enters it.
            Invalid: it is no table with a column `key`.
        """
        check_person(who, "entering results")
        outputs = {waiting.key: frozenset(waiting.outputs) for _, waiting, _ in self._waiting(who)}
        rows = []
        for row in read_results(text, outputs, whole=True):
            task = row.key.removeprefix("task/")
            try:
                await self.enter(task, row.result, who)
                rows.append(BenchRow(line=row.line, task=task, why=""))
            except YosegiError as error:
                rows.append(BenchRow(line=row.line, task=task, why=str(error)))
        return BenchRows(taken=sum(not row.why for row in rows), rows=tuple(rows))

    def _waiting(self, who: Session) -> Iterator[tuple[AsksPeople, PersonTask, Task]]:
        for engine in self.engines.people.values():
            for waiting in engine.tasks_of_people():
                task = self.repository.task(waiting.key)
                if self.authorizer.may_see(task.asked().charter, task.asked().team, who):
                    yield engine, waiting, task

    def _engine_of(self, stream: str, who: Session) -> AsksPeople:
        """The engine that asked for a task, whether it still waits or not."""
        task = self.repository.task(stream)
        if not self.authorizer.may_see(task.asked().charter, task.asked().team, who):
            raise NotFound("task", stream)
        name = split_capability(task.asked().capability)[1]
        published = self.repository.published.get(name)
        if published is None or not isinstance(published.engine, AsksPeople):
            raise NotFound("task that waits for a person", stream)
        return published.engine

    def _detail(self, engine: AsksPeople, waiting: PersonTask, task: Task, who: Session) -> BenchTask:
        request, contract = task.asked(), self.repository.published[waiting.capability].contract
        needed = frozenset(contract.outputs.get("required", ()))
        return BenchTask(
            task=f"{task.home}/{task.key}",
            told_by=task.home,
            engine=engine.name,
            capability=waiting.capability,
            title=contract.title,
            about=contract.description,
            team=request.team,
            campaign=request.campaign or "",
            since=waiting.since,
            inputs=tuple(
                AskedInput(name=name, value=value, unit=_unit(contract.inputs, name))
                for name, value in waiting.inputs.items()
            ),
            outputs=tuple(
                AskedOutput(
                    name=name,
                    unit=_unit(contract.outputs, name),
                    type=str(schema.get("type", "")),
                    about=_about(schema),
                    needed=name in needed,
                )
                for name, schema in waiting.outputs.items()
            ),
            schema_of_outputs=contract.outputs,
            needs_second=waiting.needs_second,
            entered=dict(waiting.entered),
            entered_by=waiting.entered_by,
            not_confirmed=waiting.not_confirmed,
            handed_to=waiting.handed_to,
            handed_by=waiting.handed_by,
            handed_at=waiting.handed_at,
            handed_note=waiting.handed_note,
            held_by_other=waiting.handed_to not in ("", who.person),
            may_hand_on=not who.agent and engine.may_hand_on(waiting.key, who.person, runs_site=who.runs_the_site),
        )


def _taken(task: str, engine: AsksPeople, stream: str, outcome: Outcome) -> BenchEntered:
    return BenchEntered(
        task=task,
        effect=str(outcome.effect),
        result=str(outcome.result),
        outputs=outcome.outputs or {},
        reason=outcome.reason,
        awaits_second=any(one.key == stream and one.entered_by for one in engine.tasks_of_people()),
    )


def _unit(schema: dict[str, Any], name: str) -> str:
    unit = str(schema.get("properties", {}).get(name, {}).get("unit", ""))
    return "" if unit == "1" else unit


def _about(schema: dict[str, Any]) -> str:
    """What an output is, and between which bounds."""
    bounds = [f"{word} {schema[name]:g}" for name, word in (("minimum", "≥"), ("maximum", "≤")) if name in schema]
    return " ".join([str(schema.get("description", "")), *bounds]).strip()

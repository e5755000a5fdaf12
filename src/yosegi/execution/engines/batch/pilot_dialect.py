"""Tasks in place of jobs: what an engine submits goes to a pilot, one job that holds an allocation and does many.

To the engine this is a dialect like any other, so the fence, the records and what is concluded are the same: a task is
begun once whoever dies, and one whose pilot ended before it began goes to another. What a scheduler says of the pilot
is what is known of its tasks.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yosegi.core.clock import Clock
from yosegi.core.errors import Unavailable
from yosegi.execution.engines.batch import job_files
from yosegi.execution.engines.batch.dialect import Dialect, JobPhase, JobSighting, SubmitAnswer
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.pilot_settings import PilotSettings

PILOTS = "pilots"
_QUEUE, _CLOSED, _SETTINGS, _WARNING = "queue", "closed", "pilot.json", 30.0
_PROGRAM = "yosegi.execution.engines.batch.pilot"


@dataclass
class _Flight:
    """A pilot that this process knows: when it was asked for, and what was last said of it."""

    name: str
    asked: float
    job: str = ""
    said: JobSighting | None = None
    line: str = ""
    """The last line that one that has ended printed."""


class PilotDialect:
    """Says the verbs to pilots, and to a scheduler about the pilots' own jobs.

    Args:
        inner: the scheduler's dialect.
        spool: the folder of all jobs' folders.
        settings: of each pilot.
        python: the Python on the nodes.
    """

    def __init__(
        self, inner: Dialect, spool: Path, settings: PilotSettings, clock: Clock, *, python: str,
        import_path: Sequence[str] = (), setup: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.name, self.save_window = inner.name, inner.save_window
        self._inner, self._folder, self._settings, self._clock = inner, spool / PILOTS, settings, clock
        self._python, self._import_path, self._setup = python, tuple(import_path), tuple(setup)
        self._flights: dict[str, _Flight] = {}
        self._lock = asyncio.Lock()

    def script(self, spec: JobSpec) -> str:
        """See `Dialect.script`; a task of a pilot has none of its own."""
        return self._inner.script(spec)

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        """See `Dialect.submit`: into the queue of a pilot that lives or was asked for, or of a new one."""
        async with self._lock:
            for flight in list(self._flights.values()):
                if self._lives(flight) and await asyncio.to_thread(self._put, flight.name, spec.name):
                    return SubmitAnswer(flight.name)
            flight = _Flight("y" + base64.b32encode(secrets.token_bytes(17)).decode()[:26].lower(), self._now())
            try:
                await asyncio.to_thread(self._prepare, flight.name)
            except OSError as error:
                return SubmitAnswer(refused=True, words=f"a pilot's folder could not be made: {error}")
            answer = await self._inner.submit(self._spec(flight.name, spec))
            if answer.refused:
                return answer
            flight.job = answer.job
            self._flights[flight.name] = flight
            put = await asyncio.to_thread(self._put, flight.name, spec.name)
            return SubmitAnswer(flight.name) if put else SubmitAnswer(words="the new pilot's queue is closed")

    def _now(self) -> float:
        return self._clock.monotonic()

    def _lives(self, flight: _Flight) -> bool:
        if flight.said is None:
            return self._now() - flight.asked <= self.save_window
        return flight.said.phase is not JobPhase.ENDED

    def _prepare(self, name: str) -> None:
        folder = self._folder / name
        (folder / _QUEUE).mkdir(parents=True)
        job_files.write(folder / _SETTINGS, self._settings.model_dump() | {"import_path": list(self._import_path)})

    def _put(self, pilot: str, task: str) -> bool:
        """Put a task into a pilot's queue; not if it is closed."""
        queue = self._folder / pilot / _QUEUE
        try:
            (queue / task).touch()
        except OSError:
            return False
        job_files.sync(queue)
        return True

    def _spec(self, name: str, spec: JobSpec) -> JobSpec:
        folder, settings = self._folder / name, self._settings
        template = spec.template.model_copy(
            update={"node_count": settings.nodes, "processes_per_node": settings.workers_per_node}
        )
        return replace(
            spec, name=name, key="pilot", folder=folder, launch=(self._python, "-m", _PROGRAM, str(folder)),
            duration=settings.seconds, warning=_WARNING, template=template, setup=self._setup,
        )  # fmt: skip

    async def look_up(self, jobs: Mapping[str, str], users: Sequence[str] = ()) -> Mapping[str, Sequence[JobSighting]]:
        """See `Dialect.look_up`: of each task, what is said of its pilot."""
        where = await asyncio.to_thread(self._where, jobs)
        for pilot in set(where.values()) - set(self._flights):
            self._flights[pilot] = _Flight(pilot, self._now())
        living = {n: f.job for n, f in self._flights.items() if f.said is None or f.said.phase is not JobPhase.ENDED}
        said = await self._inner.look_up(living, users) if living else {}
        for name, sightings in said.items():
            if sightings and name in self._flights:
                flight = self._flights[name]
                flight.said = sightings[0]
                if flight.said.phase is JobPhase.ENDED:
                    printed = self._folder / name / job_files.SCHEDULER_OUTPUT
                    flight.line = await asyncio.to_thread(job_files.last_line, printed)
        found: dict[str, list[JobSighting]] = defaultdict(list)
        for task, pilot in where.items():
            if (known := self._flights[pilot].said) is not None:
                found[task].append(_of_task(known, task, pilot, self._flights[pilot].line))
        return found

    def _where(self, jobs: Mapping[str, str]) -> dict[str, str]:
        """The pilot of each task: as it was told, or the one in whose queue it lies."""
        found = {task: pilot for task, pilot in jobs.items() if pilot}
        lost = [task for task, pilot in jobs.items() if not pilot]
        for folder in self._folder.iterdir() if lost and self._folder.exists() else ():
            for task in lost:
                if any((folder / queue / task).exists() for queue in (_QUEUE, _CLOSED)):
                    found[task] = folder.name
        return found

    async def cancel(self, jobs: Iterable[JobSighting], user: str = "") -> None:
        """See `Dialect.cancel`: out of the queue; a pilot is not ended for one task."""

        def take_out(pilot: str, task: str) -> None:
            for queue in (_QUEUE, _CLOSED):
                (self._folder / pilot / queue / task).unlink(missing_ok=True)

        for job in jobs:
            try:
                await asyncio.to_thread(take_out, job.job, job.name)
            except OSError as error:
                raise Unavailable(f"pilot {job.job}", str(error), "it is asked again") from None


def _of_task(pilot: JobSighting, task: str, name: str, line: str) -> JobSighting:
    """A task as its pilot's state has it, and the last that one printed. That it ended is no fault of its tasks."""
    words = f"pilot {pilot.words}"
    if pilot.phase is JobPhase.ENDED:
        words = f"its pilot has ended: {pilot.words}{f'; the last it printed: {line}' if line else ''}"
    return JobSighting(
        name, task, pilot.phase, pilot.state, words=words, lost_node=pilot.phase is JobPhase.ENDED,
        unfit=pilot.unfit,
    )  # fmt: skip

"""A facility that keeps its promises badly: it loses answers, forgets keys, answers late, serves a third of its API.

It runs on the clock of the test, behind the same Protocol as HTTP does. What really happened it counts in `effects`, by
the name of the job, whatever it says of it.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from yosegi.core.clock import Clock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome
from yosegi.core.errors import Unavailable
from yosegi.execution.engines.iri.transport import NothingSent, Reply
from yosegi.execution.engines.station.documents import WorkOffer
from yosegi.execution.station import DirectExecutor
from yosegi.testing.capabilities import capabilities

FAULTS = ("unsent", "lost", "answer_lost", "late", "404", "409", "500", "501", "504", "garbage")
"""What can go wrong with one call. `lost` did not arrive, `answer_lost`, `late`, `500` and `garbage` did."""
REMEMBERS_KEYS = 60.0
LATE = 40.0
"""Seconds until a job that was submitted `late` is there; longer than anybody looks for it."""


@dataclass
class Job:
    """One job there."""

    id: str
    spec: dict[str, Any]
    state: str = "queued"
    outcome: Outcome | None = None


@dataclass
class BadFacility:
    """Answers calls of the facility API.

    Args:
        fault: what goes wrong with a call, by its number from 1; empty if nothing does.
        version: of the API that it serves.
        serves: the operations that it serves; all others are not found.
        duration: seconds that a job takes.
        names: whether its list tells the specification of a job.
        files: what it holds, by path; served where `serves` has `download` and `task`.
        slowly: looks at a file that is being fetched before it is there.
        do: does a job; by default it is a capability of the engine suite.
    """

    clock: Clock
    folder: Path
    fault: Callable[[int], str] = lambda number: ""
    version: str = "v2"
    serves: tuple[str, ...] = ("facility", "launch", "job", "jobs", "cancel")
    duration: float = 1.0
    names: bool = True
    files: dict[str, bytes] = field(default_factory=dict)
    slowly: int = 0
    token: str = "good"
    do: Callable[[str, dict[str, Any]], Awaitable[Outcome]] | None = None
    calls: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    effects: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    _fetched: dict[str, tuple[str, int]] = field(default_factory=dict)
    _keys: dict[str, tuple[str, float]] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, form: bool = False
    ) -> Reply:
        self.calls += 1
        fault = self.fault(self.calls)
        await self.clock.sleep(0.001)
        if fault == "unsent":
            raise NothingSent(url, "no connection")
        if fault == "lost":
            raise Unavailable(url, "lost")
        if fault in ("404", "409", "501", "504"):
            return Reply(int(fault))
        reply = self._answer(method, url, headers, body, late=fault == "late")
        if fault in ("answer_lost", "late"):
            raise Unavailable(url, "the answer was lost")
        return {"500": Reply(500), "garbage": Reply(200, b"<html>")}.get(fault, reply)

    def _answer(self, method: str, url: str, headers: Mapping[str, str], body: Any, *, late: bool) -> Reply:
        parts = urlsplit(url)
        version, group, *rest = [unquote(part) for part in parts.path.removeprefix("/api/").split("/")]
        known = {"POST job": "launch", "GET status": "job", "POST status": "jobs", "DELETE cancel": "cancel"}
        verb = {"facility": "facility", "task": "task", "filesystem": rest[0] if rest else ""}.get(group, "")
        verb = known.get(f"{method} {rest[0]}", "") if group == "compute" else verb
        self.asked.append(verb)
        if version != self.version or verb not in self.serves:
            return Reply(404)
        if verb == "facility":
            return Reply(200, b"{}")
        if headers.get("Authorization") != f"Bearer {self.token}":
            return Reply(401)
        if verb in ("download", "task"):
            path = body["path"] if body else parse_qs(parts.query).get("path", [""])[0]
            return Reply(200, json.dumps(self._file_task(rest[0], path)).encode())
        if verb == "launch":
            return self._launch(body, headers.get("Idempotency-Key", ""), late=late)
        if verb == "jobs":
            offset = int(parse_qs(parts.query)["offset"][0])
            return Reply(
                200, json.dumps([self._told(job) for job in list(self.jobs.values())[offset : offset + 100]]).encode()
            )
        job = self.jobs.get(rest[2])
        if job is None:
            return Reply(404)
        if verb == "cancel" and job.state == "queued":
            job.state = "canceled"
        return Reply(204) if verb == "cancel" else Reply(200, json.dumps(self._told(job)).encode())

    def _file_task(self, task: str, wanted: str) -> dict[str, Any]:
        """Work with a file begun, or where it stands."""
        if task == "download":
            task = f"task-{len(self._fetched) + 1}"
            self._fetched[task] = wanted, self.slowly
            return {"task_id": task, "task_uri": f"https://facility.example/{task}"}
        path, looks = self._fetched[task]
        self._fetched[task] = path, looks - 1
        if looks > 0:
            return {"id": task, "status": "active"}
        if path not in self.files:
            return {"id": task, "status": "failed", "result": {"error": "no such file"}}
        return {"id": task, "status": "completed", "result": {"output": base64.b64encode(self.files[path]).decode()}}

    def _launch(self, spec: dict[str, Any], key: str, *, late: bool) -> Reply:
        known, when = self._keys.get(key, ("", 0.0))
        if key and known and self.clock.monotonic() - when < REMEMBERS_KEYS:
            return Reply(200, json.dumps({"id": known}).encode())
        job = Job(f"job-{next(self._numbers)}", spec)
        self._keys[key] = job.id, self.clock.monotonic()
        task = asyncio.get_running_loop().create_task(self._run(job, LATE if late else 0.0))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if not late:
            self.jobs[job.id] = job
        return Reply(200, json.dumps({"id": job.id}).encode())

    async def _run(self, job: Job, after: float) -> None:
        await self.clock.sleep(after)
        self.jobs[job.id] = job
        await self.clock.sleep(self.duration / 2)
        if job.state == "canceled":
            job.outcome = Outcome.failed("none", "cancelled")  # type: ignore[arg-type]
            return
        job.state = "active"
        name = job.spec["executable"]
        if self.do is not None:
            job.outcome = await self.do(name, job.spec)
            job.state = "completed" if job.outcome.result == "valid" else "failed"
            return
        contract = capabilities()[name].contract
        if not contract.effect.repeatable:
            self.effects[job.spec["name"]] += 1
        inputs = json.loads(job.spec["attributes"]["custom_attributes"]["inputs"])
        effect = EffectClass(contract.effect)
        offer = WorkOffer(key="task/home/there", capability=name, inputs=inputs, time_limit=60.0, effect=effect)
        hand = DirectExecutor(capabilities(), self.folder / job.id)
        job.outcome = await hand.do(offer, lambda fraction, text: None)
        await self.clock.sleep(self.duration / 2)
        uncertain = job.outcome.effect == "unknown"
        job.state = "held" if uncertain else "completed" if job.outcome.result == "valid" else "failed"

    def _told(self, job: Job) -> dict[str, Any]:
        status: dict[str, Any] = {"state": job.state}
        if job.outcome is not None:
            ends = {"held": "uncertain", "canceled": "cancelled"}
            outcome = job.outcome.model_dump(mode="json", exclude_none=True)
            status["meta_data"] = {"yosegi": {"state": ends.get(job.state, "ended"), "outcome": outcome}}
        return {"id": job.id, "status": status} | ({"job_spec": job.spec} if self.names else {})

    async def close(self) -> None:
        """The site ends; what was submitted goes on here."""

    def end(self) -> None:
        for task in self._running:
            task.cancel()

"""Has tasks done at another facility, one job a task, through its facility API (IRI).

That a job may be submitted is on record before it is; its name and its key follow from the task's. Whatever is not a
definite refusal means: look for the job by its name, and only then decide. What may be repeated is submitted again with
the same key; all else becomes uncertain, and is looked for on.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from yosegi.core.clock import Clock
from yosegi.core.contract import Contract
from yosegi.core.engine import LateOutcome, Outcome, Progress, Stopping, Work
from yosegi.core.errors import Invalid, NotFound, Unavailable, YosegiError
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect
from yosegi.core.supervision import Supervisor
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.engines.iri.client import FacilityClient, Submission
from yosegi.execution.engines.iri.credentials import TokenSource
from yosegi.execution.engines.iri.documents import OVER, RemoteJob, idempotency_key, job_name
from yosegi.execution.engines.iri.files import FacilityFiles, check_files
from yosegi.execution.engines.iri.settings import FacilitySettings, JobTemplate
from yosegi.execution.engines.iri.transport import FacilityTransport
from yosegi.execution.engines.iri.verdicts import is_uncertain, outcome_of, without_files
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.outcomes import ended_badly, never_began
from yosegi.ledger import Draft, Ledger, Write

log = logging.getLogger("yosegi.engines.iri")
SUBMITTING = "facility_engine.submitting"
SUBMITTED = "facility_engine.submitted"
MOST_SUBMISSIONS = 5
FIRST_PAUSE, WATCH_PAUSE = 0.2, 60.0
"""Seconds: before the second look at a job, and between two looks for one whose effect is unknown."""


@dataclass
class _Want:
    """One task that somebody waits for.

    Args:
        job: its id there, once it is known.
        stop: how it is to be stopped; `asked` once the facility was told.
    """

    work: Work
    name: str
    key: str
    job: str = ""
    began: bool = False
    active: bool = False
    stop: Stopping | None = None
    asked: bool = False
    ended: asyncio.Future[Outcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class FacilityEngine:
    """Another facility.

    Args:
        name: of `[engine.NAME]`.
        settings: where it is, and how capabilities are jobs there.
        services: what the site gives.
        transport: how it is called.
        credentials: the file that says how this site signs in there.
    """

    remembers = True
    Settings = FacilitySettings

    @classmethod
    def open(cls, settings: FacilitySettings, services: EngineServices) -> Self:
        """See `EngineKind.open`.

        Raises:
            Invalid: a job is described for a capability that is not published, or a file for an output it has not.
        """
        if unknown := sorted(set(settings.job) - set(services.contracts)):
            raise Invalid(f"[engine.{services.name}.job]", f"{unknown[0]} is not among what it publishes")
        for name, template in settings.job.items():
            check_files(template, services.contracts[name])
        # aiohttp, which nobody needs who looks at the settings of engines, comes with it.
        from yosegi.execution.engines.iri.http_transport import HttpFacilityTransport

        return cls(settings, services, HttpFacilityTransport(settings.call_seconds))

    def __init__(self, settings: FacilitySettings, services: EngineServices, transport: FacilityTransport) -> None:
        self.name, self._site, self._settings = services.name, services.site, settings
        self._contracts: Mapping[str, Contract] = services.contracts
        self._clock: Clock = services.clock
        self._ledger: Ledger = services.ledger
        self._on_late: LateOutcome = services.on_late
        self._transport = transport
        self._tokens = TokenSource(
            services.folder / Path(settings.credentials_file).expanduser(), self._clock, transport
        )
        self._client = FacilityClient(settings.url, self._tokens, transport)
        self._files = FacilityFiles(
            self._client, services.store, self._clock, services.offload, site=self._site, pause=settings.poll_seconds
        )
        self._scope = Supervisor(self._clock).scope(f"engine {self.name}")
        self._wants: dict[str, _Want] = {}
        self._held, self._closed, self._trouble = False, False, ""
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """See that the credentials are there; whether the facility answers is seen when there is work.

        Raises:
            Invalid, LooseKeyFile: the credentials file is not as it must be.
        """
        self._tokens.read()

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.run`: a task that was submitted before is looked for, and not submitted again."""
        if (unfit := self._unfit(work)) is not None:
            return unfit
        attempt = work.attempt if work.effect.repeatable else 1
        name, key = (make(self._site, work.key, attempt) for make in (job_name, idempotency_key))
        want = self._wants[work.key] = _Want(work, name, key)
        try:
            outcome = await self._have_done(want)
        except (Invalid, Unavailable) as error:
            # The ledger, the disk or the credentials: before a submission was on record nothing was sent.
            ended = ended_badly(work.effect, OutcomeCode.FACILITY_SILENT, str(error))
            outcome = ended if want.began else never_began(OutcomeCode.NOT_STARTED, str(error))
        finally:
            del self._wants[work.key]
        want.ended.set_result(outcome)
        looking = f"look for {work.key}"
        if outcome.effect is Effect.UNKNOWN and not self._scope.is_running(looking):
            self._scope.repeat(looking, lambda: self._look_again(want))
        return outcome

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.attach`: its record and the facility say what became of it."""
        return await self.run(work, progress)

    async def query(self, work: Work) -> Outcome:
        """See `Engine.query`: what the facility says of the job of that task; that it has none tells nothing."""
        name = job_name(self._site, work.query_of, 1)
        try:
            job = await self._client.find(self._template(work.capability).resource, name)
        except (Unavailable, Invalid) as error:
            return ended_badly(work.effect, OutcomeCode.FAILED, str(error))
        if job is None or job.status is None or job.status.state not in OVER:
            return ended_badly(work.effect, OutcomeCode.FAILED, "the facility does not tell yet")
        try:
            return await self._outcome(work, job, name)
        except Unavailable as error:
            return ended_badly(work.effect, OutcomeCode.FAILED, str(error))

    # -- one task ---------------------------------------------------------------------------------------------------

    def _unfit(self, work: Work) -> Outcome | None:
        contract = self._contracts.get(work.capability)
        if contract is None:
            return never_began(OutcomeCode.NOT_STARTED, f"{work.capability} is not done by {self.name}")
        if work.key in self._wants:
            return never_began(OutcomeCode.NOT_STARTED, f"{work.key} is waited for already")
        if work.objects:
            return never_began(OutcomeCode.NOT_STARTED, "objects are not handed to another facility")
        try:
            contract.check_inputs(work.inputs)
        except Invalid as error:
            return never_began(OutcomeCode.BAD_INPUTS, str(error))
        return None

    async def _have_done(self, want: _Want) -> Outcome:
        entries = [one for one in self._ledger.read(self._stream(want.work)) if one.facts["name"] == want.name]
        want.began = bool(entries)
        want.job = next((str(one.facts["job"]) for one in entries if one.type == SUBMITTED), "")
        if not want.began:
            while self._held and want.stop is None and not self._closed:
                await self._until_changed(None)
            if want.stop is not None or self._closed:
                return never_began(OutcomeCode.CANCELLED, "before it was submitted")
            await self._note(want, SUBMITTING, {})
            refusal = await self._submit(want, may_be_there=False)
        else:
            refusal = None if want.job else await self._submit(want, may_be_there=True)
        return refusal or await self._follow(want)

    async def _submit(self, want: _Want, *, may_be_there: bool) -> Outcome | None:
        """Have a job there, and know its id; the outcome, if there is none or nobody knows.

        Cases, in order, after each submission:
          1. it is there;
          2. refused, and no earlier submission may have arrived: it never began;
          3. nothing was sent: once more, as long as there is patience;
          4. otherwise it may be there: it is looked for by its name. What is not found is submitted again with the same
             key if it may be repeated, and is of unknown effect if not.
        """
        work, why, keyed = want.work, "this site ended while it was submitted", self._settings.send_keys
        resource, since, sent = self._template(work.capability).resource, self._clock.monotonic(), 0
        while True:
            if may_be_there:
                if (found := await self._search(want)) is not None:
                    return await self._arrived(want, found)
                if not work.effect.repeatable or sent >= MOST_SUBMISSIONS:
                    return ended_badly(work.effect, OutcomeCode.FACILITY_SILENT, why)
            elif want.stop is not None:
                return never_began(OutcomeCode.CANCELLED, "before it was submitted")
            told = await self._client.submit(resource, self._order(want), want.key if keyed else "")
            self._trouble = told.refused or told.unsent or told.unsure
            if told.job is not None:
                return await self._arrived(want, told.job)
            if told.refused and not may_be_there:
                return await self._refused(want, told)
            if told.unsent:
                if (given_up := await self._wait_to_send(want, told, since, may_be_there)) is not None:
                    return given_up
                continue
            sent, may_be_there, why = sent + 1, True, told.unsure or told.refused
            keyed = keyed and told.status != 501

    async def _wait_to_send(self, want: _Want, told: Submission, since: float, may_be_there: bool) -> Outcome | None:
        """Nothing could be sent: wait for the next try; the outcome, if there has been none for too long."""
        if self._clock.monotonic() - since < self._settings.silence_seconds:
            await self._until_changed(self._settings.poll_seconds)
            return None
        if may_be_there:
            return ended_badly(want.work.effect, OutcomeCode.FACILITY_SILENT, told.unsent)
        return never_began(OutcomeCode.NOT_STARTED, told.unsent)

    async def _refused(self, want: _Want, told: Submission) -> Outcome | None:
        """Some facilities say 404 of what their scheduler refused, and some of what it took: that one is looked for."""
        if told.status == 404 and (found := await self._search(want)) is not None:
            return await self._arrived(want, found)
        return never_began(OutcomeCode.NOT_STARTED, told.refused)

    async def _search(self, want: _Want) -> RemoteJob | None:
        """Look for the job by its name for a while."""
        until, pause = self._clock.monotonic() + self._settings.search_seconds, FIRST_PAUSE
        while True:
            try:
                found = await self._client.find(self._template(want.work.capability).resource, want.name)
                if found is not None:
                    return found
            except Unavailable as error:
                self._trouble = str(error)
            left = until - self._clock.monotonic()
            if left <= 0:
                return None
            await self._clock.sleep(min(pause, left))
            pause = min(2 * pause, 5.0)

    async def _arrived(self, want: _Want, job: RemoteJob) -> Outcome | None:
        """The job is there: note its id. There is no outcome yet."""
        want.job, self._trouble = job.id, ""
        try:
            await self._note(want, SUBMITTED, {"job": job.id})
        except Unavailable as error:
            # It is found by its name, should this site end now.
            log.warning("the id of the job of %s is not on record: %s", want.work.key, error)
        return None

    async def _follow(self, want: _Want) -> Outcome:
        """Ask where a job stands until it is over, or nothing was heard of it for too long."""
        work, heard, pause = want.work, self._clock.monotonic(), FIRST_PAUSE
        resource, over = self._template(work.capability).resource, False
        while True:
            try:
                job = await self._client.job(resource, want.job)
                over = is_uncertain(job) or (job.status is not None and job.status.state in OVER)
                if over:
                    return await self._outcome(work, job, want.name)
            except Unavailable as error:
                self._trouble = str(error)
                if (silent := self._clock.monotonic() - heard) >= self._settings.silence_seconds:
                    if over:
                        return without_files(work, str(error))
                    why = f"nothing was heard of job {want.job} for {silent:.0f} seconds: {error.why}"
                    return ended_badly(work.effect, OutcomeCode.FACILITY_SILENT, why)
            else:
                heard, self._trouble = self._clock.monotonic(), ""
                want.active = job.status is not None and job.status.state == "active"
            if want.stop is not None and not want.asked and (want.stop == "abort" or not want.active):
                want.asked = await self._client.cancel(resource, want.job)
            await self._until_changed(pause)
            pause = min(1.5 * pause, self._settings.poll_seconds)

    async def _outcome(self, work: Work, job: RemoteJob, name: str) -> Outcome:
        """How a task ended whose job is over, with its output files kept here.

        Raises:
            Unavailable: its files cannot be had just now.
        """
        contract, template = self._contracts[work.capability], self._template(work.capability)
        outcome = outcome_of(work, contract, job, template.output_files)
        try:
            return await self._files.taken_in(outcome, contract, template, job, name)
        except Invalid as error:
            return without_files(work, str(error))

    async def _look_again(self, want: _Want) -> bool:
        """Whether a task whose effect is unknown has to be looked for on: it is told to the site once it is known."""
        await self._clock.sleep(WATCH_PAUSE)
        work, resource = want.work, self._template(want.work.capability).resource
        try:
            job = await (self._client.job(resource, want.job) if want.job else self._client.find(resource, want.name))
        except (Unavailable, Invalid):
            return True
        if job is None or job.status is None or job.status.state not in OVER:
            return True
        try:
            outcome = await self._outcome(work, job, want.name)
        except Unavailable:
            return True
        if outcome.effect is Effect.UNKNOWN:
            return False
        try:
            await self._on_late(work.key, outcome)
        except NotFound:
            return False
        except YosegiError as error:
            self._trouble = str(error)
            return True
        return False

    # -- stopping ---------------------------------------------------------------------------------------------------

    async def cancel(self, key: str) -> bool:
        """See `Engine.cancel`: proved if it was not submitted, or if the facility says that it never began."""
        want = self._wants.get(key)
        if want is None:
            return False
        self._stop(want, "abort")
        outcome = await first_of(asyncio.shield(want.ended), self._clock.sleep(self._settings.call_seconds))
        return outcome is not None and outcome.code is OutcomeCode.CANCELLED and outcome.effect is Effect.NONE

    async def halt(self, key: str, word: Stopping) -> None:
        """See `Engine.halt`: a safe stop takes back what does not run there yet, and lets finish what runs."""
        if (want := self._wants.get(key)) is not None:
            self._stop(want, word)

    async def hold(self) -> None:
        """Submit nothing more; what was submitted keeps its place there, and may begin."""
        self._held = True

    async def safe_stop(self) -> None:
        """Submit nothing more, and take back what does not run there yet."""
        self._stop_all("safe_stop")

    async def abort(self) -> None:
        """Submit nothing more, and cancel everything there."""
        self._stop_all("abort")

    async def resume(self) -> None:
        """Submit again."""
        self._held = False
        self._wake()

    async def close(self) -> None:
        """Let jobs go on where they are: what is submitted is on record."""
        self._closed = True
        self._wake()
        await self._scope.close()
        await self._transport.close()

    def _stop_all(self, word: Stopping) -> None:
        self._held = True
        for want in self._wants.values():
            if want.began:
                self._stop(want, word)

    def _stop(self, want: _Want, word: Stopping) -> None:
        want.stop = "abort" if "abort" in (want.stop, word) else word
        self._wake()

    # -- parts ------------------------------------------------------------------------------------------------------

    def _template(self, capability: str) -> JobTemplate:
        return self._settings.job.get(capability) or JobTemplate(resource=capability)

    def _order(self, want: _Want) -> dict[str, Any]:
        """The specification of a task's job: what the settings say, the inputs, and a name."""
        template = self._template(want.work.capability)
        custom = dict(template.custom_attributes) | {"inputs": json.dumps(want.work.inputs)}
        attributes: dict[str, Any] = {"account": self._settings.account, "custom_attributes": custom}
        if template.queue_name:
            attributes["queue_name"] = template.queue_name
        if template.duration_seconds:
            attributes["duration"] = template.duration_seconds
        order: dict[str, Any] = {"executable": template.executable or want.work.capability, "name": want.name}
        order |= {"directory": template.directory} if template.directory else {}
        order |= {"resources": dict(template.resources)} if template.resources else {}
        return order | {"attributes": attributes}

    def _stream(self, work: Work) -> str:
        return f"engine/{self.name}/{work.key}"

    async def _note(self, want: _Want, kind: str, facts: Mapping[str, Any]) -> None:
        draft = Draft(kind, {"name": want.name, **facts})
        await self._ledger.append(Write(self._stream(want.work), None, (draft,), charter="", actor=self._site))
        want.began = True

    def _wake(self) -> None:
        # A fresh event for each round, so that every task that waits sees the change.
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until_changed(self, seconds: float | None) -> None:
        if seconds is None:
            await self._changed.wait()
        else:
            await first_of(self._changed.wait(), self._clock.sleep(seconds))

    def statistics(self) -> dict[str, Any]:
        """See `Engine.statistics`."""
        began = sum(1 for want in self._wants.values() if want.began)
        return {
            "running": began,
            "waiting": len(self._wants) - began,
            "stopped": self._held,
            "version": self._client.version,
            "trouble": self._trouble,
        }

    def __repr__(self) -> str:
        return f"<engine {self.name}: the facility at {self._settings.url}, {len(self._wants)} tasks>"

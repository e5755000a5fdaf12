"""One task in the engine's hands: which job does it, and what has been seen and heard of that job."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from yosegi.core.engine import Outcome, Progress, Work
from yosegi.execution.engines.batch.dialect import JobPhase, JobSighting
from yosegi.execution.engines.batch.judgement import JobEvidence, JobTimes
from yosegi.execution.engines.batch.records import JobRecord

_CLOCKS = 120.0
"""Seconds by which the clocks of site and scheduler may differ; a job of our name that is older is another's."""


@dataclass(eq=False)
class BatchCase:
    """A task that somebody waits for.

    Args:
        record: of its job; None while it has none.
        cancelled: whether it is taken back, so that no other job is submitted for it.
        forced: an outcome that was decided by who cancelled it.
        kill_at: when its job is to be ended by the scheduler, if it has not ended by itself; monotonic.
    """

    work: Work
    progress: Callable[[Progress], None]
    record: JobRecord | None = None
    evidence: JobEvidence = field(default_factory=JobEvidence)
    sighting: JobSighting | None = None
    cancelled: bool = False
    stopped: bool = False
    forced: Outcome | None = None
    kill_at: float | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: float = 0.0
    _looked: float = -math.inf
    _ended: float | None = None
    _absent: tuple[float, float] | None = None
    _claimed: float | None = None
    _sign: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether its job has begun, as far as is known."""
        said = self.sighting is not None and self.sighting.phase is JobPhase.RUNNING
        return self.record is not None and self.evidence.exit is None and (self.evidence.started or said)

    def submitted(self, record: JobRecord, now: float) -> None:
        """It has a new job."""
        self.record, self.evidence, self.sighting = record, JobEvidence(), None
        self._asked, self._ended, self._absent, self._claimed, self._sign = now, None, None, None, None

    def see(self, evidence: JobEvidence, now: float) -> None:
        """What lies in the job's folder, by a look that began at a moment."""
        self._looked = now
        if evidence != self.evidence:
            self._sign = now
            if (evidence.fraction, evidence.text, evidence.line) != self._told:
                words = evidence.text or evidence.line
                self.progress(Progress(self.work.key, evidence.fraction, words))
        if evidence.claim == "job" and self._claimed is None:
            self._claimed = now
        self.evidence = evidence
        self.news.set()

    @property
    def _told(self) -> tuple[float, str, str]:
        return self.evidence.fraction, self.evidence.text, self.evidence.line

    def hear(self, sightings: Sequence[JobSighting], now: float) -> None:
        """What the scheduler says, once it has answered; nothing of it if it does not name the job."""
        said = self._own(sightings)
        if said is not None:
            self._absent = None
            if said.phase is JobPhase.ENDED:
                self._ended = now if self._ended is None else self._ended
            elif said != self.sighting and not self.evidence.started:
                self.progress(Progress(self.work.key, 0.0, f"job {said.job} {said.phase.value} {said.words}".strip()))
            self.sighting = said
        elif self.sighting is None or self.sighting.phase is not JobPhase.ENDED:
            self.sighting = None
            self._absent = (now if self._absent is None else self._absent[0], now)
        self.news.set()

    def _own(self, sightings: Sequence[JobSighting]) -> JobSighting | None:
        """The job among those of its name: a number is used again, and a name of an older job is not ours."""
        record = self.record
        if record is None:
            return None
        ours = [s for s in sightings if s.submitted is None or s.submitted >= record.asked_at - _CLOCKS]
        living = [s for s in ours if s.phase is not JobPhase.ENDED]
        return next(iter([*living, *sorted(ours, key=lambda s: s.started is None)]), None)

    @property
    def _since_ended(self) -> float:
        """From its end at the scheduler to the last look into its folder: what an older look saw says nothing of it."""
        return 0.0 if self._ended is None else max(0.0, self._looked - self._ended)

    def deaf(self) -> None:
        """The scheduler does not answer, so nobody can say that it does not know the job."""
        self._absent = None

    def times(self, now: float) -> JobTimes:
        """How long ago things were."""

        def since(moment: float | None, never: float) -> float:
            return never if moment is None else now - moment

        # Between two answers, not since one: a scheduler that fell silent has not gone on saying that it is not there.
        absent = 0.0 if self._absent is None else self._absent[1] - self._absent[0]
        return JobTimes(
            asked=now - self._asked, ended=self._since_ended, absent=absent,
            claimed=since(self._claimed, 0.0), sign=since(self._sign, math.inf),
        )  # fmt: skip

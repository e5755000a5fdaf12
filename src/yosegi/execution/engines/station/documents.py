"""What a station and its site say to each other: one signed call, one signed answer, over and over.

A call tells everything the station holds and has not had acknowledged, an answer everything the site wants of it, so
that any of them may be lost.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, StringConstraints

from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Stopping, Work
from yosegi.core.identifiers import CapabilityName, SiteId
from yosegi.core.object import ObjectRef
from yosegi.core.values import Value
from yosegi.data import AT_ONCE, Chunk, ChunkRequest
from yosegi.trust.document import Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey

LIFE = timedelta(seconds=30)
"""How long a call or an answer may be on its way."""
LONGEST_WAIT = 60.0
"""Seconds that a site may keep a call open."""

MOST_SUCCESSIONS = 8
"""Keys that a station may have missed; one that missed more is told its site's key by a person."""

TaskKey = Annotated[str, StringConstraints(min_length=1, max_length=400)]
StopWord = Literal["", "hold", "safe_stop", "abort"]
Words = Annotated[str, StringConstraints(max_length=2000)]


class WorkOffer(Value):
    """A task that the station is to do. It is the same task as long as its key is."""

    key: TaskKey
    capability: CapabilityName
    inputs: dict[str, Any]
    time_limit: float = Field(gt=0)
    effect: EffectClass = Field(strict=False)
    attempt: int = Field(default=1, ge=1)
    grace: float | None = Field(default=None, ge=0)
    query_of: TaskKey | None = None
    objects: dict[str, ObjectRef] | None = None
    """Those among the inputs, by name; None where there are none."""

    @classmethod
    def of(cls, work: Work) -> Self:
        """The offer of a site's work."""
        return cls(
            key=work.key,
            capability=work.capability,
            inputs=work.inputs,
            time_limit=work.time_limit,
            effect=work.effect,
            attempt=work.attempt,
            grace=work.grace,
            query_of=work.query_of or None,
            objects=dict(work.objects) or None,
        )

    @property
    def body(self) -> str:
        """Digest of what is asked; a further attempt at it is the same body."""
        return self.model_copy(update={"attempt": 1}).digest


class Ended(Value):
    """How a task ended."""

    key: TaskKey
    outcome: Outcome


class Reached(Value):
    """How far a task is."""

    key: TaskKey
    fraction: float = Field(ge=0, le=1)
    text: Annotated[str, StringConstraints(max_length=400)] = ""


class Holding(Value):
    """A task that the station knows and has not ended; `heeds` is what it was told to do about it."""

    key: TaskKey
    state: Literal["received", "started"]
    heeds: Stopping | None = None


class Halt(Value):
    """One task that is to stop: reach its safe state, or end now."""

    key: TaskKey
    word: Stopping


class RunStart(Value):
    """When a run of a station began: its number, and the position of the intent log then."""

    run: int = Field(ge=0, lt=2**53)
    position: int = Field(ge=0, lt=2**53)


MOST_STARTS = 256
"""Runs that a station tells of; one that was not heard for as long is looked at by a person."""


class Memory(Value):
    """Which intent log a station has, and where in it it stands.

    Args:
        log: the log's identity, drawn when it was made.
        follows: the run of the station before this one, as the log says; 0 for none.
        opened_at: its position when this run began.
        position: its position now; grows with each thing that is written.
        starts: its latest runs up to this one, so that its site sees whether what it has heard is among them.
    """

    log: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    follows: int = Field(ge=0, lt=2**53)
    opened_at: int = Field(ge=0, lt=2**53)
    position: int = Field(ge=0, lt=2**53)
    starts: tuple[RunStart, ...] | None = Field(default=None, max_length=MOST_STARTS)


class _Spoken(Document):
    station: SiteId
    site: SiteId
    run: int = Field(ge=0, lt=2**53)
    sequence: int = Field(ge=1, lt=2**53)
    issued: Moment
    not_after: Moment
    wants: tuple[ChunkRequest, ...] | None = Field(default=None, max_length=64)
    """Pieces of objects that the speaker asks for; None where there are none."""
    chunks: tuple[Chunk, ...] | None = Field(default=None, max_length=AT_ONCE)
    """Pieces that the other asked for."""


class StationCall(_Spoken):
    """A station to its site.

    Args:
        run: grows with each start of the station.
        sequence: grows with each call of a run; a call that does not grow is a replay.
        wait: seconds that the site may keep it open while it has nothing to say.
        room: tasks that it can take now.
        holding: every task it has and has not ended.
        results: ends that the site has not acknowledged.
        heeds: the stop word it last heard; a site that means another answers at once.
        resting: why it starts nothing new; empty if it would.
        trouble: what went wrong, for people.
        memory: which intent log it has; None from a station of before its site asked for it.
    """

    kind: ClassVar[str] = "station_call"

    wait: float = Field(ge=0, le=LONGEST_WAIT)
    room: int = Field(ge=0)
    holding: tuple[Holding, ...] = ()
    results: tuple[Ended, ...] = ()
    progress: tuple[Reached, ...] = ()
    heeds: StopWord = ""
    resting: Annotated[str, StringConstraints(max_length=40)] = ""
    trouble: Words = ""
    memory: Memory | None = None


class KeySuccession(Document):
    """The word of a site's online key for the one that takes its place, for those who know no other key of the site."""

    kind: ClassVar[str] = "key_succession"

    site: SiteId
    key: PublicKey
    issued: Moment


class StationAnswer(_Spoken):
    """A site to its station; `run` and `sequence` are those of the call it answers.

    Args:
        work: what the station may start now. What it holds and is not named here, it does not start.
        acknowledged: ends that need not be told again.
        cancel: tasks that must never start any more.
        halt: tasks that are to stop; None where there are none.
        successions: the words of earlier keys for those that followed, the oldest first; None where there are none.
        stop: start nothing (`hold`), reach the safe state (`safe_stop`), or stop at once (`abort`).
    """

    kind: ClassVar[str] = "station_answer"

    work: tuple[WorkOffer, ...] = ()
    acknowledged: tuple[TaskKey, ...] = ()
    cancel: tuple[TaskKey, ...] = ()
    halt: tuple[Halt, ...] | None = None
    stop: StopWord = ""
    successions: Annotated[tuple[Envelope, ...], Field(max_length=MOST_SUCCESSIONS)] | None = None

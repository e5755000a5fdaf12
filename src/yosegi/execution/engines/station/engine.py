"""The site's side of a station: work waits here until the station calls, and what it tells is believed by its key.

A station that is silent proves nothing. Only after the task's whole time and a grace without contact is its effect
called unknown, and if the station comes back with the truth, it is passed on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import Contract
from yosegi.core.engine import LateOutcome, Outcome, Progress, Stopping, Work
from yosegi.core.errors import Conflict, Invalid, NotFound, YosegiError
from yosegi.core.states import Effect
from yosegi.core.supervision import TaskScope
from yosegi.data import ChunkRequest, ObjectStore, Puller, TransferRefused
from yosegi.data.pulling import Offload
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.engines.station.documents import (
    LIFE,
    LONGEST_WAIT,
    Ended,
    Halt,
    StationAnswer,
    StationCall,
    StopWord,
    WorkOffer,
)
from yosegi.execution.engines.station.memory import StationMemory
from yosegi.execution.engines.station.object_channel import ObjectChannel, other_bytes, references
from yosegi.execution.engines.station.settings import StationSettings
from yosegi.execution.outcomes import ended_badly, never_began
from yosegi.trust.earlier_uses import EarlierUses
from yosegi.trust.envelope import Envelope
from yosegi.trust.keys import PublicKey, by_id
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.station")

_FRESH = 30.0
"""Seconds after its last call for which a station counts as connected."""
_KEPT_LATE = 10_000
PATIENCE = 3.0
"""Seconds after which a piece of an object is asked for again: news of the station may have cut an answer off."""


@dataclass
class _Want:
    """A task that somebody waits for.

    Args:
        offered_at: when it was last put into an answer; None if never by this engine.
        state: what the station last said of it.
        halt: how it is to stop; None while it may go on.
        heeds: what of that the station has heard.
    """

    work: Work
    offer: WorkOffer
    ended: asyncio.Future[Outcome]
    progress: Callable[[Progress], None]
    offered_at: float | None = None
    state: str = ""
    cancelled: bool = False
    halt: Stopping | None = None
    heeds: Stopping | None = None


def _no_progress(progress: Progress) -> None:
    """A query has none."""


class StationEngine:
    """Hands tasks to one station.

    Args:
        name: the station's.
        key: the station's public key.
        capabilities: contracts of what it does, by name and version.
        site: this site.
        signer: this site's key; answers are signed.
        grace: seconds without contact beyond a task's time limit after which its effect is called unknown.
        patience: seconds that `cancel` waits for the station's word.
        on_late: takes the outcome of a task that nobody waits for any more.
        memory: what the station tells of its own memory, on record; None where nobody compares it.
        store: where objects among inputs and outputs lie; None where there are none.
        offload: does long work with the disk.
        successions: told to the station with each answer, so that one that knows an earlier key of this site follows.
    """

    remembers = True
    Settings = StationSettings

    @classmethod
    def open(cls, settings: StationSettings, services: EngineServices) -> Self:
        """See `EngineKind.open`.

        Raises:
            Invalid: the station's key is none.
        """
        return cls(
            services.name,
            PublicKey(algorithm="ed25519", public=settings.key),
            services.contracts,
            services.clock,
            services.scope,
            site=services.site,
            signer=services.signer,
            on_late=services.on_late,
            grace=settings.silence_seconds,
            patience=settings.claim_seconds,
            memory=StationMemory(services.name, services.ledger),
            store=services.store,
            offload=services.offload,
            successions=services.successions,
        )

    def __init__(
        self,
        name: str,
        key: PublicKey,
        capabilities: Mapping[str, Contract],
        clock: Clock,
        scope: TaskScope,
        *,
        site: str,
        signer: Signer,
        on_late: LateOutcome,
        grace: float = 120.0,
        patience: float = 10.0,
        memory: StationMemory | None = None,
        store: ObjectStore | None = None,
        offload: Offload = asyncio.to_thread,
        successions: tuple[Envelope, ...] = (),
    ) -> None:
        self._successions = successions
        self._memory = memory
        self._channel: ObjectChannel | None = None
        if store is not None:
            puller = Puller(store, clock, other_bytes, patience=PATIENCE, offload=offload)
            self._channel = ObjectChannel(name, store, puller, self._may_have, self._wake)
        self._scope = scope
        self._bringing: set[str] = set()
        self._unfit: dict[str, Outcome] = {}
        self.name, self._on_late = name, on_late
        self._keys, self._capabilities, self._clock = by_id([key]), dict(capabilities), clock
        self._site, self._signer, self._grace, self._patience = site, signer, grace, patience
        self._wants: dict[str, _Want] = {}
        self._cancelled_unoffered: set[str] = set()
        self._late: dict[str, Outcome] = {}
        self._stop: StopWord = ""
        self._held = False
        self._last = (0, 0)
        self._earlier = EarlierUses(clock, LIFE)
        self._heard: float | None = None
        self._heard_at = ""
        self._calls = 0
        self._open = 0
        self._closed = False
        self._since = clock.monotonic()
        self._resting, self._trouble = "", ""
        self._fetched = False
        self._changed: asyncio.Event = asyncio.Event()

    async def start(self) -> None:
        """Nothing to start: the station calls."""

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.run`: offers the work until the station has told how it ended."""
        return await self._have_done(work, progress, None)

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.attach`: it may have been offered already, so a station that never comes back is given up."""
        return await self._have_done(work, progress, self._clock.monotonic())

    async def query(self, work: Work) -> Outcome:
        """See `Engine.query`: the station asks its instrument."""
        return await self._have_done(work, _no_progress, None)

    async def _have_done(self, work: Work, progress: Callable[[Progress], None], offered_at: float | None) -> Outcome:
        if work.key in self._late:
            return self._late.pop(work.key)
        if work.capability not in self._capabilities:
            return never_began("not_started", f"{work.capability} is not at station {self.name}")
        if work.key in self._wants:
            return never_began("not_started", f"{work.key} is waited for already")
        self._cancelled_unoffered.discard(work.key)
        want = _Want(work, WorkOffer.of(work), asyncio.get_running_loop().create_future(), progress, offered_at)
        self._wants[work.key] = want
        self._wake()
        try:
            return await self._await(want)
        finally:
            del self._wants[work.key]

    async def _await(self, want: _Want) -> Outcome:
        limit = want.work.time_limit + self._grace
        while True:
            silence = self._silence(want)
            if silence >= limit:
                # It may still wait there: should the station come back, it is told not to begin.
                self._cancelled_unoffered.add(want.work.key)
                why = f"station {self.name} may have it, and was last heard {silence:.0f} seconds ago"
                return ended_badly(want.work.effect, "station_silent", why)
            if (outcome := await self._within(want.ended, limit - silence)) is not None:
                return outcome

    def _silence(self, want: _Want) -> float:
        """Seconds without contact since it was offered; 0 while it was not."""
        if want.offered_at is None:
            return 0.0
        since = want.offered_at if self._heard is None else max(want.offered_at, self._heard)
        return 0.0 if self._open else self._clock.monotonic() - since

    async def _within(self, future: asyncio.Future[Outcome], seconds: float) -> Outcome | None:
        return await first_of(asyncio.shield(future), self._clock.sleep(seconds))

    async def cancel(self, key: str) -> bool:
        """See `Engine.cancel`: proved by the station's word, kept on its disk, that it will never start it.

        The station is asked even about work that was not offered yet: this site may have offered it before a restart.
        """
        want = self._wants.get(key)
        if want is None or want.state == "started":
            return False
        want.cancelled = True
        self._cancelled_unoffered.add(key)
        self._wake()
        outcome = await self._within(want.ended, self._patience)
        return outcome is not None and outcome.reason == "cancelled" and outcome.effect is Effect.NONE

    async def halt(self, key: str, word: Stopping) -> None:
        """See `Engine.halt`. What the station has not started it never will."""
        want = self._wants.get(key)
        if want is None:
            return
        if want.halt != "abort":
            want.halt = word
        if want.state != "started":
            want.cancelled = True
            self._cancelled_unoffered.add(key)
        self._wake()

    async def hold(self) -> None:
        """Offer nothing more; what the station has begun goes on."""
        self._held = True
        self._wake()

    async def safe_stop(self) -> None:
        """Tell the station to bring its running step to its safe state and start nothing more."""
        self._say("safe_stop")

    async def abort(self) -> None:
        """Tell the station to end its running step now."""
        self._say("abort")

    async def resume(self) -> None:
        """Let it start again."""
        self._held = False
        self._say("")

    def _say(self, word: StopWord) -> None:
        self._stop = word
        self._wake()

    def release_waiters(self) -> None:
        """Answer the call that is held open, so that the site can end."""
        self._closed = True
        self._wake()

    async def close(self) -> None:
        """Bring nothing more here; the station's processes are its own."""
        self.release_waiters()
        await self._scope.close()

    # -- the station's calls --------------------------------------------------------------------------------------

    async def handle(self, call: bytes) -> bytes:
        """Answer one call of the station; held open for as long as it allows while there is nothing to say.

        Raises:
            Untrusted: not signed by the station's key, too old, or for another site.
            Conflict: it was received before (a replay), or a later one was.
            Invalid: no call at all.
        """
        heard = self._verified(call)
        self._calls += 1
        number = self._calls
        self._heard, self._heard_at = self._clock.monotonic(), timestamp(self._clock.now())
        self._log_contact(heard)
        self._resting, self._trouble = heard.resting, heard.trouble
        self._wake()
        if self._channel is not None:
            self._channel.hear(heard.wants, heard.chunks)
        forgot = await self._look_at_memory(heard)
        spoken = await self._take(map(self._whole, filter(self._is_here, heard.results)))
        if forgot:
            self._give_up()
        for reached in heard.progress:
            if (want := self._wants.get(reached.key)) is not None:
                want.progress(Progress(reached.key, reached.fraction, reached.text))
        self._note(heard)
        return await self._answer(heard, spoken, number)

    def _log_contact(self, heard: StationCall) -> None:
        """One line when the station is heard again, and when it tells of other trouble than before."""
        if self._calls == 1 or heard.sequence == 1:
            log.info("station %s calls: its run %d", self.name, heard.run)
        if heard.trouble != self._trouble:
            log.warning("station %s tells: %s", self.name, heard.trouble or "no trouble any more")

    @property
    def unsettled(self) -> str:
        """See `NeedsSettling.unsettled`."""
        return "" if self._memory is None else self._memory.unsettled

    async def settle(self, by: str, note: str) -> None:
        """A person has looked at the instrument of a station that had forgotten what it did.

        Raises:
            Conflict: there is nothing to settle.
            Invalid: the note says nothing.
        """
        if self._memory is None:
            raise Conflict(f"station {self.name}", "has forgotten nothing", "there is nothing to settle")
        await self._memory.settle(by, note)
        self._wake()

    async def _look_at_memory(self, heard: StationCall) -> bool:
        """Whether the station has just been found to have forgotten what it did."""
        if self._memory is None:
            return False
        begun = [self._wants[h.key].work for h in heard.holding if h.state == "started" and h.key in self._wants]
        moving = any(not work.effect.repeatable for work in begun)
        return await self._memory.hear(heard.run, heard.memory, moving=moving)

    def _give_up(self) -> None:
        """What the station was offered and cannot be repeated: nobody knows any more what became of it."""
        # A word that it never began something would be that of a log which does not know.
        self._cancelled_unoffered.clear()
        for want in self._wants.values():
            if want.offered_at is not None and not want.work.effect.repeatable and not want.ended.done():
                why = f"station {self.name} does not know what it did: {self.unsettled}; look at the instrument"
                want.ended.set_result(ended_badly(want.work.effect, "station_forgot", why))

    def _verified(self, call: bytes) -> StationCall:
        now = self._clock.now()
        heard = StationCall.open(Envelope.read(call), self._keys, now=now)
        if (heard.station, heard.site) != (self.name, self._site):
            raise Invalid("a station's call", f"is from {heard.station} to {heard.site}, not to {self._site}")
        if heard.not_after - heard.issued > LIFE:
            raise Invalid("a station's call", f"lives longer than {LIFE.total_seconds():g} seconds")
        # A call of before this site was started may be a replay, and would tell of a log that is shorter than it is.
        if (heard.run, heard.sequence) <= self._last or self._earlier.may_hold(heard.issued):
            raise Conflict("a station's call", "was received before, or a later one was", "call again")
        self._last = (heard.run, heard.sequence)
        return heard

    def _may_have(self, want: ChunkRequest) -> bool:
        """The station is given the inputs of what it is offered, and nothing else."""
        offered = self._wants.get(want.task)
        return offered is not None and any(ref.sha256 == want.sha256 for ref in offered.work.objects.values())

    def _is_here(self, ended: Ended) -> bool:
        """Whether everything that a task made is here; what is not is brought, and the station tells its end again."""
        if self._channel is None or ended.key in self._unfit:
            return True
        if not self._channel.missing(references(ended.outcome.outputs)):
            return True
        if ended.key not in self._bringing:
            self._bringing.add(ended.key)
            self._scope.spawn("bring objects", partial(self._bring, self._channel, ended))
        return False

    async def _bring(self, channel: ObjectChannel, ended: Ended) -> None:
        try:
            await channel.bring(references(ended.outcome.outputs), ended.key)
        except TransferRefused as gave:
            why = gave.why.en or gave.why.code
            self._unfit[ended.key] = Outcome.failed(ended.outcome.effect, "bad_output", why, invalid=True)
        finally:
            self._bringing.discard(ended.key)
            self._fetched = True
            self._wake()

    def _whole(self, ended: Ended) -> Ended:
        outcome = self._unfit.pop(ended.key, None)
        return ended if outcome is None else ended.model_copy(update={"outcome": outcome})

    async def _take(self, results: Iterable[Ended]) -> tuple[str, ...]:
        """Pass on what ended; the keys of what has reached somebody and need not be told again."""
        taken = []
        for ended in results:
            self._cancelled_unoffered.discard(ended.key)
            want = self._wants.get(ended.key)
            if want is None and not await self._too_late(ended):
                continue
            if want is not None and not want.ended.done():
                want.ended.set_result(ended.outcome)
            taken.append(ended.key)
        return tuple(taken)

    async def _too_late(self, ended: Ended) -> bool:
        """Pass on an end that nobody waits for; False if it could not be, and is to be told again."""
        if len(self._late) < _KEPT_LATE:
            self._late[ended.key] = ended.outcome
        try:
            await self._on_late(ended.key, ended.outcome)
        except NotFound:
            return True
        except YosegiError as error:
            self._trouble = str(error)
            return False
        return True

    def _note(self, heard: StationCall) -> None:
        states = {holding.key: holding.state for holding in heard.holding}
        heeds = {holding.key: holding.heeds for holding in heard.holding}
        for key, want in self._wants.items():
            want.state, want.heeds = states.get(key, ""), heeds.get(key)
        for key, state in states.items():
            if state == "started":
                self._cancelled_unoffered.discard(key)  # too late: its end will tell

    async def _answer(self, heard: StationCall, spoken: tuple[str, ...], number: int) -> bytes:
        deadline = self._clock.monotonic() + min(heard.wait, LONGEST_WAIT)
        self._open += 1
        try:
            while True:
                work, halts = self._offers(heard), self._halts()
                superseded = number != self._calls
                quiet = (
                    not (
                        work
                        or halts
                        or spoken
                        or self._cancelled_unoffered
                        or superseded
                        or self._closed
                        or self._stop != heard.heeds
                    )
                    and not self._has_news_of_objects()
                )
                left = deadline - self._clock.monotonic()
                if not quiet or left <= 0:
                    break
                await first_of(self._changed.wait(), self._clock.sleep(left))
        finally:
            self._open -= 1
        now = self._clock.now()
        answer = StationAnswer(
            station=self.name, site=self._site, run=heard.run, sequence=heard.sequence, issued=now,
            not_after=now + LIFE, work=() if superseded else work, acknowledged=spoken,
            cancel=tuple(sorted(self._cancelled_unoffered)), halt=halts or None, stop=self._stop,
            successions=self._successions or None,
            **({} if superseded or self._channel is None else self._channel.say()),
        )  # fmt: skip
        self._fetched = False
        if not superseded:
            self._heard = self._clock.monotonic()
            for offer in work:
                self._wants[offer.key].offered_at = self._heard
        return answer.sign(self._signer).to_bytes()

    def _has_news_of_objects(self) -> bool:
        """Whether there are pieces to ask for or give, or an end that may be told again now."""
        return self._channel is not None and (self._channel.busy or self._fetched)

    def _offers(self, heard: StationCall) -> tuple[WorkOffer, ...]:
        """What the station may start: what it holds and somebody wants, then new work as far as it has room."""
        if self._stop or self._held or any(want.state == "started" for want in self._wants.values()):
            return ()
        room, offers = heard.room, []
        for key, want in self._wants.items():
            if want.ended.done() or want.cancelled or want.state == "started":
                continue
            if self.unsettled and not want.work.effect.repeatable:
                continue
            if want.state != "received":
                if room == 0:
                    continue
                room -= 1
            if key not in self._cancelled_unoffered:
                offers.append(want.offer)
        return tuple(offers)

    def _halts(self) -> tuple[Halt, ...]:
        """What is to stop and has not heard it yet."""
        wants = self._wants.items()
        return tuple(
            Halt(key=key, word=w.halt) for key, w in wants if w.halt and w.state == "started" and w.heeds != w.halt
        )

    def _wake(self) -> None:
        # A fresh event for each round, so that every call that waits sees the change.
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def silent_seconds(self) -> float:
        """See `AnswersCalls.silent_seconds`."""
        since = self._since if self._heard is None else self._heard
        return 0.0 if self._open else self._clock.monotonic() - since

    def statistics(self) -> dict[str, Any]:
        """See `Engine.statistics`."""
        now = self._clock.monotonic()
        recent = self._heard is not None and now - self._heard <= _FRESH
        started = sum(1 for want in self._wants.values() if want.state == "started")
        return {
            "running": started,
            "waiting": len(self._wants) - started,
            "connected": bool(self._open) or recent,
            "last_seen": self._heard_at,
            "silent_seconds": self.silent_seconds,
            "stopped": bool(self._stop) or self._held,
            "unsettled": self.unsettled,
            "resting": self._resting,
            "trouble": self._trouble,
        }

    def __repr__(self) -> str:
        state = "connected" if self.statistics()["connected"] else "silent"
        return f"<engine of station {self.name}: {state}, {len(self._wants)} tasks>"

"""The station: asks its site for work, does one thing at a time, and tells what became of it.

It holds no policy. It starts only what the latest answer of its site named, and nothing at all once it has not heard
from it for too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from yosegi.core.clock import Clock
from yosegi.core.engine import Stopping
from yosegi.core.errors import Conflict, Invalid, Unavailable, YosegiError
from yosegi.data import ObjectStore, Puller, TransferRefused
from yosegi.data.pulling import inline
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.engines.station.documents import (
    LIFE,
    Ended,
    Holding,
    KeySuccession,
    Reached,
    StationAnswer,
    StationCall,
    StopWord,
    WorkOffer,
)
from yosegi.execution.engines.station.object_channel import ObjectChannel, other_bytes
from yosegi.execution.outcomes import ended_badly, never_began
from yosegi.execution.station.executor import StationExecutor
from yosegi.execution.station.intents import IntentLog, LogFailed
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey
from yosegi.trust.signer import Signer

log = logging.getLogger("yosegi.station")

_TELL_AT_MOST = 1_500_000
"""Bytes of results in one call; the rest goes with the next."""
_TOO_QUICK = 0.05
PATIENCE = 3.0
"""Seconds after which a piece of an object is asked for again: news to tell may have cut an answer off."""


class SiteConnection(Protocol):
    """The way to the site."""

    async def exchange(self, call: bytes, *, timeout: float) -> bytes:
        """Send a call and return the answer.

        Raises:
            Unavailable: none came in time.
            Invalid: the site refused the call.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How a station waits, in seconds.

    Args:
        wait: that the site may keep a call open.
        slack: that an answer may take beyond it.
        silence: without contact after which nothing new is started.
        first: before the second attempt at a call that failed; doubled each time, up to `longest`.
        progress: between two reports of progress.
    """

    wait: float = 20.0
    slack: float = 10.0
    silence: float = 60.0
    first: float = 0.5
    longest: float = 30.0
    progress: float = 1.0


@dataclass
class Station:
    """One instrument's station.

    Args:
        name: as its site knows it.
        site: whose station it is.
        signer: its own key.
        site_keys: the keys of its site, by key id.
        log: its durable memory.
        executor: what does the work.
        keep_key: writes the site's key down when it is another.
        seed: of the jitter between attempts.
        store: the station's own objects; None where it has none.
    """

    name: str
    site: str
    signer: Signer
    site_keys: Mapping[str, PublicKey]
    link: SiteConnection
    log: IntentLog
    executor: StationExecutor
    clock: Clock
    keep_key: Callable[[PublicKey], None]
    seed: int = 0
    pace: Pace = field(default_factory=Pace)
    store: ObjectStore | None = None
    trouble: str = ""
    _run: int = field(init=False, default=0)
    _sequence: int = field(init=False, default=0)
    _heard: float | None = field(init=False, default=None)
    _stop: StopWord = field(init=False, default="")
    _offered: tuple[str, ...] = field(init=False, default=())
    _leaving: bool = field(init=False, default=False)
    _failures: int = field(init=False, default=0)
    _halted: dict[str, Stopping] = field(init=False, default_factory=dict)
    _progress: dict[str, Reached] = field(init=False, default_factory=dict)
    _reported: float = field(init=False, default=0.0)
    _refusals: dict[str, Ended] = field(init=False, default_factory=dict)
    _unwritten: Ended | None = field(init=False, default=None)
    _task: asyncio.Task[None] | None = field(init=False, default=None)
    _fetching: dict[str, asyncio.Task[None]] = field(init=False, default_factory=dict)
    _channel: ObjectChannel | None = field(init=False, default=None)
    _news: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        if self.store is not None:
            puller = Puller(self.store, self.clock, other_bytes, patience=PATIENCE, offload=inline)
            # Its own site may have whatever lies here: it is the site's.
            self._channel = ObjectChannel(self.site, self.store, puller, lambda want: True, self._news.set)

    async def run(self) -> None:
        """Work until `leave`; returns when the running step has ended and, if the site can be reached, it knows.

        Raises:
            LogFailed: the intent log cannot be used at the start.
        """
        self._run = self.log.next_run()
        self.log.recover()
        try:
            while not (self._leaving and self._task is None):
                await self._turn()
            await self._say_goodbye()
        finally:
            under_way = [*self._fetching.values(), *([] if self._task is None else [self._task])]
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def leave(self) -> None:
        """Safe stop of the whole station: finish the running step, start nothing more, tell, and end."""
        self._leaving = True
        self._news.set()

    async def _turn(self) -> None:
        """One call and what follows from it; news to tell ends the waiting for an answer."""
        self._news.clear()
        asked = self.clock.monotonic()
        try:
            self._begin_next()
            changed = await first_of(self._exchange(), self._news.wait())
        except (Unavailable, Invalid, Untrusted, LogFailed) as error:
            await self._pause(str(error))
            return
        if changed is None:
            return
        self._failures, self.trouble = 0, ""
        if not changed and self.clock.monotonic() - asked < min(_TOO_QUICK, self.pace.wait):
            await self.clock.sleep(_TOO_QUICK)  # a site that answers at once with nothing is not asked in circles

    async def _pause(self, trouble: str) -> None:
        """Wait, longer after each failure, and for a random part of it, so that stations do not march in step."""
        if trouble != self.trouble:
            log.warning("station %s: %s", self.name, trouble)
        self.trouble, self._offered = trouble, ()
        delay = min(self.pace.longest, self.pace.first * 2**self._failures)
        self._failures = min(self._failures + 1, 30)
        sleep = self.clock.sleep(delay * (0.5 + self._dice.random() / 2))
        if self._leaving and self._task is not None:
            await first_of(sleep, asyncio.shield(self._task))
        elif self._leaving:
            await sleep
        else:
            await first_of(sleep, self._news.wait())

    # -- the exchange ---------------------------------------------------------------------------------------------

    async def _exchange(self, *, wait: float | None = None) -> bool:
        """One call; whether its answer changed anything."""
        call = self._call(self.pace.wait if wait is None else wait)
        body = call.sign(self.signer).to_bytes()
        data = await self.link.exchange(body, timeout=call.wait + self.pace.slack)
        envelope = Envelope.read(data)
        self._follow_keys(envelope)
        answer = StationAnswer.open(envelope, self.site_keys, now=self.clock.now())
        said = (answer.station, answer.site, answer.run, answer.sequence)
        if said != (call.station, call.site, call.run, call.sequence):
            raise Invalid("an answer of the site", "answers another call", "it is asked again by itself")
        self._heard = self.clock.monotonic()
        return self._obey(answer)

    def _follow_keys(self, answer: Envelope) -> None:
        """Believe the site's next key where the one that is believed gave its word for it.

        The words come in an answer that is not believed yet: each is signed by the key before it, and proves itself.
        """
        if {signature.key_id for signature in answer.signatures} & self.site_keys.keys():
            return
        for word in StationAnswer.peek(answer).successions or ():
            with contextlib.suppress(Untrusted):
                said = KeySuccession.open(word, self.site_keys, now=self.clock.now())
                if said.site == self.site:
                    self.site_keys = {said.key.key_id: said.key}
                    self.keep_key(said.key)
                    log.warning("the site %s has another key now: %s", self.site, said.key.fingerprint)

    def _call(self, wait: float) -> StationCall:
        self._sequence += 1
        holding = tuple(
            Holding(key=i.key, state=i.state, heeds=self._halted.get(i.key))
            for i in self.log.open()
            if i.state != "ended"
        )
        resting = self._resting
        # An answer to this call is contact, so silence does not keep the station from asking for work.
        room = 0 if holding or resting not in ("", "silence") else 1
        now = self.clock.now()
        return StationCall(
            station=self.name, site=self.site, run=self._run, sequence=self._sequence, issued=now,
            not_after=now + LIFE, wait=wait, room=room, holding=holding, results=self._results(),
            progress=tuple(self._progress.values()), heeds=self._stop, resting=resting, trouble=self.trouble[:2000],
            memory=self.log.memory(),
            **({} if self._channel is None else self._channel.say()),
        )  # fmt: skip

    def _results(self) -> tuple[Ended, ...]:
        told, size = list(self._refusals.values()), 0
        for intent in self.log.to_tell():
            if intent.outcome is not None:
                size += len(intent.outcome.to_bytes())
                if told and size > _TELL_AT_MOST:
                    break
                told.append(Ended(key=intent.key, outcome=intent.outcome))
        return tuple(told)

    def _obey(self, answer: StationAnswer) -> bool:
        """Take up what the site says: first what must not start, then what may."""
        self.log.acknowledge(answer.acknowledged)
        for key in answer.acknowledged:
            self._refusals.pop(key, None)
        for key in answer.cancel:
            self.log.bury(key)
        self._heed(answer.stop)
        for halt in answer.halt or ():
            self._halt(halt.key, halt.word)
        if self._channel is not None:
            self._channel.hear(answer.wants, answer.chunks)
        for offer in answer.work:
            self._receive(offer)
        offered = tuple(offer.key for offer in answer.work)
        changed = bool(
            answer.acknowledged
            or answer.cancel
            or answer.halt
            or answer.wants
            or answer.chunks
            or offered != self._offered
        )
        self._offered = offered
        return changed

    def _receive(self, offer: WorkOffer) -> None:
        if self.log.find(offer.key) is None and (self._resting or self.log.open()):
            return
        try:
            self.log.receive(offer)
        except Conflict as error:
            self._refusals[offer.key] = Ended(key=offer.key, outcome=never_began("not_started", str(error)))

    def _heed(self, word: StopWord) -> None:
        if word in ("safe_stop", "abort") and self._stop != word:
            self.executor.stop(word)
        self._stop = word

    def _halt(self, key: str, word: Stopping) -> None:
        """Stop one task; a word about one that does not run any more is late, and its end has told."""
        known = self.log.find(key)
        if known is not None and known.state == "started" and self._halted.get(key) not in (word, "abort"):
            self._halted[key] = word
            self.executor.stop(word)

    async def _say_goodbye(self) -> None:
        with contextlib.suppress(YosegiError):
            for _ in range(3):
                if not await self._exchange(wait=0.0):
                    return

    # -- the work -------------------------------------------------------------------------------------------------

    @property
    def _resting(self) -> str:
        """Why nothing new is started; empty if it is."""
        if self._leaving:
            return "leaving"
        if self._unwritten is not None:
            return "log"
        if self._heard is None or self.clock.monotonic() - self._heard > self.pace.silence:
            return "silence"
        return self._stop

    def _begin_next(self) -> None:
        """Start the oldest task that the latest answer named; `started` is on the disk before anything moves."""
        self._write_again()
        if self._task is not None or self._resting or not self._offered:
            return
        for intent in self.log.open():
            if intent.state == "received" and intent.key in self._offered and intent.offer is not None:
                if self._lacks_inputs(intent.offer):
                    continue
                self.log.start(intent.key)
                self._task = asyncio.create_task(self._do(intent.offer))
                return

    def _lacks_inputs(self, offer: WorkOffer) -> bool:
        """Whether a task waits for objects; they are brought, and then it is looked at again."""
        if self._channel is None or not self._channel.missing((offer.objects or {}).values()):
            return False
        if offer.key not in self._fetching:
            self._fetching[offer.key] = asyncio.create_task(self._fetch(self._channel, offer))
        return True

    async def _fetch(self, channel: ObjectChannel, offer: WorkOffer) -> None:
        try:
            await channel.bring((offer.objects or {}).values(), offer.key)
        except TransferRefused as gave:
            self._end(Ended(key=offer.key, outcome=never_began("not_started", gave.why.en or gave.why.code)))
        finally:
            self._fetching.pop(offer.key, None)
            self._news.set()

    async def _do(self, offer: WorkOffer) -> None:
        try:
            try:
                outcome = await self.executor.do(offer, lambda fraction, text: self._report(offer.key, fraction, text))
            except Exception as error:  # noqa: BLE001 - the boundary to the instrument: its fault must not end the station
                outcome = ended_badly(offer.effect, "crashed", f"{type(error).__name__}: {error}")
            self._end(Ended(key=offer.key, outcome=outcome))
        finally:
            self._progress.pop(offer.key, None)
            self._halted.pop(offer.key, None)
            self._task = None
            self._news.set()

    def _end(self, ended: Ended) -> None:
        try:
            self.log.end(ended.key, ended.outcome)
            self._unwritten = None
        except LogFailed as error:
            # Kept, and written as soon as it can be; should the process end before, the effect is unknown.
            self._unwritten, self.trouble = ended, str(error)

    def _write_again(self) -> None:
        if self._unwritten is not None:
            self._end(self._unwritten)

    def _report(self, key: str, fraction: float, text: str) -> None:
        before = self._progress.get(key)
        self._progress[key] = Reached(key=key, fraction=fraction, text=text)
        now = self.clock.monotonic()
        if before is None or now - self._reported >= self.pace.progress:
            self._reported = now
            self._news.set()

    # -- for people -----------------------------------------------------------------------------------------------

    def statistics(self) -> dict[str, Any]:
        """What it does, and why it does nothing."""
        return {
            "connected": self._heard is not None and not self._failures,
            "running": next(iter([i.key for i in self.log.open() if i.state == "started"]), ""),
            "resting": self._resting,
            "untold": len(self.log.to_tell()),
            "trouble": self.trouble,
        }

    def __repr__(self) -> str:
        return f"<station {self.name} of {self.site}: {self._resting or ('busy' if self._task else 'idle')}>"

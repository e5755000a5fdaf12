"""What a station last told of its own memory: one whose intent log is another, or an older copy, may have forgotten.

A log has an identity for life and a position that grows with each thing written to it. A station whose log was lost
begins another; one whose disk was restored says a position that its site has already heard more than.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

from yosegi.core.errors import Conflict, Invalid
from yosegi.execution.engines.station.documents import Memory
from yosegi.ledger import Draft, Entry, Ledger, Write

TOLD = "station.told"
FORGOT = "station.forgot"
SETTLED = "station.settled"
WHY = {"other": "its intent log is another one", "earlier": "its intent log is an older copy"}


@dataclass
class StationMemory:
    """One station's memory as this site knows it; on record, so that a restart of the site forgets nothing of it.

    While `unsettled` says why, nothing that cannot be repeated is handed to the station.
    """

    station: str
    ledger: Ledger
    unsettled: str = ""
    _log: str = ""
    _run: int = 0
    _position: int = 0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        for entry in self.ledger.read(self.stream):
            self._follow(entry)

    @property
    def stream(self) -> str:
        """Where it is on record."""
        return f"station/{self.station}"

    def _follow(self, entry: Entry) -> None:
        if entry.type == SETTLED:
            self.unsettled = ""
            return
        facts = entry.facts
        self._log, self._run, self._position = facts["log"], facts["run"], facts["position"]
        if entry.type == FORGOT:
            self.unsettled = WHY[facts["why"]]

    async def hear(self, run: int, memory: Memory | None, *, moving: bool) -> bool:
        """What a station tells of its log with each call; whether it has just been found to have forgotten.

        Args:
            run: of the station, growing with each start.
            memory: what it tells; None from a station of before there was such a thing.
            moving: whether it has begun something that cannot be repeated, so that where its log stands now is kept.

        Raises:
            YosegiError: it could not be recorded, and nothing may be built on the call.
        """
        async with self._lock:
            why = self._compared(run, memory)
            log, position = (memory.log, memory.position) if memory is not None else ("", 0)
            if why or (run, log) != (self._run, self._log) or (moving and position != self._position):
                facts = {"log": log, "run": run, "position": position}
                draft = Draft(FORGOT, facts | {"why": why, "held": self._position}) if why else Draft(TOLD, facts)
                await self._record(draft, self.station)
            self._position = position
            return bool(why)

    def _compared(self, run: int, memory: Memory | None) -> str:
        if not self._log:
            return ""
        if memory is None or memory.log != self._log:
            return "other"
        if run == self._run:
            return "earlier" if memory.position < self._position else ""
        if memory.starts is not None:
            # What was heard must be among the log's own runs, and the run after it must have found all of it there:
            # a log that was put back has neither, however much it has written and however often it has begun since.
            after = {one.run: later.position for one, later in pairwise(memory.starts)}
            return "" if after.get(self._run, -1) >= self._position else "earlier"
        # A new run follows on the last one that was heard, or on a later one that never got through.
        return "earlier" if memory.follows < self._run or memory.opened_at < self._position else ""

    async def settle(self, by: str, note: str) -> None:
        """A person has looked at the instrument; what cannot be repeated may start there again.

        Raises:
            Conflict: there is nothing to settle.
            Invalid: the note says nothing.
        """
        if not self.unsettled:
            raise Conflict(f"station {self.station}", "has forgotten nothing", "there is nothing to settle")
        if not note.strip():
            raise Invalid("the note", "it is empty", "say what was found at the instrument")
        await self._record(Draft(SETTLED, {}, {"note": note}), by)

    async def _record(self, draft: Draft, by: str) -> None:
        for entry in await self.ledger.append(Write(self.stream, None, (draft,), charter="", actor=by)):
            self._follow(entry)

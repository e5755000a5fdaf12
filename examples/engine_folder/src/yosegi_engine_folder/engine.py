"""The engine. Whether somebody has begun a task that stands in proposals.csv is known to nobody here: it may have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from yosegi.core.contract import Contract
from yosegi.core.engine import Engine, Outcome, Progress, Stopping, Work
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.outcomes import ended_badly, never_began
from yosegi_engine_folder.nimo import NimoTable
from yosegi_engine_folder.settings import FolderSettings
from yosegi_engine_folder.tables import ResultsTable


class FolderEngine(Engine):
    """Hands tasks out as rows of a file and takes their outcomes from another."""

    remembers = True
    Settings = FolderSettings

    @classmethod
    def open(cls, settings: FolderSettings, services: EngineServices) -> Self:
        """See `EngineKind.open`."""
        return cls(services.name, Path(settings.folder), services.contracts, services.clock.sleep, settings)

    def __init__(
        self,
        name: str,
        folder: Path,
        contracts: Mapping[str, Contract],
        sleep: Callable[[float], Any],
        settings: FolderSettings,
    ) -> None:
        self.name = name
        self._folder, self._contracts, self._sleep, self._settings = folder, contracts, sleep, settings
        self._table: ResultsTable | NimoTable = ResultsTable(folder)
        if settings.convention == "nimo":
            if len(contracts) != 1:
                raise Invalid(f"engine {name}", f"publishes {len(contracts)} capabilities", "NIMO's table is of one")
            self._table = NimoTable(folder, next(iter(contracts.values())))
        self._running: dict[str, Work] = {}
        self._handed_out: set[str] = set()
        self._ended: dict[str, Outcome] = {}
        self._stopped = self._closed = False

    async def start(self) -> None:
        """Make the folder; what is asked is handed out again by whoever asks.

        Raises:
            Unavailable: the folder cannot be made or written.
            Invalid: with NIMO's convention, its table is not there or not of this capability.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._table.start()
        except OSError as error:
            raise Unavailable(f"engine {self.name}", f"its folder cannot be used ({error})") from None

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.run`: the row stands in proposals.csv until its result is read, or its time is over."""
        return await self._answered(work, handed_out=False)

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.attach`."""
        return await self._answered(work, handed_out=True)

    async def _answered(self, work: Work, *, handed_out: bool) -> Outcome:
        if work.capability not in self._contracts:
            return never_began("not_started", f"{work.capability} is not at {self.name}")
        if work.key in self._running:
            return never_began("not_started", f"{work.key} is waited for already")
        try:
            self._contracts[work.capability].check_inputs(work.inputs)
        except Invalid as error:
            return never_began("bad_inputs", str(error))
        if why := self._table.take(work, again=handed_out):
            return never_began("bad_inputs", why)
        self._running[work.key] = work
        if handed_out:
            self._handed_out.add(work.key)
        try:
            return await self._watch(work)
        finally:
            del self._running[work.key]
            self._table.drop(work.key)
            self._handed_out.discard(work.key)
            self._ended.pop(work.key, None)
            self._show()

    async def _watch(self, work: Work) -> Outcome:
        waited = 0.0
        while True:
            if row := self._table.result(work.key):
                return self._outcome(work, row)
            if (ended := self._ended.get(work.key)) is not None:
                return ended
            if waited >= work.time_limit:
                return ended_badly(work.effect, "time_limit", f"no result after {work.time_limit:g} seconds")
            if not self._stopped and work.key not in self._handed_out:
                self._handed_out.add(work.key)
                self._show()
            await self._sleep(self._settings.look_seconds)
            waited += self._settings.look_seconds if work.key in self._handed_out else 0.0

    def _outcome(self, work: Work, row: dict[str, Any]) -> Outcome:
        if "infeasible" in row:
            return Outcome.failed(Effect.DONE, "infeasible", str(row["infeasible"]), invalid=True)
        if "failure" in row:
            return ended_badly(work.effect, "failed", str(row["failure"]))
        contract = self._contracts[work.capability]
        outputs = {name: row[name] for name in contract.outputs["properties"] if name in row}
        try:
            contract.check_outputs(outputs)
        except Invalid as error:
            effect = Effect.NONE if work.effect.repeatable else Effect.DONE
            return Outcome.failed(effect, "bad_output", str(error), invalid=True)
        return Outcome(effect=Effect.DONE, result=Result.VALID, outputs=outputs)

    def _show(self) -> None:
        shown = () if self._stopped else [w for w in self._running.values() if w.key in self._handed_out]
        self._table.show(shown)

    async def query(self, work: Work) -> Outcome:
        """See `Engine.query`: what the files say of the task asked about, which settles nothing where they do not."""
        row = self._table.result(work.query_of)
        return self._outcome(work, row) if row else Outcome.failed(Effect.NONE, "failed", "there is no result yet")

    async def cancel(self, key: str) -> bool:
        """See `Engine.cancel`: proved only while it stands in no file."""
        if key not in self._running or key in self._handed_out:
            return False
        self._ended[key] = never_began("cancelled", "taken back before it was handed out")
        await asyncio.sleep(0)
        return True

    async def halt(self, key: str, word: Stopping) -> None:
        """See `Engine.halt`: who works at the bench finishes; an abort waits for them no more."""
        if await self.cancel(key) or key not in self._running or word == "safe_stop":
            return
        why = "nobody waits for it any more; what was done is to be looked at"
        self._ended[key] = ended_badly(self._running[key].effect, "stopped", why)

    async def safe_stop(self) -> None:
        """Show nothing to be done; what is under way goes on."""
        self._stopped = True
        self._show()

    async def abort(self) -> None:
        """Show nothing to be done, and wait for nothing that is under way."""
        await self.safe_stop()
        for key in list(self._handed_out):
            await self.halt(key, "abort")

    async def resume(self) -> None:
        """Show again what is to be done."""
        self._stopped = False
        self._show()

    async def close(self) -> None:
        """Nothing runs here; rows stay in results.csv for the next start."""
        for key in self._running:
            await self.cancel(key)

    def statistics(self) -> dict[str, Any]:
        """See `Engine.statistics`."""
        running = len(self._handed_out & set(self._running))
        return {"running": running, "waiting": len(self._running) - running, "stopped": self._stopped}

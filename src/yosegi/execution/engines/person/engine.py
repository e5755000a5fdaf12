"""The engine. Whether somebody has begun what they were asked for is known to nobody here: they may have.

What was handed out and what came of it stand in the site's ledger, so both outlive a restart: a task that was handed
out is waited for again and not handed out twice, and a result that was entered counts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import Contract
from yosegi.core.engine import Engine, Outcome, PersonResult, PersonTask, Progress, Stopping, Work
from yosegi.core.errors import Conflict, Invalid, NotFound, Unavailable
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.person.confirmation import (
    Confirmations,
    Unconfirmed,
    not_confirmed_draft,
    shown_fields,
    unconfirmed_draft,
)
from yosegi.execution.engines.person.folder import KeptFolder
from yosegi.execution.engines.person.handing_on import HANDED_ON, HandOn, HandOns, handed_on_draft, holder_fields
from yosegi.execution.engines.person.nimo_folder import NimoFolder, folder_of
from yosegi.execution.engines.person.settings import PersonSettings
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.outcomes import ended_badly, never_began
from yosegi.ledger import Draft, Ledger, Write

log = logging.getLogger("yosegi.person")

HANDED_OUT, ENTERED, WITHDRAWN = "person.handed_out", "person.entered", "person.withdrawn"


class PersonEngine(Engine):
    """Hands tasks to people and takes what they enter."""

    remembers = True
    Settings = PersonSettings

    @classmethod
    def open(cls, settings: PersonSettings, services: EngineServices) -> Self:
        """See `EngineKind.open`."""
        folder = folder_of(settings, services.contracts)
        return cls(
            services.name,
            services.site,
            services.contracts,
            services.ledger,
            services.clock,
            folder,
            settings.look_seconds,
        )

    def __init__(
        self,
        name: str,
        site: str,
        contracts: Mapping[str, Contract],
        ledger: Ledger,
        clock: Clock,
        folder: KeptFolder | None = None,
        look_seconds: float = 2.0,
    ) -> None:
        self.name, self._site = name, site
        self._contracts, self._ledger, self._clock = contracts, ledger, clock
        self._folder, self._look_seconds = folder, look_seconds
        self._waiting: dict[str, PersonTask] = {}
        self._held: dict[str, Work] = {}
        self._ended: dict[str, asyncio.Future[Outcome]] = {}
        self._entered: dict[str, Outcome] = {}
        self._withdrawn: dict[str, str] = {}
        self._since: dict[str, str] = {}
        self._confirmations = Confirmations(site)
        self._hand_ons = HandOns()
        self._works: dict[str, Work] = {}
        self._looked, self._trouble = float("-inf"), ""
        self._stopped = self._is_looking = False

    @property
    def stream(self) -> str:
        """Where the ledger has what was handed out and entered."""
        return f"person/{self.name}"

    async def start(self) -> None:
        """Read back what was handed out and entered, and make the folder, if there is one.

        Raises:
            Unavailable: the folder cannot be made or written, or another engine gives work out there.
        """
        for entry in self._ledger.read(self.stream):
            key = str(entry.facts["key"])
            if entry.type == HANDED_OUT:
                self._since.setdefault(key, entry.time)
                self._remember(key, entry.body or {})
            elif entry.type == ENTERED and entry.body is not None:
                self._entered[key] = Outcome.read(entry.body["outcome"])
                self._confirmations.dropped(key)
                self._hand_ons.dropped(key)
            elif entry.type == HANDED_ON:
                self._hand_ons.follow(entry)
            elif entry.type == WITHDRAWN:
                self._withdrawn[key] = str((entry.body or {}).get("why", ""))
            else:
                self._confirmations.follow(entry)
        if self._folder is not None:
            try:
                self._folder.open()
            except OSError as error:
                raise Unavailable(f"engine {self.name}", f"its folder cannot be used ({error})") from None

    # -- for the dispatcher -----------------------------------------------------------------------------------------

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.run`: it waits until somebody has entered what came of it, or its time is over."""
        if work.capability not in self._contracts:
            return never_began("not_started", f"{work.capability} is not at {self.name}")
        if work.key in self._ended:
            return never_began("not_started", f"{work.key} is waited for already")
        if (known := self._entered.get(work.key)) is not None:
            return known
        if work.key in self._withdrawn:
            return self._taken_back(work)
        try:
            self._contracts[work.capability].check_inputs(work.inputs)
        except Invalid as error:
            return never_began("bad_inputs", str(error))
        self._works[work.key] = work
        self._ended[work.key] = asyncio.get_running_loop().create_future()
        try:
            return await self._answered(work)
        finally:
            for known_by_key in (self._ended, self._waiting, self._held, self._works):
                known_by_key.pop(work.key, None)
            self._show()

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.attach`: what is handed out stays so."""
        return await self.run(work, progress)

    async def _answered(self, work: Work) -> Outcome:
        if (self._stopped or self._in_rounds) and work.key not in self._since:
            self._held[work.key] = work
        else:
            await self._hand_out(work)
        ends = self._clock.monotonic() + work.time_limit
        while (left := ends - self._clock.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left if self._folder is None else min(left, self._look_seconds)):
                    return await asyncio.shield(self._ended[work.key])
            await self._look()
        if work.key in self._held:
            return never_began("not_started", "its time was over before it was handed out")
        return ended_badly(work.effect, "time_limit", f"nobody entered a result in {work.time_limit:g} seconds")

    async def _hand_out(self, work: Work, row: int | None = None) -> None:
        """Hand a task out, in a table of candidates as one of its rows."""
        if work.key not in self._since:
            facts = {"key": work.key, "capability": work.capability}
            body = {"inputs": work.inputs} | ({} if row is None else {"row": row})
            (entry,) = await self._append(Draft(HANDED_OUT, facts, body), self._site)
            self._since[work.key] = entry.time
            self._remember(work.key, body)
        if work.key not in self._works:
            return  # its time was over meanwhile
        contract = self._contracts[work.capability]
        self._waiting[work.key] = PersonTask(
            work.key, work.capability, dict(work.inputs), dict(contract.outputs.get("properties", {})),
            self._since[work.key], contract.confirmed_by is not None,
        )  # fmt: skip
        self._mark(work.key)

    def _mark(self, key: str) -> None:
        """Say with a task what was entered and waits for a second person, and to whom it was handed on."""
        if key not in self._waiting:
            return  # it ended while that was recorded
        known = self._confirmations
        fields = shown_fields(known.waiting.get(key), known.refused.get(key, ""))
        held = holder_fields(self._hand_ons.latest.get(key))
        self._waiting[key] = replace(self._waiting[key], **fields, **held)
        self._show()

    async def query(self, work: Work) -> Outcome:
        """See `Engine.query`: what was entered of the task, which settles nothing where nobody has."""
        return self._entered.get(work.query_of) or Outcome.failed(Effect.NONE, "failed", "nobody has entered it yet")

    async def cancel(self, key: str) -> bool:
        """See `Engine.cancel`: proved only while it was shown to nobody."""
        if key not in self._held:
            return False
        self._end(key, never_began("cancelled", "taken back before it was handed out"))
        await asyncio.sleep(0)
        return True

    async def halt(self, key: str, word: Stopping) -> None:
        """See `Engine.halt`: whoever has begun finishes; an abort waits for them no more."""
        if await self.cancel(key) or key not in self._waiting or word == "safe_stop":
            return
        why = "nobody waits for it any more; what was done is to be looked at"
        self._end(key, ended_badly(self._works[key].effect, "stopped", why))

    async def withdraw(self, key: str, why: str) -> None:
        """See `AsksPeople.withdraw`."""
        if await self.cancel(key) or key not in self._waiting or key in self._entered:
            return
        # Before it is on record: whoever enters something meanwhile is told, and two do not count.
        self._withdrawn[key] = why
        try:
            await self._append(Draft(WITHDRAWN, {"key": key}, {"why": why}), self._site)
        except BaseException:
            del self._withdrawn[key]
            raise
        if (work := self._works.get(key)) is not None:
            self._end(key, self._taken_back(work))
        self._show()
        self._say_removed(key, f"taken back by whoever asked: {why}")

    def _taken_back(self, work: Work) -> Outcome:
        """How a task ends that was withdrawn after somebody had been asked."""
        why = f"whoever asked took it back: {self._withdrawn[work.key] or 'no reason given'}"
        if work.effect.repeatable:
            return never_began("cancelled", why)
        return ended_badly(work.effect, "stopped", f"{why}; somebody may have begun, so look before it is settled")

    async def hold(self) -> None:
        """Hand out nothing more; what was handed out is waited for."""
        self._stopped = True

    async def safe_stop(self) -> None:
        """As `hold`: whoever has begun finishes."""
        await self.hold()

    async def abort(self) -> None:
        """Hand out nothing more, and wait for nothing."""
        await self.safe_stop()
        for key in list(self._waiting):
            await self.halt(key, "abort")

    async def resume(self) -> None:
        """Hand out what was held back."""
        self._stopped = False
        for work in [] if self._in_rounds else list(self._held.values()):
            del self._held[work.key]
            await self._hand_out(work)

    async def close(self) -> None:
        """Nothing runs here; what is on record is there at the next start."""
        for key in list(self._held):
            await self.cancel(key)
        if self._folder is not None:
            self._folder.close()

    def statistics(self) -> dict[str, Any]:
        """See `Engine.statistics`."""
        return {"running": len(self._waiting), "waiting": len(self._held), "stopped": self._stopped}

    # -- for people ---------------------------------------------------------------------------------------------------

    def tasks_of_people(self) -> tuple[PersonTask, ...]:
        """What waits for somebody, the oldest first."""
        return tuple(sorted(self._waiting.values(), key=lambda task: (task.since, task.key)))

    async def enter(self, key: str, result: PersonResult, by: str) -> Outcome:
        """Take what somebody enters, once; where a second person confirms it, the same entered by another does.

        Raises:
            NotFound: nobody was ever asked for that.
            Conflict: it was entered already, or it is waited for no more, or it was handed on to somebody else.
            Invalid: it says nothing, or is not what the contract says; it may be entered again.
        """
        task = self._task(key)
        outcome = self._outcome(task, result)
        if task.needs_second:
            if self._confirmations.says_nothing_new(key, outcome, by):
                return outcome
            if self._confirmations.is_second(key, outcome, by):
                return await self.confirm(key, by)
        self._hand_ons.check_enters(key, by)
        if not task.needs_second:
            return await self._count(key, outcome, by)
        await self._append(unconfirmed_draft(key, outcome, by), by)
        self._confirmations.took(key, Unconfirmed(outcome, by))
        self._mark(key)
        return outcome

    async def confirm(self, key: str, by: str) -> Outcome:
        """Take what somebody else of this site entered.

        Raises:
            NotFound, Conflict: as `enter`.
            Conflict: nothing waits to be confirmed, or who confirms it entered it, or is of another site.
        """
        self._task(key)
        known = self._confirmations.check_second(key, by)
        return await self._count(key, known.outcome, by, first=known.by)

    async def not_confirm(self, key: str, why: str, by: str) -> None:
        """Say that what somebody else entered is not right; it is entered anew.

        Raises:
            NotFound, Conflict: as `confirm`.
            Invalid: no reason is given.
        """
        self._task(key)
        self._confirmations.check_second(key, by)
        if not why.strip():
            raise Invalid("the reason", "it is empty", "say what is not right, for whoever enters it anew")
        await self._append(not_confirmed_draft(key, why, by), by)
        self._confirmations.dropped(key, why)
        self._mark(key)

    async def hand_on(self, key: str, to: str, note: str, by: str, *, runs_site: bool) -> None:
        """See `AsksPeople.hand_on`."""
        self._task(key)
        self._hand_ons.check(key, to, note, by, runs_site)
        before, handed = self._hand_ons.latest.get(key), HandOn(to, by, timestamp(self._clock.now()), note)
        # Before it is on record: whoever held it enters nothing meanwhile.
        self._hand_ons.latest[key] = handed
        try:
            (entry,) = await self._append(handed_on_draft(key, to, note, by), by)
        except BaseException:
            self._hand_ons.put_back(key, handed, before)
            raise
        if self._hand_ons.latest.get(key) is handed:
            self._hand_ons.follow(entry)
        self._mark(key)
        self._say_removed(key, f"handed on to {to} by {by}, and {to} enters it after signing in: {note}")

    def may_hand_on(self, key: str, by: str, *, runs_site: bool) -> bool:
        """See `AsksPeople.may_hand_on`."""
        return key in self._waiting and self._hand_ons.may_hand_on(key, by, runs_site)

    def _task(self, key: str) -> PersonTask:
        """A task that still waits.

        Raises:
            NotFound: nobody was ever asked for that.
            Conflict: it was entered already, or it is waited for no more.
        """
        if key in self._entered:
            raise Conflict(f"task {key}", "was entered already", "what was entered first counts")
        if (why := self._withdrawn.get(key)) is not None:
            said = f"was taken back by whoever asked{f' ({why})' if why else ''} and is waited for no more"
            raise Conflict(f"task {key}", said, "if you did the work, tell them what came of it: they may import it")
        if (task := self._waiting.get(key)) is None:
            if key in self._since:
                raise Conflict(f"task {key}", "is waited for no more", "tell whoever asked, who may import it")
            raise NotFound("task that waits for a person", key, tuple(self._waiting))
        return task

    async def _count(self, key: str, outcome: Outcome, by: str, first: str = "") -> Outcome:
        """Record the answer that counts; with who entered it first, if `by` confirms it."""
        self._entered[key] = outcome
        facts = {"key": key, "by": by, "effect": str(outcome.effect), "result": str(outcome.result)}
        facts |= {"first": first} if first else {}
        try:
            await self._append(Draft(ENTERED, facts, {"outcome": outcome.model_dump(mode="json")}), by)
        except BaseException:
            del self._entered[key]
            raise
        self._confirmations.dropped(key)
        self._hand_ons.dropped(key)
        self._end(key, outcome)
        return outcome

    def _outcome(self, task: PersonTask, result: PersonResult) -> Outcome:
        contract = self._contracts[task.capability]
        if result.infeasible:
            return Outcome.failed(Effect.DONE, OutcomeCode.INFEASIBLE, result.infeasible, invalid=True)
        if result.failed:
            return ended_badly(contract.effect, "failed", result.failed)
        contract.check_outputs(dict(result.outputs))
        return Outcome(effect=Effect.DONE, result=Result.VALID, outputs=dict(result.outputs))

    def _end(self, key: str, outcome: Outcome) -> None:
        future = self._ended.get(key)
        if future is not None and not future.done():
            future.set_result(outcome)
        self._waiting.pop(key, None)

    async def _append(self, draft: Draft, actor: str) -> Any:
        return await self._ledger.append(Write(self.stream, None, (draft,), charter="", actor=actor))

    # -- the folder ---------------------------------------------------------------------------------------------------

    @property
    def _in_rounds(self) -> bool:
        return self._folder is not None and self._folder.in_rounds

    def _remember(self, key: str, handed_out: Mapping[str, Any]) -> None:
        if isinstance(self._folder, NimoFolder) and "row" in handed_out:
            self._folder.remember(key, handed_out["inputs"], int(handed_out["row"]))

    def _for_the_folder(self) -> list[PersonTask]:
        """What waits for anybody; what was handed on is entered by one person, who signs in."""
        return [task for task in self.tasks_of_people() if not task.handed_to]

    def _show(self) -> None:
        if self._folder is None or self._in_rounds:
            return
        try:
            self._folder.write(self._for_the_folder())
        except OSError as error:
            log.warning("engine %s: proposals.csv cannot be written: %s", self.name, error)

    def _say_removed(self, key: str, why: str) -> None:
        if self._folder is None:
            return
        try:
            self._folder.removed(key, why)
        except OSError as error:
            log.warning("engine %s: rejected.csv cannot be written: %s", self.name, error)

    async def _look(self) -> None:
        """Look into the folder, if it is time; whoever waits for a result does, so nothing runs beside them."""
        now = self._clock.monotonic()
        if self._folder is None or self._is_looking or now - self._looked < self._look_seconds / 2:
            return
        self._looked, self._is_looking = now, True
        try:
            await self._take_up()
            if isinstance(self._folder, NimoFolder):
                await self._begin_round(self._folder)
            self._trouble = ""
        except Exception as error:  # noqa: BLE001 whatever somebody put there, nobody's task ends by it
            before, self._trouble = self._trouble, f"{type(error).__name__}: {error}"
            if before != self._trouble:
                log.warning("engine %s: its folder cannot be taken up: %s", self.name, self._trouble)
        finally:
            self._is_looking = False

    async def _begin_round(self, folder: NimoFolder) -> None:
        """Hand out what is held, if what was handed out before is done."""
        if not self._stopped:
            held = {key: work.inputs for key, work in self._held.items() if not self._ended[key].done()}
            chosen = folder.next_round(held, self._for_the_folder())
            for key, why in chosen.refused.items():
                self._end(key, never_began("bad_inputs", why))
            for key, row in chosen.rows.items():
                await self._give_out(key, row)
        folder.write(self._for_the_folder())

    async def _give_out(self, key: str, row: int) -> None:
        """Hand a held task out as a row; it is held on, if the ledger cannot be written."""
        if (future := self._ended.get(key)) is None or future.done():
            return  # it was taken back meanwhile
        work = self._held.pop(key)
        try:
            await self._hand_out(work, row)
        except BaseException:
            if key in self._works:
                self._held[key] = work
            raise

    async def _take_up(self) -> None:
        """Enter the new rows of the folder; one that is wrong, late or there twice is said beside it, once."""
        folder = self._folder
        if folder is None:
            return
        if folder.was_emptied:
            self._show()
        outputs = {task.key: frozenset(task.outputs) for task in self.tasks_of_people()}
        for row in folder.new_rows(outputs):
            if (known := self._entered.get(row.key)) is not None:
                if self._in_rounds and dict(row.result.outputs) != (known.outputs or {}):
                    said = known.outputs or known.message
                    folder.reject(row, f"{said} was entered before this, and what came first counts")
                continue  # the file keeps what was taken from it
            try:
                await self.enter(row.key, row.result, self._confirmations.folder)
            except (Invalid, Conflict, NotFound) as error:
                folder.reject(row, str(error))

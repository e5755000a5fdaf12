"""Runs the control samples of instruments at their intervals, and opens the breaker where one drifts.

A control is no task of anybody: it is recorded in the stream `control/INSTRUMENT`, before it is started and when it has
ended. While one is due what uses the instrument waits. One that is in control closes nothing: that is for people.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from yosegi.core.clock import Clock, parse_timestamp
from yosegi.core.engine import Outcome, Work
from yosegi.core.states import Result
from yosegi.core.supervision import TaskScope
from yosegi.execution.breaker import Breakers
from yosegi.execution.instruments.control import out_of_control
from yosegi.execution.instruments.instrument import Instrument
from yosegi.execution.instruments.settings import ControlSettings
from yosegi.execution.ports import Published
from yosegi.ledger import Draft, Entry, Ledger, Write

STARTED = "control.started"
MEASURED = "control.measured"
MOST_LOOKED_AT = 8
log = logging.getLogger("yosegi.instruments")


def control_stream(instrument: str) -> str:
    """The stream of an instrument's controls."""
    return f"control/{instrument}"


@dataclass(frozen=True, slots=True)
class ControlHistory:
    """What is on record of an instrument's controls.

    Args:
        number: of the latest that was started.
        open: whether that one has not ended, as far as is known.
        values: of those in control since the last that was not, the latest last.
        measured: when the latest ended, and `sequence` of its entry.
        verdict: of the latest: empty if it was in control.
        position: of the last entry.
    """

    number: int = 0
    open: bool = False
    values: tuple[float, ...] = ()
    measured: datetime | None = None
    sequence: int = -1
    verdict: str = ""
    position: int = 0

    def follow(self, entry: Entry) -> ControlHistory:
        """What is on record with one more entry."""
        here = replace(self, position=entry.position)
        if entry.type == STARTED:
            return replace(here, number=entry.facts["number"], open=True)
        verdict = str(entry.facts["verdict"])
        values = () if verdict else (*self.values, float(entry.facts["value"]))[-MOST_LOOKED_AT:]
        return replace(
            here, open=False, values=values, measured=parse_timestamp(entry.time), sequence=entry.sequence,
            verdict=verdict,
        )  # fmt: skip


@dataclass
class ControlRunner:
    """The controls of one owner's instruments."""

    site: str
    ledger: Ledger
    clock: Clock
    breakers: Breakers
    scope: TaskScope
    _known: dict[str, ControlHistory] = field(default_factory=dict)

    def history(self, instrument: Instrument) -> ControlHistory:
        """What is on record of an instrument's controls; asked for at each look at what waits, so only news is read."""
        found = self._known.get(instrument.name, ControlHistory())
        for entry in self.ledger.read(control_stream(instrument.name), found.position):
            found = found.follow(entry)
        self._known[instrument.name] = found
        return found

    def is_due(self, instrument: Instrument) -> bool:
        """Whether the control comes before anything else on an instrument; not while its breaker waits for a person."""
        control = instrument.settings.control
        if control is None or self.breakers.why_open(control.capability):
            return False
        history = self.history(instrument)
        if history.open or history.measured is None:
            return True
        hours = control.every_hours
        if hours is not None and (self.clock.now() - history.measured).total_seconds() >= hours * 3600:
            return True
        return control.every_tasks is not None and self._tasks_since(instrument, history) >= control.every_tasks

    def _tasks_since(self, instrument: Instrument, history: ControlHistory) -> int:
        refs = [f"{self.site}/{name}" for name in instrument.settings.capabilities]
        rows = self.ledger.query(
            f"SELECT COUNT(*) AS n FROM task WHERE capability IN ({', '.join('?' * len(refs))})"
            " AND state IN ('ended', 'uncertain') AND effect <> 'none' AND last > ?",
            (*refs, history.sequence),
        )
        return int(rows[0]["n"])

    def is_running(self, instrument: Instrument) -> bool:
        """Whether a control runs now."""
        return self.scope.is_running(control_stream(instrument.name))

    def begin(self, instrument: Instrument, published: Published) -> None:
        """Run a control that is due, in the background."""
        if not self.is_running(instrument):

            async def work() -> bool:
                await self._run(instrument, published)
                return False

            self.scope.repeat(control_stream(instrument.name), work)

    async def _run(self, instrument: Instrument, published: Published) -> None:
        control, history, contract = instrument.settings.control, self.history(instrument), published.contract
        if control is None:
            return
        if history.open and not contract.effect.repeatable and not published.engine.remembers:
            await self._record(instrument, history, None, "it was interrupted, and nobody knows what it did")
            return
        number = history.number if history.open else history.number + 1
        if not history.open:
            draft = Draft(STARTED, {"number": number, "capability": contract.name})
            await self._append(instrument, history.position, draft)
        work = Work(
            key=f"{control_stream(instrument.name)}/{number}", capability=contract.name, inputs=dict(control.inputs),
            time_limit=contract.time_limit, effect=contract.effect, grace=contract.stop_grace,
        )  # fmt: skip
        engine = published.engine
        outcome = await (engine.attach if history.open and engine.remembers else engine.run)(
            work, lambda progress: None
        )
        value = _value(outcome, control)
        if value is None:
            verdict = f"no value: {outcome.reason} {outcome.message}".strip()[:500]
        else:
            verdict = out_of_control((*history.values, value), control.target, control.sigma, control.rule)
        await self._record(instrument, self.history(instrument), value, verdict)

    async def _record(self, instrument: Instrument, history: ControlHistory, value: float | None, verdict: str) -> None:
        """Put a control's end on record; where it drifts, the breakers of all that uses the instrument open with it."""
        facts: dict[str, Any] = {"number": history.number, "verdict": verdict}
        if value is not None:
            facts["value"] = value
        opening: tuple[Write, ...] = ()
        if verdict:
            why = f"the control of {instrument.name}: {verdict}"
            log.error("%s", why)
            opening = self.breakers.open_all(instrument.settings.capabilities, why)
        await self._append(instrument, history.position, Draft(MEASURED, facts), *opening)

    async def _append(self, instrument: Instrument, position: int, draft: Draft, *others: Write) -> None:
        write = Write(control_stream(instrument.name), position, (draft,), charter="", actor=self.site)
        await self.ledger.append(write, *others)


def _value(outcome: Outcome, control: ControlSettings) -> float | None:
    found = (outcome.outputs or {}).get(control.output) if outcome.result is Result.VALID else None
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None

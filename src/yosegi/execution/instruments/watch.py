"""What time brings about on instruments: windows open, what waited may start, and reservations end and are paid."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.core.clock import Clock
from yosegi.execution.dispatch import Dispatcher

LOOK_EVERY = 15.0
"""Seconds. The clock is read each time, and none is slept until a far moment, so that a clock set right counts."""


@dataclass(frozen=True, slots=True)
class InstrumentWatch:
    """Looks again and again at what waits for an instrument."""

    clock: Clock
    dispatcher: Dispatcher

    async def round(self) -> bool:
        """One look; there is always another. By a clock that is off nothing ends."""
        instruments = self.dispatcher.instruments
        if not self.dispatcher.clocks.seconds_off:
            for instrument in instruments.all():
                await instruments.calendar.end_what_is_over(instrument)
                self.dispatcher.begin_control(instrument)
        self.dispatcher.wake_all()
        await self.clock.sleep(LOOK_EVERY)
        return True

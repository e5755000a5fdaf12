"""Reservations of one instrument, by random acts against a model that knows only a calendar and an account.

No two overlap, nothing is charged twice, and what is cancelled costs nothing; whatever order the acts come in, and
whenever the site dies.
"""

from __future__ import annotations

import asyncio
import logging
import math
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import Bundle as Made
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from federation.toys import measure
from yosegi.core.errors import Conflict, Invalid, NotFound, YosegiError
from yosegi.core.states import ReservationState
from yosegi.execution.instruments.reservation import STATES
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.governance.charter.statement import Listens
from yosegi.governance.grants.balances import balance
from yosegi.governance.grants.grant import GrantExceeded
from yosegi.services.instruments.reservations import Booking
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import EPOCH, SimulatedLoop

LIMIT = 3000
"""Thousandths of an hour that the team has."""


@dataclass
class Kept:
    """What the model knows of one booking; minutes since the beginning of simulated time."""

    starts: float
    ends: float
    until: float
    cancelled: bool = False

    def owes(self, now: float) -> float:
        """Thousandths of an hour that are held or spent."""
        if self.cancelled:
            return 0
        return (self.ends if now < self.until and self.until == self.ends else self.until) - self.starts


class OneInstrument(RuleBasedStateMachine):
    """Bookings, cancellations, time, and deaths of the site."""

    kept = Made("kept")

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("yosegi").setLevel(logging.CRITICAL)
        self.folder = tempfile.TemporaryDirectory()
        self.loop = SimulatedLoop()
        beam = {"capabilities": ["toy.measure@1"], "reservations": {"release_after_minutes": 100_000}}
        places = {
            "argonne": Place(
                "argonne", Listens(url=address("argonne")), "US", capabilities=[measure], instruments={"beam": beam},
                grant={"instrument_h": str(LIMIT / 1000)},
            ),
            "riken": Place("riken", Listens(url=address("riken"))),
        }  # fmt: skip
        self.federation = Federation(places, Path(self.folder.name))
        self.model: dict[str, Kept] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @property
    def site(self) -> Any:
        return self.federation.places["argonne"].running

    @property
    def now(self) -> float:
        return self.loop.time() / 60

    @initialize()
    def found(self) -> None:
        self.run(self.federation.start())

    def teardown(self) -> None:
        for name in ("argonne", "riken"):
            self.run(self.federation.crash(name))
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.run(asyncio.sleep(0))
        self.loop.close()
        self.folder.cleanup()

    def attempt(self, work: Coroutine[Any, Any, Any]) -> Any:
        async def whole() -> Any:
            try:
                return await work
            except (Conflict, NotFound, Invalid, GrantExceeded) as error:
                return error

        return self.run(whole())

    @rule(target=kept, ahead=strategies.integers(1, 60), length=strategies.integers(1, 60))
    def book(self, ahead: int, length: int) -> str:
        starts = math.ceil(self.now) + ahead
        span = TimeSpan(EPOCH + timedelta(minutes=starts), EPOCH + timedelta(minutes=starts + length))
        booking = Booking("beam", span, CHARTER, TEAM)
        taken = [one for one in self.model.values() if not one.cancelled]
        is_free = all(starts + length <= one.starts or one.until <= starts for one in taken)
        same = any((one.starts, one.ends) == (starts, starts + length) and one.until == one.ends for one in taken)
        found = self.attempt(self.site.instruments.reservations.book(booking, self.federation.member()))
        if isinstance(found, YosegiError):
            spent = sum(one.owes(self.now) for one in taken)
            assert not same
            assert not is_free or (spent + length) * 1000 / 60 > LIMIT - len(self.model) - 1
            return "nothing"
        assert is_free or same
        self.model.setdefault(found.id, Kept(starts, starts + length, starts + length))
        return str(found.id)

    @rule(key=kept)
    def cancel(self, key: str) -> None:
        known = self.model.get(key)
        found = self.attempt(self.site.instruments.reservations.cancel("beam", key, self.federation.member()))
        stands = known is not None and not known.cancelled and known.until == known.ends and self.now < known.ends
        assert isinstance(found, YosegiError) is not stands
        if known is not None and stands:
            known.cancelled = self.now < known.starts
            known.until = self.now

    @rule(minutes=strategies.integers(1, 40))
    def wait(self, minutes: int) -> None:
        self.loop.leap(minutes * 60.0)
        self.run(asyncio.sleep(31))

    @rule()
    def die(self) -> None:
        async def dies() -> None:
            await self.federation.crash("argonne")
            await self.federation.restart("argonne")
            await asyncio.sleep(16)

        self.run(dies())

    @invariant()
    def no_two_overlap(self) -> None:
        listed = self.site.instruments.reservations.listing("beam", self.federation.member())
        spans = sorted((one.starts, one.until) for one in listed if one.state is not ReservationState.CANCELLED)
        assert all(first[1] <= second[0] for first, second in pairwise(spans))

    @invariant()
    def each_is_held_or_paid_once_and_what_was_cancelled_costs_nothing(self) -> None:
        listed = {one.id: one for one in self.site.instruments.reservations.listing("beam", self.federation.member())}
        assert listed.keys() == self.model.keys()
        held = spent = 0
        for key, known in self.model.items():
            one = listed[key]
            hold, paid = (round(1000 * float(part.get("instrument_h", "0"))) for part in (one.held, one.spent))
            if one.state in (ReservationState.BOOKED, ReservationState.RELEASED):
                held += hold
            if one.state is ReservationState.SETTLED:
                assert abs(paid - known.owes(self.now) * 1000 / 60) <= 1
            else:
                assert paid == 0
            spent += paid
        found = balance(self.site.ledger.query, "grant-argonne", EPOCH + timedelta(seconds=self.loop.time()))
        assert (found.held["instrument_h"], found.spent["instrument_h"]) == (held, spent)


OneInstrument.TestCase.settings = settings(max_examples=4, stateful_step_count=25, deadline=None)
TestOneInstrument = OneInstrument.TestCase


def test_every_entry_leads_to_a_state_and_what_is_cancelled_or_paid_stays_so() -> None:
    assert set(STATES.values()) == set(ReservationState) - {ReservationState.NEW}
    final = {state for state in ReservationState if state.final}
    assert final == {ReservationState.CANCELLED, ReservationState.SETTLED}
    assert not ReservationState.BOOKED.final

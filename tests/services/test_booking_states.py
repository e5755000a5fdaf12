"""Bookings of another site's instrument, by random acts of both sides, with either dying in between.

The model is two ledgers that must agree: once both sites have had a minute, home and owner say the same of every
booking, whatever was asked, cancelled or lost on the way; what is held and spent is what the owner's account says.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import tempfile
from collections.abc import Coroutine
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import Bundle as Made
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from federation.asking import person
from federation.toys import measure
from yosegi.core.errors import Conflict, Invalid, NotFound
from yosegi.core.states import BookingState
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.governance.charter.statement import Listens
from yosegi.governance.grants.balances import balance
from yosegi.services.instruments.reservations import Booking
from yosegi.testing.federation import CHARTER, TEAM, Federation, Place, address
from yosegi.testing.loop import EPOCH, SimulatedLoop

OPERATOR = person("operator@riken", "operator")


class TwoLedgers(RuleBasedStateMachine):
    """argonne asks, riken owns."""

    asked = Made("asked")

    def __init__(self) -> None:
        super().__init__()
        logging.getLogger("yosegi").setLevel(logging.CRITICAL)
        self.folder = tempfile.TemporaryDirectory()
        self.loop = SimulatedLoop()
        beam = {"capabilities": ["toy.measure@1"], "reservations": {"release_after_minutes": 20}}
        places = {
            "argonne": Place("argonne", Listens(url=address("argonne")), "US"),
            "riken": Place(
                "riken", Listens(url=address("riken")), capabilities=[measure], instruments={"beam": beam},
                grant={"instrument_h": "2"},
            ),
        }  # fmt: skip
        self.federation = Federation(places, Path(self.folder.name))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    def at(self, name: str) -> Any:
        return self.federation.places[name].running

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

    @rule(target=asked, ahead=strategies.integers(2, 40), length=strategies.integers(1, 50))
    def ask(self, ahead: int, length: int) -> str:
        starts = math.ceil(self.loop.time() / 60) + ahead
        span = TimeSpan(EPOCH + timedelta(minutes=starts), EPOCH + timedelta(minutes=starts + length))
        service = self.at("argonne").instruments.bookings
        found = self.run(service.ask("riken/toy.measure@1", Booking("", span, CHARTER, TEAM), person()))
        return str(found.key)

    @rule(key=asked)
    def cancel_at_home(self, key: str) -> None:
        service = self.at("argonne").instruments.bookings
        is_over = not service.show("riken", key, person()).state.stands
        try:
            self.run(service.cancel("riken", key, person()))
            assert not is_over
        except Conflict:
            assert is_over

    @rule(number=strategies.integers(0, 9))
    def cancel_at_the_owner(self, number: int) -> None:
        service = self.at("riken").instruments.reservations
        found = [one.id for one in service.listing("beam", OPERATOR)]
        if number < len(found):
            with contextlib.suppress(Conflict, Invalid, NotFound):
                self.run(service.cancel("beam", found[number], OPERATOR))

    @rule(minutes=strategies.integers(1, 30))
    def wait(self, minutes: int) -> None:
        self.loop.leap(minutes * 60.0)
        self.run(asyncio.sleep(31))

    @rule(name=strategies.sampled_from(["argonne", "riken"]), seconds=strategies.sampled_from([0, 5, 300]))
    def die(self, name: str, seconds: int) -> None:
        async def dies() -> None:
            await self.federation.crash(name)
            await asyncio.sleep(seconds)
            await self.federation.restart(name)

        self.run(dies())

    @rule()
    def agree(self) -> None:
        self.run(asyncio.sleep(200))
        owner = self.at("riken")
        kept = [owner.instruments.instruments.calendar.get(row["stream"]) for row in
                owner.ledger.query("SELECT stream FROM reservation ORDER BY starts")]  # fmt: skip
        there = {one.asked: one for one in kept}
        assert len(there) == len(kept)
        for said in self.at("argonne").instruments.bookings.listing(person()):
            assert said.state is not BookingState.ASKED
            assert not said.cancelling
            if said.state in (BookingState.REFUSED, BookingState.UNDELIVERED):
                assert said.key not in there
                continue
            assert said.state.value == there[said.key].state.value
            assert there[said.key].home == "argonne"
        account = balance(owner.ledger.query, "grant-riken", EPOCH + timedelta(seconds=self.loop.time()))
        held = sum(one.held for one in kept if one.state.value in ("booked", "released"))
        assert account.held["instrument_h"] == held
        assert account.spent["instrument_h"] == sum(one.spent for one in kept)
        standing = sorted(
            (one.booked.starts, one.ends or one.booked.ends) for one in kept if one.state.value != "cancelled"
        )
        assert all(first[1] <= second[0] for first, second in pairwise(standing))


TestTwoLedgers = TwoLedgers.TestCase
TestTwoLedgers.settings = settings(max_examples=8, stateful_step_count=14, deadline=None)

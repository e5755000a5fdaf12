"""Reservations of an instrument: used by their holder alone, paid once, and free again when they are not used."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

from federation.asking import ask, person
from federation.test_instruments import OPERATOR, minutes, state
from federation.toys import X, make, measure, three_sites
from yosegi.core.amounts import Amounts
from yosegi.core.capability import capability, quantity
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, YosegiError
from yosegi.core.states import TaskState
from yosegi.execution.instruments.windows import TimeSpan
from yosegi.governance.grants.balances import balance
from yosegi.governance.grants.grant import GrantExceeded
from yosegi.services.instruments.reservations import Booking
from yosegi.services.runtime import Site
from yosegi.testing.faults import When
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Reading:
    y: Annotated[float, quantity("1")]


@capability(
    "toy.scan@1", kind="instrument", effect="consuming", field="toys", simulated=True, cost={"instrument_h": "0.05"}
)
def scan(x: X) -> Reading:
    """Use the beam for a moment."""
    return Reading(x)


async def with_beam(
    folder: Path, hours: str = "10", mortal: dict[str, tuple[int, When]] | None = None, **terms: Any
) -> tuple[Federation, Site]:
    """A federation in which nims has a beam, and the team so many of its hours."""
    federation = three_sites(folder, mortal=mortal or {})
    nims = federation.places["nims"]
    nims.capabilities, nims.grant = [make, measure, scan], {"samples": "40", "instrument_h": hours}
    nims.instruments = {
        "beam": {"capabilities": ["toy.scan@1"], "reservations": {"release_after_minutes": 20, **terms}}
    }
    await federation.start()
    return federation, nims.running


def booking(first: float, last: float, **how: Any) -> Booking:
    """Of pi@argonne, as nims' operator enters it."""
    span = TimeSpan.parse(minutes(first, last))
    return Booking("beam", span, CHARTER, TEAM, **{"person": "pi@argonne", **how})


async def scanning(federation: Federation, key: str, **how: Any) -> TaskState:
    contract = federation.places["nims"].running.repository.published["toy.scan@1"].contract
    return (await ask(federation, key, capability="nims/toy.scan@1", contract=contract.digest, **how)).state


def hours(site: Site) -> tuple[int, int, int]:
    """Thousandths of an instrument hour that are held, spent and left."""
    found = balance(site.ledger.query, "grant-nims", site.clock.now())
    return found.held["instrument_h"], found.spent["instrument_h"], found.left["instrument_h"]


def test_a_reserved_span_is_its_holders_alone_and_is_paid_once(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        booked = await nims.instruments.reservations.book(booking(10, 40, campaign="tuning"), OPERATOR)
        assert (booked.state.value, booked.held, hours(nims)) == ("booked", {"instrument_h": "0.5"}, (500, 0, 9500))
        assert await scanning(federation, "before") is TaskState.DISPATCHED
        await asyncio.sleep(9.5 * 60)
        # A scan may take a minute: this one could end in what another has booked, and that one is early.
        assert await scanning(federation, "other") is TaskState.ACCEPTED
        assert await scanning(federation, "mine", campaign="tuning") is TaskState.ACCEPTED
        codes = {key: nims.tasks.show(f"argonne/{key}", OPERATOR).reasons[0].code for key in ("other", "mine")}
        assert codes == {"other": "instrument_reserved", "mine": "reservation_awaited"}
        await asyncio.sleep(60)
        assert (state(nims, "mine"), state(nims, "other")) == (TaskState.ENDED, TaskState.ACCEPTED)
        assert nims.repository.task("task/argonne/mine").charged == Amounts()
        await asyncio.sleep(31 * 60)
        assert state(nims, "other") is TaskState.ENDED
        # Half an hour for the reservation, a twentieth for each scan outside, and nothing for the one inside.
        assert hours(nims) == (0, 600, 9400)
        assert nims.instruments.reservations.listing("beam", OPERATOR)[0].spent == {"instrument_h": "0.5"}
        assert not federation.world.twice()

    run_simulated(story())


def test_a_campaign_starts_nothing_in_its_reservation_that_could_end_after_it(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await nims.instruments.reservations.book(booking(10, 40, campaign="tuning"), OPERATOR)
        await asyncio.sleep(10.5 * 60)
        assert await scanning(federation, "first", campaign="tuning") is TaskState.DISPATCHED
        await asyncio.sleep(28.8 * 60)
        assert await scanning(federation, "late", campaign="tuning") is TaskState.ACCEPTED
        assert nims.tasks.show("argonne/late", OPERATOR).reasons[0].code == "reservation_awaited"

    run_simulated(story())


def test_unused_time_is_free_where_the_owner_says_so_and_only_what_ran_is_paid(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path, unused="free")
        federation.places["nims"].engine.duration = 36.0  # type: ignore[union-attr]
        await nims.instruments.reservations.book(booking(10, 40), OPERATOR)
        await asyncio.sleep(11 * 60)
        await scanning(federation, "one")
        await asyncio.sleep(31 * 60)
        # 36 seconds are a hundredth of an hour.
        assert hours(nims)[:2] == (0, 10)

    run_simulated(story())


def test_what_is_not_used_is_released_to_others_and_paid_until_then(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await nims.instruments.reservations.book(booking(5, 125, campaign="tuning"), OPERATOR)
        await asyncio.sleep(6 * 60)
        await scanning(federation, "other")
        await asyncio.sleep(18 * 60)
        assert state(nims, "other") is TaskState.ACCEPTED
        await asyncio.sleep(3 * 60)
        assert state(nims, "other") is TaskState.ENDED
        (released,) = nims.instruments.reservations.listing("beam", OPERATOR)
        assert (released.state.value, released.why) == ("settled", "not used")
        # Twenty minutes, and what it took to look, of two hours; and the scan.
        assert hours(nims)[0] == 0
        assert 334 <= hours(nims)[1] - 50 <= 334 + 5

    run_simulated(story())


def test_a_release_that_is_set_to_never_keeps_no_reservation_from_its_end(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims = await with_beam(tmp_path, release_after_minutes=1e300)
        await nims.instruments.reservations.book(booking(5, 30), OPERATOR)
        await asyncio.sleep(40 * 60)
        assert nims.instruments.reservations.listing("beam", OPERATOR)[0].state.value == "settled"

    run_simulated(story())


def test_a_booking_that_overlaps_or_is_outside_the_windows_is_refused_with_what_is_free(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path)
        await nims.instruments.reservations.book(booking(30, 60), OPERATOR)
        with pytest.raises(Conflict, match=r"is reserved then; free are 2026-04-01 00:\d\d–00:30 UTC, .*01:00–"):
            await nims.instruments.reservations.book(booking(50, 70), OPERATOR)
        await nims.instruments.add_window("beam", minutes(20, 120), OPERATOR)
        with pytest.raises(Conflict, match="may not be used then; free are 2026-04-01 01:00–02:00 UTC"):
            await nims.instruments.reservations.book(booking(110, 130), OPERATOR)
        for wrong in (booking(-10, 5), booking(0.5, 73 * 60), booking(91 * 1440, 91 * 1440 + 5)):
            with pytest.raises(Invalid):
                await nims.instruments.reservations.book(wrong, OPERATOR)
        assert hours(nims)[0] == 500
        assert federation.places["nims"].running is nims

    run_simulated(story())


def test_the_owner_decides_by_its_policy_and_within_the_grant_who_may_book(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims = await with_beam(tmp_path, hours="1")
        book = nims.instruments.reservations.book
        with pytest.raises(Refused, match="purpose_not_covered"):
            await book(booking(10, 20, purpose="teaching"), OPERATOR)
        with pytest.raises(Refused, match="unknown_person"):
            await book(booking(10, 20, person="guest@riken"), OPERATOR)
        with pytest.raises(Refused, match="not_on_behalf_of_others"):
            await book(booking(10, 20), person("guest@nims"))
        with pytest.raises(Refused, match="people_only"):
            await book(booking(10, 20), person("operator@nims", "operator", agent="planner"))
        with pytest.raises(GrantExceeded):
            await book(booking(10, 71), OPERATOR)
        assert hours(nims) == (0, 0, 1000)

    run_simulated(story())


def test_of_another_teams_reservation_only_when_it_is_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        _, nims = await with_beam(tmp_path)
        made = await nims.instruments.reservations.book(booking(10, 20), OPERATOR)
        (told,) = nims.instruments.reservations.listing("beam", person("guest@riken"))
        assert (told.id, told.starts, told.ends) == (made.id, made.starts, made.ends)
        assert (told.team, told.by, told.grant, told.held) == ("", "", "", {})
        with pytest.raises(Refused, match="people_only"):
            await nims.instruments.reservations.cancel("beam", made.id, person("operator@nims", "operator", agent="x"))

    run_simulated(story())


def test_a_reservation_cancelled_before_it_begins_costs_nothing_and_one_given_back_what_has_passed(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        _, nims = await with_beam(tmp_path)
        reservations = nims.instruments.reservations
        first = await reservations.book(booking(10, 20), OPERATOR)
        with pytest.raises(NotFound):
            await reservations.cancel("beam", first.id, person("guest@riken"))
        cancelled = await reservations.cancel("beam", first.id[:8], person(), "the sample broke")
        assert (cancelled.state.value, cancelled.why, hours(nims)) == ("cancelled", "the sample broke", (0, 0, 10000))
        with pytest.raises(NotFound):
            await reservations.cancel("beam", first.id, person())
        second = await reservations.book(booking(10, 40), OPERATOR)
        assert second.id != first.id
        await asyncio.sleep(16 * 60 - asyncio.get_running_loop().time())
        await reservations.cancel("beam", second.id, person())
        await asyncio.sleep(60)
        assert hours(nims) == (0, 100, 9900)
        # What it gave back may be booked.
        await reservations.book(booking(20, 30), OPERATOR)

    run_simulated(story())


def test_a_grant_used_up_by_a_reservation_still_lets_the_holder_work_inside_and_only_there(tmp_path: Path) -> None:
    async def story() -> None:
        federation, nims = await with_beam(tmp_path, hours="0.5")
        await nims.instruments.reservations.book(booking(10, 40), OPERATOR)
        for key in ("inside", "late"):
            assert await scanning(federation, key) is TaskState.ACCEPTED
            assert nims.repository.task(f"task/argonne/{key}").held == Amounts()
        await asyncio.sleep(5 * 60)
        assert state(nims, "inside") is TaskState.ACCEPTED
        await asyncio.sleep(6 * 60)
        assert state(nims, "inside") is TaskState.ENDED
        await nims.instruments.take_back("beam", OPERATOR, "smoke")
        key = "never"
        assert await scanning(federation, key) is TaskState.ACCEPTED
        await asyncio.sleep(35 * 60)
        await nims.instruments.give_back("beam", OPERATOR)
        await asyncio.sleep(60)
        task = nims.repository.task("task/argonne/never")
        assert (task.state, task.reasons[0].code) == (TaskState.REFUSED, "reservation_over")
        assert hours(nims) == (0, 500, 0)

    run_simulated(story())


async def _booked_and_paid(folder: Path, mortal: dict[str, tuple[int, When]]) -> tuple[Federation, tuple[int, int]]:
    """Book ten minutes, again until it is done, and let them pass; how many commits there were before each."""
    federation, _ = await with_beam(folder, mortal=mortal)
    before = federation.stores["nims"].commits
    while True:
        try:
            await federation.places["nims"].running.instruments.reservations.book(booking(10, 20), OPERATOR)
            break
        except (YosegiError, RuntimeError):
            await asyncio.sleep(5)
    await asyncio.sleep(19.9 * 60 - asyncio.get_running_loop().time())
    commits = before, federation.stores["nims"].commits
    await asyncio.sleep(5 * 60)
    return federation, commits


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("which", [0, 1], ids=["booking", "payment"])
def test_a_site_that_dies_about_a_booking_or_its_payment_loses_and_repeats_nothing(
    tmp_path: Path, which: int, when: When
) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "again").mkdir()

    async def count() -> tuple[int, int]:
        return (await _booked_and_paid(tmp_path / "first", {}))[1]

    commit = run_simulated(count())[which] + 1

    async def story() -> None:
        federation, _ = await _booked_and_paid(tmp_path / "again", {"nims": (commit, when)})
        assert federation.faults == ["nims"]
        nims = federation.places["nims"].running
        types = [entry.type for entry in nims.ledger.scan() if entry.type.startswith("reservation.")]
        assert types == ["reservation.booked", "reservation.settled"]
        assert hours(nims) == (0, 167, 9833)

    run_simulated(story())

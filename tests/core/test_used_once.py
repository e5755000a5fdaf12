"""What counts once is remembered for as long as it could be used again, within a share for each holder."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from yosegi.core.used_once import Use, UsedOnce
from yosegi.testing.loop import SimulatedClock, run_simulated

WINDOW = timedelta(minutes=4)


def test_a_name_counts_again_when_it_could_not_be_used_any_more() -> None:
    async def story() -> list[Use]:
        clock = SimulatedClock()
        used = UsedOnce(clock, WINDOW, share=10)
        found = [used.take("nims", "a")]
        await clock.sleep(WINDOW.total_seconds() - 1)
        found.append(used.take("nims", "a"))
        await clock.sleep(1)
        return [*found, used.take("nims", "a")]

    assert run_simulated(story()) == [Use.FIRST, Use.AGAIN, Use.FIRST]


def test_a_full_share_refuses_what_is_new_and_still_knows_what_was_used() -> None:
    async def story() -> list[Use]:
        used = UsedOnce(SimulatedClock(), WINDOW, share=3)
        return [used.take("evil", name) for name in "abcda"] + [used.take("nims", "d")]

    assert run_simulated(story()) == [Use.FIRST] * 3 + [Use.TOO_MANY, Use.AGAIN, Use.FIRST]


def test_a_long_name_takes_no_more_memory_than_a_short_one() -> None:
    async def story() -> UsedOnce:
        used = UsedOnce(SimulatedClock(), WINDOW, share=10)
        used.take("evil", "a" * 1_000_000)
        return used

    (name,) = run_simulated(story())._used["evil"]
    assert sys.getsizeof(name) < 100


@pytest.mark.parametrize("others", [1, 3])
def test_holders_that_fell_silent_are_forgotten_when_another_comes(others: int) -> None:
    async def story() -> int:
        clock = SimulatedClock()
        used = UsedOnce(clock, WINDOW, share=10)
        for number in range(others):
            used.take(f"silent-{number}", "a")
        await clock.sleep(WINDOW.total_seconds())
        used.take("nims", "a")
        return len(used)

    assert run_simulated(story()) == 1

"""Who finds a capability broken closes it to itself; several who do not speak for one another close it to all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from yosegi.core.engine import Outcome
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result
from yosegi.execution.breaker import OPENS_AT, Breakers, Requester
from yosegi.execution.outcomes import MOST_ATTEMPTS, given_up
from yosegi.ledger import Ledger, SqliteStore
from yosegi.testing.loop import SimulatedClock
from yosegi.trust.signer import Ed25519Signer

NAME = "toy.make@1"
FAILED = Outcome.failed(Effect.DONE, OutcomeCode.FAILED, "a loose tube")
GOOD = Outcome(effect=Effect.DONE, result=Result.VALID, outputs={})
PI, COLLEAGUE, PEER = (
    Requester("argonne", "pi@argonne"),
    Requester("argonne", "b@argonne"),
    Requester("riken", "r@riken"),
)
STAFF, STAFF_TOO = Requester("nims", "a@nims"), Requester("nims", "b@nims")
Story = Callable[[Ledger, Breakers], Awaitable[None]]


def tell(folder: Path, story: Story) -> None:
    async def whole() -> None:
        ledger = await Ledger.open(
            SqliteStore(folder / "ledger.db"),
            site="nims",
            signer=Ed25519Signer.from_seed(bytes(32)),
            clock=SimulatedClock(),
            views=[],
            inline=True,
        )
        try:
            await story(ledger, Breakers("nims", ledger))
        finally:
            ledger.close()

    asyncio.run(whole())


async def note(ledger: Ledger, breakers: Breakers, who: Requester, outcome: Outcome, times: int = 1) -> None:
    for _ in range(times):
        if writes := breakers.note(NAME, who, outcome):
            await ledger.append(*writes)


def test_failures_of_one_requester_close_a_capability_to_it_alone(tmp_path: Path) -> None:
    async def story(ledger: Ledger, breakers: Breakers) -> None:
        await note(ledger, breakers, PI, FAILED, OPENS_AT)
        assert "a loose tube" in breakers.why_open_to(NAME, PI)
        assert not breakers.why_open_to(NAME, PEER)
        assert not breakers.why_open_to(NAME, COLLEAGUE)
        assert not breakers.why_open(NAME)

    tell(tmp_path, story)


def test_a_good_outcome_between_them_begins_the_count_anew(tmp_path: Path) -> None:
    async def story(ledger: Ledger, breakers: Breakers) -> None:
        for outcome in (FAILED, FAILED, GOOD, FAILED, FAILED):
            await note(ledger, breakers, PI, outcome)
        assert not breakers.why_open_to(NAME, PI)

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("others", "closed"),
    [((PEER,), True), ((COLLEAGUE,), False), ((STAFF,), True), ((STAFF_TOO, STAFF), True)],
    ids=["another site", "another of the same peer", "one of the owner's own", "two of the owner's own"],
)
def test_a_capability_closes_to_all_once_several_who_do_not_speak_for_one_another_found_it_broken(
    tmp_path: Path, others: tuple[Requester, ...], closed: bool
) -> None:
    async def story(ledger: Ledger, breakers: Breakers) -> None:
        for who in (PI, *others):
            await note(ledger, breakers, who, FAILED, OPENS_AT)
        assert bool(breakers.why_open(NAME)) is closed
        assert bool(breakers.why_open_to(NAME, Requester("ornl", "x@ornl"))) is closed

    tell(tmp_path, story)


def test_what_is_open_is_open_after_a_restart_and_closed_for_everybody_at_once(tmp_path: Path) -> None:
    async def story(ledger: Ledger, breakers: Breakers) -> None:
        for who in (PI, PEER):
            await note(ledger, breakers, who, FAILED, OPENS_AT)
        again = Breakers("nims", ledger)
        again.start()
        assert (again.opened, again.opened_to) == (breakers.opened, breakers.opened_to)
        await ledger.append(*again.close(NAME, "operator@nims", "mended"))
        last = Breakers("nims", ledger)
        last.start()
        assert not any(last.why_open_to(NAME, who) for who in (PI, PEER, COLLEAGUE))
        assert not again.close(NAME, "operator@nims", "again")

    tell(tmp_path, story)


def test_what_ended_its_site_each_time_says_enough_by_itself(tmp_path: Path) -> None:
    async def story(ledger: Ledger, breakers: Breakers) -> None:
        await note(ledger, breakers, PI, given_up(MOST_ATTEMPTS, "the site nims"))
        assert breakers.why_open_to(NAME, PI).startswith("given_up")

    tell(tmp_path, story)

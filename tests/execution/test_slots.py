"""Which tasks are due: no more than there are slots, teams in turns, a team's own in the order in which they came."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from execution.samples import noop
from yosegi.execution.ports import Published
from yosegi.execution.slots import Lane, Slots, Turn
from yosegi.execution.tasks import Task

NAME = noop.contract.name


@dataclass(frozen=True, slots=True)
class Waiting(Task):
    """A task that asks for `NAME`."""

    @property
    def capability(self) -> str:
        return NAME


def slots(count: int) -> Slots:
    return Slots({NAME: Published(noop.contract, None, count)})  # type: ignore[arg-type]


@given(count=st.integers(1, 4), moves=st.lists(st.booleans(), max_size=60))
def test_no_more_run_than_there_are_slots_and_who_came_first_is_first(count: int, moves: list[bool]) -> None:
    here, came, started, running = slots(count), 0, [], []
    for arrives in moves:
        if arrives:
            here.enqueue(NAME, str(came))
            came += 1
        elif running:
            here.give_back(NAME, running.pop(0))
        due = [stream for _, stream in here.due(NAME)]
        started += due
        running += due
        assert here.running(NAME) == len(running) <= count
        assert here.waiting(NAME) == 0 or len(running) == count
    assert started == [str(number) for number in range(len(started))]


def test_a_slot_is_free_for_a_newcomer_only_if_nobody_waits_for_it() -> None:
    here = slots(1)
    assert here.has_free(NAME)
    here.enqueue(NAME, "a")
    assert not here.has_free(NAME)
    assert here.due(NAME) == [(NAME, "a")]
    assert not here.has_free(NAME)
    here.give_back(NAME, "a")
    assert here.has_free(NAME)


def test_what_is_parked_holds_up_nobody_and_waits_again_once_it_lacks_nothing() -> None:
    here = slots(1)
    here.park(Waiting("task/argonne/a"))
    here.enqueue(NAME, "b")
    assert here.due(NAME) == [(NAME, "b")]
    here.unpark(lambda task: False)
    assert here.waiting(NAME) == 0
    here.unpark(lambda task: True)
    assert here.waiting(NAME) == 1
    here.leave(NAME, "task/argonne/a")
    assert here.waiting(NAME) == 0


def test_what_is_published_no_more_has_its_turn_and_is_refused_then() -> None:
    here = slots(1)
    here.enqueue("gone@1", "a")
    assert here.due("gone@1") == [("gone@1", "a")]


def test_it_says_in_a_sentence_how_busy_it_is() -> None:
    here = slots(1)
    for stream in "abc":
        here.enqueue(NAME, stream)
    here.due(NAME)
    assert repr(here) == "<slots: 1 tasks run, 2 wait for a slot, 0 are parked>"


OTHER = "samples.other@1"
"""Shares an instrument with `NAME`."""


def shared(at_once: int = 1, **weights: float) -> Slots:
    lane = Lane("beam", at_once, lambda team: weights.get(team, 1.0))
    published = {name: Published(noop.contract, None, 8) for name in (NAME, OTHER)}  # type: ignore[arg-type]
    return Slots(published, lambda name: lane)


def served(here: Slots, count: int) -> list[str]:
    """Whose tasks are started, one after the other."""
    found = []
    for _ in range(count):
        for name, stream in here.due(NAME):
            found.append(stream.partition("/")[0])
            here.give_back(name, stream)
    return found


def test_capabilities_that_share_an_instrument_never_run_more_than_it_takes() -> None:
    here = shared(at_once=1)
    here.enqueue(NAME, "a")
    here.enqueue(OTHER, "b")
    assert here.due(OTHER) == [(NAME, "a")]
    assert not here.has_free(OTHER)
    here.give_back(NAME, "a")
    assert here.due(NAME) == [(OTHER, "b")]


def test_teams_take_turns_however_many_tasks_one_of_them_sends() -> None:
    here = shared()
    for number in range(20):
        here.enqueue(NAME, f"many/{number}", "many")
    for number in range(3):
        here.enqueue(OTHER, f"few/{number}", "few")
    assert [served(here, 1)[0] for _ in range(8)] == ["many", "few", "many", "few", "many", "few", "many", "many"]


def test_a_team_that_was_idle_has_saved_up_no_turns_and_owes_none() -> None:
    here = shared()
    for number in range(40):
        here.enqueue(NAME, f"a/{number}", "a")
    assert served(here, 10) == ["a"] * 10
    for number in range(10):
        here.enqueue(NAME, f"b/{number}", "b")
    assert sorted(served(here, 10)) == ["a"] * 5 + ["b"] * 5


@given(weight=st.integers(1, 9), turns=st.integers(1, 60))
def test_turns_follow_the_weights_to_within_one_turn_of_each(weight: int, turns: int) -> None:
    # Start-time fair queueing bounds the difference in normalised service of two backlogged flows by the sum of their
    # longest lengths over their weights (Goyal, Vin and Cheng 1997, theorem 1).
    here = shared(a=float(weight), b=1.0)
    for number in range(80):
        here.enqueue(NAME, f"a/{number}", "a")
        here.enqueue(NAME, f"b/{number}", "b")
    found = served(here, turns)
    assert abs(found.count("a") / weight - found.count("b")) <= 1 / weight + 1


def test_what_is_closed_is_left_in_its_place_and_holds_up_no_other() -> None:
    here = shared()
    here.enqueue(NAME, "a/1", "a")
    here.enqueue(OTHER, "a/2", "a")
    assert here.due(NAME, lambda name: name == NAME) == [(OTHER, "a/2")]
    assert here.waiting(NAME) == 1


@given(
    moves=st.lists(st.sampled_from(["a", "b", "c", "serve", "serve", "restart"]), max_size=80),
    weights=st.fixed_dictionaries({team: st.integers(1, 5).map(float) for team in "abc"}),
)
def test_a_restart_changes_nothing_in_the_order_of_turns(moves: list[str], weights: dict[str, float]) -> None:
    steady, restarted = shared(**weights), shared(**weights)
    waiting: list[str] = []
    recorded: dict[tuple[str, str], Turn] = {}
    for number, move in enumerate(moves):
        if move == "restart":
            # All that a new process has: the latest turn of each team, and what still waits, in its order.
            restarted = shared(**weights)
            restarted.restore(recorded.values())
            for stream in waiting:
                restarted.enqueue(NAME, stream, stream.partition("/")[0])
        elif move != "serve":
            waiting.append(f"{move}/{number}")
            for here in (steady, restarted):
                here.enqueue(NAME, waiting[-1], move)
        else:
            ((_, first),), ((_, second),) = (here.due(NAME) or [(NAME, "")] for here in (steady, restarted))
            assert first == second
            if not first:
                continue
            waiting.remove(first)
            turn = restarted.turn(first)
            assert turn is not None
            assert turn == steady.turn(first)
            recorded[turn.lane, turn.team] = turn
            for here in (steady, restarted):
                here.give_back(NAME, first)


def test_a_capability_that_is_no_instruments_has_turns_that_nobody_records() -> None:
    here = slots(1)
    here.enqueue(NAME, "a/1", "a")
    assert here.due(NAME) == [(NAME, "a/1")]
    assert here.turn("a/1") is None

"""Which tasks are due: never more than there are slots, in the order in which they came."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from execution.samples import noop
from yosegi.execution.ports import Published
from yosegi.execution.slots import Slots
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
        due = here.due(NAME)
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
    assert here.due(NAME) == ["a"]
    assert not here.has_free(NAME)
    here.give_back(NAME, "a")
    assert here.has_free(NAME)


def test_what_is_parked_holds_up_nobody_and_waits_again_once_it_lacks_nothing() -> None:
    here = slots(1)
    here.park(Waiting("task/argonne/a"))
    here.enqueue(NAME, "b")
    assert here.due(NAME) == ["b"]
    here.unpark(lambda task: False)
    assert here.waiting(NAME) == 0
    here.unpark(lambda task: True)
    assert here.waiting(NAME) == 1
    here.leave(NAME, "task/argonne/a")
    assert here.waiting(NAME) == 0


def test_what_is_published_no_more_has_its_turn_and_is_refused_then() -> None:
    here = slots(1)
    here.enqueue("gone@1", "a")
    assert here.due("gone@1") == ["a"]


def test_it_says_in_a_sentence_how_busy_it_is() -> None:
    here = slots(1)
    for stream in "abc":
        here.enqueue(NAME, stream)
    here.due(NAME)
    assert repr(here) == "<slots: 1 tasks run, 2 wait for a slot, 0 are parked>"

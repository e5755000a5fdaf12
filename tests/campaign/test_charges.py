"""What an owner reports that it charged is believed as far as its contract goes."""

from __future__ import annotations

from yosegi.campaign.trial import Step, Trial, answered
from yosegi.core.amounts import LARGEST, Amounts
from yosegi.core.states import TaskState

ASKED = Trial(1, "experiment", {}, "", {}, steps=(Step("make", "nims", "k", held=Amounts({"samples": 1000})),))


def charged(**milli: int) -> Amounts:
    facts = {"key": "k", "state": str(TaskState.ENDED), "charged": milli}
    return answered(ASKED, facts, {}).charged()


def test_what_was_agreed_is_charged_as_reported() -> None:
    assert charged(samples=500) == Amounts({"samples": 500})


def test_no_more_than_the_contract_costs_is_charged_and_nothing_that_it_does_not_name() -> None:
    assert charged(samples=LARGEST, usd=LARGEST) == Amounts({"samples": 1000})

"""Which owner a step goes to that several can do, from what happened before.

The expected choices follow from the rules in `Routes.choose`, worked out by hand for each story.
"""

from __future__ import annotations

import pytest

from campaign.labcaps import anneal, gas
from yosegi.campaign.routing import LOOK_AGAIN, RouteAnswer, Routes
from yosegi.campaign.spec import SourceSpec, StepSpec
from yosegi.campaign.spec_check import _check_alternatives, worst_step_cost
from yosegi.core.amounts import Amounts

SLURM, PJM = "argonne/chain.solve@1", "riken/chain.solve@1"


def step(**prices: float) -> StepSpec:
    return StepSpec(name="solve", capability=SLURM, any_of={PJM: prices.get("pjm", 1.0)})


def told(routes: Routes, capability: str, seconds: float, *, good: bool = True, waited: float = 0.0) -> Routes:
    """One step goes there, and is over."""
    ahead = routes.of(capability).under_way
    return routes.asked(capability).over(capability, RouteAnswer(ahead, waited, seconds - waited, good))


def test_each_alternative_is_tried_before_one_is_preferred() -> None:
    routes = Routes()
    assert routes.choose(step()) == SLURM
    assert routes.asked(SLURM).choose(step()) == PJM


def test_until_one_has_answered_steps_go_where_the_fewest_are_under_way() -> None:
    routes = Routes().asked(SLURM).asked(PJM).asked(SLURM)
    assert routes.choose(step()) == PJM


def test_a_step_goes_where_answers_came_soonest() -> None:
    routes = told(told(Routes(), SLURM, 60.0), PJM, 20.0)
    assert routes.choose(step()) == PJM


def test_a_wait_in_the_queue_counts_as_time() -> None:
    routes = told(told(Routes(), SLURM, 30.0), PJM, 40.0, waited=35.0)
    assert routes.choose(step()) == SLURM


def test_a_dear_answer_must_be_sooner_by_as_much() -> None:
    routes = told(told(Routes(), SLURM, 30.0), PJM, 20.0)
    assert routes.choose(step(pjm=1.0)) == PJM
    assert routes.choose(step(pjm=2.0)) == SLURM


def test_what_is_under_way_there_makes_an_answer_later_as_it_did_before() -> None:
    routes = told(told(Routes(), SLURM, 15.0), PJM, 10.0)
    # With one ahead of it at PJM, it took twice as long.
    both = routes.asked(PJM).asked(PJM)
    routes = both.over(PJM, RouteAnswer(0, 0.0, 10.0, True)).over(PJM, RouteAnswer(1, 10.0, 10.0, True))
    assert routes.choose(step()) == PJM
    assert routes.asked(PJM).choose(step()) == SLURM


def test_who_refused_or_failed_last_is_left_alone_for_a_while() -> None:
    routes = told(told(told(Routes(), SLURM, 60.0), PJM, 5.0), PJM, 1.0, good=False)
    assert routes.choose(step()) == SLURM


def test_what_was_taken_back_tells_nothing_of_its_owner() -> None:
    routes = told(told(Routes(), SLURM, 60.0), PJM, 5.0)
    assert routes.asked(PJM).over(PJM, None).choose(step()) == PJM


def test_now_and_then_the_other_is_asked_again() -> None:
    routes, chosen = told(told(Routes(), SLURM, 60.0), PJM, 5.0), []
    for _ in range(2 * LOOK_AGAIN):
        chosen.append(routes.choose(step()))
        routes = told(routes, chosen[-1], 60.0 if chosen[-1] == SLURM else 5.0)
    assert chosen.count(SLURM) == 2


def test_a_list_of_alternatives_prices_all_the_same_and_is_recorded_only_where_there_is_one() -> None:
    listed = StepSpec.model_validate({"name": "solve", "capability": SLURM, "any_of": [PJM]})
    assert listed.alternatives() == {SLURM: 1.0, PJM: 1.0}
    assert "any_of" in listed.model_dump()
    assert "any_of" not in StepSpec(name="solve", capability=SLURM).model_dump()


def test_a_step_is_no_alternative_to_itself() -> None:
    with pytest.raises(ValueError, match=r"names argonne/chain\.solve@1 again"):
        StepSpec(name="solve", capability=SLURM, any_of={SLURM: 1.0})


def test_an_alternative_with_another_contract_is_found() -> None:
    source = SourceSpec(name="both", price=1.0, step=(step(),))
    (finding,) = _check_alternatives(source, step(), {SLURM: anneal.contract, PJM: gas.contract}, ("source", 0))
    assert "riken/chain.solve@1 has another contract: inputs" in finding.why
    dearer = anneal.contract.model_copy(update={"cost": Amounts({"node_h": 500, "gpu_h": 1})})
    assert not list(_check_alternatives(source, step(), {SLURM: anneal.contract, PJM: dearer}, ("source", 0)))
    assert worst_step_cost(step(), {SLURM: anneal.contract, PJM: dearer}) == Amounts({"node_h": 500, "gpu_h": 1})

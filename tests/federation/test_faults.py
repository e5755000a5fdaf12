"""A death, a full disk or a bad network at every moment of a campaign: the same end, nothing lost, nothing twice."""

from __future__ import annotations

import logging
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.running import Told, run_campaign
from yosegi.core.states import CampaignState
from yosegi.testing.faults import When
from yosegi.testing.network import Fault, Network

pytestmark = pytest.mark.slow
QUIET = logging.CRITICAL


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """Faults are what these tests make; their log lines are not news."""
    logging.getLogger("yosegi").setLevel(QUIET)


@pytest.fixture(scope="module")
def undisturbed() -> Told:
    return run_campaign()


def holds(told: Told) -> None:
    """What must be true however badly things went."""
    assert told.campaign.state is CampaignState.ENDED, told.campaign.why
    assert told.completed >= 2
    assert not told.twice
    assert told.waiting == 0
    # One unit is 1000 milli-units. What is uncertain stays held until a person settles it.
    assert told.held == 1000 * told.uncertain
    assert told.spent <= 1000 * told.effects <= told.spent + told.held
    assert set(told.verdicts) == {"identical"}


def test_undisturbed_it_ends_with_every_sample_paid_for(undisturbed: Told) -> None:
    holds(undisturbed)
    assert undisturbed.uncertain == 0
    assert undisturbed.completed == undisturbed.effects == 2


@pytest.mark.timeout(900)
@pytest.mark.parametrize("when", get_args(When))
@pytest.mark.parametrize("site", ["argonne", "riken", "nims"])
def test_a_site_may_fail_at_each_of_its_commits(site: str, when: When, undisturbed: Told) -> None:
    # Every commit of a death; a full disk at every third, since it is the mildest of the three.
    for commit in range(1, undisturbed.commits[site] + 1, 3 if when == "full" else 1):
        told = run_campaign(mortal={site: (commit, when)})
        assert told.faults, f"commit {commit} never came"
        holds(told)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.ANSWER_LOST, Fault.REPEATED, Fault.LATE])
def test_each_call_may_go_wrong(fault: Fault, undisturbed: Told) -> None:
    for number in range(1, undisturbed.calls + 1, 2):
        network = Network(delay=0.01, fault=lambda n, _, bad=number: fault if n == bad else Fault.NONE)  # type: ignore[misc]
        holds(run_campaign(network=network))


@pytest.mark.timeout(600)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    faults=st.dictionaries(st.integers(1, 120), st.sampled_from(list(Fault)), max_size=12),
    deaths=st.dictionaries(
        st.sampled_from(["argonne", "riken", "nims"]),
        st.tuples(st.integers(1, 40), st.sampled_from(get_args(When))),
        max_size=3,
    ),
)
def test_many_things_may_go_wrong_at_once(faults: dict[int, Fault], deaths: dict[str, tuple[int, When]]) -> None:
    network = Network(delay=0.01, fault=lambda n, _: faults.get(n, Fault.NONE))
    holds(run_campaign(mortal=deaths, network=network))

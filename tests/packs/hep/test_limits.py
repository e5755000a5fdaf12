"""Limits against pyhf's published reference values and an exact result."""

import math
from pathlib import Path

import numpy as np
import pytest

from yosegi.core.capability import Context, Infeasible
from yosegi.core.errors import Invalid
from yosegi_packs.hep import Limits, limits, limits_toys
from yosegi_packs.hep.limits import _crossing, asymptotic_cls, counting_model, seeded, toy_cls

# The example of pyhf's documentation (Heinrich et al., JOSS 6, 2823 (2021), and the README of version 0.7).
EXAMPLE = {"signal": [12.0, 11.0], "background": [50.0, 52.0], "uncertainty": [3.0, 7.0], "observed": [51.0, 48.0]}
# One bin, half an event expected and none seen: few enough that the asymptotic formulae fail.
NONE_SEEN = {"signal": [1.0], "background": [0.5], "uncertainty": [0.01], "observed": [0.0]}


def test_cls_is_the_published_one() -> None:
    # pyhf's README: "Observed: 0.05251497423736956, Expected: 0.06445320535890459" at µ = 1; relative tolerance 1e-5
    # for other minimiser versions.
    model, data = counting_model(*EXAMPLE.values())
    observed, _, _, expected, _, _ = asymptotic_cls(1.0, data, model)
    assert observed == pytest.approx(0.05251497423736956, rel=1e-5)
    assert expected == pytest.approx(0.06445320535890459, rel=1e-5)


@pytest.fixture(scope="module")
def found() -> Limits:
    return limits(**EXAMPLE)


def test_limits_are_the_published_ones(found: Limits) -> None:
    # Documentation of pyhf.infer.intervals.upper_limits.toms748_scan; its bracketing differs from ours, and its
    # tolerance is 2e-12 + 1e-4 of the limit; relative tolerance 1e-3.
    assert found.observed == pytest.approx(1.01156939, rel=1e-3)
    band = found.expected_minus_2, found.expected_minus_1, found.expected, found.expected_plus_1, found.expected_plus_2
    assert band == pytest.approx((0.5600747, 0.75702605, 1.06234693, 1.50116923, 2.05078912), rel=1e-3)


def test_weaker_signal_has_a_limit_as_much_larger(found: Limits) -> None:
    weak = EXAMPLE | {"signal": [0.012, 0.011]}
    assert limits(**weak).observed == pytest.approx(1000.0 * found.observed, rel=1e-4)


def test_excess_far_beyond_the_background_is_still_bracketed() -> None:
    # Thirty events over half a one: the Poisson limit is half the 95 % quantile of χ² with 62 degrees of freedom less
    # the background, 40.2 (PDG, Statistics, section 40.4.2); the formula may be 5 % off.
    assert limits(**(NONE_SEEN | {"observed": [30.0]})).observed == pytest.approx(40.19, rel=0.05)


def test_pseudo_experiments_give_the_exact_cls_where_nothing_is_seen() -> None:
    # With no event seen CLs+b / CLb = e^-(s+b) / e^-b = e^-s whatever the background (Read 2002, section 4).
    model, data = counting_model(*NONE_SEEN.values())
    with seeded(1):
        observed, error, _ = toy_cls(1.0, data, model, 160)
    assert math.log(observed) == pytest.approx(-1.0, abs=4 * error)
    assert error < 0.2


@pytest.mark.slow
def test_pseudo_experiments_give_the_exact_limit_where_the_formula_does_not() -> None:
    # CLs = e^-s = 5 % at s = 2.996 (PDG, Statistics, table 40.3: 3.00 for no event seen).
    sampled = limits_toys(**NONE_SEEN, toys=150, points=4)
    assert sampled.observed == pytest.approx(-math.log(0.05), abs=3 * sampled.observed_error)
    assert limits(**NONE_SEEN).observed < 2.3


def test_line_through_cls_finds_its_crossing() -> None:
    # ln CLs = -3 µ crosses ln 0.05 at 0.99858 whatever the weights.
    scan = np.linspace(0.8, 1.2, 5)
    value, error = _crossing(scan, np.exp(-3.0 * scan).tolist(), [0.1, 0.2, 0.1, 0.3, 0.1])
    assert value == pytest.approx(math.log(20.0) / 3.0)
    assert error > 0.0


def test_flat_cls_is_infeasible() -> None:
    with pytest.raises(Infeasible, match="does not fall"):
        _crossing(np.array([1.0, 2.0, 3.0]), [0.05, 0.06, 0.07], [0.1] * 3)


def test_seeding_leaves_the_global_generator_as_it_was() -> None:
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    with seeded(7):
        np.random.random(100)
    assert np.random.random() == expected


def test_bins_that_do_not_match_are_refused() -> None:
    with pytest.raises(Invalid, match=r"lists of \[1, 2\] bins"):
        limits([1.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])


def test_empty_background_is_refused_with_advice() -> None:
    with pytest.raises(Invalid, match="Merge empty bins"):
        limits([1.0], [0.0], [1.0], [0.0])


def test_search_without_signal_is_infeasible() -> None:
    with pytest.raises(Infeasible, match="no bin expects any signal"):
        limits([0.0], [5.0], [1.0], [5.0])


def test_capability_checks_inputs_and_outputs(tmp_path: Path) -> None:
    outputs = limits.run(dict(NONE_SEEN), Context("k", 1, tmp_path))
    assert set(outputs) == set(limits.contract.outputs["required"])
    with pytest.raises(Invalid, match=r"inputs of hep\.limits@1"):
        limits.run(EXAMPLE | {"signal": [-1.0, 0.0]}, Context("k", 1, tmp_path))

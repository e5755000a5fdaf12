"""Λ and footprints against the figures of the experiments that define them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.capability import Infeasible
from yosegi_packs.quantum import footprint
from yosegi_packs.quantum.scaling import fit_suppression, smallest_distance

GOOD = {"readout_time": 300.0, "ringdown_time": 160.0, "gate_time": 30.0, "t1": 68.0, "t2": 89.0}


def test_published_errors_give_the_published_suppression() -> None:
    # Google Quantum AI, Nature 638, 920 (2025): Λ = 2.14 ± 0.02 and ε₇ = 0.143 %; the line through errors that fall
    # by 2.14 twice must give both back.
    errors = [0.00143 * 2.14**2, 0.00143 * 2.14, 0.00143]
    fit = fit_suppression([3, 5, 7], [math.log(e) for e in errors], [0.02] * 3)
    assert fit.factor == pytest.approx(2.14)
    assert math.exp(fit.log_error(7)[0]) == pytest.approx(0.00143)


def test_one_in_a_million_takes_distance_27_as_published() -> None:
    # The same paper's outlook: 1e-6 at Λ = 2.14 takes a distance-27 logical qubit of 1457 physical qubits.
    distance = smallest_distance(0.00143, 7, 2.14, 1e-6)
    assert distance == 27
    assert 2 * distance**2 - 1 == 1457


@given(st.floats(1.5, 10.0), st.floats(1e-12, 1e-4))
def test_distance_meets_the_target_and_two_less_does_not(factor: float, target: float) -> None:
    distance = smallest_distance(1e-3, 7, factor, target)
    error = 1e-3 * factor ** (-(distance - 7) / 2)
    assert error <= target * (1 + 1e-6)
    assert error * factor > target * (1 - 1e-6) or distance == 3


def test_scatter_beyond_the_error_bars_widens_the_fit() -> None:
    straight = fit_suppression([3, 5, 7, 9], [-4.0, -5.0, -6.0, -7.0], [0.1] * 4)
    bent = fit_suppression([3, 5, 7, 9], [-4.0, -5.8, -5.2, -7.0], [0.1] * 4)
    assert straight.misfit == pytest.approx(0.0, abs=1e-12)
    assert bent.factor_error / bent.factor > 2 * straight.factor_error / straight.factor


def test_footprint_of_good_hardware() -> None:
    made = footprint(1e-6, **GOOD, shots=20_000)
    assert 2.14 < made.suppression < 6.0
    assert made.physical_qubits == 2 * made.distance**2 - 1 <= made.qubits_safe
    assert made.error_per_cycle <= 1e-6
    assert made.extrapolated
    assert 10**made.log10_qubits <= made.physical_qubits


def test_stricter_target_takes_more_qubits() -> None:
    loose, strict = (footprint(target, **GOOD, shots=20_000) for target in (1e-4, 1e-8))
    assert loose.physical_qubits < strict.physical_qubits
    assert loose.log10_qubits < strict.log10_qubits


def test_hardware_above_threshold_has_no_footprint() -> None:
    with pytest.raises(Infeasible, match="errors do not fall with distance"):
        footprint(1e-6, **(GOOD | {"t1": 5.0, "t2": 5.0}), shots=5_000)

"""Bivariate bicycle codes against what their authors publish: parameters, circuit and threshold."""

from __future__ import annotations

import numpy as np
import pytest

from yosegi_packs.quantum import block_memory
from yosegi_packs.quantum.bicycle import CODES, BicycleCode, bicycle_circuit
from yosegi_packs.quantum.noise import Basis

# n and k as published in Table 3 of Bravyi et al., Nature 627, 778 (2024).
PUBLISHED = {"72": (72, 12), "90": (90, 8), "108": (108, 8), "144": (144, 12)}


@pytest.mark.parametrize("name", CODES)
def test_codes_have_their_published_numbers_of_qubits(name: str) -> None:
    assert (CODES[name].data_qubits, CODES[name].logical_qubits) == PUBLISHED[name]


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_checks_have_weight_six_and_commute_with_each_other_and_with_the_logical_operators(code: BicycleCode) -> None:
    x, z = code.checks()
    assert {*x.sum(1), *z.sum(1)} == {6}
    assert not (x @ z.T % 2).any()
    assert not (x @ code.logicals("z").T % 2).any()
    assert not (z @ code.logicals("x").T % 2).any()
    assert len(code.logicals("x")) == len(code.logicals("z")) == code.logical_qubits


@pytest.mark.parametrize("basis", ["x", "z"])
def test_each_check_of_the_circuit_meets_the_qubits_of_its_row(basis: Basis) -> None:
    code = CODES["90"]
    for i, row in enumerate(code.checks()[0 if basis == "x" else 1]):
        assert sorted(code.neighbour(i, number, basis) for number in range(6)) == list(np.flatnonzero(row))


@pytest.mark.parametrize("basis", ["x", "z"])
@pytest.mark.parametrize("name", CODES)
def test_without_errors_the_circuit_measures_every_check_as_it_was(name: str, basis: Basis) -> None:
    # stim refuses a circuit whose detectors are not determined: the paper's schedule must keep X and Z checks apart.
    model = bicycle_circuit(CODES[name], 2, basis, 0.001).detector_error_model()
    assert model.num_detectors == 3 * CODES[name].half
    assert model.num_observables == CODES[name].logical_qubits


def test_the_smallest_block_beats_bare_qubits_well_below_the_published_threshold_and_not_above_it() -> None:
    # 0.7 % by the abstract of Bravyi et al. 2024. Well below it twelve logical qubits must do better than twelve bare
    # ones, above it worse, by more than the counts are uncertain.
    better = block_memory("72", 0.0035, shots=400)
    worse = block_memory("72", 0.0075, shots=120)
    assert better.error_per_cycle + 3 * better.standard_error < better.unencoded_error
    assert worse.error_per_cycle - 3 * worse.standard_error > worse.unencoded_error
    assert better.physical_qubits == 144


def test_a_block_that_never_failed_still_has_a_finite_logarithm() -> None:
    found = block_memory("72", 0.0002, shots=100)
    assert found.failures == 0
    assert -6 < found.log10_error < -2

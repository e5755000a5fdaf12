"""Memories: counts, repeatability, limits, and what the physics demands of them."""

from pathlib import Path

import pytest
import stim

from yosegi.core.capability import Context, Infeasible
from yosegi.core.errors import Invalid
from yosegi_packs.quantum import memory, memory_large, memory_small
from yosegi_packs.quantum.circuit import memory_circuit, qubits
from yosegi_packs.quantum.counts import Counts
from yosegi_packs.quantum.memory import measured
from yosegi_packs.quantum.noise import Hardware, uniform

GOOD = {"readout_time": 300.0, "t1": 68.0, "t2": 89.0}


def context(tmp_path: Path, seed: int = 1) -> Context:
    return Context(key="k", seed=seed, folder=tmp_path)


def test_same_task_gives_the_same_counts(tmp_path: Path) -> None:
    inputs = {"distance": 3, "shots": 2000, **GOOD}
    assert memory.run(inputs, context(tmp_path)) == memory.run(inputs, context(tmp_path))


def test_another_task_draws_other_shots(tmp_path: Path) -> None:
    inputs = {"distance": 3, "shots": 20_000, **GOOD}
    first, second = (memory.run(inputs, context(tmp_path, seed))["failures"] for seed in (1, 2))
    assert first != second


@pytest.mark.parametrize("basis", ["x", "z"])
@pytest.mark.parametrize("distance", [3, 5, 7])
def test_any_error_short_of_half_the_distance_is_corrected(distance: int, basis: str) -> None:
    # Dennis et al., J. Math. Phys. 43, 4452 (2002): a fault-tolerant circuit fails only from (d + 1)/2 faults on, so
    # the shortest undetectable logical error of the noisy circuit has d of them.
    circuit = memory_circuit(distance, 3, basis, uniform(1e-3))  # type: ignore[arg-type]
    assert len(circuit.shortest_graphlike_error()) == distance


def test_qubits_are_those_of_the_circuit() -> None:
    circuit = memory_circuit(5, 3, "z", uniform(1e-3))
    assert len(circuit.get_final_qubit_coordinates()) == qubits(5) == 49


def test_uniform_noise_is_the_one_stim_generates_where_they_agree() -> None:
    # stim's own generator adds gate, reset and readout errors like ours; ours also errs on every waiting qubit.
    ours = memory_circuit(3, 3, "z", uniform(0.003))
    theirs = stim.Circuit.generated(
        "surface_code:rotated_memory_z",
        distance=3,
        rounds=3,
        after_clifford_depolarization=0.003,
        after_reset_flip_probability=0.003,
        before_measure_flip_probability=0.003,
    )
    pairs = theirs.num_detectors, theirs.num_measurements, theirs.num_observables
    assert (ours.num_detectors, ours.num_measurements, ours.num_observables) == pairs

    def two_qubit_gates(circuit: stim.Circuit, channel: str) -> int:
        return sum(len(step.targets_copy()) for step in circuit.flattened() if step.name == channel)

    assert two_qubit_gates(ours, "PAULI_CHANNEL_2") == two_qubit_gates(theirs, "DEPOLARIZE2")


def test_distance_seven_reaches_the_published_scale() -> None:
    # Google Quantum AI, Nature 638, 920 (2025): ε₇ = 0.143 % and Λ = 2.14 with T1 = 68 µs, T2 = 89 µs and a cycle of
    # 1.1 µs. A Pauli model without leakage and crosstalk should do better, but by less than a factor of five.
    made = memory(7, 500.0, 68.0, 89.0, ringdown_time=430.0, gate_time=30.0, shots=40_000)
    assert made.cycle_time == pytest.approx(1100.0)
    assert 0.00143 / 5 < made.error_per_cycle < 0.00143


def test_larger_code_is_the_better_one_below_threshold() -> None:
    small, large = memory(3, **GOOD), memory(5, **GOOD)
    assert large.upper < small.lower


def test_readout_time_has_an_optimum_inside_its_range() -> None:
    short, middle, long = (memory(3, t, 68.0, 89.0).log10_error for t in (60.0, 300.0, 1500.0))
    assert middle < short
    assert middle < long


def test_no_failure_still_gives_a_finite_logarithm_and_an_error_bar() -> None:
    none = measured(Counts(0, 1000), 10, 3, 600.0)
    assert none.error_per_cycle == 0.0
    assert none.standard_error > 0.0
    assert -6.0 < none.log10_error < -3.0
    assert none.log10_standard_error > 0.3


def test_nothing_left_of_the_logical_qubit_is_an_error_of_one_half() -> None:
    worn = measured(Counts(600, 1000), 10, 3, 600.0)
    assert worn.error_per_cycle == 0.5
    assert worn.upper == 0.5


def test_patch_larger_than_the_budget_is_infeasible() -> None:
    with pytest.raises(Infeasible, match="distance 7 needs 97 qubits and the budget is 72"):
        memory(7, **GOOD, qubit_budget=72)


def test_coherence_beyond_twice_t1_is_refused_by_contract_and_by_function(tmp_path: Path) -> None:
    inputs = {"readout_time": 300.0, "ringdown_time": 160.0, "gate_time": 30.0, "t1": 20.0, "t2": 41.0}
    with pytest.raises(Invalid, match=r"2·t1 \+ -1·t2 is -1"):
        memory_small.run(inputs, context(tmp_path))
    with pytest.raises(Infeasible, match="cannot exceed 2·T1"):
        memory_small(**inputs)


def test_readout_time_out_of_range_names_its_unit(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="Give readout_time in ns"):
        memory.run({"distance": 3, "readout_time": 5.0, "t1": 68.0, "t2": 89.0}, context(tmp_path))


def test_sources_are_one_question_at_two_prices() -> None:
    small, large = memory_small.contract, memory_large.contract
    knobs = {"readout_time", "ringdown_time", "gate_time", "t1", "t2", "bias"}
    assert knobs == set(small.inputs["properties"])
    assert set(large.inputs["properties"]) == knobs | {"distance"}
    assert small.fidelity is not None
    assert large.fidelity is not None
    assert small.fidelity.of == large.fidelity.of == "log10_error"
    assert small.cost["node_h"] < large.cost["node_h"]
    assert small.simulated
    assert large.simulated


def test_bias_towards_dephasing_moves_the_error_between_bases() -> None:
    noise = Hardware(68.0, 89.0, 300.0, 160.0, 30.0, 100.0).noise()
    assert noise.gate2[14] > 5 * noise.gate2[4]  # ZZ against XX

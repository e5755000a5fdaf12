"""Pulses on a transmon, against the published formulas of derivative removal and of the coherence limit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from packs.example_campaigns import EXAMPLES, example, ran
from yosegi.core.capability import Context, Infeasible
from yosegi.core.errors import Invalid
from yosegi.core.states import CampaignState, TrialState
from yosegi_packs.quantum import drag, drag_quick
from yosegi_packs.quantum.gate import LEVELS, evolved
from yosegi_packs.quantum.transmon import Pulse, coherence_limit, first_order

HARDWARE = {"t1": 68.0, "t2": 89.0}
ALONE = (0.0, 0.0)


@pytest.fixture(autouse=True)
def _qutip():
    pytest.importorskip("qutip", reason="needs the extra yosegi[quantum-pulse]")


def pulse(duration=20.0, drag=1.0, detuning=0.0, amplitude=1.0, anharmonicity=-200.0):
    return Pulse(duration, drag, detuning, amplitude, anharmonicity)


@pytest.mark.parametrize("amplitude", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_a_pulse_of_some_area_turns_two_levels_as_rabi_s_formula_says(amplitude):
    # On resonance the population of the other state is sin²(θ/2), θ the area. By the six states, a gate that turns by
    # θ where π is wanted has the fidelity (2 cos²(Δ/2) + 1) / 3, Δ = π − θ.
    error, _ = evolved(pulse(drag=0.0, amplitude=amplitude), ALONE, levels=2)
    assert error == pytest.approx(1 - (2 * math.sin(math.pi * amplitude / 2) ** 2 + 1) / 3, abs=1e-6)


def test_the_envelope_has_the_area_that_its_angle_says():
    times = np.linspace(0, 20, 4001)
    made = pulse(amplitude=0.9)
    assert np.trapezoid(made.in_phase(times), times) == pytest.approx(0.9 * math.pi, rel=1e-6)
    assert made.angle(times)[-1] == pytest.approx(0.9 * math.pi)
    slope = np.gradient(made.in_phase(times), times)
    assert made.quadrature(times)[10:-10] == pytest.approx(-slope[10:-10] / made.alpha, abs=1e-5)


def test_the_derivative_that_leaks_least_is_one():
    # Motzoi et al. 2009; λ = 1 in Krantz et al. 2019.
    shares = np.arange(0.0, 2.01, 0.25)
    leakage = [evolved(pulse(16.0, share), ALONE)[1] for share in shares]
    assert shares[int(np.argmin(leakage))] == pytest.approx(1.0, abs=0.251)
    assert min(leakage) < 0.01 * leakage[0]


def test_the_derivative_that_keeps_the_phase_without_detuning_is_a_half():
    # Krantz et al. 2019: λ = ½ is best against errors of phase.
    shares = np.arange(0.0, 1.01, 0.125)
    errors = [evolved(pulse(24.0, share), ALONE)[0] for share in shares]
    assert shares[int(np.argmin(errors))] == pytest.approx(0.5)
    assert min(errors) < 0.01 * errors[0]


def test_with_the_whole_derivative_the_best_detuning_is_that_of_motzoi():
    # δ = (λ² − 4) Ω²/4α with λ = √2: −Ω²/2α; a constant one weighs the pulse by sin θ, as the turn of the phase does.
    made, times = pulse(24.0), np.linspace(0, 24, 2001)
    weight = np.sin(made.angle(times))
    wanted = np.trapezoid(-(made.in_phase(times) ** 2) / (2 * made.alpha) * weight, times) / np.trapezoid(weight, times)
    wanted *= 1e3 / (2 * math.pi)
    detunings = wanted * np.linspace(0.5, 1.5, 11)
    errors = [evolved(pulse(24.0, detuning=float(detuning)), ALONE)[0] for detuning in detunings]
    assert detunings[int(np.argmin(errors))] == pytest.approx(wanted, rel=0.11)
    assert min(errors) < 0.05 * evolved(made, ALONE)[0]


@pytest.mark.parametrize(("share", "detuning"), [(0.0, 0.0), (1.0, 0.0), (0.5, 3.0), (0.0, -3.0)])
def test_first_order_is_right_where_the_drive_is_weak(share, detuning):
    made = pulse(40.0, share, detuning)
    assert first_order(made)[0] == pytest.approx(evolved(made, ALONE)[0], rel=0.05)


def test_leakage_of_a_weak_pulse_is_its_spectrum_at_the_anharmonicity():
    # Between the zeros of the cosine's spectrum, which lie at whole cycles of the anharmonicity.
    made = pulse(12.5, 0.0, amplitude=0.02)
    assert first_order(made)[1] == pytest.approx(evolved(made, ALONE)[1], rel=0.1)


@pytest.mark.parametrize("duration", [10.0, 100.0])
def test_a_qubit_that_only_waits_errs_as_the_channel_of_relaxation_says(duration):
    # Qiskit Experiments, coherence_limit: 1 − F = d/(d+1) (1 − Tr S/d²), with the superoperator written out here.
    t1, t2 = 68e3, 89e3
    kept, coherent = math.exp(-duration / t1), math.exp(-duration / t2)
    channel = np.diag([1.0, coherent, coherent, kept])
    channel[0, 3] = 1 - kept
    assert coherence_limit(duration, 68.0, 89.0) == pytest.approx(2 / 3 * (1 - np.trace(channel) / 4), rel=1e-9)


def test_a_long_pulse_that_is_calibrated_is_at_the_coherence_limit():
    found = drag(40.0, 0.5, 0.0, **HARDWARE)
    assert found.excess == pytest.approx(1.0, abs=0.05)
    assert found.error >= 0.97 * found.limit


def test_more_levels_change_nothing_from_eight_nanoseconds_on():
    made = pulse(8.0, 0.7, 5.0)
    assert evolved(made, ALONE, LEVELS)[0] == pytest.approx(evolved(made, ALONE, LEVELS + 1)[0], rel=5e-3)


def test_both_sources_take_and_give_the_same():
    assert drag.contract.inputs == drag_quick.contract.inputs
    assert drag.contract.outputs == drag_quick.contract.outputs
    assert drag.contract.simulated
    assert drag_quick.contract.simulated


def test_dephasing_cannot_be_negative():
    with pytest.raises(Infeasible, match="cannot exceed"):
        drag_quick(20.0, 0.5, 0.0, t1=10.0, t2=30.0)
    with pytest.raises(Invalid):
        drag.run({"duration": 20.0, "derivative": 0.5, "detuning": 0.0, "t1": 10.0, "t2": 30.0}, Context("k", 1))


def test_the_campaign_comes_near_the_coherence_limit(tmp_path):
    spec = example("quantum-drag", trials=30)
    campaign = ran(tmp_path, spec, {"ornl": [drag], "riken": [drag_quick]})
    assert (campaign.state, campaign.why) == (CampaignState.ENDED, "30 trials done")
    asked = [t for t in campaign.trials if t.state is TrialState.COMPLETED and t.source == "master_equation"]
    assert asked
    # The baseline of the example: 20 ns, no derivative, no detuning: an error of 8e-3.
    assert min(float(t.outcomes["log10_error"]) for t in asked) < math.log10(8e-3)
    assert (EXAMPLES / "quantum-drag.toml").exists()

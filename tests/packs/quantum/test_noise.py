"""Channels against closed forms and a published readout."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi_packs.quantum.noise import (
    Hardware,
    Noise,
    Pauli,
    assignment_error,
    biased1,
    biased2,
    merged,
    twirled,
    uniform,
)


def test_twirl_is_that_of_the_exact_channel() -> None:
    # The Pauli transfer matrix of damping and dephasing is diag(1, e^(-t/T2), e^(-t/T2), e^(-t/T1)) on its diagonal,
    # and twirling keeps the diagonal (Ghosh, Fowler and Geller 2012): 1 - 2(p_Y + p_Z) is the shrinking of X.
    x, y, z = twirled(500.0, 68e3, 89e3)
    assert 1 - 2 * (y + z) == pytest.approx(math.exp(-500 / 89e3), rel=1e-12)
    assert 1 - 2 * (x + z) == pytest.approx(math.exp(-500 / 89e3), rel=1e-12)
    assert 1 - 2 * (x + y) == pytest.approx(math.exp(-500 / 68e3), rel=1e-12)


@pytest.mark.parametrize(("time", "fidelity"), [(48.0, 0.9825), (88.0, 0.992)])
def test_readout_model_meets_a_measured_readout(time: float, fidelity: float) -> None:
    # Walter et al., Phys. Rev. Applied 7, 054020 (2017), abstract: 98.25 % at 48 ns and 99.2 % at 88 ns, with a qubit
    # of T1 = 7.6 µs. Their fidelity is 1 - P(e|g) - P(g|e). One integration time, 17 ns, must meet both to 0.4 %.
    assert 1 - 2 * assignment_error(time, 17.0, 7600.0) == pytest.approx(fidelity, abs=0.004)


def test_unbiased_two_qubit_error_depolarises() -> None:
    assert biased2(0.015, 0.5) == pytest.approx([0.001] * 15)


@given(st.floats(1e-6, 0.3), st.floats(0.5, 1e4))
def test_bias_keeps_the_total_and_is_the_ratio_asked_for(error: float, bias: float) -> None:
    x, y, z = biased1(error, bias)
    assert x + y + z == pytest.approx(error)
    assert z / (x + y) == pytest.approx(bias)
    assert sum(biased2(error, bias)) == pytest.approx(error)


paulis = st.tuples(*[st.floats(0.0, 0.3)] * 3)


@given(paulis, paulis)
def test_channels_in_sequence_multiply_their_shrinking(first: Pauli, second: Pauli) -> None:
    def shrinking(p: Pauli) -> list[float]:
        return [1 - 2 * (sum(p) - p[axis]) for axis in range(3)]

    expected = np.multiply(shrinking(first), shrinking(second))
    assert shrinking(merged(first, second)) == pytest.approx(expected, abs=1e-12)


def test_longer_readout_trades_assignment_error_for_idling() -> None:
    def noise(readout: float) -> Noise:
        return Hardware(68.0, 89.0, readout, 160.0, 30.0, 0.5).noise()

    short, long = noise(100.0), noise(400.0)
    assert long.measure < short.measure
    assert sum(long.idle_readout) > sum(short.idle_readout)


def test_cycle_time_counts_every_layer() -> None:
    assert Hardware(68.0, 89.0, 500.0, 160.0, 30.0, 0.5).cycle_time == 2 * 25 + 4 * 30 + 500 + 160


def test_uniform_noise_has_one_error_everywhere() -> None:
    noise = uniform(0.006)
    assert sum(noise.gate1) == pytest.approx(0.006)
    assert sum(noise.gate2) == pytest.approx(0.006)
    assert sum(noise.idle_readout) == pytest.approx(0.006)
    assert (noise.measure, noise.reset) == (0.006, 0.006)

"""Errors of dispensed volumes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi_packs.labs.pipetting import STEP, dispensable, random_error, systematic_error


@pytest.mark.parametrize(
    ("volume", "systematic", "random"),
    # ISO 8655-2:2022, single-channel, in per cent of the nominal volume, as an open calibration program cites it.
    [(5, 2.5, 1.5), (10, 1.2, 0.8), (20, 1.0, 0.5), (100, 0.8, 0.3), (200, 0.8, 0.3)],
)
def test_errors_at_nominal_volumes_are_those_of_the_standard(volume, systematic, random):
    assert systematic_error(volume) == pytest.approx(systematic / 100)
    assert random_error(volume) == pytest.approx(random / 100)


@given(st.floats(0.5, 150.0), st.floats(0.5, 150.0))
def test_a_smaller_volume_is_never_surer_in_proportion(one, other):
    small, large = sorted((one, other))
    assert random_error(small) >= random_error(large)


@given(st.floats(0.0, 150.0))
def test_the_drive_comes_within_half_a_step(volume):
    assert abs(float(dispensable(volume)) - volume) <= STEP / 2
    assert float(dispensable(volume)) % STEP == 0.0


def test_shapes_follow():
    assert random_error(np.ones((3, 4))).shape == (3, 4)

"""Absorption by Beer and Lambert."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi_packs.labs.colour import WAVELENGTHS
from yosegi_packs.labs.dyes import ASSUMED, FILL, PATH, absorbance, colour_of

VOLUMES = st.lists(st.floats(0.0, 150.0), min_size=4, max_size=4)


@pytest.mark.parametrize(
    ("place", "absorptivity"),
    # Published molar absorptivities, L/(mol.cm): E(1 %, 1 cm) of Regulation (EU) No 231/2012 times molar mass / 10.
    [(0, 26_807), (1, 28_321), (2, 129_233)],
)
def test_molar_absorptivities_follow_from_the_specific_absorbance_of_the_regulation(place, absorptivity):
    assert ASSUMED[place].absorptivity == pytest.approx(absorptivity, rel=1e-4)


@pytest.mark.parametrize(("place", "peak"), [(0, 504), (1, 426), (2, 630)])
def test_each_dye_absorbs_most_where_the_regulation_says(place, peak):
    assert WAVELENGTHS[np.argmax(ASSUMED[place].spectrum())] == pytest.approx(peak, abs=5.0)


def test_a_well_full_of_red_absorbs_epsilon_c_l_at_its_peak():
    at_peak = absorbance([FILL, 0.0, 0.0, 0.0], ASSUMED).max()
    assert at_peak == pytest.approx(26_807 * 4.5e-4 * PATH, rel=0.02)


@given(VOLUMES, VOLUMES)
def test_absorbances_add(one, other):
    both = absorbance(np.add(one, other), ASSUMED)
    assert both == pytest.approx(absorbance(one, ASSUMED) + absorbance(other, ASSUMED), abs=1e-9)


@given(VOLUMES, st.floats(0.0, 150.0))
def test_seen_from_below_water_changes_nothing(volumes, water):
    more = [*volumes[:3], volumes[3] + water]
    assert absorbance(more, ASSUMED) == pytest.approx(absorbance(volumes, ASSUMED), abs=1e-12)


def test_each_dye_has_its_own_hue():
    red, yellow, blue, water = colour_of(np.eye(4) * FILL)
    assert red[1] > 50
    assert yellow[2] > 80
    assert blue[1] < -30
    assert blue[2] < -20
    assert water == pytest.approx([100.0, 0.0, 0.0], abs=0.02)

"""Colour science against figures that others published."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi_packs.labs.colour import WAVELENGTHS, delta_e, lab, xyz

# Sharma, Wu and Dalal 2005, table 1 (doi:10.1002/col.20070): L1 a1 b1, L2 a2 b2, and CIEDE2000 to four places.
SHARMA = """
50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""
PAIRS = np.array([[float(x) for x in line.split()] for line in SHARMA.strip().splitlines()])

LABS = st.tuples(st.floats(0, 100), st.floats(-100, 100), st.floats(-100, 100))


def test_all_34_pairs_of_sharma_wu_and_dalal_agree_to_four_places():
    assert PAIRS.shape == (34, 7)
    assert delta_e(PAIRS[:, :3], PAIRS[:, 3:6]) == pytest.approx(PAIRS[:, 6], abs=5.1e-5)


def test_the_pairs_agree_the_other_way_round_too():
    assert delta_e(PAIRS[:, 3:6], PAIRS[:, :3]) == pytest.approx(PAIRS[:, 6], abs=5.1e-5)


@given(LABS, LABS)
def test_a_difference_is_symmetric_and_not_negative(one, other):
    there, back = float(delta_e(one, other)), float(delta_e(other, one))
    assert there >= 0.0
    assert there == pytest.approx(back, abs=1e-9)


@given(LABS)
def test_a_colour_does_not_differ_from_itself(one):
    assert float(delta_e(one, one)) == pytest.approx(0.0, abs=1e-9)


def test_clear_water_has_the_white_point_of_d65():
    # ASTM E308, table 5: 95.047, 100, 108.883 for D65 and the 2 degree observer, from 360-780 nm at 1 nm.
    assert xyz(np.ones(WAVELENGTHS.size)) == pytest.approx([95.047, 100.0, 108.883], abs=0.01)


def test_clear_water_is_white_and_black_is_black():
    assert lab(xyz(np.ones(WAVELENGTHS.size))) == pytest.approx([100.0, 0.0, 0.0], abs=0.02)
    assert lab(xyz(np.zeros(WAVELENGTHS.size))) == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)


@pytest.mark.parametrize(
    ("tristimulus", "expected"),
    [
        # The primaries of IEC 61966-2-1 (sRGB) and their CIELAB under D65 as Lindbloom's calculator gives them.
        ((41.24, 21.26, 1.93), (53.23, 80.11, 67.22)),
        ((35.76, 71.52, 11.92), (87.74, -86.18, 83.18)),
        ((18.05, 7.22, 95.05), (32.30, 79.20, -107.86)),
    ],
)
def test_the_srgb_primaries_have_their_published_lab(tristimulus, expected):
    assert lab(np.array(tristimulus)) == pytest.approx(expected, abs=0.06)


def test_a_grey_of_18_4_per_cent_has_lightness_50():
    # CIE 15:2004, section 8.2.1: L* = 116 (Y/Yn)^(1/3) - 16, so Y = 100 (66/116)^3 = 18.42 at L* = 50.
    white = xyz(np.ones(WAVELENGTHS.size))
    assert lab(white * (66.0 / 116.0) ** 3) == pytest.approx([50.0, 0.0, 0.0], abs=0.02)


def test_shapes_follow_the_leading_dimensions():
    spectra = np.full((4, 5, WAVELENGTHS.size), 0.5)
    assert xyz(spectra).shape == (4, 5, 3)
    assert lab(xyz(spectra)).shape == (4, 5, 3)
    assert delta_e(lab(xyz(spectra)), [50.0, 0.0, 0.0]).shape == (4, 5)


@pytest.mark.slow
def test_the_library_is_imported_without_its_plotting_and_can_still_be_imported_whole():
    script = """
import json, sys
from yosegi_packs.labs.colour import delta_e
light = [name for name in ("colour", "colour.plotting", "matplotlib") if name in sys.modules]
import colour
print(json.dumps([light, colour.algebra is not None, float(colour.delta_E([50, 1, 1], [50, 2, 2]))]))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    light, whole, difference = json.loads(done.stdout)
    assert light == []
    assert whole
    assert difference == pytest.approx(float(delta_e([50, 1, 1], [50, 2, 2])))

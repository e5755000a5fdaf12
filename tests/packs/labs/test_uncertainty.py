"""The standard error that a measurement states, held against scatter drawn in another way."""

import numpy as np
import pytest

from yosegi_packs.labs.answer import TARGET
from yosegi_packs.labs.colour import delta_e
from yosegi_packs.labs.dyes import ASSUMED, colour_of
from yosegi_packs.labs.truth import Truth
from yosegi_packs.labs.uncertainty import standard_error

UNBIASED = Truth(seed=1, dyes=ASSUMED, bias=(0.0, 0.0, 0.0, 0.0), blank=0.0)


@pytest.mark.parametrize("recipe", [(29.0, 29.0, 45.0, 47.0), (10.0, 60.0, 20.0, 60.0), (60.0, 5.0, 5.0, 80.0)])
def test_it_is_the_scatter_of_repeated_wells(recipe):
    volumes = np.array(recipe)
    seen = np.stack([UNBIASED.reading(well, volumes) for well in range(400)])
    scatter = float(delta_e(seen, TARGET).std(ddof=1))
    assert standard_error(colour_of(volumes), volumes, TARGET) == pytest.approx(scatter, rel=0.25)


def test_at_a_perfect_match_it_is_not_zero():
    volumes = np.array([29.0, 29.0, 45.0, 47.0])
    colour = colour_of(volumes)
    assert standard_error(colour, volumes, colour) > 0.02


def test_it_is_the_same_each_time():
    volumes = np.array([29.0, 29.0, 45.0, 47.0])
    assert standard_error(TARGET, volumes, TARGET) == standard_error(TARGET, volumes, TARGET)

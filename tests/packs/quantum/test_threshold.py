"""The threshold against published ones, and its fit against data with a known answer."""

import numpy as np
import pytest

from yosegi.core.capability import Infeasible
from yosegi_packs.quantum import threshold
from yosegi_packs.quantum.threshold import fit_crossing


def test_fit_finds_the_crossing_it_was_given() -> None:
    # Counts drawn from the scaling law itself, p_th = 0.0103, ν = 1.5
    # must give both back; the tolerance is four standard errors of such a draw.
    rates, shots = np.linspace(0.008, 0.0125, 9), 100_000
    x = (rates - 0.0103) * np.array([[5.0], [7.0], [9.0]]) ** (1 / 1.5)
    authorizer = 0.2 + 12.0 * x + 300.0 * x**2
    counts = np.random.default_rng(3).binomial(shots, authorizer)
    fit = fit_crossing((5, 7, 9), rates, counts, shots)
    assert fit.point == pytest.approx(0.0103, abs=4e-5)
    assert fit.exponent == pytest.approx(1.5, abs=0.1)
    assert fit.misfit < 2.5


def test_quick_scan_brackets_the_published_threshold() -> None:
    # 0.502(1) % (Stephens 2014) and 0.57 % (Fowler et al. 2012) for matching under standard depolarising circuit noise.
    found = threshold(0.004, 0.0075, largest_distance=7, points=6, shots=6_000)
    assert found.lower < found.threshold < found.upper
    assert 0.0048 < found.threshold < 0.0062


@pytest.mark.slow
def test_threshold_lies_where_published() -> None:
    # The published range for this noise and decoder is 0.50 to 0.57 %, and 0.5 to 0.7 % over its variants; larger
    # codes and more shots than the quick scan.
    found = threshold(0.0045, 0.0065, largest_distance=9, points=6, shots=20_000)
    assert found.lower > 0.0050
    assert found.upper < 0.0062
    assert found.misfit < 3.0


def test_scan_that_misses_the_crossing_says_so() -> None:
    with pytest.raises(Infeasible, match="do not cross between"):
        threshold(0.001, 0.003, largest_distance=7, points=4, shots=4_000)

"""The lattice against formulae and published machines that nobody here wrote."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("at", reason="the extra `accelerator` is not installed")

import at

from yosegi_packs.accelerator.lattice import (
    CELLS,
    closed_orbit,
    storage_ring,
    thin_chromaticity,
    thin_fodo,
    thin_phase_advance,
    tunes,
)


@pytest.mark.parametrize("focal", [1.2, 2.0, 5.0])
def test_a_thin_fodo_cell_has_the_phase_advance_and_chromaticity_of_the_formulae(focal):
    """sin(mu/2) = L/4f and xi = -tan(mu/2)/pi, against the toolbox, which tracks particles and knows neither."""
    cell = thin_fodo(4.0, focal)
    horizontal, vertical = tunes(cell)
    expected = thin_phase_advance(4.0, focal) / (2 * np.pi)
    assert horizontal == pytest.approx(expected, rel=1e-3)
    assert vertical == pytest.approx(expected, rel=1e-3)
    assert at.get_chrom(cell)[:2] == pytest.approx([thin_chromaticity(4.0, focal)] * 2, rel=2e-3)


def test_the_cell_is_unstable_where_the_focal_length_is_below_a_quarter_of_it():
    """B. Holzer, in CERN Accelerator School, Intermediate Accelerator Physics, eq. 13."""
    with pytest.raises(ValueError, match="no stable motion"):
        thin_phase_advance(4.0, 0.99)
    with pytest.warns(at.AtWarning, match="Unstable ring"):
        tunes(thin_fodo(4.0, 0.99))
    assert np.isfinite(tunes(thin_fodo(4.0, 1.01))[0])


def test_the_toolbox_reproduces_the_published_parameters_of_the_australian_synchrotron():
    """ANSTO, Accelerator Systems Overview (ansto.gov.au): 215.991 m, 13.29 and 5.216, 0.00211, 10.51 nm, 932 keV."""
    import machine_data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", at.AtWarning)  # the file states no periodicity
        ring = at.load_lattice(Path(machine_data.__file__).parent / "australian_synchrotron.m")
    assert ring.circumference == pytest.approx(215.991, abs=0.005)
    ring.disable_6d()
    assert at.get_tune(ring, get_integer=True)[:2] == pytest.approx([13.29, 5.216], abs=1e-3)
    assert ring.get_mcf() == pytest.approx(0.00211, abs=5e-6)
    ring.enable_6d()
    found = ring.radiation_parameters()
    # Theirs are of 3.03 GeV, the file's of 3.0134: the emittance goes as its square, the loss as its fourth power.
    emittance, loss = found.emittances[0] * (3.03 / 3.0134) ** 2, found.U0 * (3.03 / 3.0134) ** 4
    assert emittance == pytest.approx(10.51e-9, rel=0.01)
    assert loss == pytest.approx(932e3, rel=0.01)


def test_the_installed_toolbox_finds_what_its_developers_print_of_the_esrf_ebs():
    """accelerator-toolbox 0.9.0 on PyPI, `at.radiation_parameters(ring)` of machine_data/hmba.mat."""
    import machine_data

    ring = at.load_lattice(Path(machine_data.__file__).parent / "hmba.mat")
    found = ring.radiation_parameters()
    assert found.fulltunes[:2] == pytest.approx([76.2099983, 27.34001317], abs=1e-6)
    assert found.chromaticities[:2] == pytest.approx([5.73409894, 3.91761206], rel=1e-5)
    assert found.emittances[0] == pytest.approx(1.3148797e-10, rel=1e-6)
    ring.disable_6d()
    assert ring.get_mcf() == pytest.approx(8.506669e-05, rel=1e-5)


def test_a_kick_moves_the_orbit_as_the_optics_say():
    """x(s) = kick √(β βk) cos(|φ - φk| - πQ) / 2 sin(πQ): Courant and Snyder, Annals of Physics 3, 1 (1958).

    Reprinted in Annals of Physics 281, 360 (2000).
    """
    ring = storage_ring()
    kick = 1e-5
    orbit = closed_orbit(ring, np.array([kick, 0.0, 0.0, 0.0]))
    for element in ring:
        if isinstance(element, at.Corrector):
            element.KickAngle = [0.0, 0.0]
    monitors = ring.get_uint32_index(at.Monitor)
    corrector = ring.get_uint32_index("H1")
    where = np.concatenate([corrector, monitors])
    _, ring_data, optics = at.get_optics(ring, refpts=where)
    beta, phase = optics.beta[:, 0], optics.mu[:, 0]
    whole = at.get_optics(ring, refpts=[len(ring)])[2].mu[0, 0] / (2 * np.pi)
    expected = kick * np.sqrt(beta[0] * beta[1:]) / (2 * np.sin(np.pi * whole))
    expected *= np.cos(np.abs(phase[1:] - phase[0]) - np.pi * whole)
    # The orbit at constant momentum differs by the path length; the toolbox's 4-d orbit has none.
    assert orbit == pytest.approx(expected, rel=1e-3, abs=1e-9)
    assert len(orbit) == CELLS
    assert ring_data is not None

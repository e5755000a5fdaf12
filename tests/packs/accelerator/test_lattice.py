"""The lattice against formulae and published machines that nobody here wrote."""

from __future__ import annotations

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
    """Wiedemann, Particle Accelerator Physics (2015), 10.1 and 17.2: sin(mu/2) = L/4f; xi = -tan(mu/2)/pi."""
    cell = thin_fodo(4.0, focal)
    horizontal, vertical = tunes(cell)
    expected = thin_phase_advance(4.0, focal) / (2 * np.pi)
    assert horizontal == pytest.approx(expected, rel=1e-3)
    assert vertical == pytest.approx(expected, rel=1e-3)
    assert at.get_chrom(cell)[:2] == pytest.approx([thin_chromaticity(4.0, focal)] * 2, rel=2e-3)


def test_the_cell_is_unstable_where_the_focal_length_is_below_a_quarter_of_it():
    with pytest.raises(ValueError, match="no stable motion"):
        thin_phase_advance(4.0, 0.99)
    with pytest.warns(at.AtWarning, match="Unstable ring"):
        tunes(thin_fodo(4.0, 0.99))
    assert np.isfinite(tunes(thin_fodo(4.0, 1.01))[0])


def test_the_toolbox_reproduces_the_esrf_ebs():
    """P. Raimondi et al., Communications Physics 6, 82 (2023): 844 m, tunes 76.21 and 27.34, 133 pm, alpha 8.5e-5."""
    import machine_data

    ring = at.load_lattice(Path(machine_data.__file__).parent / "hmba.mat")
    assert ring.circumference == pytest.approx(844.0, abs=0.1)
    ring.enable_6d()
    found = ring.radiation_parameters()
    assert found.fulltunes[:2] == pytest.approx([76.21, 27.34], abs=0.005)
    assert found.emittances[0] == pytest.approx(133e-12, rel=0.02)
    ring.disable_6d()
    assert ring.get_mcf() == pytest.approx(8.5e-5, rel=0.01)


def test_a_kick_moves_the_orbit_as_the_optics_say():
    """x(s) = kick √(β βk) cos(|φ - φk| - πQ) / 2 sin(πQ): S. Y. Lee, Accelerator Physics (2018), eq. 2.118."""
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

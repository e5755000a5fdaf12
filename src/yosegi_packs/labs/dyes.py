"""Three food dyes and water in a well: what the textbook says they absorb (Beer-Lambert)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from yosegi.core.values import Value
from yosegi_packs.labs._library import Floats
from yosegi_packs.labs.colour import WAVELENGTHS, lab, xyz

LIQUIDS: Final = ("red", "yellow", "blue", "water")
"""Order of the last dimension of every array of volumes."""

FILL: Final = 150.0
"""Microlitres in a well."""

WELL_AREA: Final = 0.342
"""Square centimetres: a flat-bottomed 96-well plate, 6.35 mm across at the bottom and 6.86 mm at the top."""

PATH: Final = FILL / 1000.0 / WELL_AREA
"""Centimetres of liquid that light passes from below: 150 uL fill a well 0.44 cm deep."""


class Band(Value):
    """One absorption band: a Gaussian in wavelength.

    Args:
        peak: nm.
        width: standard deviation, nm.
        height: in proportion to the dye's main band.
    """

    peak: float
    width: float
    height: float


class Dye(Value):
    """A dye in its stock solution.

    Args:
        name: the liquid.
        substance: which dye it is.
        absorptivity: molar, decadic, at the peak of its first band, L/(mol.cm).
        stock: concentration of the stock solution, mol/L.
        bands: the first is the main one, of height 1.
    """

    name: str
    substance: str
    absorptivity: float
    stock: float
    bands: tuple[Band, ...]

    def spectrum(self) -> Floats:
        """Molar absorptivity at each of `WAVELENGTHS`, L/(mol.cm)."""
        return np.asarray(self.absorptivity * self._shape(WAVELENGTHS) / self._shape(np.array(self.bands[0].peak)))

    def _shape(self, wavelengths: Floats) -> Floats:
        nm = wavelengths[..., None]
        peaks, widths, heights = np.array([(b.peak, b.width, b.height) for b in self.bands]).T
        return np.asarray((heights * np.exp(-0.5 * ((nm - peaks) / widths) ** 2)).sum(axis=-1))


def _dye(name: str, substance: str, made: tuple[float, float, float], *bands: Band) -> Dye:
    """A dye from its specific absorbance E(1 %, 1 cm), that of 10 g/L; its molar mass, g/mol; its stock, mol/L."""
    specific, molar_mass, stock = made
    return Dye(name=name, substance=substance, absorptivity=specific * molar_mass / 10.0, stock=stock, bands=bands)


ASSUMED: Final = (
    _dye(
        "red",
        "Allura Red AC",
        (540.0, 496.42, 4.5e-4),
        Band(peak=504.0, width=36.0, height=1.0),
        Band(peak=420.0, width=40.0, height=0.2),
    ),
    _dye("yellow", "Tartrazine", (530.0, 534.36, 4.5e-4), Band(peak=426.0, width=38.0, height=1.0)),
    _dye(
        "blue",
        "Brilliant Blue FCF",
        (1630.0, 792.84, 9e-5),
        Band(peak=630.0, width=18.0, height=1.0),
        Band(peak=585.0, width=24.0, height=0.25),
        Band(peak=409.0, width=16.0, height=0.15),
    ),
)
"""What the simulation assumes.

Peaks and specific absorbances in water are those of the European specifications of food additives, Commission
Regulation (EU) No 231/2012: E 129 540 at 504 nm, E 102 530 at 426 nm, E 133 1630 at 630 nm. Widths and lesser bands
are a model drawn after published spectra, good to some ten per cent; stock concentrations are a choice.
"""


def absorbance(volumes: ArrayLike, dyes: tuple[Dye, ...]) -> Floats:
    """Decadic absorbance of a mixture, looked through from below.

    A(λ) = Σ ε(λ) c l with c = stock v / V and l = V / area (Beer-Lambert): V cancels, so it is the amount of dye in
    the well that counts and not how far it is diluted.

    Args:
        volumes: of red, yellow, blue and water, uL, shape (..., 4).
        dyes: red, yellow and blue.

    Returns:
        Shape (..., wavelengths).
    """
    spectra = np.stack([dye.stock * dye.spectrum() for dye in dyes])
    return np.asarray(np.asarray(volumes, dtype=np.float64)[..., :3] / 1000.0 / WELL_AREA @ spectra)


def colour_of(volumes: ArrayLike, dyes: tuple[Dye, ...] = ASSUMED) -> Floats:
    """L*, a* and b* of a mixture, shape (..., 3): absorbance, transmittance 10^-A, D65, the 2 degree observer."""
    return lab(xyz(10.0 ** -absorbance(volumes, dyes)))

"""The simulated world behind the robot: what its dyes really absorb, and how its liquids and its reader err.

It is drawn once, when a robot's folder is made, and nobody is told. Only tests and a report after the fact read it.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import ArrayLike

from yosegi.core.errors import Invalid, NotFound
from yosegi.core.values import Value
from yosegi_packs.labs._library import Floats
from yosegi_packs.labs.colour import WAVELENGTHS, lab, xyz
from yosegi_packs.labs.dyes import ASSUMED, Dye, absorbance
from yosegi_packs.labs.files import write_durably
from yosegi_packs.labs.pipetting import dispensable, random_error, systematic_error

FILE: Final = "truth.json"

READER_NOISE: Final = 0.003
"""Absorbance: standard deviation of the reader from well to well and, once more, from wavelength to wavelength."""


class Truth(Value):
    """What is true of one robot, its stock solutions and its reader.

    Args:
        seed: of every random error; with a well's number it fixes what happens in that well.
        dyes: the true absorption of red, yellow and blue.
        bias: systematic error of each liquid's dispensing, a share of the largest permitted, -1 to 1.
        blank: absorbance that the reader shows of clear water.
    """

    seed: int
    dyes: tuple[Dye, Dye, Dye]
    bias: tuple[float, float, float, float]
    blank: float

    def dispensed(self, well: int, volumes: ArrayLike) -> Floats:
        """Volumes that really arrive in a well, uL, shape (4,); the same each time for the same well."""
        asked = dispensable(volumes)
        noise = default_rng([self.seed, well, 1]).standard_normal(4)
        error = np.array(self.bias) * systematic_error(asked) + noise * random_error(asked)
        return np.asarray(np.maximum(0.0, asked * (1.0 + error)))

    def reading(self, well: int, volumes: ArrayLike) -> Floats:
        """L*, a* and b* that the reader gives for a well filled by a recipe, shape (3,); the same each time."""
        rng = default_rng([self.seed, well, 2])
        noise = READER_NOISE * (rng.standard_normal() + rng.standard_normal(WAVELENGTHS.size))
        seen = absorbance(self.dispensed(well, volumes), self.dyes) + self.blank + noise
        return lab(xyz(10.0**-seen))

    def colour(self, volumes: ArrayLike) -> Floats:
        """L*, a* and b* on average over wells, nothing having erred at random, shape (..., 3)."""
        asked = np.asarray(volumes, dtype=np.float64)
        mean = asked * (1.0 + np.array(self.bias) * systematic_error(asked))
        return lab(xyz(10.0 ** -(absorbance(mean, self.dyes) + self.blank)))


def draw_truth(seed: int) -> Truth:
    """A truth at random: each dye's absorptivity is off by 5 to 20 % and its peaks by 2 to 8 nm, either way."""
    rng = default_rng([seed, 0])
    dyes = tuple(_true_dye(dye, rng) for dye in ASSUMED)
    bias = tuple(float(b) for b in rng.uniform(-1.0, 1.0, 4))
    return Truth(seed=seed, dyes=dyes, bias=bias, blank=float(rng.uniform(0.0, 0.006)))  # type: ignore[arg-type]


def create_truth(folder: Path, seed: int | None = None) -> Truth:
    """Draw the truth of a new robot and put it into its folder, readable by its owner only.

    Args:
        folder: the robot's state folder; made if it is missing.
        seed: for tests; otherwise 53 bits from the operating system, which nobody sees.

    Raises:
        Invalid: the folder has a truth already; a robot's world does not change.
    """
    path = folder / FILE
    if path.exists():
        raise Invalid(f"robot folder {folder.name}", "its truth is drawn already", "use a new folder for a new robot")
    truth = draw_truth(secrets.randbits(53) if seed is None else seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(path, truth.to_bytes(), mode=0o600)
    return truth


def read_truth(folder: Path) -> Truth:
    """The truth of a robot, from its folder.

    Raises:
        NotFound: no truth has been drawn there.
        Invalid: the file is not one.
    """
    path = folder / FILE
    if not path.exists():
        raise NotFound("truth", folder.name)
    return Truth.read(path.read_bytes(), what=FILE)


def _true_dye(dye: Dye, rng: Generator) -> Dye:
    strength = 1.0 + rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.20)
    shift = rng.choice([-1.0, 1.0]) * rng.uniform(2.0, 8.0)
    main, *lesser = dye.bands
    bands = [main.model_copy(update={"peak": main.peak + shift, "width": main.width * rng.uniform(0.95, 1.10)})]
    bands += [
        band.model_copy(update={"peak": band.peak + shift, "height": band.height * rng.uniform(0.7, 1.3)})
        for band in lesser
    ]
    return dye.model_copy(update={"absorptivity": dye.absorptivity * strength, "bands": tuple(bands)})

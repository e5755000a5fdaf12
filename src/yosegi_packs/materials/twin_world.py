"""The simulated world behind furnace and diffractometer: a truth that nobody is told, and the samples that exist.

The world is one folder. Furnace and diffractometer may stand at two sites: what travels between them is the sample,
and in a simulation the folder that both see stands for the parcel: `{"world": "/FOLDER"}` in `twin.json` in the folder
of each station, or `YOSEGI_TWIN_WORLD` in the environment of an engine. Without either the world is the station's own
folder, and both must be at one station.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import secrets
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import Field

from yosegi.core.capability import Context
from yosegi.core.errors import Invalid, NotFound, YosegiError
from yosegi.core.values import Value
from yosegi_packs.labs.files import write_durably
from yosegi_packs.materials.titania import EQUAL_MASSES, GAS, RUTILE_110, bragg_angle, scherrer_width, transformed

__all__ = ["WORLD", "AlreadyAnnealed", "HoldCutOff", "Pattern", "Powder", "FurnaceTruth", "TwinWorld", "world_of"]

WORLD: Final = "YOSEGI_TWIN_WORLD"
COUNTS: Final = 40_000.0
"""Of both reflections together in one scan."""

INSTRUMENT_WIDTH: Final = 0.08
"""Degrees 2θ, of a reflection of large crystals: measured with a standard, and so known."""


class AlreadyAnnealed(YosegiError):
    """The task has had its sample; a second one is never made for the same key."""

    code = "already_annealed"
    effect = "none"

    def __init__(self, sample: str) -> None:
        self.sample = sample
        super().__init__(f"this task has had its sample, {sample}, and gets no second one")


class HoldCutOff(YosegiError):
    """The sample's hold was cut off: what it is nobody knows."""

    code = "hold_cut_off"
    effect = "none"

    def __init__(self, sample: str) -> None:
        self.sample = sample
        super().__init__(f"the hold of {sample} was cut off, and what it is nobody knows; it is never measured")


class FurnaceTruth(Value):
    """What is true of one furnace, its powder and one diffractometer.

    Args:
        seed: of every random error; with a sample's name it fixes what is seen of that sample.
        barrier: of the transformation, kcal/mol.
        factor: per hour.
        offset: the furnace's temperature minus what it shows, K.
        growth: crystallites' d² grows by this in an hour at 1,000 K, nm².
        growth_barrier: of that, kcal/mol.
        zero: error of the goniometer, degrees 2θ.
        equal_masses: what a mixture of equal masses shows; the laboratory's own value is off by a few per cent.
    """

    seed: int
    barrier: float
    factor: float
    offset: float
    growth: float
    growth_barrier: float
    zero: float
    equal_masses: float

    @classmethod
    def draw(cls, seed: int) -> FurnaceTruth:
        """A truth at random: barrier within 4 % of the published, furnace off by up to 10 K either way."""
        rng = np.random.default_rng([seed, 0])
        return cls(
            seed=seed,
            barrier=float(60.0 * rng.uniform(0.97, 1.04)),
            factor=float(10.0 ** rng.uniform(12.8, 13.3)),
            offset=float(rng.uniform(-10.0, 10.0)),
            growth=float(rng.uniform(300.0, 900.0)),
            growth_barrier=float(rng.uniform(35.0, 45.0)),
            zero=float(rng.uniform(-0.02, 0.02)),
            equal_masses=float(EQUAL_MASSES * rng.uniform(0.97, 1.03)),
        )


class Powder(Value):
    """A sample as it is, which only the simulation knows.

    Args:
        phase: `heating` from before the hold begins until its end is on record.
        share: mass fraction of rutile.
        size: of the crystallites, nm.
    """

    phase: Literal["heating", "cold"]
    share: float = Field(ge=0, le=1)
    size: float = Field(gt=0)


class Pattern(Value):
    """What a scan shows: counts, positions and widths of one reflection of each phase, in degrees 2θ."""

    rutile: float
    brookite: float
    angle: float
    width: float


class TwinWorld:
    """Furnace, samples and diffractometer of one world.

    Args:
        folder: of the world; made if it is missing, and a truth drawn, readable by its owner alone.
        seed: for tests; otherwise from the operating system.
    """

    def __init__(self, folder: Path, seed: int | None = None) -> None:
        self.folder = folder
        self._samples = folder / "samples"
        self._samples.mkdir(parents=True, exist_ok=True)
        path = folder / "truth.json"
        if not path.exists():
            drawn = FurnaceTruth.draw(secrets.randbits(53) if seed is None else seed)
            write_durably(path, drawn.to_bytes(), mode=0o600)
        self.truth = FurnaceTruth.read(path.read_bytes(), what=path.name)

    def anneal(self, temperature: float, hours: float, key: str) -> str:
        """Heat a fresh powder, and give the sample's name. What is on record before is `heating`.

        Raises:
            AlreadyAnnealed: the key has its sample.
        """
        name = f"titania-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        truth, hot = self.truth, temperature + self.truth.offset
        # d² − d₀² = kt: Burke and Turnbull's law of grain growth, from 8 nm.
        rate = truth.growth * math.exp(-truth.growth_barrier / GAS * (1.0 / hot - 1.0 / 1000.0))
        size = math.sqrt(64.0 + rate * hours)
        made = Powder(phase="heating", share=transformed(hot, hours, truth.barrier, truth.factor), size=size)
        try:
            handle = os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise AlreadyAnnealed(name) from None
        with os.fdopen(handle, "wb") as file:
            file.write(made.to_bytes())
        write_durably(self._path(name), made.model_copy(update={"phase": "cold"}).to_bytes(), mode=0o600)
        return name

    def powder(self, sample: str) -> Powder:
        """What a sample is; its name may have that of the site that made it before it, as elsewhere in the federation.

        Raises:
            NotFound: there is none of that name.
            HoldCutOff: its hold was cut off.
        """
        own = sample.rpartition("/")[2]
        path = self._path(own)
        if re.fullmatch(r"titania-[0-9a-f]{12}", own) is None or not path.exists():
            raise NotFound("sample", sample)
        found = Powder.read(path.read_bytes(), what=path.name)
        if found.phase != "cold":
            raise HoldCutOff(sample)
        return found

    def scan(self, sample: str) -> Pattern:
        """What the diffractometer sees of a sample; the same each time.

        Raises:
            NotFound, HoldCutOff: as `powder`.
        """
        powder, truth = self.powder(sample), self.truth
        rng = np.random.default_rng([truth.seed, *hashlib.sha256(sample.rpartition("/")[2].encode()).digest()])
        shown = powder.share * truth.equal_masses / (powder.share * truth.equal_masses + 1.0 - powder.share)
        rutile, brookite = (float(rng.poisson(COUNTS * share)) for share in (shown, 1.0 - shown))
        angle = bragg_angle(RUTILE_110)
        width = math.hypot(scherrer_width(powder.size, angle), INSTRUMENT_WIDTH)
        # A centroid of N counts errs by the standard deviation of the profile over √N, its width by half of that.
        error = width / (2.355 * math.sqrt(max(rutile, 1.0)))
        return Pattern(
            rutile=rutile,
            brookite=brookite,
            angle=angle + truth.zero + float(rng.normal(0.0, error)),
            width=max(INSTRUMENT_WIDTH, width + float(rng.normal(0.0, 0.5 * 2.355 * error))),
        )

    def _path(self, sample: str) -> Path:
        return self._samples / f"{sample}.json"


class TwinSettings(Value):
    """What stands in `twin.json` in a station's folder: where the world is, if not there."""

    world: str = ""


def world_of(context: Context) -> TwinWorld:
    """The world in which a task runs.

    Raises:
        Invalid: the task does not run in a station, and no world is named; or `twin.json` is not what it should be.
    """
    folder = os.environ.get(WORLD, "")
    if context.state is not None:
        path = context.state / "twin.json"
        named = TwinSettings.read(path.read_bytes(), what=path.name).world if path.exists() else ""
        folder = named or folder or str(context.state)
    if not folder:
        todo = f"run them in a station, or name a folder in {WORLD}"
        raise Invalid("furnace and diffractometer", "have no world", todo)
    return TwinWorld(Path(folder))

"""The few parts of the `colour-science` library that the pack uses, without the rest of it.

`import colour` runs the whole package, its plotting and its conversion graph among them: 1.8 s and 132 MB in a light
installation, 3.7 s and 197 MB beside Matplotlib and pandas, and a warning where Matplotlib is missing. Importing only
the submodules takes 1.2 s and 99 MB, of which SciPy's interpolation is 0.9 s.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

_PACKAGE = "colour"


@contextmanager
def _submodules_only() -> Iterator[None]:
    """Let submodules of `colour` be imported without running the package itself.

    A package that somebody imported whole is used as it is. What is imported here is forgotten again afterwards, so
    that a later `import colour` anywhere gets the complete package and not half of one.
    """
    if _PACKAGE in sys.modules:
        yield
        return
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError("the labs pack needs colour-science: pip install 'yosegi[labs]'", name=_PACKAGE)
    shell = ModuleType(_PACKAGE)
    shell.__path__ = list(spec.submodule_search_locations)
    shell.__dict__["__disable_lazy_load__"] = True  # the library's own switch: tables are read where they are asked for
    sys.modules[_PACKAGE] = shell
    try:
        yield
    finally:
        for name in [n for n in sys.modules if n == _PACKAGE or n.startswith(f"{_PACKAGE}.")]:
            del sys.modules[name]


with _submodules_only():
    importlib.import_module("colour.utilities")  # it and colour.algebra need each other, in this order
    _datasets = importlib.import_module("colour.colorimetry.datasets")
    _OBSERVER = _datasets.MSDS_CMFS["CIE 1931 2 Degree Standard Observer"]
    _DAYLIGHT = _datasets.SDS_ILLUMINANTS["D65"]
    xyz_to_lab = importlib.import_module("colour.models.cie_lab").XYZ_to_Lab
    delta_e_2000 = importlib.import_module("colour.difference.delta_e").delta_E_CIE2000

Floats = NDArray[np.float64]


def observer(wavelengths: Floats) -> Floats:
    """Colour-matching functions of the CIE 1931 standard observer (2 degrees), shape (wavelengths, 3)."""
    return _at(_OBSERVER, wavelengths)


def daylight(wavelengths: Floats) -> Floats:
    """Relative spectral power of CIE standard illuminant D65, shape (wavelengths,)."""
    return _at(_DAYLIGHT, wavelengths)


def _at(spectrum: object, wavelengths: Floats) -> Floats:
    """Tabulated values at tabulated wavelengths; the tables are at 1 and 5 nm, so nothing is interpolated."""
    table = dict(zip(spectrum.wavelengths.tolist(), spectrum.values, strict=True))  # type: ignore[attr-defined]
    return np.array([table[float(w)] for w in wavelengths])

"""Which builds decided: recorded with proposals, so that a replay that differs can be explained."""

from __future__ import annotations

import functools
from importlib import metadata

import numpy as np
import scipy

REVISION = 10
"""Raised with every change after which the same problem, history and seed may give another decision."""


def versions() -> dict[str, str]:
    """Versions of the planner's decisions, yosegi, NumPy, SciPy and the linear algebra behind NumPy."""
    return dict(_found())


@functools.cache
def _found() -> dict[str, str]:
    """Looked up once: what is installed is read from files, at every proposal otherwise."""
    built = np.show_config(mode="dicts")
    found = built.get("Build Dependencies", {}).get("blas", {}) if isinstance(built, dict) else {}
    return {
        "planner": str(REVISION),
        "yosegi": metadata.version("yosegi"),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": f"{found.get('name', 'unknown')} {found.get('version', '')}".strip(),
    }

"""Which builds decided: recorded with proposals, so that a replay that differs can be explained."""

from __future__ import annotations

from importlib import metadata

import numpy as np
import scipy


def versions() -> dict[str, str]:
    """Versions of yosegi, NumPy, SciPy and the linear algebra behind NumPy."""
    built = np.show_config(mode="dicts")
    found = built.get("Build Dependencies", {}).get("blas", {}) if isinstance(built, dict) else {}
    return {
        "yosegi": metadata.version("yosegi"),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": f"{found.get('name', 'unknown')} {found.get('version', '')}".strip(),
    }

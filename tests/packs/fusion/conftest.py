from __future__ import annotations

import pytest

from yosegi_packs.fusion.scenario import Plan

EXAMPLE = Plan(power=51.0, heating_radius=0.12741589640723575, density=0.74, current=10.5, drive_radius=0.36)
"""The shipped example, but for its pedestal density of 0.62e20 per m³, which is 0.742 of the Greenwald density."""


@pytest.fixture(scope="session")
def example():
    """The plan of the shipped example."""
    return EXAMPLE


@pytest.fixture(scope="session")
def tree():
    """The example, run until it is steady; a minute, or ten seconds where JAX finds what it compiled before."""
    pytest.importorskip("torax", reason="needs the extra yosegi[fusion]: make setup-fusion, make test-fusion")
    from yosegi_packs.fusion.transport import run

    return run(EXAMPLE, 20.0)


@pytest.fixture(scope="session")
def end(tree):
    """The scalars at its end, by torax's names."""
    return {name: float(value) for name, value in tree.scalars.dataset.isel(time=-1).items() if value.ndim == 0}

from __future__ import annotations

import pytest

cobra = pytest.importorskip("cobra", reason="needs the extra yosegi[bio]")


@pytest.fixture(scope="session")
def textbook() -> cobra.Model:
    """The core model as published; change it only inside `with textbook:`."""
    from yosegi_packs.bio.cells import CORE, load

    return load(CORE, "any")


@pytest.fixture(scope="session")
def ijo1366() -> cobra.Model:
    """The genome-scale model as published (two to three seconds to read); change it only inside `with ijo1366:`."""
    from yosegi_packs.bio.cells import GENOME, load

    return load(GENOME, "any")

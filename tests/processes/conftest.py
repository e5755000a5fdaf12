from __future__ import annotations

from collections.abc import Iterator

import pytest

from processes.sites import Town


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One federation for all tests here: what one leaves behind, the next must bear."""
    town = Town(tmp_path_factory.mktemp("town") / "town")
    try:
        town.start("argonne", "riken", "nims", "robot")
        yield town
    finally:
        town.end()

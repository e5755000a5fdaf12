from __future__ import annotations

from collections.abc import Iterator

import pytest

from processes.sites import PURE_SOURCE, Town


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A running home site and a running owner, with one campaign that has ended."""
    town = Town(tmp_path_factory.mktemp("town") / "town")
    try:
        town.start("argonne", "riken")
        town.campaign("toy", PURE_SOURCE, offers=3)
        town.ended("toy")
        yield town
    finally:
        town.end()

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.asking import served
from processes.sites import Town


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A running home site and a running owner, with one campaign that has ended."""
    with served(tmp_path_factory.mktemp("town")) as town:
        yield town

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iri.facility import Facility, opened


@pytest.fixture(scope="package")
def facility() -> Iterator[Facility]:
    """A facility for tests that leave it as it was."""
    with opened() as facility:
        yield facility

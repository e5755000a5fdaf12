from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from web.house import House, opened


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with opened() as house:
        yield house


def token(client: httpx.Client, page: str = "/") -> str:
    """The form token of a page, as a form of that page would send it."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get(page).text)
    assert found is not None
    return found[1]


@pytest.fixture
def spoiled() -> Iterator[House]:
    """A house for tests that leave it changed."""
    with opened() as house:
        yield house

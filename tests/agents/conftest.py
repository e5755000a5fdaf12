from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents.clients import Agent
from web.house import House, opened

Make = Callable[..., Agent]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with opened() as house:
        yield house


@pytest.fixture(scope="module")
def make(house: House) -> Make:
    """Makes an agent under a mandate of its own."""
    numbers = itertools.count(1)

    def one(**terms: Any) -> Agent:
        return Agent(house, f"planner-{next(numbers)}", **terms)

    return one

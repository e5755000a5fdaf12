"""A fault inside a function takes the place of its code; one that stands outside makes the module be imported anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from assure.collected import changed, code_of
from assure.running import ENDLESS, FAILED, PASSED, TROUBLE, outcome_of

MODULE = """
import functools

LIMIT = 3

def small(count, most=LIMIT):
    return count < most

class Box:
    size: int = 4

    @functools.cached_property
    def fits(self):
        return [each for each in range(9) if each < self.size]

def counted(work):
    def inner():
        return work() + 1
    return inner

KNOWN = [each + 1 for each in range(LIMIT)]
"""


def names(new: str) -> list[str] | None:
    path = Path("module.py")
    found = changed(code_of(path, MODULE), code_of(path, new))
    return None if found is None else [old.co_qualname for old, _ in found]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("count < most", "count <= most", ["small"]),
        ("each < self.size", "each <= self.size", ["Box.fits.<locals>.<listcomp>", "Box.fits"]),
        ("work() + 1", "work() - 1", ["counted.<locals>.inner", "counted"]),
        ("return inner", "return None", ["counted"]),
    ],
)
def test_a_fault_in_a_function_is_one_of_its_code_and_of_the_functions_around_it(old, new, found):
    assert names(MODULE.replace(old, new)) == found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("most=LIMIT", "most=None"),
        ("size: int = 4", "size: int = 5"),
        ("    @functools.cached_property\n", "    @property\n"),
        ("each + 1 for", "each - 1 for"),
        ("return work() + 1", "return 1"),
    ],
)
def test_a_fault_that_is_at_work_when_the_module_is_imported_asks_for_that(old, new):
    assert names(MODULE.replace(old, new)) is None


def test_where_nothing_differs_there_is_nothing_to_replace():
    assert names(MODULE) == []


def test_what_comes_of_tests_is_told_apart():
    def endless() -> int:
        while True:
            pass

    assert outcome_of(lambda: 0, 5) == PASSED
    assert outcome_of(lambda: 1, 5) == FAILED
    assert outcome_of(lambda: 5, 5) == TROUBLE
    assert outcome_of(endless, 1) == ENDLESS

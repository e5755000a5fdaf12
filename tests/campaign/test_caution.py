"""A campaign file that says how the limits are kept during the search, or contradicts itself about it."""

from __future__ import annotations

import pytest

from federation.toys import spec
from yosegi.campaign import parse_spec
from yosegi.campaign.problem import problem_of
from yosegi.campaign.spec_text import text_of_spec
from yosegi.core.errors import Invalid
from yosegi.planner import Caution

CAUTIOUS = (
    spec()
    .replace('planner = "sobol"', 'planner = "gp"')
    .replace('objective = { name = "y" }', 'objective = { name = "cost" }')
    .replace('name = "experiment"', 'name = "experiment"\nvalue = { cost = "measure.y" }')
    .replace('name = "simulation"', 'name = "simulation"\nvalue = { cost = "simulate.y" }')
    + """
[[limit]]
name = "y"
at_most = 0.2
[caution]
begin = [{ x = 0.3 }, { x = 0.35 }]
reach = 0.1
again = 4
"""
)


def test_the_planner_is_told_what_the_file_says() -> None:
    caution = problem_of(parse_spec(CAUTIOUS)).caution
    assert caution == Caution(({"x": 0.3}, {"x": 0.35}), probability=0.98, reach=0.1, again=4)


def test_without_caution_the_planner_is_told_of_none() -> None:
    assert problem_of(parse_spec(spec())).caution is None


def test_the_file_written_from_a_specification_says_it_again() -> None:
    once = parse_spec(CAUTIOUS)
    text, files = text_of_spec(once)
    assert not files
    assert parse_spec(text) == once


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{ x = 0.35 }", "{ x = 1.5 }", "x is 1.5, outside its range"),
        ("{ x = 0.35 }", '{ x = "half" }', "x is 'half', outside its range"),
        ("{ x = 0.35 }", "{ x = true }", "x is True, outside its range"),
        ("{ x = 0.35 }", "{}", "x is not given"),
        ("{ x = 0.35 }", "{ x = 0.35, z = 1.0 }", "'z' is none of the parameters"),
        ("begin = [{ x = 0.3 }, { x = 0.35 }]", "begin = []", "begin"),
        ("reach = 0.1", "reach = 0.0", "reach"),
        ("reach = 0.1", "probability = 1.0", "probability"),
        ("again = 4", "again = 1", "again"),
        ("again = 4", "sometimes = 4", "sometimes"),
        ('[[limit]]\nname = "y"\nat_most = 0.2', "", "caution: needs a limit"),
        ('planner = "gp"', 'planner = "sobol"', "planner sobol knows none"),
        ("again = 4", "[[constraint]]\nweights = { x = 1.0 }\nat_most = 0.32", "x is 0.35 and must be at most 0.32"),
    ],
)
def test_a_contradiction_is_named(old: str, new: str, says: str) -> None:
    assert old in CAUTIOUS
    with pytest.raises(Invalid, match=says):
        parse_spec(CAUTIOUS.replace(old, new, 1))

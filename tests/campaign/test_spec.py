"""A campaign file that contradicts itself is refused with the field that does."""

from __future__ import annotations

import pytest

from federation.toys import spec
from yosegi.campaign import BadCampaign, parse_spec
from yosegi.campaign.measurements import MeasuredRow, notes_on, rows_of
from yosegi.campaign.tables import read_table
from yosegi.core.errors import Invalid


def test_the_toy_file_holds() -> None:
    assert parse_spec(spec()).capabilities() == ("nims/toy.make@1", "nims/toy.measure@1", "riken/toy.simulate@1")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name = ", "name == ", "not TOML"),
        ('title = "Toy"', 'title = "Toy"\ncolour = "red"', "colour"),
        ('question = "Which x?"', "", "question"),
        ("stop = { trials = 2 }", "stop = {}", "stop says nothing"),
        ('bind = { sample = "make.sample" }', 'bind = { sample = "later.sample" }', "neither a parameter"),
        ('name = "measure"', 'name = "make"', "stands twice"),
        ('name = "simulation"', 'name = "experiment"', "stands twice"),
        ('on_behalf_of = "pi@argonne"', 'on_behalf_of = "somebody"', "on_behalf_of"),
        ("nims/toy.make@1", "toy.make", "capability"),
        ("parallel = 2", "parallel = 0", "parallel"),
        ("price = 10.0", "price = -1.0", "price"),
        ("resolution = 0.001", "resolution = 0", "resolution"),
    ],
)
def test_a_contradiction_is_named(old: str, new: str, says: str) -> None:
    assert old in spec()
    with pytest.raises(Invalid, match=says):
        parse_spec(spec().replace(old, new, 1))


def test_a_limit_on_what_is_an_objective_too_is_told_to_take_another_name() -> None:
    objective = parse_spec(spec()).main.name
    with pytest.raises(Invalid, match=rf'has a name of its own, .* value = {{ NAME = "step\.{objective}" }}'):
        parse_spec(spec() + f'\n[[limit]]\nname = "{objective}"\nat_most = 1.0\n')


def test_a_budget_is_read_exactly_and_refuses_what_is_no_amount() -> None:
    assert parse_spec(spec() + '\n[budget]\nsamples = "2.5"\n').budget["samples"] == 2500
    with pytest.raises(Invalid, match="samples"):
        parse_spec(spec() + '\n[budget]\nsamples = "0.0001"\n')


def test_a_budget_of_nothing_is_refused_since_it_would_bound_nothing() -> None:
    with pytest.raises(Invalid, match="samples is 0"):
        parse_spec(spec() + '\n[budget]\nsamples = "0"\n')


def test_every_fault_of_a_file_is_told_at_once_with_its_line() -> None:
    # One of each layer: an amount, a unit, a number that is none, a field, a value, and two that disagree.
    text = (
        spec()
        .replace("parallel = 2", "parallel = 0")
        .replace("price = 10.0", "price = nan")
        .replace('title = "Toy"', 'title = "Toy"\ncolour = "red"')
        .replace("stop = { trials = 2 }", "stop = {}")
        + '\n[budget]\nsamples = "0.0001"\ngold = "1"\nusd = "0"\n'
    )
    with pytest.raises(BadCampaign) as caught:
        parse_spec(text)
    lines = text.splitlines()
    wanted = ["parallel = 0", "price = nan", 'colour = "red"', 'samples = "0.0001"', 'gold = "1"', 'usd = "0"']
    for start in wanted:
        number = next(n for n, line in enumerate(lines, start=1) if start in line)
        assert number in [one.line for one in caught.value.findings], (start, str(caught.value))


def test_every_contradiction_between_fields_is_told_at_once() -> None:
    text = spec().replace("stop = { trials = 2 }", "stop = {}").replace('name = "simulation"', 'name = "experiment"')
    with pytest.raises(BadCampaign) as caught:
        parse_spec(text)
    assert [one.path[0] for one in caught.value.findings] == ["stop", "source"]
    assert all(one.line for one in caught.value.findings)


def test_measurements_outside_the_ranges_or_without_a_limit_are_taken_with_a_note() -> None:
    asked = parse_spec(spec() + '\n[[limit]]\nname = "wear"\nat_most = 1.0\n')
    rows = tuple(
        MeasuredRow(values={"x": x}, outcomes={"y": 0.5} | wear)
        for x, wear in ((0.5, {"wear": 0.2}), (50.0, {"wear": 0.2}), (0.7, {}))
    )
    notes = tuple(notes_on(asked, rows))
    assert notes[0] == "1 outside the range of x, 0 to 1: 50"
    assert notes[1].startswith("1 without wear: ")
    assert len(notes) == 2
    assert tuple(notes_on(asked, rows[:1])) == ()


def test_everything_that_is_wrong_with_a_table_of_measurements_is_said_at_once_with_its_line() -> None:
    table = read_table('date,x,y\n1,0.1,0.5\n2,0.2,"3,4"\n3,wet,0.5\n4,0.4,\n', "notebook.csv")
    with pytest.raises(Invalid) as caught:
        rows_of(parse_spec(spec()), table)
    assert str(caught.value).splitlines() == [
        "notebook.csv: 3 findings",
        "  line 3: y is '3,4', which is no number",
        "  line 4: x is 'wet', which is no number",
        "  line 5: says neither what was measured nor that it failed. A cell, or state = failed",
    ]


def test_a_head_of_many_blanks_is_refused_like_any_other() -> None:
    # Matched with backtracking it would take hours.
    with pytest.raises(Invalid, match="is no name of a column"):
        read_table("a" + " " * 20_000 + "(x\n1\n", "points.csv")

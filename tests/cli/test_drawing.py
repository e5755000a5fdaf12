from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from xml.etree import ElementTree

import pytest

from yosegi.cli._drawing import svg, ticks
from yosegi.cli._series import Series

SPACE = "{http://www.w3.org/2000/svg}"


def kinds(levels: Sequence[str], name: str = "溶媒") -> Series:
    measured = [(float(i), 10.0 * i) for i in range(len(levels))]
    proposed = [(0.0, (5.0, 1.0)), (1.0, None)]
    return Series(name, "収率", tuple(levels), measured, [1.0], proposed, 0.0, len(levels) - 1.0, lambda v: -v)


def numbers(low: float, high: float, outcomes: tuple[float, float]) -> Series:
    measured = [(low, outcomes[0]), (high, outcomes[1])]
    return Series("温度", "収率", (), measured, [low], [(high, (outcomes[1], 0.5))], low, high, lambda v: -v)


def texts(drawn: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(drawn).iter(f"{SPACE}text"))


def test_each_of_many_kinds_has_a_line_of_its_own() -> None:
    levels = [f"溶媒の名前がとても長い場合 {i}" for i in range(44)]
    drawn = texts(svg("t", [("収率", [kinds(levels)])]))
    places = [float(t.get("y", "0")) for t in drawn if t.findtext(f"{SPACE}title", "").startswith("溶媒の名前")]
    assert len(places) == 44
    assert min(b - a for a, b in itertools.pairwise(places)) >= 11


def test_a_shortened_name_stands_whole_where_the_mouse_rests() -> None:
    name = "CC(C)C1=CC(C(C)C)=CC(C(C)C)=C1C2=C(P)COC"
    assert f"<title>{name}</title>" in svg("t", [("y", [kinds([name, "b"])])])


def test_beyond_sixty_kinds_the_rest_is_counted() -> None:
    assert "and 40 more kinds" in svg("t", [("y", [kinds([f"k{i}" for i in range(100)])])])


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (60, 100, ["60", "70", "80", "90", "100"]),
        (0, 1, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (100, 130, ["100", "105", "110", "115", "120", "125", "130"]),
        (0, 60000, ["0", "10000", "20000", "30000", "40000", "50000", "60000"]),
        (5, 5, ["5"]),
    ],
)
def test_ticks_are_round_and_plain(low: float, high: float, labels: list[str]) -> None:
    assert ticks(low, high)[1] == labels


def test_very_large_ticks_are_powers_of_ten_as_people_write_them() -> None:
    assert ticks(1e9, 4e9, 3)[1] == ["1×10⁹", "2×10⁹", "3×10⁹", "4×10⁹"]


@pytest.mark.parametrize("span", [(1e-6, 3e-6), (0.001, 0.002), (3.0, 250.0), (1e4, 9e5), (2e6, 7e8), (-4.0, 1e3)])
def test_no_tick_is_written_as_programs_do(span: tuple[float, float]) -> None:
    drawn = svg("t", [("y", [numbers(*span, span)])])
    assert not [t.text for t in texts(drawn) if re.search(r"\de[+-]?\d", t.text or "")]


def test_ticks_side_by_side_do_not_touch() -> None:
    """Eleven pixels a digit is more than any usual font takes at this size."""
    drawn = texts(svg("t", [("y", [numbers(123456.0, 123999.0, (0.0, 1.0))])]))
    row = [(float(t.get("x", "0")), t.text or "") for t in drawn if t.get("text-anchor") == "middle"]
    marks = [(x, label) for x, label in row if label.isdigit() and len(label) == 6]
    assert len(marks) >= 2
    assert all(b[0] - a[0] > 6 * 7 for a, b in itertools.pairwise(marks))


def test_a_section_an_outcome_and_a_panel_a_parameter() -> None:
    series = [numbers(0.0, 1.0, (1.0, 2.0)), kinds(["a", "b"])]
    root = ElementTree.fromstring(svg("t", [("first", series), ("second", series)]))
    assert len(root.findall(f"{SPACE}g")) == 4
    assert {"first", "second"} <= {t.text for t in root.findall(f"{SPACE}text")}


def test_characters_that_no_drawing_may_hold_are_written_out() -> None:
    drawn = svg("a\x07b<c>", [("y\x1b[2J", [kinds(["x\x00y", "b"], "n\x08m")])])
    assert ElementTree.fromstring(drawn).findtext(f"{SPACE}title") == "a\\x07b<c>"


def test_a_panel_with_nothing_measured_is_drawn() -> None:
    bare = Series("x", "y", (), [], [1.0], [(1.0, None)], 1.0, 2.0, lambda v: v)
    assert ElementTree.fromstring(svg("t", [("y", [bare])])) is not None

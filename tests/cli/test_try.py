from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from yosegi.cli._table import read
from yosegi.cli.try_ import try_
from yosegi.core.errors import Invalid

HEADER = "x,ink,y\n"


def table(tmp_path: Path, text: str, name: str = "candidates.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def parabola(tmp_path: Path, blank: bool = True) -> Path:
    """21 recipes, best at x = 0.6; every fifth is measured, or all."""
    rows = [f"{x / 20},{'' if blank and x % 5 else 1 - (x / 20 - 0.6) ** 2}" for x in range(21)]
    return table(tmp_path, "x,y\n" + "\n".join(rows) + "\n")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(try_, [str(a) for a in arguments])


def answer(*arguments: object) -> dict[str, object]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_a_blank_line_is_proposed_and_a_measured_one_is_not(tmp_path: Path) -> None:
    found = answer(parabola(tmp_path), "--count", 3)
    lines = [p["line"] for p in found["proposals"]]  # type: ignore[attr-defined]
    measured = {2 + x for x in range(0, 21, 5)}
    assert len(set(lines)) == 3
    assert not measured & set(lines)


def test_the_planner_asks_near_the_best_of_a_parabola(tmp_path: Path) -> None:
    [proposal] = answer(parabola(tmp_path))["proposals"]  # type: ignore[misc]
    assert 0.4 < proposal["values"]["x"] < 0.8


def test_less_is_better_when_asked(tmp_path: Path) -> None:
    found = answer(parabola(tmp_path), "--minimise")
    assert found["best"]["y"]["line"] == 2  # type: ignore[index]
    assert found["objectives"] == [{"name": "y", "goal": "minimise", "target": None}]


def test_the_same_seed_gives_the_same_answer(tmp_path: Path) -> None:
    path = parabola(tmp_path)
    assert run(path, "--seed", 3).output == run(path, "--seed", 3).output


def test_every_proposal_says_its_line_and_why(tmp_path: Path) -> None:
    output = run(parabola(tmp_path), "--count", 2).output
    assert "Measure next" in output
    assert "1. line " in output
    assert "2. line " in output
    assert "21 lines over x; 5 measured, 16 not yet" in output


def test_a_table_without_a_measurement_is_begun(tmp_path: Path) -> None:
    found = answer(table(tmp_path, "x,y\n1,\n2,\n3,\n4,\n"))
    assert len(found["proposals"]) == 1  # type: ignore[arg-type]


def test_several_objectives_have_their_own_goals(tmp_path: Path) -> None:
    text = "x,gain,price\n" + "".join(f"{x},{x},{x * x}\n" for x in range(6)) + "7,,\n8,,\n"
    found = answer(table(tmp_path, text), "--objective", "gain", "--objective", "price:minimise")
    assert [o["goal"] for o in found["objectives"]] == ["maximise", "minimise"]  # type: ignore[attr-defined]
    assert found["best"]["price"]["value"] == 0.0  # type: ignore[index]


def test_a_target_is_come_near_to(tmp_path: Path) -> None:
    found = answer(parabola(tmp_path), "--objective", "y:target=0.9")
    values = [1 - (x / 20 - 0.6) ** 2 for x in range(0, 21, 5)]
    assert found["best"]["y"]["value"] == min(values, key=lambda v: abs(v - 0.9))  # type: ignore[index]


def test_the_written_proposals_are_those_that_nimo_reads(tmp_path: Path) -> None:
    """NIMO 2.1.8 writes a header of `actions` and the recipe's columns; an action is a row from 0 below the header."""
    out = tmp_path / "proposals.csv"
    path = parabola(tmp_path)
    run(path, "--count", 2, "--out", out)
    header, *rows = csv.reader(out.read_text(encoding="utf-8").splitlines())
    assert header == ["actions", "x"]
    candidates = path.read_text(encoding="utf-8").splitlines()[1:]
    for action, x in rows:
        assert float(candidates[int(action)].split(",")[0]) == float(x)


def test_the_drawing_has_a_panel_a_parameter_and_a_mark_a_measurement(tmp_path: Path) -> None:
    out = tmp_path / "known.svg"
    text = HEADER + "1,a,1\n2,b,2\n3,a,3\n4,b,\n"
    run(table(tmp_path, text), "--draw", out)
    root = ElementTree.parse(out).getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}g")) == 2
    assert len(root.findall(f".//{space}g/{space}circle")) == 2 * 3


def test_the_strip_shows_where_it_was_measured(tmp_path: Path) -> None:
    output = run(parabola(tmp_path)).output
    strip = next(line for line in output.splitlines() if line.lstrip().startswith("x "))
    assert strip.count("█") >= 1
    assert len([c for c in strip if c in "▁▂▃▄▅▆▇█"]) == 5
    assert "▲" in output


def test_a_complete_table_says_what_would_have_been_saved(tmp_path: Path) -> None:
    result = run(parabola(tmp_path, blank=False), "--repetitions", 3)
    assert "Looking back" in result.output
    assert "3 repetitions, each from 5 random recipes" in result.output


def test_the_expectation_of_random_search_is_its_closed_form(tmp_path: Path) -> None:
    """(N + 1) / (K + 1) for the first of K among N, the mean of the negative hypergeometric distribution."""
    found = answer(parabola(tmp_path, blank=False), "--repetitions", 2)
    first = found["look_back"][0]  # type: ignore[index]
    assert first["recipes"] == 2
    assert math.isclose(first["expected_random"], 22 / 3)
    assert len(first["measurements"]) == 2


def test_repetitions_of_a_recipe_are_one_recipe_in_the_look_back(tmp_path: Path) -> None:
    rows = "".join(f"{x},{x + e}\n" for x in range(12) for e in (0.0, 0.1))
    found = answer(table(tmp_path, "x,y\n" + rows), "--repetitions", 1)
    assert math.isclose(found["look_back"][0]["expected_random"], 13 / 3)  # type: ignore[index]


def test_a_small_complete_table_says_why_it_is_not_looked_back_at(tmp_path: Path) -> None:
    assert "at least 10 recipes" in run(table(tmp_path, "x,y\n1,1\n2,2\n")).output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x,y\n1,2\ntwo,3\n3,\n", "line 3, column 1 (x): 'two' is not a number"),
        ("x,y\n1,2\n2,high\n", "line 3, column 2 (y): 'high' is neither a number nor blank"),
        ("x,y\n1,2\n2\n", "line 3: it has 1 cells, and the header has 2"),
        ("x,y\n,2\n", "line 2, column 1 (x): a recipe needs a value here"),
        ("x,x\n1,2\n", "line 1, column 2: the name 'x' stands twice"),
        ("x,\n1,2\n", "line 1, column 2: the column has no name"),
        ("1,2\n3,4\n", "line 1: it holds numbers only"),
        ("x,y\n", "it has no rows below a header"),
        ("y\n1\n", "a table needs a column to vary and a column to measure"),
    ],
)
def test_a_bad_file_is_refused_by_line_and_column(tmp_path: Path, text: str, says: str) -> None:
    result = run(table(tmp_path, text))
    assert result.exit_code == 1
    assert says in result.output


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = run(tmp_path / "nowhere.csv")
    assert result.exit_code == 1
    assert "nowhere.csv: it cannot be read" in result.output


def test_an_unknown_goal_lists_the_goals(tmp_path: Path) -> None:
    assert "Write maximise, minimise or target=NUMBER" in run(parabola(tmp_path), "--objective", "y:best").output


def test_an_unknown_column_lists_the_columns(tmp_path: Path) -> None:
    assert "there is no column 'z'. Columns: x, y" in run(parabola(tmp_path), "--ignore", "z").output


def test_blank_lines_of_the_file_count_in_line_numbers(tmp_path: Path) -> None:
    assert read(table(tmp_path, "x,y\n\n1,2\n\n2,\n")).lines == [3, 5]


def test_a_spreadsheet_saved_in_japan_is_read(tmp_path: Path) -> None:
    path = tmp_path / "候補.csv"
    path.write_bytes("温度,収率\n60,12.5\n80,\n".encode("cp932"))
    assert read(path).parameters == {"温度": [60.0, 80.0]}


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_cells_may_be_separated_as_spreadsheets_do(tmp_path: Path, delimiter: str) -> None:
    text = HEADER + "1,a,2\n2,b,\n"
    found = read(table(tmp_path, text.replace(",", delimiter)))
    assert found.parameters == {"x": [1.0, 2.0], "ink": ["a", "b"]}
    assert found.outcomes == {"y": [2.0, None]}


def test_numbers_that_are_names_are_taken_as_such(tmp_path: Path) -> None:
    found = read(table(tmp_path, "x,ink,y\n1,1,2\n2,2,\n"), categorical=["ink"])
    assert found.parameters["ink"] == ["1", "2"]


def test_an_ignored_column_is_neither_varied_nor_measured(tmp_path: Path) -> None:
    found = read(table(tmp_path, "x,y,note\n1,2,fine\n2,,\n"), ignored=["note"])
    assert (list(found.parameters), list(found.outcomes)) == (["x"], ["y"])


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.csv"
    path.write_bytes(b"\x89PNG\xff\xfe\x00\x81")
    with pytest.raises(Invalid, match="neither UTF-8 nor Shift JIS"):
        read(path)


def test_the_help_shows_the_form_of_the_table() -> None:
    assert "60,0.5,water,12.1" in run("--help").output

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from yosegi.cli._table import read
from yosegi.cli.try_ import try_
from yosegi.core.errors import Invalid

HEADER = "x,ink,y\n"
TABLES = Path(__file__).parent / "tables"


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
    strip = next(line for line in output.splitlines() if "·" in line and line.lstrip().startswith("x "))
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
        ("x,y\n,2\n3,4\n", "line 2, column 1 (x): a recipe needs a value here"),
        ("x,x\n1,2\n", "line 1, column 2: the name 'x' stands twice"),
        ("x,\n1,2\n", "line 1, column 2: the column has no name"),
        ("1,2\n3,4\n", "line 1: it holds numbers where a header has names (1, 2)"),
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
    with pytest.raises(Invalid, match="it is a picture, not text"):
        read(path)


def test_the_help_shows_the_form_of_the_table() -> None:
    assert "60,0.5,water,12.1" in run("--help").output


def test_every_column_is_told_as_it_was_read() -> None:
    output = run(TABLES / "units.csv").output
    assert "temp   numbers, 60 to 100 C" in output
    columns = answer(TABLES / "units.csv")["columns"]
    assert [(c["name"], c["role"], c["unit"]) for c in columns] == [  # type: ignore[attr-defined]
        ("temp", "number", "C"),
        ("time", "number", "min"),
        ("yield", "objective", ""),
    ]


def test_how_a_table_was_read_is_told_before_the_long_look_back(tmp_path: Path) -> None:
    output = run(parabola(tmp_path, blank=False), "--repetitions", 1).output
    assert output.index("Read as") < output.index("Looking back")
    assert output.index("x  numbers, 0 to 1") < output.index("best so far")


def test_what_was_left_out_by_guess_is_told_with_the_way_back() -> None:
    output = run(TABLES / "notes.csv").output
    assert "notes  notes, left out (by its name)" in output
    assert "--keep 'notes'" in output


def test_an_encoding_that_was_found_out_is_told() -> None:
    assert "text in cp1252, Windows-1252" in run(TABLES / "latin1.csv").output
    assert answer(TABLES / "latin1.csv")["read"]["encoding"] == "cp1252"  # type: ignore[index]


@pytest.mark.parametrize("name", sorted(p.name for p in TABLES.iterdir() if p.name != "const2.csv"))
def test_a_laboratorys_file_gets_a_proposal_on_one_of_its_blank_lines(name: str) -> None:
    [proposal] = answer(TABLES / name)["proposals"]  # type: ignore[misc]
    assert proposal["measure"]


def test_a_proposed_recipe_is_told_as_it_stands_in_the_file() -> None:
    assert "line 4: temp 100 C, time 30 min" in run(TABLES / "units.csv").output


def test_rows_that_are_measured_in_part_are_used_and_proposed_for_the_rest() -> None:
    arguments = (TABLES / "part.csv", "--objective", "yield", "--objective", "ee", "--count", 3)
    found = answer(*arguments)
    assert (found["measured"], found["partly_measured"], found["not_measured"]) == (12, 8, 0)
    assert [p["measure"] for p in found["proposals"]] == [["ee"]] * 3  # type: ignore[attr-defined]
    output = run(*arguments).output
    assert "4 measured, 8 measured in part, 0 not yet" in output
    assert "for ee; yield" in output


def failing(tmp_path: Path, word: str) -> Path:
    """Recipes of which all above 0.6 give `word`, while what is measured rises towards them."""
    cells = {x: (str(x / 40) if x <= 24 else word) for x in range(0, 41, 4)}
    return table(tmp_path, "x,y\n" + "".join(f"{x / 40},{cells.get(x, '')}\n" for x in range(41)))


def test_failures_are_learned_from(tmp_path: Path) -> None:
    """Without failures the rise leads beyond 0.6, with them it does not."""
    [bold] = answer(failing(tmp_path, ""))["proposals"]  # type: ignore[misc]
    [careful] = answer(failing(tmp_path, "failed"))["proposals"]  # type: ignore[misc]
    assert bold["values"]["x"] > 0.65
    assert careful["values"]["x"] < 0.65
    assert careful["expected"]["feasible"] < 1.0


def test_a_word_named_as_a_failure_is_one(tmp_path: Path) -> None:
    assert answer(failing(tmp_path, "no film"), "--failed", "No Film")["failed"] == 4


def test_a_failed_recipe_is_not_proposed_again(tmp_path: Path) -> None:
    output = run(table(tmp_path, "x,y\n1,2\n2,failed\n2,\n")).output
    assert "Every recipe that is left was measured on another line, or failed" in output


def test_a_constant_table_would_have_saved_nothing() -> None:
    output = run(TABLES / "const2.csv", "--repetitions", 2).output
    assert "every recipe is as good as every other: nothing could have been saved" in output
    [one, _] = answer(TABLES / "const2.csv", "--repetitions", 2)["look_back"]  # type: ignore[misc]
    assert (one["recipes"], one["expected_random"], one["measurements"]) == (36, 1.0, [1, 1])


@pytest.mark.parametrize("target", ["nan", "inf", "-inf", "", "7,4"])
def test_a_target_that_is_no_finite_number_is_refused(tmp_path: Path, target: str) -> None:
    result = run(parabola(tmp_path), "--objective", f"y:target={target}")
    assert result.exit_code == 1
    assert "is no finite number. Write target=NUMBER" in result.output


def test_an_objective_may_have_a_colon_in_its_name(tmp_path: Path) -> None:
    path = table(tmp_path, "x,HPLC: yield\n1,2\n2,3\n3,\n")
    for text, goal in (("HPLC: yield", "maximise"), ("HPLC: yield:minimise", "minimise")):
        assert answer(path, "--objective", text)["objectives"][0]["goal"] == goal  # type: ignore[index]


@pytest.mark.parametrize("option", ["--out", "--draw"])
@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_table_is_never_written_over(tmp_path: Path, option: str, overwrite: tuple[str, ...]) -> None:
    path = parabola(tmp_path)
    before = path.read_bytes()
    result = run(path, option, path, *overwrite)
    assert result.exit_code == 1
    assert "it is a file that this command reads" in result.output
    assert path.read_bytes() == before


def test_an_old_drawing_is_replaced_only_when_told(tmp_path: Path) -> None:
    out = table(tmp_path, "old", "known.svg")
    refused = run(parabola(tmp_path), "--draw", out)
    assert (refused.exit_code, out.read_text()) == (1, "old")
    assert run(parabola(tmp_path), "--draw", out, "--overwrite").exit_code == 0
    assert out.read_text().startswith("<svg")


def test_standard_input_is_a_table(tmp_path: Path) -> None:
    data = parabola(tmp_path).read_bytes()
    result = CliRunner().invoke(try_, ["-", "--json"], input=data)
    found = json.loads(result.stdout)
    assert (found["table"], found["rows"]) == ("standard input", 21)


def asked(arguments: list[str], answers: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    """The command as at a terminal."""
    monkeypatch.setattr("yosegi.cli._trying._Options.may_ask", lambda self, _: not self.yes)
    return CliRunner().invoke(try_, arguments, input=answers)


def test_at_a_terminal_a_guess_is_offered_and_may_be_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(table(tmp_path, "sample,x,y\nA,1,2\nB,2,\nC,3,\n"))
    offered = asked([path], "n\n", monkeypatch)
    assert "'sample' looks like an id. Leave it out?" in offered.output
    assert "over sample, x;" in offered.output
    assert "over x;" in asked([path], "y\n", monkeypatch).output


def test_yes_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(table(tmp_path, "sample,x,y\nA,1,2\nB,2,\nC,3,\n"))
    result = asked([path, "--yes"], "", monkeypatch)
    assert "Leave it out?" not in result.output
    assert "over x;" in result.output


def test_every_objective_is_told_and_drawn(tmp_path: Path) -> None:
    out = tmp_path / "known.svg"
    path = TABLES / "part.csv"
    output = run(path, "--objective", "yield", "--objective", "ee", "--draw", out).output
    assert "What is known of yield" in output
    assert "What is known of ee" in output
    root = ElementTree.parse(out).getroot()
    assert len(root.findall("{http://www.w3.org/2000/svg}g")) == 2


def test_japanese_names_and_kinds_stand_in_the_drawing_with_plain_ticks(tmp_path: Path) -> None:
    out = tmp_path / "known.svg"
    asked = run(TABLES / "ja.csv", "--objective", "収率", "--draw", out)
    assert asked.exit_code == 0, asked.output
    drawn = out.read_text(encoding="utf-8")
    assert all(word in drawn for word in ("温度", "溶媒", "収率", "エタノール"))
    assert "e+" not in drawn


def test_a_single_recipe_is_proposed(tmp_path: Path) -> None:
    assert [p["line"] for p in answer(table(tmp_path, "x,y\n1,\n"))["proposals"]] == [2]  # type: ignore[attr-defined]


def test_a_table_of_failures_alone_is_begun_elsewhere_or_told(tmp_path: Path) -> None:
    begun = answer(table(tmp_path, "x,y\n1,failed\n2,failed\n3,\n"))
    assert [p["line"] for p in begun["proposals"]] == [4]  # type: ignore[attr-defined]
    told = run(table(tmp_path, "x,y\n1,failed\n2,failed\n", "all.csv"))
    assert "for a look back it takes recipes that did not fail" in told.output


def test_what_is_the_same_everywhere_stands_in_the_written_proposals(tmp_path: Path) -> None:
    out = tmp_path / "proposals.csv"
    run(table(tmp_path, "x,p,y\n1,5,2\n2,5,\n"), "--out", out)
    assert out.read_text(encoding="utf-8").splitlines() == ["actions,x,p", "1,2.0,5.0"]


def test_it_computes_on_one_core_unless_told_otherwise() -> None:
    """NumPy reads the variable when it is loaded, so it has to be set before."""
    program = "import sys, os, yosegi.cli._trying; print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules)"
    first = "import sys, yosegi.cli._one_thread; assert 'numpy' not in sys.modules; "
    for told, threads in ((None, "1"), ("2", "2")):
        variables = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
        variables |= {} if told is None else {"OPENBLAS_NUM_THREADS": told}
        ran = subprocess.run(
            [sys.executable, "-c", first + program], env=variables, capture_output=True, text=True, check=True
        )
        assert ran.stdout.split() == [threads, "True"]

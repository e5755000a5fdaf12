from __future__ import annotations

from pathlib import Path

import pytest

from yosegi.cli._table import LabTable, open_table, read, table_of
from yosegi.cli._table_columns import MOST_KINDS, Column, ColumnOptions, Role
from yosegi.core.errors import Invalid

TABLES = Path(__file__).parent / "tables"


def table(tmp_path: Path, text: str, **asked: object) -> LabTable:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return table_of(open_table(path), ColumnOptions(**asked))  # type: ignore[arg-type]


def column(found: LabTable, name: str) -> Column:
    return next(c for c in found.columns if c.name == name)


def roles(found: LabTable) -> dict[str, str]:
    return {c.name: c.role.value for c in found.columns}


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("de.csv", {"Temperatur": [60.5, 80.5, 60.5, 75.0, 70.0, 65.0], "Verhältnis": [0.5, 0.5, 0.7, 0.9, 0.6, 0.8]}),
        ("thou.csv", {"rpm": [1000.0, 1500.0, 2000.0, 900.0]}),
        ("units.csv", {"temp": [60.0, 80.0, 100.0, 70.0], "time": [10.0, 20.0, 30.0, 10.0]}),
        ("utf16.txt", {"temp": [60.0, 80.0, 70.0]}),
        ("sep.csv", {"temp": [60.0, 80.0]}),
        ("com.csv", {"temp": [60.0, 80.0]}),
        ("notes.csv", {"temp": [60.0, 80.0, 70.0]}),
    ],
)
def test_a_laboratorys_file_has_its_numbers(name: str, numbers: dict[str, list[float]]) -> None:
    assert read(TABLES / name).parameters == numbers


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("na.csv", {"cation": ["Li", "Na", "K", "Na", "Li", "K"]}),
        ("none.csv", {"ligand": ["L1", "L2", "L3", "L1"], "additive": ["None", "MgCl2", "None", "MgCl2"]}),
        ("latin1.csv", {"Lösungsmittel": ["Äthanol", "Wasser", "Äthanol"]}),
    ],
)
def test_a_level_is_what_it_says(name: str, kinds: dict[str, list[str]]) -> None:
    found = read(TABLES / name)
    assert {n: c for n, c in found.parameters.items() if column(found, n).role is Role.KINDS} == kinds


def test_a_column_of_notes_is_left_out_and_the_one_before_it_is_measured() -> None:
    assert roles(read(TABLES / "notes.csv")) == {"temp": "number", "yield": "objective", "notes": "note"}


def test_a_failure_is_neither_a_value_nor_a_blank() -> None:
    found = read(TABLES / "failed.csv")
    assert (found.measured(), found.failed(), found.wanting()) == ([0, 2], [1], [3])


def test_words_are_named_as_failures_and_as_missing(tmp_path: Path) -> None:
    found = table(tmp_path, "x,y\n1,2\n2,n.d.\n3,No Product\n", missing=("N.D.",), failed=("failed", "no product"))
    assert (found.measured(), found.failed(), found.wanting()) == ([0], [2], [1])


@pytest.mark.parametrize("word", ["NA", "nan", "-", "n/a", "None", "high"])
def test_a_word_in_an_objective_is_refused_with_the_options_that_tell_it(tmp_path: Path, word: str) -> None:
    with pytest.raises(Invalid, match=r"line 3, column 2 \(y\).*neither a number nor blank.*--missing.*--failed"):
        table(tmp_path, f"x,y\n1,2\n2,{word}\n3,4\n")


def test_a_row_counts_as_measured_by_objective() -> None:
    found = read(TABLES / "part.csv", ["yield", "ee"])
    assert len(found.measured()) == 12
    assert found.partly() == found.wanting() == [1, 2, 4, 5, 7, 8, 10, 11]
    assert found.lacking(1) == ["ee"]


def test_a_failure_of_one_objective_leaves_the_other_measured(tmp_path: Path) -> None:
    found = table(tmp_path, "x,a,b\n1,2,failed\n2,failed,\n3,,\n", objectives=("a", "b"))
    assert (found.measured(), found.failed(), found.wanting()) == ([0], [1], [2])


@pytest.mark.parametrize(
    ("text", "name", "role"),
    [
        ("sample,x,y\nS1,1,2\nS7,2,\nQ2,3,\n", "sample", "id"),
        ("no,x,y\n1,10,2\n2,20,\n3,30,\n", "no", "id"),
        ("Exp. No.,x,y\n101,10,2\n102,20,\n103,30,\n", "Exp. No.", "id"),
        ("x,how,y\n1,Stir it over night at 80 C.,2\n2,As above but in ethanol.,\n", "how", "note"),
        ("番号,x,y\n1,10,2\n2,20,\n3,30,\n", "番号", "id"),
        ("code,x,y\n" + "".join(f"S{i:03},{i * i},\n" for i in range(1, 13)), "code", "id"),
        ("smiles,x,y\n" + "".join(f"C{'C' * i}O,{i},\n" for i in range(30)), "smiles", "id"),
        ("made,x,y\n2024-05-01,1,2\n2024-05-02,2,\n", "made", "date"),
        ("made,x,y\n2024年5月1日,1,2\n2024年5月2日,2,\n", "made", "date"),
        ("date,x,y\n20240501,1,2\n20240502,2,\n", "date", "date"),
        ("x,y,備考\n1,2,濁り\n2,,\n", "備考", "note"),
        ("x,seen,y\n1,cloudy,2\n2,,\n3,,\n", "seen", "note"),
        ("x,rest,y\n1,,2\n2,,\n", "rest", "empty"),
        ("x,p,y\n1,5,2\n2,5,\n", "p", "constant"),
        ("x,s,y\n1,water,2\n2,water,\n", "s", "constant"),
    ],
)
def test_what_is_no_part_of_the_recipe_is_recognised(tmp_path: Path, text: str, name: str, role: str) -> None:
    found = table(tmp_path, text)
    assert roles(found)[name] == role
    assert list(found.parameters) == ["x"]


def test_what_is_always_the_same_stays_in_the_recipe_that_machines_read(tmp_path: Path) -> None:
    found = table(tmp_path, "x,p,y\n1,5,2\n2,5,\n")
    assert list(found.settings) == ["x", "p"]


def test_a_result_with_gaps_is_what_is_measured_wherever_it_stands(tmp_path: Path) -> None:
    found = table(tmp_path, "yield,T\n10,60\n,70\n12,80\n")
    assert roles(found) == {"yield": "objective", "T": "number"}
    assert "taken as what is measured" in column(found, "yield").notes[0]


def test_japanese_units_are_taken_off(tmp_path: Path) -> None:
    found = table(tmp_path, "温度,時間,収率\n60度,10分,1\n70度,20分,\n")
    assert found.parameters == {"温度": [60.0, 70.0], "時間": [10.0, 20.0]}


def test_a_guess_is_taken_back_when_told(tmp_path: Path) -> None:
    text = "sample,x,y\nS1,1,2\nS7,2,\n"
    assert roles(table(tmp_path, text, kept=("sample",)))["sample"] == "kinds"


def test_distinct_solvents_are_no_ids(tmp_path: Path) -> None:
    found = table(tmp_path, "solvent,x,y\nwater,60,1\nethanol,60,2\nacetone,80,\n")
    assert roles(found)["solvent"] == "kinds"


def test_ids_without_which_most_recipes_are_the_same_are_kinds_and_said(tmp_path: Path) -> None:
    text = "ligand,x,y\n" + "".join(f"L{i},{60 + i % 2 * 20},\n" for i in range(1, 13))
    found = column(table(tmp_path, text), "ligand")
    assert found.role is Role.KINDS
    assert "it may be an id" in found.notes[-1]


def test_the_only_column_that_varies_is_no_id(tmp_path: Path) -> None:
    assert roles(table(tmp_path, "x,y\n1,\n2,\n3,\n"))["x"] == "number"
    assert roles(table(tmp_path, "sample,y\nA,\nB,\nC,1\n"))["sample"] == "kinds"


def test_numbers_with_leading_zeros_are_names(tmp_path: Path) -> None:
    found = table(tmp_path, "plate,x,y\n001,1,2\n001,2,\n002,3,\n")
    assert found.parameters["plate"] == ["001", "001", "002"]


def test_kinds_that_differ_by_case_or_width_alone_are_said(tmp_path: Path) -> None:
    found = table(tmp_path, "s,x,y\nwater,1,2\nWater,2,\nｗater,3,\n")
    assert "'water' and 'Water' are two kinds here" in column(found, "s").notes


def test_an_outcome_that_is_taken_as_varied_is_said() -> None:
    assert "--objective 'yield'" in column(read(TABLES / "part.csv"), "yield").notes[-1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("r,y\n1:2,3\n2:1,\n", r"line 2, column 1 \(r\): '1:2' looks like a number"),
        ("r,y\n5-10,3\n10-20,\n", r"line 2, column 1 \(r\): '5-10' looks like a number"),
        ("r,y\n0.1;0.2,3\n0.3;0.4,\n", r"line 2, column 1 \(r\): '0.1;0.2' looks like a number"),
        ("time,y\n00:10:00,1\n00:20:00,\n", r"line 2, column 1 \(time\): '00:10:00' looks like a number"),
        ("x,y\n1,12±1\n2,\n", r"line 2, column 2 \(y\): '12±1' is neither.*Write one number"),
        ("x,y\n1,<0.1\n2,\n", r"line 2, column 2 \(y\): '<0.1' is neither.*Write one number"),
        ("r;y\n1.500;3\n2.500;\n", r"line 2, column 1 \(r\): '1.500' may be 1.5 or 1500"),
        ("r,y\n10 min,3\n20 min,4\n1 h,\n", r"line 4, column 1 \(r\): '1 h' is in h"),
        ("r,y\n1,3\n2,1e400\n", r"line 3, column 2 \(y\): '1e400'"),
        ("s,x,y\nwater,1,2\n,2,\nwater,3,\n", r"line 3, column 1 \(s\): a recipe needs a value here"),
        ("x,y\n5,1\n5,2\n", "every recipe is the same"),
        ("notes,y\nfine,1\nbad,2\n", r"Left out: notes \(note\)"),
        ("x,y\n1,good\n2,bad\n", r"line 2, column 2 \(y\): 'good' is neither a number nor blank"),
    ],
)
def test_what_cannot_be_read_is_refused_and_never_made_into_kinds(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        table(tmp_path, text)


def test_twenty_five_thousand_words_are_refused_in_a_sentence(tmp_path: Path) -> None:
    text = "x,word,y\n" + "".join(f"{i % 7},w{i // 2},{i}\n" for i in range(50_000))
    with pytest.raises(Invalid, match=f"25000 kinds are too many to learn from by name .at most {MOST_KINDS}"):
        table(tmp_path, text)


@pytest.mark.parametrize(
    "asked",
    [
        {"objectives": ("y",), "ignored": ("y",)},
        {"ignored": ("x",), "kept": ("x",)},
        {"missing": ("n.d.",), "failed": ("N.D.",)},
    ],
)
def test_options_that_contradict_each_other_are_refused(tmp_path: Path, asked: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(Invalid, match=r"otherwise|the same word"):
        table(tmp_path, "x,y\n1,2\n2,\n", **asked)

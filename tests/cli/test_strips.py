from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from yosegi.cli._series import Prediction, Series
from yosegi.cli._strips import plain_number, shortened, strips


def numbers(name: str, measured: Sequence[tuple[float, float]], proposed: Sequence[float] = ()) -> Series:
    return Series(name, "y", (), measured, (), [(p, None) for p in proposed], 0.0, 31.0, lambda v: -v)


def kinds(levels: Sequence[str], measured: Sequence[tuple[float, float]], proposed: Sequence[float] = ()) -> Series:
    at: list[tuple[float, Prediction | None]] = [(p, None) for p in proposed]
    return Series("溶媒", "y", tuple(levels), measured, (), at, 0.0, len(levels) - 1.0, lambda v: -v)


def column_of(line: str, character: str) -> int:
    """Where a character stands on a terminal, on which Japanese ones take two columns."""
    return cell_len(line[: line.index(character)])


def test_a_proposal_stands_under_its_place_beside_japanese_names() -> None:
    bars, marks = strips([numbers("温度", [(0.0, 1.0), (20.0, 9.0)], [20.0]), numbers("x", [(0.0, 1.0)])])[:2]
    assert column_of(marks, "▲") == column_of(bars, "█")


def test_kinds_are_listed_the_best_first_with_their_names_aligned() -> None:
    lines = strips([kinds(["水", "アセトン", "エタノール"], [(0.0, 15.0), (1.0, 3.0)], [2.0])])
    assert [line.split() for line in lines] == [
        ["溶媒", "水", "█", "15", "(1", "measured)"],
        ["アセトン", "▁", "3", "(1", "measured)"],
        ["エタノール", "never", "measured", "▲", "proposed"],
    ]
    assert column_of(lines[0], "█") == column_of(lines[1], "▁") == column_of(lines[2], "n")


def test_many_kinds_are_summed_up_and_no_proposal_is_lost() -> None:
    levels = [f"S{i}" for i in range(44)]
    lines = strips([kinds(levels, [(float(i), 44.0 - i) for i in range(30)], [43.0])])
    assert len(lines) == 9
    assert "S43" in lines[-2]
    assert lines[-1].endswith("… 36 more kinds, 13 of them never measured")


def test_a_kind_of_which_every_row_failed_is_told_as_failed() -> None:
    at = [(2.0, None)]
    one = Series("solvent", "y", ("ether", "hexane", "dmso"), [(0.0, 9.0)], [1.0], at, 0.0, 2.0, lambda v: -v)
    assert [line.split()[-2:] for line in strips([one])] == [["(1", "measured)"], ["1", "failed"], ["▲", "proposed"]]
    many = Series("x", "y", tuple(f"S{i}" for i in range(20)), [], [float(i) for i in range(11)], [], 0, 19, abs)
    assert strips([many])[-1].endswith("… 12 more kinds, 3 of them failed, 9 of them never measured")


def test_for_a_target_the_nearest_is_the_highest() -> None:
    near = Series("x", "y", (), [(0.0, 5.0), (31.0, 7.4)], (), [], 0.0, 31.0, lambda v: abs(v - 7.4))
    [line] = strips([near])
    assert line.index("▁") < line.index("█")


def test_names_that_begin_alike_stay_different_when_shortened() -> None:
    names = ["CC(C)C1=CC(C(C)C)=CC(C(C)C)=C1C2=C(P)C" + end for end in ("OC", "CC", "NC")]
    assert len({shortened(name) for name in names}) == 3
    assert all(cell_len(shortened(name)) <= 28 for name in names)


def test_numbers_of_people_have_no_exponent() -> None:
    assert [plain_number(v) for v in (100.0, 1500000.0, 0.25, 60.0)] == ["100", "1500000", "0.25", "60"]

"""Cells as numbers: decimal points and commas, thousands, units and full-width digits, where they can mean one thing.

A number is an optional sign, digits with separators, an optional exponent and an optional unit. What `1,000` means
depends on its neighbours: a certain cell of its column or file decides (`60,5` has a decimal comma, `1,000.5` has
not), then a cell that had to be quoted between commas, and otherwise nobody but the caller.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Decimal = Literal[".", ","]
LARGEST = 1e100
"""What lies beyond is a fault of an instrument and not a measurement; the planner leaves it out too."""

_LONGEST = 60  # characters of a cell that may be a number
_UNITS_TEXT = """
度 分 秒 時間 分間 秒間 日 日間 回 倍 滴 円 個 枚 当量 回転 小时 分钟
% ‰ ° °C ℃ C °F F K s sec min h hr hrs d day days ms µs us ns L l dL mL ml µL uL μL nL g mg kg µg ug μg ng mol
mmol µmol umol nmol M mM µM uM μM nM N eq eq. equiv equiv. mol% wt% vol% at% w% ppm ppb rpm Hz kHz MHz GHz bar
mbar Pa kPa MPa GPa hPa psi atm Torr torr mTorr V mV kV A mA µA uA W mW kW Ω J mJ kJ eV meV keV MeV GeV T mT G m
cm mm µm um μm nm pm Å sccm mL/min ml/min µL/min uL/min L/min mg/mL g/L mol/L mmol/L m/s mm/s K/min °C/min C/min
V/s mV/s mA/cm2 W/m2 mmHg deg rad
"""
_UNITS = frozenset(_UNITS_TEXT.split())
_CURRENCIES = "$€£¥"
_WIDE = {0xFF01 + i: 0x21 + i for i in range(94)} | {
    0x2212: "-", 0x2010: "-", 0x2011: "-", 0x00A0: " ", 0x202F: " ", 0x2009: " ", 0x2007: " ", 0x3000: " ", 0x2019: "'",
}  # fmt: skip
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<money>[$€£¥]?)(?P<core>\d(?:[\d.,' ]*\d)?|\d(?:[\d' ]*\d)?[.,]|[.,]\d+)"
    r"(?P<power>(?:[eE]|\s?[x×*]\s?10\^)[+-]?\d{1,3})?(?P<space>\s*)(?P<unit>[^\d\s.,'+\-–<>=~:/±^][^<>=~:±]*)?"
)
_NUMBERLIKE = re.compile(
    r"[<>≤≥~≈±]?\s*[+-]?\s*\d[\d.,' ]*(?:\s*(?:[-–~:;/x×*^±+]|\+/-)\s*[+-]?\d[\d.,' ]*)*\s*(?P<unit>\D{0,8})"
)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shape:
    """A cell as a number that is not decided yet.

    Attributes:
        sign: `-` or empty.
        core: digits and separators.
        power: of ten.
        unit: as written, empty where there is none.
        marks: what the separators say: `.` or `,` for a certain decimal mark, `.?` or `,?` for one that may as well
            part thousands, empty where there is none.
    """

    sign: str
    core: str
    power: int
    unit: str
    marks: str

    def value(self, decimal: Decimal) -> float | None:
        """The number, None where it has no such decimal mark."""
        if self.marks.rstrip("?") not in ("", decimal) and not self.marks.endswith("?"):
            return None
        core = self.core.replace("." if decimal == "," else ",", "").replace("'", "").replace(" ", "")
        number = float(f"{self.sign}{core.replace(decimal, '.')}e{self.power}")
        return number if abs(number) <= LARGEST else None


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column read as numbers.

    Attributes:
        values: a number a cell.
        unit: what was taken off every cell.
        notes: what was read otherwise than as a plain number, for people.
    """

    values: list[float]
    unit: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The first cell that cannot be read as its column.

    Attributes:
        place: its index among the cells.
        why: what is wrong.
        todo: what to do about it.
    """

    place: int
    why: str
    todo: str


def widened(cell: str) -> str:
    """A cell with digits of other scripts, full-width signs, other minus signs and other spaces as the plain ones."""
    if cell.isascii():
        return cell.strip()
    plain = cell.translate(_WIDE).strip()
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)


@lru_cache(maxsize=1 << 17)
def shape(cell: str) -> Shape | None:
    """A cell as a number, or None; cached, since a column is looked at several times."""
    if cell[:1].isalpha():
        return None
    found = _NUMBER.fullmatch(widened(cell)) if len(cell) <= _LONGEST else None
    if found is None:
        return None
    unit = (found["money"] or "") + (found["unit"] or "").strip()
    known = not unit or unit in _UNITS or unit in _CURRENCIES
    marks = _marks(found["core"])
    if marks is None or not (known or found["space"]) or (found["money"] and found["unit"]):
        return None
    power = re.sub(r"^.*[\^eE]", "", found["power"] or "0")
    return Shape(found["sign"].replace("+", ""), found["core"], int(power), unit, marks)


def _marks(core: str) -> str | None:
    """See `Shape.marks`; None where the separators fit no way of writing a number."""
    if core.isdigit():
        return None if _is_code(core) else ""
    points, commas = core.count("."), core.count(",")
    last: Decimal = "." if core.rfind(".") > core.rfind(",") else ","
    if points and commas:
        other = "," if last == "." else "."
        whole, _, _ = core.partition(last)
        return last if core.count(last) == 1 and _grouped(whole, other) else None
    count = points or commas
    if count > 1:  # parted thousands, so the decimal mark is the other one
        return ("," if points else ".") if _grouped(core, last) else None
    whole, _, rest = core.partition(last if count else "\0")
    if not _grouped(whole, " ") and not _grouped(whole, "'") and whole:
        return None
    if not whole.isdigit() and whole:
        return last if count else ""
    if not count:
        return ""
    either = len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return last + "?" if either else last


def _grouped(whole: str, mark: str) -> bool:
    """Whether digits stand in threes between marks, or unmarked."""
    return bool(re.fullmatch(rf"\d+|\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+", whole))


def _is_plain(cell: str) -> bool:
    return bool(_PLAIN.fullmatch(cell)) and not _is_code(cell.partition(".")[0].lstrip("+-"))


def _is_code(whole: str) -> bool:
    """Whether digits begin with a zero that a number would not have."""
    return len(whole) > 1 and whole.startswith("0")


def is_numberlike(cell: str) -> bool:
    """Whether a cell that is no number looks like one or several: `5-10`, `<0.1`, `1:2`, `80±2`, `1,00,000`."""
    found = _NUMBERLIKE.fullmatch(widened(cell)) if len(cell) <= _LONGEST else None
    if found is None or (widened(cell).isdigit() and _is_code(widened(cell))):
        return False
    unit = found["unit"].strip()
    return not unit or unit in _UNITS


def file_decimal(columns: Iterable[Sequence[str]]) -> frozenset[str]:
    """The decimal marks that are certain somewhere in columns of cells most of which are numbers."""
    certain: set[str] = set()
    for cells in columns:
        shapes = [s for c in cells if (s := shape(c)) is not None]
        if 2 * len(shapes) >= len(cells):
            certain |= {s.marks for s in shapes if s.marks in (".", ",")}
    return frozenset(certain)


@dataclass(frozen=True, slots=True)
class Reader:
    """How the numbers of a file are written.

    Attributes:
        decimal: the decimal mark, as the caller says; None finds out.
        delimiter: what parts the cells of the file.
        certain: decimal marks that are certain somewhere in the file.
    """

    decimal: Decimal | None
    delimiter: str
    certain: frozenset[str]

    def column(self, cells: Sequence[str]) -> Numbers | Unreadable:
        """A column of which every cell should be a number."""
        settled = self.delimiter != ";" or self.decimal == "." or "." in self.certain
        if self.decimal != "," and "," not in self.certain and settled and all(map(_is_plain, cells)):
            return _finite(cells, [float(c) for c in cells], "", ())
        shapes: list[Shape] = []
        for place, cell in enumerate(cells):
            found = shape(cell)
            if found is None:
                return Unreadable(place, f"{cell!r} is not a number", "Correct it")
            shapes.append(found)
        return _mixed_units(cells, shapes) or self._decided(cells, shapes)

    def _decided(self, cells: Sequence[str], shapes: Sequence[Shape]) -> Numbers | Unreadable:
        decimal = self._decimal(cells, shapes)
        if isinstance(decimal, Unreadable):
            return decimal
        values: list[float] = []
        for place, one in enumerate(shapes):
            value = one.value(decimal)
            if value is None:
                why = f"{cells[place]!r} is no number with a decimal {_called(decimal)}, or beyond {LARGEST:g}"
                return Unreadable(place, why, "Correct it, or say --decimal")
            values.append(value)
        return _finite(cells, values, shapes[0].unit if shapes else "", _notes(cells, shapes, decimal))

    def _decimal(self, cells: Sequence[str], shapes: Sequence[Shape]) -> Decimal | Unreadable:
        """The column's decimal mark."""
        if self.decimal:
            return self.decimal
        own = {s.marks for s in shapes}
        if {".", ","} <= own:
            first = next(s.marks for s in shapes if s.marks in (".", ","))
            place = next(i for i, s in enumerate(shapes) if s.marks in (".", ",") and s.marks != first)
            why = f"{cells[place]!r} and other cells of the column have different decimal marks"
            return Unreadable(place, why, "Write them alike")
        for mark in (".", ","):
            if mark in own:
                return "." if mark == "." else ","
        if ",?" in own and ".?" in own:
            return self._unclear(cells, shapes, ("," + "?", ".?"))
        if ",?" in own:
            if self.certain == {"."} or (self.delimiter == "," and "," not in self.certain):
                return "."
            return "," if self.certain == {","} else self._unclear(cells, shapes, (",?",))
        if ".?" in own and ("," in self.certain or (self.delimiter == ";" and "." not in self.certain)):
            return self._unclear(cells, shapes, (".?",))
        return "."

    def _unclear(self, cells: Sequence[str], shapes: Sequence[Shape], marks: Sequence[str]) -> Unreadable:
        place = next(i for i, s in enumerate(shapes) if s.marks in marks)
        low, high = shapes[place].value(","), shapes[place].value(".")
        one, other = sorted((low or 0.0, high or 0.0), key=abs)
        why = f"{cells[place]!r} may be {one:g} or {other:g}, and nothing in the file says which"
        return Unreadable(place, why, "Say --decimal . or --decimal ,")


def _finite(cells: Sequence[str], values: list[float], unit: str, notes: tuple[str, ...]) -> Numbers | Unreadable:
    for place, value in enumerate(values):
        if not math.isfinite(value) or abs(value) > LARGEST:
            return Unreadable(place, f"{cells[place]!r} is beyond {LARGEST:g}", "Correct it")
    return Numbers(values, unit, notes)


def _mixed_units(cells: Sequence[str], shapes: Sequence[Shape]) -> Unreadable | None:
    units = [s.unit for s in shapes]
    common = max(sorted(set(units)), key=units.count, default="")
    for place, unit in enumerate(units):
        if unit != common:
            has = f"is in {unit}" if unit else "has no unit"
            others = f"are in {common}" if common else "have no unit"
            return Unreadable(place, f"{cells[place]!r} {has}, and other cells of the column {others}", "Use one unit")
    return None


def _notes(cells: Sequence[str], shapes: Sequence[Shape], decimal: Decimal) -> tuple[str, ...]:
    cores = "".join(s.core for s in shapes)
    out = []
    if decimal == "," and "," in cores:
        out.append("decimal comma")
    for mark, word in ((",", "comma"), (".", "point"), (" ", "space"), ("'", "apostrophe")):
        if mark in cores and mark != decimal:
            out.append(f"thousands parted by a {word}".replace("a apo", "an apo"))
    if any(widened(c) != c for c in cells):
        out.append("full-width or typographic characters")
    return tuple(out)


def _called(decimal: Decimal) -> str:
    return "point" if decimal == "." else "comma"

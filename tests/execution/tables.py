"""Capabilities that take and return objects, as a scientist writes them; and some that do it wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from yosegi.core.capability import Context, Object, capability

Table = Annotated[Path, Object("text/csv", most="1 MB")]


def on_tables(name: str) -> Any:
    return capability(f"table.{name}@1", kind="analysis", effect="pure", field="testing", simulated=True)


@dataclass(frozen=True)
class Made:
    table: Table
    rows: int


@dataclass(frozen=True)
class Sum:
    total: float


@dataclass(frozen=True)
class Array:
    array: Annotated[np.ndarray, Object()]


@dataclass(frozen=True)
class Raw:
    raw: Annotated[bytes, Object(most="1 MB")] | None


@dataclass(frozen=True)
class Listed:
    numbers: list[float]


@on_tables("make")
def make(rows: int) -> Made:
    """Write a table."""
    path = Path("mine.csv")
    path.write_text("".join(f"{n}\n" for n in range(rows)))
    return Made(path, rows)


@on_tables("add")
def add(table: Table) -> Sum:
    """Add up a table."""
    return Sum(sum(map(float, table.read_text().split())))


@on_tables("write")
def write(table: Table) -> Sum:
    """Try to change what was given."""
    with table.open("a") as file:
        file.write("99999\n")
    return Sum(0)


@on_tables("double")
def double(array: Annotated[np.ndarray, Object()]) -> Array:
    """Twice an array."""
    return Array(2 * array)


@on_tables("pickled")
def pickled(context: Context) -> Array:
    """Return an array that only pickle could hold."""
    return Array(np.array([object()]))


@on_tables("echo")
def echo(raw: Annotated[bytes, Object(most="1 MB")] | None = None) -> Raw:
    """The same bytes."""
    return Raw(raw)


@on_tables("too_much")
def too_much() -> Raw:
    """More than the contract allows."""
    return Raw(bytes(1_000_001))


@on_tables("absent")
def absent() -> Made:
    """Promise a file and write none."""
    return Made(Path("absent.csv"), 0)


@on_tables("wrong_kind")
def wrong_kind() -> Made:
    """Return text where a file is promised."""
    return Made("a,b", 0)  # type: ignore[arg-type]


@on_tables("long_list")
def long_list(count: int) -> Listed:
    """Return many numbers as JSON."""
    return Listed([0.125] * count)

"""Tables that a campaign file names: its candidates, and earlier measurements."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from yosegi.campaign.tables import BroughtTable, Cell, TableColumn, read_table
from yosegi.core.errors import Invalid

ID = "id"
STATE = "state"
FAILED, INFEASIBLE = ("failed", "failure"), ("infeasible",)
MOST_EARLIER = 5_000
"""Rows of one earlier table."""


def candidates_of(name: str, files: Mapping[str, str], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The table of candidates as it is recorded.

    Raises:
        Invalid: the file was not brought along, or its units are not those of the campaign.
    """
    table = _table(name, files, "candidates")
    units = {p.get("name"): p.get("unit", "1") for p in _tables(spec, "parameter")}
    kinds = {p.get("name"): p.get("kind", "continuous") for p in _tables(spec, "parameter")}
    for column in table.columns.values():
        if column.unit and column.name in units and column.unit != units[column.name]:
            raise Invalid(
                f"candidates {name}", f"{column.name} is in {column.unit!r}, the parameter in {units[column.name]!r}"
            )
        if kinds.get(column.name) in ("continuous", "integer"):
            for row, cell in enumerate(column.cells):
                if isinstance(cell, str):
                    raise Invalid(f"candidates {name}", f"line {table.line(row)}: {column.name} is {cell!r}, no number")
    ids = [str(cell) for cell in table.columns[ID].cells] if ID in table.columns else []
    return {
        "file": name,
        "columns": {
            column: [str(cell) for cell in found.cells] if kinds.get(column) == "categorical" else list(found.cells)
            for column, found in table.columns.items()
            if column != ID
        },
        "ids": ids or [str(row + 1) for row in range(table.rows)],
    }


def earlier_of(one: Any, files: Mapping[str, str], spec: Mapping[str, Any]) -> Any:
    """One `[[earlier]]` as it is recorded; what names a campaign is filled in where the campaign is.

    Raises:
        Invalid: it names neither or both, a table that was not brought along, or an outcome in another unit.
    """
    if not isinstance(one, dict) or one.get("rows"):
        return one
    name = one.get("name", "earlier")
    if (one.get("table") is None) == (one.get("campaign") is None):
        raise Invalid(f"earlier {name}", "names a campaign or a table, one of the two")
    if one.get("campaign") is not None:
        return one
    table = _table(str(one["table"]), files, f"earlier {name}")
    if table.rows > MOST_EARLIER:
        raise Invalid(f"earlier {name}", f"has {table.rows} rows, and at most {MOST_EARLIER} are taken")
    outcomes = {o.get("name"): o.get("unit", "1") for kind in ("objective", "limit") for o in _tables(spec, kind)}
    given = {p.get("name"): p.get("unit", "1") for p in _tables(spec, "parameter")} | one.get("units", {})
    for column in table.columns.values():
        if column.name in outcomes and (unit := column.unit or given.get(column.name)) not in (
            None,
            outcomes[column.name],
        ):
            raise Invalid(f"earlier {name}", f"{column.name} is in {unit!r}, here in {outcomes[column.name]!r}")
    inputs = [c for c in table.columns.values() if c.name not in outcomes and c.name not in (ID, STATE)]
    return one | {
        "parameter": [_parameter(column, column.unit or given.get(column.name, "1")) for column in inputs],
        "rows": [_row(table, row, inputs, outcomes) for row in range(table.rows) if _is_whole(inputs, row)],
    }


def _table(name: str, files: Mapping[str, str], what: str) -> BroughtTable:
    if name not in files:
        raise Invalid(what, f"the file {name!r} was not brought along", "it lies beside the campaign file")
    return read_table(files[name], f"{what} {name}")


def _tables(spec: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    found = spec.get(kind, ())
    yield from (one for one in (found if isinstance(found, list | tuple) else [found]) if isinstance(one, dict))


def _parameter(column: TableColumn, unit: str) -> dict[str, Any]:
    cells = [cell for cell in column.cells if cell != ""]
    if column.numeric and cells:
        numbers = [float(cell) for cell in cells]
        return {"name": column.name, "low": min(numbers), "high": max(numbers), "unit": unit}
    return {"name": column.name, "kind": "categorical", "levels": sorted({str(cell) for cell in cells}), "unit": unit}


def _is_whole(inputs: list[TableColumn], row: int) -> bool:
    return all(column.cells[row] != "" for column in inputs)


def _row(table: BroughtTable, row: int, inputs: list[TableColumn], outcomes: Mapping[Any, str]) -> dict[str, Any]:
    cells: dict[str, Cell] = table.row(row)
    values = {c.name: c.cells[row] if c.numeric else str(c.cells[row]) for c in inputs}
    failed = str(cells.get(STATE, "")).lower() in (*FAILED, *INFEASIBLE)
    found = {name: cells[name] for name in outcomes if cells.get(name, "") != ""}
    return {"values": values, "outcomes": {} if failed else found, "status": "infeasible" if failed else "done"}

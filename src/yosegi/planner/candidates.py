"""A finite table of candidates: the recipes that can be made, from a handful to a million rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from yosegi.planner.errors import BadProblem
from yosegi.planner.parameter import Level, Parameter

Column = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Columns of equal length, by name, and an id for every row.

    Args:
        columns: by name, one array of shape (rows,) each; numbers, words or truth values.
        ids: shape (rows,), unique; ties between equally good candidates go to the smaller id.

    Example:
        >>> table = Candidates.of([{"theta": 30, "ink": "a"}, {"theta": 60, "ink": "b"}])
        >>> len(table), table.row(1)
        (2, {'theta': 60, 'ink': 'b'})
    """

    columns: Mapping[str, Column]
    ids: Column

    def __post_init__(self) -> None:
        """Refuse columns of unequal length and ids that repeat."""
        if any(len(c) != len(self.ids) for c in self.columns.values()):
            raise BadProblem("candidates", "columns and ids are not all of one length")
        if len(np.unique(self.ids)) != len(self.ids):
            raise BadProblem("candidates", "an id stands on two rows")

    @classmethod
    def of(cls, table: Any, ids: str | None = None) -> Candidates:
        """From a pandas DataFrame, a mapping of columns, or a sequence of rows (mappings).

        Args:
            table: the rows.
            ids: the column that holds the ids; without one, rows are numbered from 0.

        Raises:
            BadProblem: the columns are of unequal length, or an id stands on two rows.
        """
        columns = {str(name): values for name, values in _columns(table)}
        rows = len(next(iter(columns.values()), ()))
        found = np.arange(rows) if ids is None else columns.pop(ids)
        return cls(columns, found)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.ids)

    def row(self, index: int) -> dict[str, Level]:
        """One row as plain Python values."""
        return {name: _plain(column[index]) for name, column in self.columns.items()}

    def parameters(self, names: Sequence[str] | None = None) -> tuple[Parameter, ...]:
        """Parameters that fit the columns: numbers are continuous between their extremes, all else is categorical."""
        return tuple(_fit(name, self.columns[name]) for name in (names if names is not None else self.columns))


def _columns(table: Any) -> Iterator[tuple[str, Column]]:
    if isinstance(table, Mapping):
        yield from ((str(k), _array(v)) for k, v in table.items())
    elif hasattr(table, "columns") and hasattr(table, "iloc"):  # a DataFrame, without importing pandas
        yield from ((str(k), _array(table[k].to_numpy())) for k in table.columns)
    else:
        rows = list(cast("Sequence[Mapping[str, Any]]", table))
        for name in rows[0] if rows else ():
            if any(name not in row for row in rows):
                raise BadProblem(f"candidates, column {name}", "is missing from a row")
            yield str(name), _array([row[name] for row in rows])


def _array(values: Any) -> Column:
    array = np.asarray(values)
    if array.dtype.kind in "iuf" and array.ndim == 1:
        return array
    if array.ndim != 1:
        raise BadProblem("candidates", "a column is not one value a row")
    plain = np.empty(len(values), dtype=object)
    plain[:] = [_plain(v) for v in values]
    return plain


def _plain(value: Any) -> Level:
    return cast("Level", value.item() if isinstance(value, np.generic) else value)


def _fit(name: str, column: Column) -> Parameter:
    if column.dtype.kind in "iuf":
        finite = column[np.isfinite(column)]
        if len(finite):
            return Parameter(name, "continuous", float(finite.min()), float(finite.max()))
    return Parameter.categorical(name, sorted(set(column.tolist()), key=str))

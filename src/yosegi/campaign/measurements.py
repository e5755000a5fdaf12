"""Measurements that nobody here proposed: brought by a person, and signed by them where they hold a key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from yosegi.campaign.spec import CampaignSpec, Level, Name, ParameterSpec
from yosegi.campaign.spec_tables import FAILED, ID, INFEASIBLE, STATE
from yosegi.campaign.tables import BroughtTable, Cell
from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CharterId, Key, PersonId
from yosegi.core.values import Value
from yosegi.trust.document import Document, Moment

MOST_ROWS = 2_000
"""Rows that are brought at once."""
MOST_SAID = 20
"""Findings that are told one by one."""
LONGEST = timedelta(days=1)
_DONE = ("", "completed", "done", "ok", "valid")


class MeasuredRow(Value):
    """One measurement: a point, what came of it, and whether it failed.

    Args:
        values: the point, by parameter, in the parameters' units.
        outcomes: by objective or limit, in their units; not every one need be there.
        errors: their standard errors, where known.
        state: `infeasible` where the point has no answer, `failed` where something else went wrong.
        candidate: the id of its row in the table of candidates.
        note: for people.
    """

    values: dict[Name, Level] = Field(max_length=200)
    outcomes: dict[Name, Level] = Field(default_factory=dict, max_length=20)
    errors: dict[Name, float] = Field(default_factory=dict, max_length=20)
    state: Literal["completed", "infeasible", "failed"] = "completed"
    candidate: str = Field(default="", max_length=200)
    note: str = Field(default="", max_length=500)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.state == "completed") != bool(self.outcomes):
            raise ValueError("a completed measurement has outcomes, and no other has")
        return self


class Measurements(Document):
    """What a person brings to a campaign, in their own name.

    Args:
        charter: under which charter.
        campaign: which campaign of the home site.
        person: who brings it and answers for it.
        source: which source of the campaign would have measured so.
        rows: the measurements.
        file: where they were read, for people.
        issued: when it was signed.
        not_after: until when it may be handed in.
    """

    kind: ClassVar[str] = "measurements"

    charter: CharterId
    campaign: Key
    person: PersonId
    source: Name
    rows: tuple[MeasuredRow, ...] = Field(min_length=1, max_length=MOST_ROWS)
    file: str = Field(default="", max_length=200)
    issued: Moment
    not_after: Moment

    @model_validator(mode="after")
    def _lives_short(self) -> Self:
        if not timedelta() < self.not_after - self.issued <= LONGEST:
            raise ValueError("is handed in within a day")
        return self


def digest_of(source: str, rows: tuple[MeasuredRow, ...]) -> str:
    """By which the same rows are known when they are brought again."""
    plain = [row.model_dump(mode="json", exclude_none=True) for row in rows]
    return canonical.digest(canonical.dumps({"source": source, "rows": plain}))


def check_rows(spec: CampaignSpec, source: str, rows: tuple[MeasuredRow, ...]) -> None:
    """Hold measurements against the campaign they are brought to.

    Raises:
        NotFound: no such source.
        Invalid: everything that is wrong, each with the number of its row.
    """
    spec.source_named(source)
    wrong = [f"row {number}: {why}" for number, row in enumerate(rows, start=1) for why in _wrong(spec, row)]
    if wrong:
        shown = "\n".join(f"  {one}" for one in wrong[:MOST_SAID])
        raise Invalid("the measurements", f"{len(wrong)} findings\n{shown}" if len(wrong) > 1 else wrong[0])


def notes_on(spec: CampaignSpec, rows: tuple[MeasuredRow, ...]) -> Iterator[str]:
    """What is taken and may not be meant: points outside the ranges, and limits that nothing is said of."""
    for p in spec.parameter:
        if p.low is None or p.high is None:
            continue
        beyond = [value for row in rows if not p.low <= (value := float(row.values[p.name])) <= p.high]
        if beyond:
            unit = "" if p.unit == "1" else f" {p.unit}"
            shown = ", ".join(f"{value:g}" for value in beyond[:3])
            yield f"{len(beyond)} outside the range of {p.name}, {p.low:g} to {p.high:g}{unit}: {shown}"
    for limit in spec.limit:
        silent = sum(row.state == "completed" and limit.name not in row.outcomes for row in rows)
        if silent:
            yield f"{silent} without {limit.name}: a limit that was not measured is not kept, so none can be the best"


def rows_of(spec: CampaignSpec, table: BroughtTable) -> tuple[MeasuredRow, ...]:
    """The measurements of a table: a column a parameter and outcome, `state` for failed ones, `id` for candidates.

    Columns of other names are kept as a note.

    Raises:
        Invalid: a column is missing or of another unit; else everything that is wrong, each with its line.
    """
    _check_columns(spec, table)
    rows: list[MeasuredRow] = []
    wrong: list[Invalid] = []
    for number in range(table.rows):
        try:
            rows.append(_row(spec, table, number))
        except Invalid as error:
            wrong.append(error)
        else:
            wrong += [Invalid(_where(table, number), why) for why in _wrong(spec, rows[-1])]
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        shown = "\n".join("  " + str(error).removeprefix(f"{table.what}, ") for error in wrong[:MOST_SAID])
        raise Invalid(table.what, f"{len(wrong)} findings\n{shown}")
    return tuple(rows)


def _where(table: BroughtTable, row: int) -> str:
    return f"{table.what}, line {table.line(row)}"


def _check_columns(spec: CampaignSpec, table: BroughtTable) -> None:
    units = {one.name: one.unit for one in spec.parameter} | spec.outcome_units
    for column in table.columns.values():
        if column.unit and column.unit != units.get(column.name, column.unit):
            why = f"{column.name} is in {column.unit!r}, the campaign's in {units[column.name]!r}"
            raise Invalid(table.what, why, "state it in that unit")
    by_id = spec.candidates is not None and ID in table.columns
    lacking = [one.name for one in spec.parameter if one.name not in table.columns and not by_id]
    if lacking:
        raise Invalid(table.what, f"has no column {', '.join(lacking)}", "each parameter is a column")
    if not any(name in table.columns for name in spec.outcomes):
        raise Invalid(table.what, f"has none of the columns {', '.join(spec.outcomes)}", "what was measured is one")


def _row(spec: CampaignSpec, table: BroughtTable, row: int) -> MeasuredRow:
    cells = table.row(row)
    where = _where(table, row)
    candidate = str(cells.get(ID, "")) if spec.candidates is not None else ""
    known = spec.columns_of(candidate)
    values = {p.name: _value(where, p, cells.get(p.name, known.get(p.name, ""))) for p in spec.parameter}
    state = _state(where, cells.get(STATE, ""))
    outcomes = {name: cells[name] for name in spec.outcomes if cells.get(name, "") != ""}
    if state == "completed" and not outcomes:
        raise Invalid(where, "says neither what was measured nor that it failed", f"a cell, or {STATE} = failed")
    errors = {
        name: float(cell)
        for name in spec.outcomes
        if isinstance(cell := cells.get(f"{name}_error", ""), int | float) and state == "completed"
    }
    return MeasuredRow(
        values=values,
        outcomes=outcomes if state == "completed" else {},
        errors=errors,
        state=state,
        candidate=candidate,
        note=_note(spec, cells),
    )


def _state(where: str, cell: Cell) -> Literal["completed", "infeasible", "failed"]:
    word = str(cell).strip().lower()
    if word in _DONE:
        return "completed"
    if word in INFEASIBLE:
        return "infeasible"
    if word in FAILED:
        return "failed"
    raise Invalid(where, f"{STATE} is {cell!r}", "completed, infeasible or failed")


def _value(where: str, parameter: ParameterSpec, cell: Cell) -> Level:
    if cell == "":
        raise Invalid(where, f"{parameter.name} is empty", "a measurement needs its whole point")
    if parameter.kind in ("continuous", "integer"):
        if isinstance(cell, str | bool):
            raise Invalid(where, f"{parameter.name} is {cell!r}, which is no number")
        return float(cell) if parameter.kind == "continuous" else cell
    same = [level for level in parameter.levels if level == cell or str(level) == str(cell)]
    return same[0] if same else cell


def _note(spec: CampaignSpec, cells: Mapping[str, Cell]) -> str:
    known = {ID, STATE, *(p.name for p in spec.parameter), *spec.outcomes, *(f"{name}_error" for name in spec.outcomes)}
    others = [f"{name}: {cell}" for name, cell in cells.items() if name not in known and cell != ""]
    return "; ".join(others)[:500]


def _wrong(spec: CampaignSpec, row: MeasuredRow) -> Iterator[str]:
    yield from wrong_with_point(spec, row.values, row.candidate)
    for name, value in row.outcomes.items():
        if name not in spec.outcomes:
            yield f"{name} is neither an objective nor a limit"
        elif isinstance(value, str | bool) and not (name == spec.main.name and spec.main.goal == "boundary"):
            yield f"{name} is {value!r}, which is no number"


def wrong_with_point(spec: CampaignSpec, values: Mapping[str, Any], candidate: str) -> Iterator[str]:
    """Why something is no point of a campaign's space, whatever its bounds are."""
    if candidate and not spec.columns_of(candidate):
        yield f"no candidate has the id {candidate!r}"
    names = {p.name for p in spec.parameter}
    for name in values.keys() - names:
        yield f"{name} is no parameter"
    for p in spec.parameter:
        value = values.get(p.name)
        if value is None:
            yield f"{p.name} is not given"
        elif p.kind in ("ordinal", "categorical"):
            if p.levels and value not in p.levels:
                yield f"{p.name} is {value!r}, which is none of its levels"
        elif isinstance(value, str | bool):
            yield f"{p.name} is {value!r}, which is no number"

"""A campaign's file from its specification: to clone it, or to see what was asked."""

from __future__ import annotations

from typing import Any

import tomlkit

from yosegi.campaign.spec import CampaignSpec, CandidatesSpec, EarlierSpec
from yosegi.campaign.spec_tables import ID, STATE
from yosegi.core.csv_text import csv_lines

_SET_BY_PROGRAM = ("format",)


def text_of_spec(spec: CampaignSpec, name: str = "") -> tuple[str, dict[str, str]]:
    """The campaign file and the tables it names, which give the same specification again.

    Args:
        spec: what was asked.
        name: another name for the campaign; its own if none is given.
    """
    value = {key: one for key, one in spec.record().items() if key not in _SET_BY_PROGRAM}
    value["name"] = name or spec.name
    value["budget"] = spec.budget.decimals()
    # What was taken over from contracts is taken over again from those of the day.
    value["constraint"] = [one for one in value["constraint"] if "of" not in one]
    files: dict[str, str] = {}
    if spec.candidates is not None:
        value["candidates"] = "candidates.csv"
        files["candidates.csv"] = _candidates(spec.candidates)
    if spec.earlier:
        value["earlier"] = [_earlier(one, number, files) for number, one in enumerate(spec.earlier, start=1)]
    return tomlkit.dumps({key: one for key, one in _ordered(value).items() if one not in ({}, [])}), files


def _ordered(value: dict[str, Any]) -> dict[str, Any]:
    """Keys first and tables after them, as TOML wants a file."""
    plain = {key: one for key, one in value.items() if not _is_table(one)}
    return plain | {key: one for key, one in value.items() if _is_table(one)}


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _candidates(table: CandidatesSpec) -> str:
    rows = zip(table.ids, *table.columns.values(), strict=True)
    return csv_lines([(ID, *table.columns), *rows])


def _earlier(one: EarlierSpec, number: int, files: dict[str, str]) -> dict[str, Any]:
    if one.campaign is not None:
        return {"name": one.name, "campaign": one.campaign}
    file = f"earlier-{number}.csv"
    parameters = [p.name for p in one.parameter]
    outcomes = list(dict.fromkeys(name for row in one.rows for name in row.outcomes))
    head = [*(f"{p.name} ({p.unit})" for p in one.parameter), *outcomes, STATE]
    rows = [
        [*(row.values[name] for name in parameters), *(row.outcomes.get(name, "") for name in outcomes), row.status]
        for row in one.rows
    ]
    files[file] = csv_lines([head, *rows])
    return {"name": one.name, "table": file}

"""A campaign as it is sent to a site: the text of its file, and the tables that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yosegi.core.csv_text import csv_lines
from yosegi.core.errors import Invalid


def campaign_body(spec: str | Path | Mapping[str, Any], known: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The text and the tables of a campaign file, of its text, or of a dict of the same shape.

    A `str` that says nothing but the name of a `.toml` file is that file.

    Args:
        spec: the file, its text, or a dict.
        known: texts of tables that a dict names, by name; others are read beside the caller.

    Raises:
        Invalid: a file cannot be read, or a value has no place in a campaign file.
    """
    # Only here: it brings the planner with it.
    from yosegi.campaign.spec_file import files_beside, text_of

    if isinstance(spec, str) and spec.endswith(".toml") and not {"\n", "="} & {*spec}:
        spec = Path(spec)
    if isinstance(spec, Path):
        text = text_of(spec)
        return {"spec": text, "files": files_beside(spec, text)}
    if isinstance(spec, str):
        return {"spec": spec, "files": files_beside(Path("campaign.toml"), spec)}
    return _of_dict(spec, known or {})


def _of_dict(spec: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    import tomlkit

    from yosegi.campaign.spec_file import named_in, text_of

    value, files = dict(spec), dict[str, str]()
    if (table := value.get("candidates")) is not None and not isinstance(table, str):
        value["candidates"], files["candidates.csv"] = "candidates.csv", csv_of(table)
    value["earlier"] = [_earlier(one, number, files) for number, one in enumerate(value.get("earlier", ()))]
    if not value["earlier"]:
        del value["earlier"]
    missing = [name for name in named_in(value) if name not in files]
    files |= {name: known[name] if name in known else text_of(Path(name)) for name in missing}
    try:
        return {"spec": tomlkit.dumps(_plain(value)), "files": files}
    except (TypeError, ValueError) as error:
        raise Invalid("the campaign", str(error), "give numbers, texts, truth values, lists and dicts") from None


def _earlier(one: Mapping[str, Any], number: int, files: dict[str, str]) -> dict[str, Any]:
    value = dict(one)
    if (table := value.get("table")) is not None and not isinstance(table, str):
        value["table"] = f"earlier-{number + 1}.csv"
        files[value["table"]] = csv_of(table)
    return value


def csv_of(table: Any) -> str:
    """A DataFrame, a dict of columns, or a list of rows as CSV."""
    if hasattr(table, "to_csv"):
        return str(table.to_csv(index=False))
    rows: Sequence[Mapping[str, Any]]
    if isinstance(table, Mapping):
        names = list(table)
        rows = [dict(zip(names, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    else:
        rows = list(table)
    head = list(dict.fromkeys(name for row in rows for name in row))
    return csv_lines([head, *([row.get(name, "") for name in head] for row in rows)])


def _plain(value: Any) -> Any:
    """Values as TOML knows them: what is None is left out, numbers of NumPy are Python's."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if hasattr(value, "item") else value

"""Writes `docs/reference/campaign-file.md` and `site-file.md` from the models that read those files.

Run in the tests' folder when a model changes, then look at the difference: python -m docs.reference
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
import tomllib
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from yosegi.app import settings
from yosegi.campaign import spec
from yosegi.execution.engines.process.settings import ProcessSettings
from yosegi.execution.engines.station.settings import StationSettings
from yosegi.execution.instruments.settings import ControlSettings, InstrumentSettings, ReservationSettings
from yosegi.services.agents.settings import AgentSettings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
AGAIN = "Generated from the models that read the file: do not edit. `cd tests && python -m docs.reference` writes it."

CAMPAIGN: tuple[tuple[str, type[BaseModel]], ...] = (
    ("", spec.CampaignSpec),
    ("[[parameter]]", spec.ParameterSpec),
    ("[[constraint]]", spec.ConstraintSpec),
    ("[[objective]]", spec.ObjectiveSpec),
    ("[[limit]]", spec.LimitSpec),
    ("[caution]", spec.CautionSpec),
    ("[stop]", spec.StopSpec),
    ("[[source]]", spec.SourceSpec),
    ("[[source.step]]", spec.StepSpec),
    ("shipment", spec.ShipmentSpec),
    ("price", spec.PriceSpec),
    ("[[earlier]]", spec.EarlierSpec),
    ("[baseline]", spec.BaselineSpec),
    ("[agent]", spec.AgentTerms),
)
SITE: tuple[tuple[str, type[BaseModel]], ...] = (
    ("", settings.Settings),
    ("[process]", ProcessSettings),
    ("[station.NAME]", StationSettings),
    ("[instrument.NAME]", InstrumentSettings),
    ("[instrument.NAME.reservations]", ReservationSettings),
    ("[instrument.NAME.control]", ControlSettings),
    ("[network]", settings.NetworkSettings),
    ("[objects]", settings.ObjectSettings),
    ("[notices]", settings.NoticeSettings),
    ("[notices.email]", settings.EmailSettings),
    ("[stop]", settings.StopSettings),
    ("[log]", settings.LogSettings),
    ("[metrics]", settings.MetricsSettings),
    ("[ledger]", settings.LedgerSettings),
    ("[oidc]", settings.OidcSettings),
    ("[iri]", settings.FacilityApiSettings),
    ("[agents]", AgentSettings),
    ("[key.site], [key.governance]", settings.KeySettings),
)
SET_BY_PROGRAM = {"format", "ConstraintSpec.of", "EarlierSpec.parameter", "EarlierSpec.rows"}
"""Fields that stand on record and are written by nobody."""

CAMPAIGN_HEAD = f"""# The campaign file

One campaign is one TOML file. `yosegi campaign check FILE` says everything that is wrong with it, each with its line,
and starts nothing; `yosegi campaign start FILE` starts it. In Python a dict of the same shape does:
[Python](../how-to/python.md). A first one step by step: [ask a question](../tutorial/ask-a-question.md).

Tables beside the file: `candidates = "samples.csv"` has a column for each parameter and, if you like, `id` and others
that are bound to inputs; `[[earlier]]` with `table = "old.csv"` has parameters and outcomes. A column is `name` or
`name (unit)`; `state` says `failed` or `infeasible` of a row without a value.

What is held against the contracts before anything is recorded: each range, level and constant, units, the contracts'
own linear constraints (those of the first source are taken over), where each objective and limit is read, the purpose
and the right to ask, and the budget against the greatest cost of one trial.

{AGAIN}
"""
SITE_HEAD = f"""# The site file

`site.toml` lies in the home folder of a site; `yosegi site init` writes one. It is read when the site starts.
`yosegi site doctor` says everything that is wrong with it, each with its line, before the first start too: settings
that do not hold; once they do, files and programs that are not here, and capabilities that cannot be imported. Status 1
says that the site would not start; `--json` has the same as `findings`.

{AGAIN}
"""

EXAMPLES = (Path(__file__).parent / "reference_examples.toml").read_text(encoding="utf-8")


def examples() -> dict[str, str]:
    """By `Class.field`, what it looks like in a file."""
    found = tomllib.loads(EXAMPLES)
    return {f"{kind}.{name}": text for kind, fields in found.items() for name, text in fields.items()}


def page(head: str, models: tuple[tuple[str, type[BaseModel]], ...]) -> str:
    """A whole page."""
    sections = [section for where, model in models for section in _section(where, model)]
    return "\n".join([head, *sections]).rstrip() + "\n"


def fields(models: tuple[tuple[str, type[BaseModel]], ...]) -> Iterator[tuple[str, FieldInfo]]:
    """Every field that somebody writes, as `Class.field`."""
    for _, model in models:
        for name, field in model.model_fields.items():
            full = f"{model.__name__}.{name}"
            if name not in SET_BY_PROGRAM and full not in SET_BY_PROGRAM:
                yield full, field


def meanings(model: type[BaseModel]) -> dict[str, str]:
    """What each field of a model is, from the text below it or the `Args` of its class, parents first."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)) or kind is BaseModel:
            continue
        found |= _args(inspect.getdoc(kind) or "")
        found |= _below(kind)
    return found


def _below(kind: type) -> dict[str, str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = typing.cast("ast.ClassDef", tree.body[0]).body
    found = {}
    for field, text in itertools.pairwise(body):
        said = text.value.value if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(said, str):
            found[field.target.id] = re.sub(r"\s+", " ", said).strip()
    return found


def _args(text: str) -> dict[str, str]:
    _, _, args = text.partition("Args:\n")
    found = re.findall(r"^ {4}(\w+): ((?:.|\n(?: {8}|$))*)", args, re.MULTILINE)
    return {name: re.sub(r"\s+", " ", said).strip() for name, said in found}


def _section(where: str, model: type[BaseModel]) -> Iterator[str]:
    told, shown = meanings(model), examples()
    summary = (inspect.getdoc(model) or "").partition("\n\n")[0].replace("\n", " ")
    yield f"\n## {f'`{where}`' if where else 'The whole'}\n\n{summary}\n"
    yield "| field | what it is | kind | default | example |\n|---|---|---|---|---|"
    for full, field in fields(((where, model),)):
        name = full.partition(".")[2]
        cells = (f"`{name}`", told.get(name, ""), _kind(field.annotation), _default(field), f"`{shown.get(full, '')}`")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default is PydanticUndefined or field.default in (None, "", ()) or isinstance(field.default, BaseModel):
        return ""
    value = field.default
    if isinstance(value, tuple):
        value = list(value)
    return f"`{str(value).lower() if isinstance(value, bool) else value!r}`" if value else ""


def _kind(annotation: Any) -> str:
    """A type in words."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(args[0])
    if origin is typing.Literal:
        return " or ".join(f"`{one}`" for one in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_kind(one) for one in args if one is not type(None)))
    if origin is tuple:
        return f"list of {_kind(args[0])}"
    if origin is dict:
        return f"table of {_kind(args[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "text" if annotation is spec.CandidatesSpec else "table"
    named = {"str": "text", "float": "number", "int": "whole number", "bool": "true or false"}
    return (named | {"Amounts": "table of amounts"}).get(_name(annotation), "text")


def _name(annotation: Any) -> str:
    return getattr(annotation, "__name__", "")


PAGES = {"campaign-file.md": (CAMPAIGN_HEAD, CAMPAIGN), "site-file.md": (SITE_HEAD, SITE)}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file, (head, models) in PAGES.items():
        (FOLDER / file).write_text(page(head, models), encoding="utf-8")

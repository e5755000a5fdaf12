"""Answers about work that people do by hand."""

from __future__ import annotations

from pydantic import JsonValue

from yosegi.services.answer import Answer, JsonObject, Timestamp, ToldBy
from yosegi.services.approvals.schemas import AskedInput


class AskedOutput(Answer):
    """One output that somebody is asked to enter: its UCUM unit (empty for none), JSON type, bounds, and what it is."""

    name: str
    unit: str
    type: str
    about: str
    needed: bool


class BenchTask(Answer):
    """One task that waits for a person.

    Args:
        task: `home/key`.
        title: of the capability.
        about: what its contract says of it.
        since: when it was first asked.
        schema_of_outputs: JSON Schema of what is entered.
    """

    task: str
    told_by: ToldBy
    engine: str
    capability: str
    title: str
    about: str
    team: str
    campaign: str
    since: Timestamp
    inputs: tuple[AskedInput, ...]
    outputs: tuple[AskedOutput, ...]
    schema_of_outputs: JsonObject


class BenchEntered(Answer):
    """What was taken of a task."""

    task: str
    effect: str
    result: str
    outputs: dict[str, JsonValue]
    reason: str


class BenchRow(Answer):
    """What became of one row of a table: `why` it was not taken, empty if it was."""

    line: int
    task: str
    why: str


class BenchRows(Answer):
    """What became of each row of a table of results."""

    taken: int
    rows: tuple[BenchRow, ...]

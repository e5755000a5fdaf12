"""Answers about work that people do by hand."""

from __future__ import annotations

from pydantic import Field, JsonValue

from yosegi.services.answer import Answer, JsonObject, Timestamp, ToldBy
from yosegi.services.approvals.schemas import AskedInput


class AskedOutput(Answer):
    """One output that somebody is asked to enter: its UCUM unit (empty for none), JSON type, bounds, and what it is."""

    name: str
    unit: str
    type: str
    about: str
    needed: bool


class BenchCapability(Answer):
    """A capability of this site whose work people do, and the engine that asks them."""

    ref: str
    engine: str


class BenchTask(Answer):
    """One task that waits for a person.

    Args:
        task: `home/key`.
        title: of the capability.
        about: what its contract says of it.
        since: when it was first asked.
        schema_of_outputs: JSON Schema of what is entered.
        needs_second: whether a second person of this site confirms what is entered, before it counts.
        entered: what was entered and waits for that; and `entered_by` whom.
        not_confirmed: why somebody has not confirmed what was entered before.
        handed_to: who alone enters it, as it was handed on to them; empty while anybody may who may see it.
        handed_by: who handed it on, at `handed_at`, and why: `handed_note`.
        held_by_other: whether somebody else than the caller enters it.
        may_hand_on: whether the caller may hand it on, or take it back.
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
    needs_second: bool = False
    entered: JsonObject = Field(default_factory=dict)
    entered_by: str = ""
    not_confirmed: str = ""
    handed_to: str = ""
    handed_by: str = ""
    handed_at: Timestamp = ""
    handed_note: str = ""
    held_by_other: bool = False
    may_hand_on: bool = False


class BenchEntered(Answer):
    """What was taken of a task; whether it waits for a second person, who confirms it."""

    task: str
    effect: str
    result: str
    outputs: dict[str, JsonValue]
    reason: str
    awaits_second: bool = False


class BenchRow(Answer):
    """What became of one row of a table: `why` it was not taken, empty if it was."""

    line: int
    task: str
    why: str


class BenchRows(Answer):
    """What became of each row of a table of results."""

    taken: int
    rows: tuple[BenchRow, ...]

"""A folder in NIMO's convention: the scripts of a laboratory that has NIMO do what is asked, unchanged.

NIMO's script of the analysis reads proposals.csv again when the robot is done, and fills in by position what the robot
measured. So what is asked must not change under it: proposals.csv is left alone until every row that it names is filled
in, or somebody removes it. And the script rewrites candidates.csv in place: the engine never writes that file, and
believes only what it has read twice alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from yosegi.core.contract import Contract
from yosegi.core.engine import PersonTask
from yosegi.core.errors import Invalid
from yosegi.execution.engines.person.candidates import (
    CANDIDATES,
    MOST_BYTES,
    CandidateColumns,
    CandidateTable,
    proposed_rows,
)
from yosegi.execution.engines.person.folder import PROPOSALS, KeptFolder, PersonFolder
from yosegi.execution.engines.person.kept_files import read_kept
from yosegi.execution.engines.person.settings import PersonSettings
from yosegi.execution.engines.person.tables import ResultLine


@dataclass(frozen=True, slots=True)
class AskedRow:
    """A task that was handed out as a row: counted from 0 below the header, and the inputs that stood there."""

    row: int
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NextRound:
    """What is handed out next.

    Args:
        rows: of candidates.csv, by key of the task.
        refused: why a task is none of them, by its key.
    """

    rows: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class NimoFolder(KeptFolder):
    """candidates.csv, which the engine only reads, and proposals.csv, which it writes a round at a time.

    Args:
        folder: where they are.
        contract: of the one capability that is done there.
        columns: headings in candidates.csv by name of an input or output, where they differ from it.
        num_proposals: rows that proposals.csv names at most, as NIMO has it.
    """

    in_rounds: ClassVar[bool] = True

    def __init__(self, folder: Path, contract: Contract, columns: Mapping[str, str], num_proposals: int) -> None:
        super().__init__(folder)
        inputs, outputs = contract.inputs.get("properties", {}), contract.outputs.get("properties", {})
        self._columns, self._most = CandidateColumns.of(inputs, outputs, columns), num_proposals
        self._asked: dict[str, AskedRow] = {}
        self._latest: dict[int, str] = {}
        self._text, self._known = "", ""
        self._table: CandidateTable | None = None

    @property
    def was_emptied(self) -> bool:
        """Never: what is to be done is written at the end of each look."""
        return False

    def remember(self, key: str, inputs: Mapping[str, Any], row: int) -> None:
        """A task was handed out as a row: now, or before the last start."""
        self._asked[key] = AskedRow(row, dict(inputs))
        self._latest[row] = key

    def new_rows(self, outputs: Mapping[str, frozenset[str]]) -> list[ResultLine]:
        """The rows of tasks that are filled in; of those that wait no more, when the file has changed."""
        changed = self._read()
        table = self._table
        if table is None:
            return []
        found = []
        for key in self._latest.values() if changed else [key for key in outputs if key in self._asked]:
            asked = self._asked[key]
            if not table.is_candidate(asked.row, asked.inputs):
                if key in outputs:
                    why = f"row {asked.row} of {CANDIDATES} is another candidate now, so nothing is taken from it"
                    self._say_once((key, why), asked.row + 2, key, why)
            elif (result := table.result(asked.row)) is not None:
                found.append(ResultLine(asked.row + 2, key, result))
        return found

    def removed(self, key: str, why: str) -> None:
        """See `KeptFolder.removed`; a script may be at work, so the row stays in proposals.csv."""
        if (asked := self._asked.get(key)) is not None:
            why += f"; row {asked.row} stays in {PROPOSALS} until it is filled in, or somebody removes that file"
        super().removed(key, why)

    def next_round(self, held: Mapping[str, Mapping[str, Any]], waiting: Iterable[PersonTask]) -> NextRound:
        """Rows for tasks that were not handed out yet; nothing, while rows of the round before are not filled in.

        Args:
            held: inputs of each, by its key, the oldest first.
            waiting: what was handed out and not answered.
        """
        table, chosen = self._table, NextRound()
        if table is None or self._is_open(table):
            return chosen
        taken = set(self._to_do(table, waiting))
        for key, inputs in held.items():
            rows = table.rows_of(inputs)
            free = [row for row in rows if table.is_empty(row)]
            if not free:
                chosen.refused[key] = _why_not(rows, inputs)
            elif len(taken) < self._most and (left := [row for row in free if row not in taken]):
                chosen.rows[key] = left[0]
                taken.add(left[0])
        return chosen

    def write(self, tasks: Iterable[PersonTask]) -> None:
        """Begin a round with what was handed out and is not filled in, if the one before is over."""
        if self._table is None or self._is_open(self._table):
            return
        text = self._table.proposals(self._to_do(self._table, tasks)[: self._most])
        if text != self._proposals():
            self._replace(text)

    def _to_do(self, table: CandidateTable, tasks: Iterable[PersonTask]) -> list[int]:
        asked = [self._asked[task.key] for task in tasks if task.key in self._asked]
        return [one.row for one in asked if table.is_candidate(one.row, one.inputs) and table.is_empty(one.row)]

    def _is_open(self, table: CandidateTable) -> bool:
        """Whether proposals.csv, whoever wrote it, names a row that is not filled in."""
        try:
            rows = proposed_rows(self._proposals() or "")
        except Invalid as error:
            self._say_once(("", str(error)), "", "", str(error))
            return True
        return not all(table.is_done(row) for row in rows)

    def _proposals(self) -> str | None:
        """What is asked now, if anything is.

        Raises:
            Invalid: something else stands under its name.
        """
        return read_kept(self._folder / PROPOSALS, MOST_BYTES)

    def _read(self) -> bool:
        """Look at candidates.csv: there is a table while it reads as at the look before; whether it is another."""
        try:
            text = read_kept(self._folder / CANDIDATES, MOST_BYTES)
            if text is None:
                raise Invalid(CANDIDATES, "is not there")
            before, self._text = self._text, text
            if text != before:
                self._table = None
                return False
            if self._table is not None:
                return False
            self._table = CandidateTable.read(text, self._columns)
        except Invalid as error:
            self._table = None
            self._say_once(("", str(error)), "", "", f"{error}; nothing is asked or taken meanwhile")
            return False
        self._rejected = {said for said in self._rejected if said[0]}
        before, self._known = self._known, text
        return before != text


def _why_not(rows: list[int], inputs: Mapping[str, Any]) -> str:
    """Why a task cannot be handed out as a row of the table."""
    if not rows:
        said = ", ".join(f"{name} = {value}" for name, value in inputs.items())
        return f"no row of {CANDIDATES} is {said}; ask for one of its rows, or have a row added"
    which = f"row {rows[0]} of {CANDIDATES} has" if len(rows) == 1 else f"rows {rows} of {CANDIDATES} have"
    return f"{which} objectives already, from before it was asked; import them, or have them emptied to measure again"


def folder_of(settings: PersonSettings, contracts: Mapping[str, Contract]) -> KeptFolder | None:
    """The folder that the settings name.

    Raises:
        Invalid: a table of candidates for several capabilities, or a column of what is no input or output.
    """
    if not settings.folder:
        return None
    if settings.convention == "yosegi":
        return PersonFolder(Path(settings.folder))
    if len(contracts) != 1:
        raise Invalid("convention", f"candidates.csv is of one capability, not {len(contracts)}", "publish one there")
    (contract,) = contracts.values()
    return NimoFolder(Path(settings.folder), contract, settings.columns, settings.num_proposals)

"""A ledger as a file for an audit elsewhere: every header, and of bodies those alone that an audit reads.

Lines of JSON. The first names the site and has its newest checkpoint. Then comes every entry, in order, with its body
where that says whose keys are whose or what was witnessed, and with the receipt of another site that it keeps. Nothing
that was asked, measured or decided is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

from yosegi.core import canonical
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Corrupt, Invalid, YosegiError
from yosegi.core.values import Value
from yosegi.execution.restore_guard import STREAM as GAP
from yosegi.ledger import LEDGER, Entry
from yosegi.ledger.checkpoint import Checkpoint
from yosegi.ledger.snapshot import Snapshot
from yosegi.ledger.tree import Frontier
from yosegi.trust.envelope import Envelope
from yosegi.trust.signer import Signer
from yosegi.verification.error_context import naming
from yosegi.verification.exported import Exported
from yosegi.verification.ledger_audit import RECEIPT, Believed, Held, LedgerCopy, Moments, Progress, made, receipt_held

_TODO = "get the file again from the site, and audit the site's own ledger"


class ExportHead(Value):
    """The first line."""

    format: Literal["yosegi.audit.v1"] = "yosegi.audit.v1"
    site: str
    checkpoint: Envelope


class ExportLine(Exported):
    """One entry, and the receipt in its body if it keeps one."""

    receipt: dict[str, Any] | None = None


def write_audit(ledger: Snapshot, file: IO[bytes], *signers: Signer) -> int:
    """Write a ledger for an audit; the checkpoint is signed by these too. How many entries there are."""
    site = next(ledger.scan()).header.site
    head = ExportHead(site=site, checkpoint=ledger.checkpoint.signed_also_by(*signers))
    file.write(head.to_bytes() + b"\n")
    for entry in ledger.scan():
        file.write(_line(entry).to_bytes() + b"\n")
    return ledger.size


def _line(entry: Entry) -> ExportLine:
    # What a person wrote when a restoration was settled says nothing to an audit, that it was settled does.
    line = ExportLine.of(entry, bare=not _is_read(entry) or entry.stream == GAP)
    if RECEIPT not in (entry.body_bytes or b""):
        return line
    receipt = (entry.body or {}).get("receipt")
    return line.model_copy(update={"receipt": receipt}) if isinstance(receipt, dict) else line


def _is_read(entry: Entry) -> bool:
    return entry.stream in (LEDGER, GAP) or entry.stream.startswith(("governance/", "witness/"))


def is_audit(path: Path) -> bool:
    """Whether a file looks like one that `write_audit` wrote."""
    with path.open("rb") as file:
        return b'"format":"yosegi.audit.v1"' in file.readline(canonical.MAX_BYTES)


def read_audit(path: Path, progress: Progress = lambda what, done, total: None) -> LedgerCopy:
    """A ledger from such a file, verified: each header, stream and position, the tree, and the signed checkpoint.

    Args:
        path: the file.
        progress: told how far it is.

    Raises:
        Corrupt: names the first line or entry that is wrong.
    """
    with path.open("rb") as file:
        try:
            head = ExportHead.read(file.readline(canonical.MAX_BYTES).rstrip(b"\n"), what="its first line")
            reading = _Reading(path, head, progress)
        except Invalid as error:
            raise Corrupt(str(path), str(error), _TODO) from None
        return reading.read(file)


def entries_of_stream(path: Path, stream: str) -> Iterator[Entry]:
    """The entries of one stream in a file that `read_audit` has verified, most of them without bodies."""
    with path.open("rb") as file:
        file.readline(canonical.MAX_BYTES)
        for line in iter(lambda: file.readline(canonical.MAX_BYTES), b""):
            entry = ExportLine.read(line.rstrip(b"\n"), what="an entry").entry()
            if entry.stream == stream:
                yield entry


class _Reading:
    """One file, read from its beginning to its end."""

    def __init__(self, path: Path, head: ExportHead, progress: Progress) -> None:
        self._path, self._head, self._progress = path, head, progress
        self._size = Checkpoint.read(head.checkpoint.payload).size
        self._believed = Believed()
        self._frontier, self._leaves = Frontier(), list[bytes]()
        self._positions: dict[str, int] = {}
        self._entries, self._held = list[Entry](), list[Held]()
        self._times, self._receipts = list[tuple[int, str]](), list[tuple[Entry, dict[str, Any]]]()

    def read(self, file: IO[bytes]) -> LedgerCopy:
        for number, line in enumerate(iter(lambda: file.readline(canonical.MAX_BYTES), b""), start=2):
            try:
                self._take(ExportLine.read(line.rstrip(b"\n"), what="an entry"))
            except Corrupt:
                raise
            except (YosegiError, ValueError) as error:
                raise Corrupt(f"line {number} of {self._path}", str(error), _TODO) from None
        return self._whole()

    def _take(self, line: ExportLine) -> None:
        entry = line.entry()
        header, where = entry.header, f"entry {entry.sequence} ({entry.type} in {entry.stream})"
        position = self._positions.get(entry.stream, 0) + 1
        if (header.site, entry.sequence, entry.position) != (self._head.site, len(self._leaves), position):
            place = f"entry {len(self._leaves)} of {self._head.site}, or {position} of {entry.stream}"
            raise Corrupt(where, f"it stands where {place} comes next", _TODO)
        if entry.hash != line.hash:
            raise Corrupt(where, "its header was changed", _TODO)
        if entry.body_bytes is not None and (entry.salt is None or not header.covers(entry.salt, entry.body_bytes)):
            raise Corrupt(where, "its body was changed", _TODO)
        self._positions[entry.stream] = position
        self._frontier.append(entry.leaf)
        self._leaves.append(entry.leaf)
        self._times.append((entry.sequence, entry.time))
        with naming(entry):
            if entry.stream.startswith("governance/"):
                self._believed.follow(entry)
            elif _is_read(entry):
                self._entries.append(entry)
            elif line.receipt is not None:
                self._receipt(entry, line.receipt)
        if len(self._leaves) % 1000 == 0 or len(self._leaves) == self._size:
            self._progress(f"{self._head.site}: entries", len(self._leaves), self._size)

    def _receipt(self, entry: Entry, plain: dict[str, Any]) -> None:
        """Verify a receipt, or keep it until all is read: what follows tells whether the entry's own time is right."""
        history = self._believed.history(entry.header.charter)
        try:
            then = parse_timestamp(entry.time)
            self._held.append(receipt_held(entry.header.site, history, entry.sequence, plain, then))
        except YosegiError:
            self._receipts.append((entry, plain))

    def _judge_again(self, moments: Moments) -> None:
        for entry, plain in self._receipts:
            history, site = self._believed.history(entry.header.charter), entry.header.site
            with naming(entry):
                judge = partial(receipt_held, site, history, entry.sequence, plain)
                self._held.append(moments.judged(entry, judge))

    def _whole(self) -> LedgerCopy:
        site, where = self._head.site, f"the ledger of {self._head.site}"
        if len(self._leaves) != self._size:
            raise Corrupt(where, f"{len(self._leaves)} entries, and its checkpoint is over {self._size}", _TODO)
        keys = self._believed.ever(site)
        try:
            needs = {key.algorithm for key in keys.values()}
            signed = Checkpoint.open(self._head.checkpoint, keys, site=site, needs=needs)
        except YosegiError as error:
            raise Corrupt(where, str(error), _TODO) from None
        if signed.root_hash != self._frontier.root():
            raise Corrupt(where, "its entries lead to another root than its signed checkpoint", _TODO)
        moments = Moments(lambda: self._times, self._head.checkpoint)
        self._judge_again(moments)
        copy = made(str(self._path), site, self._head.checkpoint, self._leaves, self._believed, self._entries, moments)
        return replace(copy, held=(*copy.held, *self._held))

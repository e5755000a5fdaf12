"""The objects of a campaign in its bundle: every one is named; bytes go along where the label allows, up to a size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from yosegi.core import canonical
from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.object import ObjectRef
from yosegi.core.values import Value
from yosegi.data import ObjectStore
from yosegi.data.view import is_erased
from yosegi.exchange.requests import MADE, REPORTED
from yosegi.ledger import Entry, Ledger
from yosegi.trust.envelope import Bytes, Envelope
from yosegi.trust.messages import Report, Request

MOST_OBJECT_BYTES = 64 * 1024 * 1024
"""Bytes of objects in one bundle, all together; what does not fit is named without its bytes."""

Absent = Literal["restricted", "too_large", "erased", "not_here"]


class ExportedObject(Value):
    """One object: its reference, and its bytes or why they are not in the bundle."""

    ref: ObjectRef
    data: Bytes | None = None
    absent: Absent | None = None


def objects_in(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str, ObjectRef]]:
    """Every naming of an object, with the entry and the name."""
    for entry in entries:
        named = entry.facts.get("objects", {})
        if entry.type in (MADE, REPORTED) and isinstance(named, dict):
            for name, ref in named.items():
                yield entry, name, ObjectRef.read(ref, what=f"object {name}")


def exported_objects(ledger: Ledger, store: ObjectStore, entries: Iterable[Entry]) -> tuple[ExportedObject, ...]:
    """What a bundle holds of the objects that its entries name, in the order in which they are named first."""
    refs: dict[str, ObjectRef] = {}
    for _, _, ref in objects_in(entries):
        refs[ref.sha256] = refs[ref.sha256].with_label_of(ref) if ref.sha256 in refs else ref
    room, found = MOST_OBJECT_BYTES, []
    for ref in refs.values():
        absent = _absent(ledger, store, ref, room)
        data = None if absent else store.read(ref.sha256)
        room -= len(data or b"")
        found.append(ExportedObject(ref=ref, data=data, absent=absent))
    return tuple(found)


def _absent(ledger: Ledger, store: ObjectStore, ref: ObjectRef, room: int) -> Absent | None:
    if ref.sensitivity == "restricted":
        return "restricted"
    if is_erased(ledger, ref.sha256):
        return "erased"
    if not store.has(ref.sha256):
        return "not_here"
    return "too_large" if ref.size > room else None


def check_objects(objects: Iterable[ExportedObject], entries: Iterable[Entry], todo: str) -> int:
    """Hold every object against its digest, and every naming against what was signed; how many had their bytes.

    Raises:
        Corrupt: names the first object or entry that is wrong.
    """
    listed, whole = set(), 0
    for one in objects:
        listed.add(one.ref.sha256)
        if one.data is not None:
            whole += 1
            if (canonical.digest(one.data), len(one.data)) != (one.ref.sha256, one.ref.size):
                raise Corrupt(f"object {one.ref.sha256}", "its bytes are other ones", todo)
        elif one.absent is None:
            raise Corrupt(f"object {one.ref.sha256}", "neither its bytes are there nor why not", todo)
    named = set()
    for entry, name, ref in objects_in(entries):
        where = f"entry {entry.sequence} ({entry.type} in {entry.stream})"
        named.add(ref.sha256)
        if ref.sha256 not in listed:
            raise Corrupt(where, f"the bundle does not list its object {name} ({ref.sha256})", todo)
        if (signed := _signed(entry, name)) is not None and signed != ref:
            raise Corrupt(where, f"its object {name} is not the one that was signed", todo)
    if extra := listed - named:
        raise Corrupt(f"object {min(extra)}", "no entry of the bundle names it", todo)
    return whole


def _signed(entry: Entry, name: str) -> ObjectRef | None:
    """The reference in the signed document of an entry; None if the body was erased."""
    body = entry.body
    if body is None:
        return None
    if entry.type == MADE:
        values = Request.read(Envelope.read(body["document"]).payload).inputs
    else:
        outcome = Report.read(Envelope.read(body["report"]).payload).outcome
        values = {} if outcome is None else outcome.outputs or {}
    if name not in values:
        raise Invalid("the entry", f"nothing that was signed has an object {name}")
    return ObjectRef.read(values[name], what=f"object {name}")

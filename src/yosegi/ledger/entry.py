"""An entry as it was written: a header for ever, and a body that may be gone."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.field_faults import first_fault
from yosegi.ledger.header import Header
from yosegi.ledger.upcast import Upcasters


class Entry:
    """One entry. What is not asked for is not decoded.

    Facts, body and `type_version` are read through the ledger's upcasters, so that a fold sees the newest form; the
    header shows what was written.
    """

    __slots__ = ("_body", "_header", "_plain", "_salt", "_upcast", "_upcasters", "header_bytes", "leaf", "sequence")

    def __init__(
        self,
        sequence: int,
        header_bytes: bytes,
        leaf: bytes,
        salt: bytes | None = None,
        body: bytes | None = None,
        upcasters: Upcasters | None = None,
        header: Header | None = None,
    ) -> None:
        self.sequence = sequence
        """Its place in the ledger, from 0."""
        self.header_bytes = header_bytes
        """The canonical bytes of the header: the leaf."""
        self.leaf = leaf
        """The leaf hash (RFC 9162), 32 bytes."""
        self._salt, self._body, self._upcasters = salt, body, upcasters
        self._header = header
        self._upcast: tuple[int, dict[str, Any], Any] | None = None
        self._plain: dict[str, Any] | None = None

    @property
    def header(self) -> Header:
        """What was written, version and all.

        Raises:
            Corrupt: the stored bytes are no header.
        """
        if self._header is None:
            try:
                self._header = Header.model_validate_json(self.header_bytes)
            except ValidationError as error:
                why = f"its header is not readable ({first_fault(error)})"
                raise Corrupt(f"entry {self.sequence}", why) from None
        return self._header

    @property
    def hash(self) -> str:
        """`sha256:` and the leaf's hash (RFC 9162): what `after` names."""
        return "sha256:" + self.leaf.hex()

    @property
    def stream(self) -> str:
        """The thing it is about."""
        return (self._header or self.header).stream

    @property
    def position(self) -> int:
        """Its place in the stream, from 1."""
        return self.header.position

    @property
    def type(self) -> str:
        """What happened."""
        return (self._header or self.header).type

    @property
    def time(self) -> str:
        """When, by the site's clock: RFC 3339, UTC."""
        return self.header.time

    @property
    def facts(self) -> dict[str, Any]:
        """What folds need, in the newest form of its type."""
        return self._newest()[1]

    @property
    def type_version(self) -> int:
        """The version that `facts` and `body` are in."""
        return self._newest()[0]

    @property
    def body(self) -> dict[str, Any] | None:
        """The body in the newest form of its type; None if there is none, or it was erased.

        Raises:
            Invalid: the body is not a JSON object; `body_bytes` has it.
        """
        if self._upcasters and self._upcasters.knows(self.type):
            newest: dict[str, Any] | None = self._newest()[2]
            return newest
        if self._plain is None:
            self._plain = self._parsed()
        return self._plain

    @property
    def body_bytes(self) -> bytes | None:
        """The body as it was written; None if there is none, or it was erased."""
        return self._body

    @property
    def salt(self) -> bytes | None:
        """What the body's digest was salted with; erased with the body."""
        return self._salt

    @property
    def erased(self) -> bool:
        """Whether it had a body and has none now."""
        return self._body is None and self.header.body is not None

    def _parsed(self) -> dict[str, Any] | None:
        if self._body is None:
            return None
        value = json.loads(self._body) if self._body[:1] == b"{" else None
        if value is None:
            raise Invalid(f"the body of entry {self.sequence}", "not a JSON object", "read body_bytes")
        return dict(value)

    def _newest(self) -> tuple[int, dict[str, Any], Any]:
        if self._upcast is None:
            header = self.header
            if self._upcasters is None or not self._upcasters.knows(header.type):
                return header.type_version, header.facts, None
            self._upcast = self._upcasters.newest(header.type, header.type_version, header.facts, self._parsed())
        return self._upcast

    def __repr__(self) -> str:
        return f"entry {self.sequence}: {self.type} in {self.stream} at {self.position}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self.header_bytes == other.header_bytes and self._body == other._body

    def __hash__(self) -> int:
        return hash(self.header_bytes)

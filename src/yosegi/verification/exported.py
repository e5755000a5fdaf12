"""An entry as it stands in a bundle, or in a ledger that was exported for an audit."""

from __future__ import annotations

import base64
from typing import Self

from yosegi.core.errors import Corrupt
from yosegi.core.identifiers import Digest
from yosegi.core.values import Value
from yosegi.ledger import Entry, Header
from yosegi.ledger.tree import leaf_hash
from yosegi.trust.keys import unbase64

_TODO = "get the file again from its site, and compare it with the receipts of others"


class Exported(Value):
    """One entry as exported; salt and body are gone where the body was erased."""

    header: str
    hash: Digest
    salt: str | None = None
    body: str | None = None

    @classmethod
    def of(cls, entry: Entry, *, bare: bool) -> Self:
        """An entry; of one that is bare, the header alone."""
        salt, body = (None, None) if bare else (entry.salt, entry.body_bytes)
        return cls(
            header=entry.header_bytes.decode(),
            hash=entry.hash,
            salt=None if salt is None else base64.b64encode(salt).decode(),
            body=None if body is None else base64.b64encode(body).decode(),
        )

    def entry(self) -> Entry:
        """The entry, its body not yet held against the header."""
        raw = self.header.encode()
        header = Header.read(raw)
        try:
            body = None if self.body is None else unbase64(self.body)
            salt = None if self.salt is None else unbase64(self.salt)
        except ValueError:
            raise Corrupt(f"entry {header.sequence} ({header.type})", "its body is not readable", _TODO) from None
        return Entry(header.sequence, raw, leaf_hash(raw), salt, body, header=header)

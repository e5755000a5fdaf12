"""What a caller asks the ledger to write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.errors import Invalid

LEDGER = "ledger"
"""The stream in which a ledger writes about itself; its entries name no charter unless they concern one."""

OPENED = "ledger.opened"
"""The first entry of an epoch; facts: epoch, key, and after a restore: restored and witnessed (size, root)."""
ERASED = "ledger.erased"
"""A body was erased; facts: sequence, stream, body (its digest), reason."""
REFILLED = "ledger.refilled"
"""A peer's receipt proves an entry that a restore has lost; facts: epoch, sequence, hash, header; body: the receipt."""

MAX_AFTER = 64
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _name(what: str, value: str, longest: int = 200) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise Invalid(f"an entry's {what}", f"{value!r} is not 1 to {longest} printable characters")


@dataclass(frozen=True, slots=True)
class Draft:
    """One entry to be.

    Args:
        type: what happened, e.g. `task.submitted`.
        facts: small JSON that folds need (states, amounts); in the header for ever.
        body: everything else, apart and erasable. Bytes are kept as they are.
        type_version: of this type's facts and body; older ones are read through upcasters.
        after: hashes of the entries that it follows, peers' too.

    Raises:
        Invalid: a field is not of its form.
    """

    type: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | bytes | None = None
    type_version: int = 1
    after: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _name("type", self.type)
        if type(self.type_version) is not int or self.type_version < 1:
            raise Invalid("an entry's type_version", f"{self.type_version!r} is not 1 or more")
        if not isinstance(self.facts, Mapping):
            raise Invalid(f"the facts of {self.type}", f"a {type(self.facts).__name__}, not an object")
        if self.body is not None and not isinstance(self.body, (Mapping, bytes)):
            raise Invalid(f"the body of {self.type}", f"a {type(self.body).__name__}, neither an object nor bytes")
        if self.after:
            self._check_after()

    def _check_after(self) -> None:
        if len(self.after) > MAX_AFTER:
            raise Invalid(f"after of {self.type}", f"{len(self.after)} entries, and at most {MAX_AFTER} are named")
        for digest in self.after:
            if not _DIGEST.fullmatch(digest):
                raise Invalid(f"after of {self.type}", f"{digest!r} is not sha256: and 64 digits")


@dataclass(frozen=True, slots=True)
class Write:
    """Entries for one stream, all or none.

    Args:
        stream: the thing they are about, e.g. `task/4f1c…`.
        expected: the position of the stream that the caller folded (0: empty); None: whatever it is.
        drafts: the entries, in order; at least one.
        charter: under which charter; empty for what a site writes of itself.
        actor: who does it.
        on_behalf_of: for whom, if for another.

    Raises:
        Invalid: a field is not of its form.
    """

    stream: str
    expected: int | None
    drafts: tuple[Draft, ...]
    charter: str
    actor: str
    on_behalf_of: str | None = None

    def __post_init__(self) -> None:
        _name("stream", self.stream)
        _name("actor", self.actor)
        if self.on_behalf_of is not None:
            _name("on_behalf_of", self.on_behalf_of)
        if self.charter:
            _name("charter", self.charter, 60)
        if self.expected is not None and (type(self.expected) is not int or self.expected < 0):
            raise Invalid(f"a write to {self.stream}", f"expected position {self.expected!r} is not 0 or more")
        if not self.drafts:
            raise Invalid(f"a write to {self.stream}", "no drafts in it")

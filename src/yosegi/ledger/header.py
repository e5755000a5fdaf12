"""An entry's header, version 1: what is hashed into the tree and kept for ever."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.field_faults import first_fault
from yosegi.core.identifiers import Digest
from yosegi.core.values import Value
from yosegi.ledger.write import Draft, Write

FORMAT = "yosegi.entry/1"
MAX_HEADER = 64 * 1024
MAX_BODY = canonical.MAX_BYTES

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]


class Header(Value):
    """What an entry says for ever; its canonical bytes are the leaf.

    Args:
        format: which header this is.
        charter: the charter it was written under; empty for what a site writes of itself.
        site: whose ledger.
        epoch: 1, and one more after each restored backup.
        sequence: the place in the ledger, from 0: the index of the leaf.
        stream: the thing it is about, e.g. `task/4f1c…`.
        position: the place in the stream, from 1.
        type: what happened, e.g. `task.submitted`.
        type_version: of the type's facts and body.
        time: UTC by the site's clock. Order never follows from it.
        actor: who did it.
        on_behalf_of: for whom, if for another.
        code: which program wrote it.
        after: hashes of the entries that it follows, in this ledger or in others.
        facts: what folds need.
        body: SHA-256 of salt and body bytes, if it has a body.
    """

    format: Literal["yosegi.entry/1"]
    charter: Annotated[str, StringConstraints(max_length=60)]
    site: Name
    epoch: Annotated[int, Field(ge=1)]
    sequence: Annotated[int, Field(ge=0)]
    stream: Name
    position: Annotated[int, Field(ge=1)]
    type: Name
    type_version: Annotated[int, Field(ge=1)]
    time: Time
    actor: Name
    on_behalf_of: Name | None
    code: Annotated[str, StringConstraints(max_length=200)]
    after: tuple[Digest, ...]
    facts: Annotated[dict[str, Any], AfterValidator(canonical.as_doubles)]
    body: Digest | None

    def to_bytes(self) -> bytes:
        """Canonical JSON (RFC 8785), every field there."""
        return canonical.normal(self.model_dump_json())

    @classmethod
    def read(cls, data: bytes | dict[str, Any], *, what: str = "a header") -> Self:
        """Read a header from outside.

        Raises:
            Invalid: not a header of a format that is known here, or not in its one canonical form.
        """
        raw = data if isinstance(data, bytes) else canonical.dumps(data)
        if len(raw) > MAX_HEADER:
            raise Invalid(what, f"{len(raw)} bytes, and at most {MAX_HEADER} are read")
        try:
            header = cls.model_validate_json(raw)
        except ValidationError as error:
            raise Invalid(what, str(first_fault(error))) from None
        if not canonical.is_normal(raw):
            raise Invalid(what, "not in canonical form")
        return header

    def covers(self, salt: bytes, body: bytes) -> bool:
        """Whether this is the body the header speaks of."""
        return self.body == body_digest(salt, body)


def body_digest(salt: bytes, body: bytes) -> str:
    """SHA-256(salt ‖ body); without the salt, a short body could be guessed after it was erased."""
    return "sha256:" + hashlib.sha256(salt + body).hexdigest()


class Template:
    """The headers of one group commit: what they share is encoded once.

    Its bytes are those of `Header.to_bytes` at a fraction of the cost; a property test holds it to that.
    """

    __slots__ = ("_after_facts", "_before_facts", "_site", "_time")

    def __init__(self, *, site: str, epoch: int, time: str, code: str) -> None:
        quoted = canonical.quoted
        self._before_facts = f',"code":{quoted(code)},"epoch":{epoch},"facts":'
        self._after_facts = f',"format":"{FORMAT}","on_behalf_of":'
        self._site, self._time = quoted(site), quoted(time)

    def header(self, write: Write, draft: Draft, *, sequence: int, position: int, body: str | None) -> bytes:
        """The bytes of one header; `body` is the digest of its body."""
        quoted = canonical.quoted
        after = ",".join([quoted(item) for item in draft.after])
        behalf = "null" if write.on_behalf_of is None else quoted(write.on_behalf_of)
        digest = "null" if body is None else f'"{body}"'
        return canonical.checked(
            f'{{"actor":{quoted(write.actor)},"after":[{after}],"body":{digest},"charter":{quoted(write.charter)}'
            f"{self._before_facts}{canonical.text(draft.facts)}{self._after_facts}{behalf}"
            f',"position":{position},"sequence":{sequence},"site":{self._site},"stream":{quoted(write.stream)}'
            f',"time":{self._time},"type":{quoted(draft.type)},"type_version":{draft.type_version}}}'
        ).encode()

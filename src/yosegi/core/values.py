"""The base of every value that crosses a wire or a disk: frozen, and closed to unknown fields."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from yosegi.core import canonical
from yosegi.core.errors import Invalid
from yosegi.core.field_faults import first_fault


class Value(BaseModel):
    """A frozen, self-checking value with one canonical byte form."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def to_bytes(self) -> bytes:
        """Canonical JSON (RFC 8785) of the value, unset optional fields left out."""
        return canonical.dumps(self.model_dump(mode="json", exclude_none=True))

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the canonical bytes."""
        return canonical.digest(self.to_bytes())

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, some fields replaced; what the original remembers of itself does not go with it."""
        copy = super().model_copy(update=update, deep=deep)
        for remembered in copy.__dict__.keys() - type(self).model_fields.keys():
            del copy.__dict__[remembered]
        return copy

    @classmethod
    def read(cls, data: bytes | dict[str, Any], *, what: str = "") -> Self:
        """Read from JSON bytes or an object.

        Raises:
            Invalid: not JSON, an unknown field, a missing one or one of the wrong type; names the field.
        """
        what = what or cls.__name__.lower()
        if not isinstance(data, bytes):
            return cls._valid(canonical.dumps(data), what)
        value, unusual = canonical.read(data, what=what)
        return cls._valid(canonical.dumps(value) if unusual else data, what)

    @classmethod
    def stated(cls, what: str, **fields: Any) -> Self:
        """Made of what somebody says, who is to be told what is wrong with it.

        Args:
            what: is said, for the refusal.
            **fields: of the value, by name.

        Raises:
            Invalid: a field is missing or of the wrong type; names it.
        """
        try:
            return cls(**fields)
        except ValidationError as error:
            raise Invalid(what, str(first_fault(error, cls))) from None

    @classmethod
    def parsed(cls, value: dict[str, Any], *, what: str = "") -> Self:
        """`read` for an object that `canonical.loads` made, or this ledger gave back: it is known to be JSON.

        Raises:
            Invalid: as `read`.
        """
        return cls._valid(to_json(value), what or cls.__name__.lower())

    @classmethod
    def _valid(cls, text: bytes, what: str) -> Self:
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise Invalid(what, str(first_fault(error, cls))) from None

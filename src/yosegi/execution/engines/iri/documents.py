"""What a facility says of a job, as far as it is believed: bounded, and what is not known is left out."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import derived_key

RemoteState = Literal["new", "queued", "held", "active", "completed", "failed", "canceled"]
OVER: frozenset[RemoteState] = frozenset({"completed", "failed", "canceled"})


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class RemoteStatus(_Told):
    """Where a job stands."""

    state: RemoteState
    message: str | None = None
    exit_code: int | None = None
    meta_data: dict[str, JsonValue] | None = None


class RemoteSpecification(_Told):
    """What is looked at of a job's specification."""

    name: Annotated[str, Field(max_length=4096)] | None = None


class RemoteJob(_Told):
    """A job at another facility."""

    id: Annotated[str, Field(min_length=1, max_length=400)]
    status: RemoteStatus | None = None
    job_spec: RemoteSpecification | None = None

    @classmethod
    def of(cls, value: Any) -> RemoteJob:
        """Read from JSON values.

        Raises:
            Invalid: no such thing.
        """
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "the whole"
            raise Invalid("the facility's answer", f"{where} is not as a job has it") from None

    @property
    def yosegi_state(self) -> str:
        """The state of the task in Yosegi's own words; empty where the facility is no Yosegi site."""
        told = (self.status.meta_data or {}).get("yosegi") if self.status else None
        return str(told.get("state", "")) if isinstance(told, dict) else ""

    @property
    def outcome(self) -> Outcome | None:
        """The outcome in Yosegi's own words, where the facility is another Yosegi site."""
        told = (self.status.meta_data or {}).get("yosegi") if self.status else None
        value = told.get("outcome") if isinstance(told, dict) else None
        energy = {"joules": told["joules"]} if isinstance(told, dict) and "joules" in told else {}
        try:
            return Outcome.read(value | energy) if isinstance(value, dict) else None
        except Invalid:
            return None


def job_name(site: str, key: str, attempt: int) -> str:
    """A job's name: an opaque hash that fits every scheduler, `y` and 26 characters of base 32."""
    digest = hashlib.sha256(f"{site}\x1f{key}\x1f{attempt}".encode()).digest()
    return "y" + base64.b32encode(digest).decode().lower()[:26]


def idempotency_key(site: str, key: str, attempt: int) -> str:
    """The Idempotency-Key of the same: a UUID."""
    return derived_key("another facility", site, key, attempt)


FileTaskState = Literal["pending", "active", "completed", "failed", "canceled"]


class RemoteFileTask(_Told):
    """A piece of work with files there, which the facility API calls a task."""

    status: FileTaskState = "pending"
    result: dict[str, JsonValue] | None = None

    @classmethod
    def of(cls, value: Any) -> RemoteFileTask:
        """Read from JSON values.

        Raises:
            Invalid: no such thing.
        """
        try:
            return cls.model_validate(value)
        except ValidationError:
            raise Invalid("the facility's answer", "is no task with files") from None

    def file(self) -> bytes:
        """The bytes of the file that was fetched: base 64 under `output`.

        Raises:
            Invalid: there are none.
        """
        text = (self.result or {}).get("output")
        if not isinstance(text, str):
            raise Invalid("the facility's answer", "has no file in it")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise Invalid("the facility's answer", "is no base 64") from None

    def why(self) -> str:
        """Why it failed, bounded."""
        said = (self.result or {}).get("error") or (self.result or {}).get("message")
        return str(said)[:300] if said else f"it is {self.status}"

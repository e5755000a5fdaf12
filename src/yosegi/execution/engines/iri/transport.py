"""Calls of a facility: a method, an address and JSON; whether an answer came, and whether anything was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from yosegi.core import canonical
from yosegi.core.errors import Invalid, Unavailable

LARGEST = 8 * 1024 * 1024
"""Bytes of an answer that are read: a file of 5 MiB in base 64, and what stands around it."""


class NothingSent(Unavailable):
    """No connection could be made, so that the call certainly had no effect."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a facility answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body's value.

        Raises:
            Invalid: it is no JSON.
        """
        return canonical.loads(self.body, what="the facility's answer", max_bytes=LARGEST)

    def why(self) -> str:
        """What it says of a refusal, for people; bounded."""
        try:
            said = self.json()
        except Invalid:
            said = None
        detail = said.get("detail") or said.get("title") if isinstance(said, dict) else None
        text = detail if isinstance(detail, str) else self.body[:300].decode(errors="replace")
        return f"status {self.status}: {text[:500]}"


class FacilityTransport(Protocol):
    """Calls one facility."""

    async def call(
        self, method: str, url: str, headers: Mapping[str, str], body: Any = None, *, form: bool = False
    ) -> Reply:
        """One call.

        Args:
            method: as HTTP has it.
            url: the whole address.
            headers: by name.
            body: sent as JSON, or as a form; nothing if None.
            form: whether it is sent as a form.

        Raises:
            NothingSent: it certainly did not arrive.
            Unavailable: no answer came; it may have arrived.
        """
        ...

    async def close(self) -> None:
        """Close what is open."""
        ...


def is_safe_address(url: str) -> bool:
    """Whether a token may be sent there: https, or plain http to this machine; and no secret in the address."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    return plain and bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))

"""Messages between a site and its workers: four bytes of length, then one JSON object."""

from __future__ import annotations

import json
import struct
from typing import Any

_LENGTH = struct.Struct(">I")
_LONGEST = 64 * 1024 * 1024


def pack(message: dict[str, Any]) -> bytes:
    """One message, ready to send."""
    data = json.dumps(message, separators=(",", ":")).encode()
    return _LENGTH.pack(len(data)) + data


class Unpacker:
    """Collects bytes as they come, and gives each message once it is whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Every message that is whole now.

        Raises:
            ValueError: what came is no message.
        """
        self._buffer += data
        messages: list[dict[str, Any]] = []
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if end > _LONGEST:
                raise ValueError(f"a message of {end} bytes")
            if len(self._buffer) < end:
                break
            messages.append(json.loads(self._buffer[_LENGTH.size : end]))
            del self._buffer[:end]
        return messages

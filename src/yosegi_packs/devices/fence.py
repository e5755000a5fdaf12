"""One holder at a time: a process variable names the station that may put to a device.

Channel Access has no atomic test-and-set, so this is M. Fischer's algorithm (as given by Lamport, "A fast mutual
exclusion algorithm", ACM TOCS 5(1), 1987, p. 1): wait until the variable is empty, write one's name, wait longer than
anybody's write can take after its test, and hold it only if one's name is still there. It is exclusive as long as no
put is delayed by more than `DELAY`; the holder is looked at again before each put, which closes most of the rest. Where
more is needed, the IOC's own access security must allow one host only.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Final

from yosegi_packs.devices.channels import CONTACT, Channel
from yosegi_packs.devices.errors import HeldByAnother

DELAY: Final = 0.5
"""Seconds between writing one's name and believing it."""

_FILE: Final = "devices.holder"


def holder_name(folder: Path) -> str:
    """The name under which the station of a folder holds devices: the same after a restart, at most 39 characters."""
    path = folder / _FILE
    if not path.exists():
        path.write_text(f"{folder.name[:28]}-{secrets.token_hex(4)}", encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()


class Fence:
    """The holder variable of one device.

    Args:
        pv: a string process variable of the IOC, empty while nobody holds the device.
        name: of this station.
    """

    def __init__(self, pv: str, name: str) -> None:
        self._pv, self._name = pv, name
        self._channel = Channel("holder", pv, writable=True, kind=str)

    async def claim(self) -> None:
        """Hold the device; one that this station held when it was cut off is its own still.

        Raises:
            HeldByAnother: somebody else holds it, or was faster.
            Disconnected: the variable does not answer.
        """
        await self._channel.connect()
        found = await self._channel.text()
        if found == self._name:
            return
        if found:
            raise HeldByAnother(self._pv, found)
        await self._channel.put(self._name, CONTACT)
        await asyncio.sleep(DELAY)
        await self.check()

    async def check(self) -> None:
        """Look whether it is held still.

        Raises:
            HeldByAnother: it is not.
        """
        if (found := await self._channel.text()) != self._name:
            raise HeldByAnother(self._pv, found or "nobody any more")

    async def release(self) -> None:
        """Let go, if it is held."""
        if await self._channel.text() == self._name:
            await self._channel.put("", CONTACT)

"""Time comes from here and nowhere else, so that a whole federation can run on a simulated clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """UTC time, a monotonic counter, and waiting."""

    def now(self) -> datetime:
        """The time of day, UTC, aware."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never runs backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day, UTC, aware."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since the machine started, about."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        import asyncio  # 50 ms that a command which only dates its login does not need

        await asyncio.sleep(seconds)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: `2026-11-21T04:00:00.000000Z`; sorts as text."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def parse_timestamp(text: str) -> datetime:
    """The moment of an RFC 3339 text.

    Raises:
        ValueError: not such a text, without its offset from UTC, or in UTC outside the years 1 to 9999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is outside the years 1 to 9999 in UTC") from None

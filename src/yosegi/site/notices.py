"""Notices to people: an uncertain task is told again and again until somebody acknowledges or settles it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal

from yosegi.core.clock import Clock, timestamp
from yosegi.core.errors import YosegiError
from yosegi.core.transport import Transport
from yosegi.ledger import Ledger

log = logging.getLogger("yosegi.notices")


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person must look at."""

    site: str
    task: str
    capability: str
    since: str
    text: str
    kind: Literal["uncertain", "approval"] = "uncertain"


Send = Callable[[Notice], Awaitable[None]]


async def to_log(notice: Notice) -> None:
    """Write a notice to the site's log."""
    log.warning("%s", notice.text)


def to_webhook(url: str, transport: Transport) -> Send:
    """Post a notice to the institution's own address, as JSON."""

    async def send(notice: Notice) -> None:
        body = {"site": notice.site, "task": notice.task, "since": notice.since, "text": notice.text}
        await transport.call(url, json.dumps(body).encode(), timeout=10.0)

    return send


@dataclass
class Notices:
    """Repeats what is open.

    Args:
        senders: where notices go; one that fails does not keep the others from it.
        every: seconds between two reminders of the same task.
    """

    site: str
    ledger: Ledger
    clock: Clock
    senders: tuple[Send, ...]
    every: float = 600.0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _told: dict[str, float] = field(default_factory=dict)

    def open(self) -> list[Notice]:
        """Uncertain tasks that nobody has acknowledged, and what waits for a person's approval."""
        return [*self._uncertain(), *self._awaited()]

    def _awaited(self) -> list[Notice]:
        rows = self.ledger.query(
            "SELECT home, key, capability, asked, (SELECT MAX(not_after) FROM approvals"
            " WHERE approvals.stream = 'approval/' || task.stream AND approvals.state = 'given') AS good_until"
            " FROM task WHERE state = 'accepted' AND awaits = 'approval_missing' ORDER BY first"
        )
        return [
            Notice(
                self.site,
                f"{row['home']}/{row['key']}",
                row["capability"],
                row["asked"],
                f"{row['capability']}: task {row['home']}/{row['key']} waits for a person's approval since "
                f"{row['asked']}. Look at what is asked: yosegi approval show {row['home']}/{row['key']}",
                kind="approval",
            )
            for row in rows
            if row["good_until"] is None or row["good_until"] < timestamp(self.clock.now())
        ]

    def _uncertain(self) -> list[Notice]:
        rows = self.ledger.query(
            "SELECT home, key, capability, changed FROM task WHERE state = 'uncertain' AND notified = 0 ORDER BY first"
        )
        return [
            Notice(
                self.site,
                f"{row['home']}/{row['key']}",
                row["capability"],
                row["changed"],
                f"{row['capability']}: the effect of task {row['home']}/{row['key']} is unknown since "
                f"{row['changed']}. Look at the instrument, then: yosegi task settle {row['home']}/{row['key']}",
            )
            for row in rows
        ]

    def look(self) -> None:
        """Something may have become uncertain."""
        self._wake.set()

    async def run(self) -> None:
        """Tell what is open, now and every so often."""
        while True:
            self._wake.clear()
            now = self.clock.monotonic()
            for notice in self.open():
                if now - self._told.get(notice.task, -1e18) >= self.every:
                    self._told[notice.task] = now
                    await self._tell(notice)
            try:
                async with asyncio.timeout(self.every):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _tell(self, notice: Notice) -> None:
        for send in self.senders:
            try:
                await send(notice)
            except (YosegiError, OSError) as error:
                log.warning("a notice could not be sent: %s", error)

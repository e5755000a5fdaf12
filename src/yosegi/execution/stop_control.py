"""The switch of one owner: three words that stop everything it runs for anybody, until somebody releases it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from yosegi.core.engine import Engine
from yosegi.execution.dispatch import Dispatcher
from yosegi.execution.ports import Published
from yosegi.ledger import Draft, Ledger, Write

StopLevel = Literal["", "hold", "safe_stop", "abort"]
WORDS: tuple[StopLevel, ...] = ("", "hold", "safe_stop", "abort")
"""From the weakest to the strongest."""
STREAM = "owner/switch"


@dataclass
class StopControl:
    """Stops first and writes it down after, so that a full disk keeps nobody from stopping."""

    ledger: Ledger
    published: Mapping[str, Published]
    dispatcher: Dispatcher
    word: StopLevel = ""

    async def start(self) -> None:
        """As it was before a restart: engines are told again."""
        entries = self.ledger.read(STREAM)
        self.word = entries[-1].facts["word"] if entries else ""
        await self._set()

    async def engage(self, word: StopLevel, by: str, reason: str) -> None:
        """Start nothing new; with `safe_stop` and `abort` also stop what runs. Only `release` takes a word back."""
        self.word = max(word, self.word, key=WORDS.index)
        await self._set()
        await self._record(by, reason)

    async def release(self, by: str, reason: str) -> None:
        """Start work again."""
        self.word = ""
        await asyncio.gather(*(engine.resume() for engine in self._engines()))
        await self._set()
        await self._record(by, reason)
        self.dispatcher.pump_all()

    async def _set(self) -> None:
        self.dispatcher.held = bool(self.word)
        if self.word == "safe_stop":
            await asyncio.gather(*(engine.safe_stop() for engine in self._engines()))
        elif self.word == "abort":
            await asyncio.gather(*(engine.abort() for engine in self._engines()))

    def _engines(self) -> list[Engine]:
        return list({id(published.engine): published.engine for published in self.published.values()}.values())

    async def _record(self, by: str, reason: str) -> None:
        draft = Draft("owner.switch", {"held": bool(self.word), "word": self.word}, {"reason": reason})
        await self.ledger.append(Write(STREAM, None, (draft,), charter="", actor=by))

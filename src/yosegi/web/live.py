"""The one stream of a page: at first everything, then each part and row that changed. Lost in between is nothing."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable

from markupsafe import Markup

from yosegi.core.clock import Clock
from yosegi.core.errors import YosegiError
from yosegi.ledger import Ledger
from yosegi.web.views import PageView

log = logging.getLogger("yosegi.web")

REST = 0.3
"""Seconds between two messages: what happens faster is sent together."""
QUIET = 5.0
"""Seconds after which a page looks again although the ledger did not grow: how long ago, who is reached."""


class Sent:
    """What one open page has got."""

    def __init__(self) -> None:
        self._parts: dict[str, Markup] = {}
        self._rows: dict[str, Markup] | None = None

    def news(self, view: PageView) -> str:
        """The message that brings the page up to date; empty if nothing changed."""
        message = []
        for name, part in view.parts().items():
            if self._parts.get(name) != part:
                self._parts[name] = part
                message.append(_partial(name, "outerMorph", part))
        message += self._news_of_rows(view.rows())
        return "".join(message)

    def _news_of_rows(self, rows: dict[str, Markup]) -> list[str]:
        if self._rows is None:
            self._rows = dict(rows)
            return [_partial("rows", "innerMorph", Markup("").join(rows.values()))] if rows else []
        known = self._rows
        new = [row for name, row in rows.items() if name not in known]
        changed = [
            _partial(name, "outerMorph", row) for name, row in rows.items() if name in known and known[name] is not row
        ]
        gone = [_partial(name, "delete", Markup()) for name in known if name not in rows]
        self._rows = rows
        return gone + changed + ([_partial("rows", "afterbegin", Markup("").join(new))] if new else [])


def _partial(target: str, how: str, content: Markup) -> str:
    return f'<hx-partial hx-target="#{target}" hx-swap="{how}">{content}</hx-partial>'


async def stream(view: PageView, ledger: Ledger, clock: Clock, open_: Callable[[], bool]) -> AsyncIterator[str]:
    """Server-sent events for one page, until `open_` says that nobody may look any more, or the site ends."""
    sent, last = Sent(), -1
    try:
        while open_() and not ledger.ending:
            news = sent.news(view)
            yield _event(last, news) if news else ": still here\n\n"
            await clock.sleep(REST)
            last = await ledger.changed(last, QUIET)
    except YosegiError as error:
        log.info("a page's stream ends: %s", error)


def _event(number: int, text: str) -> str:
    return f"id: {number}\n" + "".join(f"data: {line}\n" for line in text.splitlines()) + "\n"

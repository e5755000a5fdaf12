"""Where the lines of a site's log go: standard error, from a level on, as text or as one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO

from yosegi.core.sanitize import LogLine, plain_json

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["text", "json"]


class JsonLine(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return plain_json(json.dumps(told, ensure_ascii=False))


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is when a line is written."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Where it goes."""
        return sys.stderr


@contextmanager
def logging_to_stderr(level: Level, form: Form) -> Iterator[None]:
    """Send the log of this process to standard error until the end of the block.

    Libraries speak from warnings on, whatever the site does.
    """
    handler, root, own = _StandardError(), logging.getLogger(), logging.getLogger("yosegi")
    handler.setFormatter(JsonLine() if form == "json" else LogLine("%(levelname)s %(name)s: %(message)s"))
    before = own.level
    own.setLevel(level.upper())
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        own.setLevel(before)

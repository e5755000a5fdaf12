"""Where the lines of a site's log go: standard error, from a level on, as text or as one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

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


def set_up_logging(level: Level, form: Form) -> None:
    """Send the log of this process to standard error; what was set up before is replaced."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLine() if form == "json" else LogLine("%(levelname)s %(name)s: %(message)s"))
    # `force` closes what an earlier call made; libraries speak from warnings on, whatever the site does.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("yosegi").setLevel(level.upper())

"""Text from outside for whoever looks at it: a terminal, a log, a page, a language model. Nothing in it acts or hides.

What is shown escaped: control characters, which terminals obey; marks that turn the direction of text, by which it
reads other than it is (N. Boucher and R. Anderson, "Trojan Source", USENIX Security 2023); and characters without a
shape, by which words are hidden from people and not from programs (Unicode UTS #39; tag characters among them).
"""

from __future__ import annotations

import json
import logging
import re

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f"
_TURNING = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_HIDDEN = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
_OTHER = "\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
_ACTS = re.compile(f"[{_CONTROLS}{_TURNING}{_HIDDEN}{_OTHER}]")


def plain(text: str) -> str:
    r"""The text with each character that acts or hides written out; lines and tabs stay.

    Example:
        >>> plain("well A1\x1b[2J\u202e")
        'well A1\\x1b[2J\\u202e'
    """
    return _ACTS.sub(lambda found: _written(found[0]), text)


def one_line(text: str) -> str:
    r"""The same in one line, so that a line of a log is what the program wrote.

    Example:
        >>> one_line("refused\n2026-04-01 all is well")
        'refused\\n2026-04-01 all is well'
    """
    return plain(text).replace("\n", "\\n")


def plain_json(text: str) -> str:
    r"""JSON that reads the same, with each such character as JSON's own escape: it may be shown as it stands.

    Example:
        >>> plain_json('{"note": "\x9b2J"}')
        '{"note": "\\u009b2J"}'
    """
    return _ACTS.sub(lambda found: _escape(found[0]), text)


def quoted(text: str) -> str:
    r"""The text as a string of Python (and of JSON), for a draft that a person edits: whatever it says, it ends there.

    Example:
        >>> print(quoted('mm"; import os'))
        "mm\"; import os"
    """
    return json.dumps(plain(text), ensure_ascii=False)


def in_docstring(text: str) -> str:
    r"""The text as it may stand in a docstring of Python.

    Example:
        >>> print(in_docstring('say "wash"\n'))
        say 'wash'\\n
    """
    return one_line(text).replace("\\", "\\\\").replace('"', "'")


class LogLine(logging.Formatter):
    """A message a line, as the program wrote it, whoever's words it repeats."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`; a traceback keeps its lines."""
        return plain(super().format(record))


def log_plainly() -> None:
    """Let what no institution's own logging takes reach the terminal as such lines."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(LogLine())


def _written(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _escape(character: str) -> str:
    number = ord(character)
    if number < 0x10000:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"

"""Why something was refused, said so that a person who writes no programs understands it, in English and Japanese.

A reason is a stable code. Packages pass codes and fields; faces call `explain`. Each reason says what happened, what
would have to change, and who can change it. The texts are in `core/locale/ja/LC_MESSAGES/reasons.po`.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yosegi.core.errors import NotFound
from yosegi.core.messages import Language, Text, read_catalogue
from yosegi.core.reasons.codes import CODES

CATALOGUE = Path(__file__).parents[1] / "locale" / "ja" / "LC_MESSAGES" / "reasons.po"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, what would have to change, and who can change it."""

    code: str
    why: Text
    change: Text
    who: Text


class _Filling(string.Formatter):
    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        # Only plain names: a field is text from outside and must not reach into objects.
        return kwargs.get(field_name, "…"), field_name


_FILL = _Filling()


@functools.cache
def texts() -> Mapping[str, Text]:
    """The catalogue: `CODE` says why, `CODE.change` what would have to change, `who.NAME` who can change it."""
    return read_catalogue(CATALOGUE)


def reason(code: str) -> Reason:
    """The reason of that code.

    Raises:
        NotFound: no such code.
        Corrupt: the catalogue cannot be read.
    """
    if code not in CODES:
        raise NotFound("reason code", code)
    try:
        return Reason(code, *(texts()[key] for key in (code, f"{code}.change", f"who.{CODES[code]}")))
    except KeyError as missing:
        raise NotFound("text", missing.args[0]) from None


def explain(code: str, lang: Language = "en", **fields: Any) -> str:
    """What happened, what would have to change, and who can change it; plain text, to be escaped by a face.

    A field that nobody gave reads as an ellipsis.

    Example:
        >>> explain("not_signed", "ja")[:11]
        '署名がありません。憲章'

    Raises:
        NotFound: no such code.
    """
    found = reason(code)
    why, change, who = (_FILL.vformat(text.said(lang), (), fields) for text in (found.why, found.change, found.who))
    # Where the last words are a field's, what follows would run into them.
    end = "" if why.endswith((".", "!", "?", "。")) else "." if lang == "en" else "。"
    return (
        f"{why}{end} {change} Who can change it: {who}." if lang == "en" else f"{why}{end}{change}変更できる者：{who}。"
    )

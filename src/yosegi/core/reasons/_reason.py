"""Why something was refused, said so that a person who writes no programs understands it, in English and Japanese.

A reason is a stable code. Packages pass codes and fields; faces call `explain`. Each reason says what happened, what
would have to change, and who can change it. The texts are in `core/locale/ja/LC_MESSAGES/reasons.po`.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yosegi.core.errors import NotFound, Refused
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
    fields = {name: in_words(name, value, lang) for name, value in fields.items()}
    why, change, who = (_FILL.vformat(text.said(lang), (), fields) for text in (found.why, found.change, found.who))
    # Where the last words are a field's, what follows would run into them.
    end = "" if why.endswith((".", "!", "?", "。")) else "." if lang == "en" else "。"
    return (
        f"{why}{end} {change} Who can change it: {who}." if lang == "en" else f"{why}{end}{change}変更できる者：{who}。"
    )


def refusal(error: Refused) -> str:
    """What a refusal says to a person: where it knows codes alone, what they mean follows them.

    A code whose sentence names what only its owner knows is left to itself.
    """
    if error.told:
        return str(error)
    words = [explain(code) for code in error.reasons if code in CODES]
    return " ".join([f"{error}.", *(said for said in words if "…" not in said)]) if words else str(error)


def in_words(field: str, value: Any, lang: Language) -> Any:
    """What a field says, in a language: a word or a phrase of the program's own reads as the catalogue has it."""
    if not isinstance(value, str):
        return value
    if (word := texts().get(f"field.{field}.{value}")) is not None:
        return word.said(lang)
    return phrase(value, lang) if field in _PHRASED else value


def phrase(text: str, lang: Language) -> str:
    """A phrase that stands on record in English, in a language; what is none of the program's own stays as it is.

    Example:
        >>> phrase("6 trials done", "ja")
        '6 回の試行が完了'
    """
    if lang == "en":
        return text
    for pattern, said in _phrases():
        if found := pattern.fullmatch(text):
            return _FILL.vformat(said, (), {name: phrase(part, lang) for name, part in found.groupdict().items()})
    return text


_PHRASED = frozenset({"why", "best", "requester"})
"""Fields in which the program may say a phrase of its own."""


_NAME, _NUMBER = r"\S+", r"[-+.0-9e]+"
_IN_PHRASES = dict.fromkeys(("n", "value", "gain", "least", "price"), _NUMBER) | {"why": ".+", "units": ".+"}
"""What may stand for a field of a phrase; a name, where nothing else is said."""


@functools.cache
def _phrases() -> Sequence[tuple[re.Pattern[str], str]]:
    """Each phrase as a pattern of its English, with its Japanese."""
    found = []
    for key, text in texts().items():
        if key.startswith("phrase."):
            parts = re.split(r"\{(\w+)\}", text.en)
            pattern = "".join(
                f"(?P<{part}>{_IN_PHRASES.get(part, _NAME)})" if at % 2 else re.escape(part)
                for at, part in enumerate(parts)
            )
            found.append((re.compile(pattern, re.DOTALL), text.ja))
    return found

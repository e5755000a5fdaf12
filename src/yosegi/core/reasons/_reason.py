"""Why something was refused, said so that a person who writes no programs understands it, in English and Japanese.

A reason is a stable code. Code passes codes and fields; faces call `explain`. Each reason says what happened, what
would have to change, and who can change it.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any, Literal

from yosegi.core.errors import Conflict, NotFound

Language = Literal["en", "ja"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages; `{name}` stands for a field."""

    en: str
    ja: str

    def render(self, lang: Language, fields: dict[str, Any]) -> str:
        """The sentence with its fields filled in; a field nobody gave reads as an ellipsis."""
        return _FILL.vformat(self.en if lang == "en" else self.ja, (), fields)


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

_WHO = {
    "you": Text("you, by asking again", "ご自身（再度の依頼）"),
    "home": Text("your home site's administrators", "所属サイトの管理者"),
    "owner": Text("the owner's site", "提供元サイト"),
    "sender": Text("the site that sent it", "送信元サイト"),
    "members": Text("the charter's members together", "憲章の加盟機関（合議）"),
    "parties": Text("the parties of an agreement", "協定の当事者"),
    "funder": Text("the funder", "資金提供者"),
    "lead": Text("the team's lead institution", "チームの主導機関"),
    "operator": Text("the operator of the owner's site", "提供元サイトの運転担当者"),
    "approver": Text("a person who may approve", "承認権限を持つ人"),
}

REASONS: dict[str, Reason] = {}


def add(code: str, who: str, en: str, ja: str, change_en: str, change_ja: str) -> None:
    """Register a reason: its code, who can change it, and both texts.

    Raises:
        Conflict: there is a reason of that code; one would hide the other.
    """
    if code in REASONS:
        raise Conflict(f"reason {code}", "is there already", "choose another code")
    REASONS[code] = Reason(code, Text(en, ja), Text(change_en, change_ja), _WHO[who])


def reason(code: str) -> Reason:
    """The reason of that code.

    Raises:
        NotFound: no such code.
    """
    if code not in REASONS:
        raise NotFound("reason code", code)
    return REASONS[code]


def explain(code: str, lang: Language = "en", **fields: Any) -> str:
    """What happened, what would have to change, and who can change it; plain text, to be escaped by a face.

    Example:
        >>> explain("not_signed", "ja")[:11]
        '署名がありません。憲章'

    Raises:
        NotFound: no such code.
    """
    found = reason(code)
    why, change, who = (text.render(lang, fields) for text in (found.why, found.change, found.who))
    return f"{why} {change} Who can change it: {who}." if lang == "en" else f"{why}{change}変更できる者：{who}。"

"""Why something was refused, said so that a person who writes no programs understands it, in English and Japanese.

A reason is a stable code. Rooms pass codes and fields; faces call `explain`. Each reason says what happened, what
would have to change, and who can change it.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Any, Literal

from yosegi.core.errors import NotFound

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


def _add(code: str, who: str, en: str, ja: str, change_en: str, change_ja: str) -> None:
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


# --- signed documents ------------------------------------------------------------------------------------------------
_add(
    "not_signed",
    "sender",
    "It carries no signature.",
    "署名がありません。",
    "It must be signed by a key that the charter or a site's statement names.",
    "憲章またはサイトの声明に記された鍵による署名が必要です。",
)
_add(
    "unknown_key",
    "sender",
    "It is signed by a key that is not known here ({key}).",
    "ここでは知られていない鍵（{key}）で署名されています。",
    "Sign with a current key, and publish the site's statement again if its keys were changed.",
    "現在有効な鍵で署名し、鍵を替えた場合はサイトの声明を再公開してください。",
)
_add(
    "bad_signature",
    "sender",
    "The signature by {key} does not match what was received.",
    "{key} による署名が受信内容と一致しません。",
    "Send it again as it was signed.",
    "署名した内容のまま再送してください。",
)
_add(
    "signed_twice",
    "sender",
    "The key {key} signed it more than once.",
    "鍵 {key} による署名が重複しています。",
    "Each key signs once.",
    "鍵ごとに署名は一つだけにしてください。",
)
_add(
    "wrong_algorithm",
    "sender",
    "A signature says it was made with {said}, but its key is for {is_for}.",
    "署名は {said} と称していますが、鍵は {is_for} 用です。",
    "Sign with the algorithm that belongs to the key.",
    "鍵に対応するアルゴリズムで署名してください。",
)
_add(
    "algorithm_missing",
    "sender",
    "It needs a signature with {algorithm} as well, and has none.",
    "{algorithm} による署名も必要ですが、ありません。",
    "Add the missing signature.",
    "不足している署名を追加してください。",
)
_add(
    "wrong_payload_type",
    "sender",
    "It is a {found} where a {expected} was expected.",
    "{expected} であるべきところが {found} です。",
    "Send the right kind of document.",
    "正しい種類の文書を送ってください。",
)
_add(
    "wrong_charter",
    "sender",
    "It was made under the charter {found}, not under {expected}.",
    "憲章 {found} の文書であり、{expected} のものではありません。",
    "Make and sign it under the right charter.",
    "正しい憲章の下で作成し署名してください。",
)
_add(
    "wrong_addressee",
    "sender",
    "It is addressed to {found}, not to {expected}.",
    "宛先は {found} であり、{expected} ではありません。",
    "Send it to the site it was signed for, or sign another.",
    "署名時の宛先へ送るか、新たに署名してください。",
)
_add(
    "wrong_sender",
    "sender",
    "It says it comes from {said}, but {found} signed it.",
    "差出人は {said} とありますが、署名者は {found} です。",
    "The sender signs what it sends.",
    "差出人自身が署名してください。",
)
_add(
    "document_expired",
    "sender",
    "It was valid until {until} and it is now {now}.",
    "有効期限は {until}、現在は {now} です。",
    "Make and sign it again; if the times look wrong, check the clocks.",
    "作り直して署名してください。時刻に疑いがあれば時計を確認してください。",
)
_add(
    "document_not_yet_valid",
    "sender",
    "It was issued at {issued}, which lies in the future of {now}.",
    "発行時刻 {issued} は現在 {now} より未来です。",
    "Check the clocks: sites agree within 30 seconds.",
    "時計を確認してください（サイト間の差は30秒以内）。",
)
_add(
    "sealed_to_another_key",
    "sender",
    "It is sealed to a key that this site does not have ({key}).",
    "このサイトが持たない鍵（{key}）宛てに封じられています。",
    "Seal it to the key in this site's current statement.",
    "このサイトの現在の声明にある鍵宛てに封じてください。",
)
_add(
    "seal_broken",
    "sender",
    "It cannot be opened: it was changed on the way, or sealed for another use.",
    "開封できません。途中で変更されたか、別の用途に封じられています。",
    "Send it again.",
    "再送してください。",
)

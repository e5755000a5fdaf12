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

# --- charter and statements ------------------------------------------------------------------------------------------
_add(
    "charter_too_few",
    "members",
    "Only {have} of the {need} members needed have signed it (many keys of one member count once).",
    "必要な {need} 機関のうち {have} 機関しか署名していません（同一機関の複数の鍵は一つと数えます）。",
    "More members must sign it, each with enough of its own keys.",
    "各機関が定められた数の鍵で署名し、署名機関を増やす必要があります。",
)
_add(
    "charter_country_missing",
    "members",
    "Too few members from {country} have signed it ({have} of {need}).",
    "{country} からの署名機関が足りません（{need} 機関中 {have} 機関）。",
    "Members of every country must sign it.",
    "すべての国の機関が署名する必要があります。",
)
_add(
    "charter_rolled_back",
    "sender",
    "It is version {found} of the charter, and version {current} is in force.",
    "憲章の第 {found} 版ですが、すでに第 {current} 版が有効です。",
    "Send the newest version.",
    "最新版を送ってください。",
)
_add(
    "charter_forked",
    "members",
    "It is another version {found} than the one in force: two charters claim the same number.",
    "有効な第 {found} 版とは異なる同番号の版です。",
    "The members must agree on one, and publish it as the next version.",
    "加盟機関で一つに決め、次の版として公開してください。",
)
_add(
    "charter_gap",
    "sender",
    "It does not follow the version in force: it is number {found} after {previous}.",
    "有効な版に続いていません（第 {found} 版、前版 {previous}）。",
    "Send every version in between, in order.",
    "途中の版を順にすべて送ってください。",
)
_add(
    "charter_expired",
    "members",
    "The charter {charter} ended at {until}.",
    "憲章 {charter} は {until} に失効しました。",
    "Publish a new version under the rule of the last one.",
    "最後の版の規則の下で新しい版を公開してください。",
)
_add(
    "not_a_member",
    "members",
    "{site} is not a member of the charter {charter}.",
    "{site} は憲章 {charter} の加盟機関ではありません。",
    "It would have to be admitted by a new version of the charter.",
    "憲章の新しい版で加盟が認められる必要があります。",
)
_add(
    "no_statement",
    "sender",
    "{site} has not stated its current keys and address here.",
    "{site} の現在の鍵と所在についての声明がありません。",
    "Fetch or carry over its signed statement.",
    "署名された声明を取得または持参してください。",
)
_add(
    "statement_expired",
    "sender",
    "The statement of {site} ended at {until}, so its keys are not believed.",
    "{site} の声明は {until} に失効し、その鍵は信用されません。",
    "It must publish a new one.",
    "新しい声明を公開する必要があります。",
)
_add(
    "statement_rolled_back",
    "sender",
    "It is statement {found} of {site}, and {current} is known already.",
    "{site} の声明 {found} ですが、すでに {current} が知られています。",
    "Send the newest one.",
    "最新の声明を送ってください。",
)
_add(
    "too_few_keys",
    "sender",
    "{have} of the {need} governance keys needed of {site} have signed it.",
    "{site} の統治鍵は {need} 個必要ですが、署名は {have} 個です。",
    "More of its own keys must sign it.",
    "同機関のほかの鍵による署名を加えてください。",
)
_add(
    "address_refused",
    "sender",
    "The address {address} is not one that other sites may be sent to: {why}.",
    "所在 {address} は他のサイトから接続させてよいものではありません：{why}。",
    "State a public http or https address.",
    "公開された http または https の所在を示してください。",
)

# --- agreements and policy -------------------------------------------------------------------------------------------
_add(
    "agreement_rolled_back",
    "sender",
    "It is version {found} of the agreement, and version {current} is known already.",
    "協定の第 {found} 版ですが、すでに第 {current} 版が知られています。",
    "Send the newest version.",
    "最新版を送ってください。",
)
_add(
    "agreement_not_in_force",
    "parties",
    "The agreement {agreement} is not in force now; it ends on {until}.",
    "協定 {agreement} は現在有効ではありません（{until} まで）。",
    "Wait until it begins, or agree on a new one.",
    "開始を待つか、新たな協定を結んでください。",
)
_add(
    "capability_not_covered",
    "parties",
    "The agreement {agreement} does not cover {asked}.",
    "協定 {agreement} は {asked} を対象としていません。",
    "The agreement would have to name it.",
    "協定の対象に加える必要があります。",
)
_add(
    "home_not_a_party",
    "parties",
    "{asked} is not a party to the agreement {agreement}.",
    "{asked} は協定 {agreement} の当事者ではありません。",
    "It would have to become a party.",
    "当事者に加わる必要があります。",
)
_add(
    "purpose_not_covered",
    "parties",
    "The agreement {agreement} does not cover the purpose {asked}.",
    "協定 {agreement} は目的 {asked} を認めていません。",
    "Ask for a purpose it names, or have this one added.",
    "協定にある目的で依頼するか、目的を追加してください。",
)
_add(
    "sensitivity_not_covered",
    "parties",
    "The agreement {agreement} does not reach to what is labelled {asked}.",
    "協定 {agreement} は機密区分 {asked} に及びません。",
    "Use less sensitive data, or extend the agreement.",
    "より機密性の低いデータを用いるか、協定を拡張してください。",
)
_add(
    "export_class_not_covered",
    "parties",
    "The agreement {agreement} does not cover the export class {asked}.",
    "協定 {agreement} は輸出管理区分 {asked} を対象としていません。",
    "An export determination would have to be added to it.",
    "輸出管理上の判定を協定に加える必要があります。",
)
_add(
    "conduct_not_covered",
    "parties",
    "The agreement {agreement} does not allow the conduct {asked}.",
    "協定 {agreement} は実行形態 {asked} を認めていません。",
    "Ask for a suggestion or an approval first, or extend the agreement.",
    "まず提案または承認として依頼するか、協定を拡張してください。",
)
_add(
    "agents_not_covered",
    "parties",
    "The agreement {agreement} does not allow agents to act for people.",
    "協定 {agreement} はエージェントによる代行を認めていません。",
    "A person can ask instead.",
    "人が直接依頼してください。",
)
_add(
    "no_agreement",
    "parties",
    "No agreement gives the team {team} the right to this.",
    "チーム {team} にこれを認める協定がありません。",
    "The owner and the team's institutions would have to sign one.",
    "提供元とチームの機関が協定に署名する必要があります。",
)
_add(
    "local_rule",
    "owner",
    "A rule of {site} forbids it ({rule}): {text}",
    "{site} の規則（{rule}）により禁止されています：{text}",
    "Ask {contact}.",
    "{contact} にお問い合わせください。",
)
_add(
    "approval_missing",
    "approver",
    "It may only start after a person has approved exactly this request.",
    "この依頼そのものを人が承認した後でなければ開始できません。",
    "Have it approved.",
    "承認を得てください。",
)
_add(
    "only_a_suggestion",
    "you",
    "It was asked for as a suggestion, and suggestions are never carried out.",
    "提案として依頼されたもので、提案は実行されません。",
    "Ask for it to be run.",
    "実行として依頼してください。",
)
_add(
    "conduct_not_offered",
    "owner",
    "The capability does not offer the conduct {asked}.",
    "この機能は実行形態 {asked} を提供していません。",
    "Ask for one of {offered}.",
    "{offered} のいずれかで依頼してください。",
)
_add(
    "agent_cannot_approve",
    "approver",
    "An agent cannot approve anything.",
    "エージェントは承認できません。",
    "A person must approve it.",
    "人が承認する必要があります。",
)
_add(
    "unknown_person",
    "home",
    "{person} is not known here as a member of any team.",
    "{person} はどのチームの一員としてもここでは知られていません。",
    "The home site or the charter must name the person.",
    "所属サイトまたは憲章に登録される必要があります。",
)
_add(
    "home_does_not_vouch",
    "home",
    "{home} cannot vouch for {person}.",
    "{home} は {person} の身元を保証できません。",
    "Ask through the site named after the @.",
    "@ の後に記されたサイトを通じて依頼してください。",
)
_add(
    "unknown_team",
    "members",
    "The charter has no team {team}.",
    "憲章にチーム {team} はありません。",
    "The team would have to be added to the charter.",
    "憲章にチームを加える必要があります。",
)
_add(
    "not_in_team",
    "lead",
    "{person} is not a member of the team {team}.",
    "{person} はチーム {team} の一員ではありません。",
    "The team would have to take the person in.",
    "チームに加える必要があります。",
)
_add(
    "unknown_site",
    "members",
    "{site} is not a site of this charter.",
    "{site} はこの憲章のサイトではありません。",
    "It would have to be admitted.",
    "加盟が認められる必要があります。",
)
_add(
    "label_too_low",
    "you",
    "What goes in or comes out is labelled {asked}, below the capability's own label {least}.",
    "入出力の区分 {asked} が機能自体の区分 {least} を下回っています。",
    "Label it at least as the capability is.",
    "少なくとも機能と同じ区分にしてください。",
)
_add(
    "policy_error",
    "owner",
    "A rule could not be evaluated, and what cannot be judged is refused ({detail}).",
    "規則を評価できませんでした。判断できないものは拒否されます（{detail}）。",
    "The owner must correct the rule.",
    "提供元が規則を修正する必要があります。",
)

# --- grants ----------------------------------------------------------------------------------------------------------
_add(
    "grant_exceeded",
    "funder",
    "It has {left} {unit} left and {asked} were asked for.",
    "{unit} の残りは {left} ですが、{asked} が求められました。",
    "Ask for less, wait until something is settled, or have the grant enlarged.",
    "量を減らすか、精算を待つか、配分の増額を受けてください。",
)
_add(
    "grant_unknown",
    "owner",
    "There is no such grant here.",
    "そのような配分はここにはありません。",
    "The owner would have to award one.",
    "提供元が配分する必要があります。",
)
_add(
    "grant_repeated",
    "owner",
    "A grant of that name was awarded already.",
    "その名の配分はすでにあります。",
    "Give the new one another name.",
    "別の名を付けてください。",
)
_add(
    "grant_of_another_team",
    "lead",
    "It does not belong to the team {team} under this charter.",
    "この憲章の下でチーム {team} のものではありません。",
    "Ask in the team that owns it, or with a grant of your own.",
    "所有するチームとして、または自チームの配分で依頼してください。",
)
_add(
    "hold_repeated",
    "you",
    "Something was held for the task {task} before; a task draws on a grant once.",
    "課題 {task} にはすでに確保済みです。一つの課題が引き当てるのは一度だけです。",
    "Make another attempt under a key of its own.",
    "新しいキーで改めて試みてください。",
)
_add(
    "hold_unknown",
    "owner",
    "Nothing was held for the task {task}.",
    "課題 {task} のための確保はありません。",
    "Only what was held can be settled or given back.",
    "確保したものだけが精算・返却できます。",
)
_add(
    "hold_ended",
    "owner",
    "What was held for the task {task} is {state} already.",
    "課題 {task} の確保はすでに終了しています（{state}）。",
    "Each hold ends once; correct the account by a new entry.",
    "確保の終了は一度だけです。訂正は新たな記録で行ってください。",
)
_add(
    "spent_more_than_held",
    "owner",
    "{asked} {unit} are said to be spent for the task {task}, and {left} were held.",
    "課題 {task} に {asked} {unit} を費やしたとありますが、確保は {left} でした。",
    "The contract's greatest cost would have to be corrected in a new version.",
    "契約上の最大費用を新しい版で改める必要があります。",
)
_add(
    "spent_without_effect",
    "owner",
    "The task {task} had no effect, so nothing can be charged for it.",
    "課題 {task} は何の効果も生じなかったため、費用は請求できません。",
    "Settle it with nothing spent.",
    "支出なしとして精算してください。",
)
_add(
    "effect_unsettled",
    "operator",
    "It is not known yet what the task {task} did, so its cost stays held.",
    "課題 {task} の効果がまだ不明のため、費用は確保されたままです。",
    "Find out what happened and settle the task.",
    "何が起きたかを確かめ、課題を確定してください。",
)
_add(
    "tranche_unknown",
    "owner",
    "It has no tranche {tranche} of that unit.",
    "その単位の区分 {tranche} はありません。",
    "Name a tranche of the grant.",
    "配分の中の区分を指定してください。",
)
_add(
    "tranche_open",
    "funder",
    "The tranche {tranche} is open already.",
    "区分 {tranche} はすでに解放されています。",
    "Nothing has to be done.",
    "必要な操作はありません。",
)
_add(
    "claw_back_too_deep",
    "funder",
    "{asked} {unit} cannot be taken back: {left} are neither held nor spent.",
    "{asked} {unit} は回収できません。未確保・未使用は {left} です。",
    "Take back less, or wait until what is held has ended.",
    "回収量を減らすか、確保が終わるのを待ってください。",
)

# --- tasks and sites --------------------------------------------------------------------------------------------------
_add(
    "unknown_capability",
    "owner",
    "There is no capability {capability} here, or it is not offered to you.",
    "機能 {capability} はここにないか、提供されていません。",
    "Look in the catalogue for its name and version.",
    "カタログで名称と版を確認してください。",
)
_add(
    "contract_changed",
    "you",
    "The contract of {capability} is not the one this request was made under.",
    "{capability} の契約は、この依頼の元になったものと異なります。",
    "Read the contract in force and ask again.",
    "現行の契約を読み、改めて依頼してください。",
)
_add(
    "bad_inputs",
    "you",
    "The inputs do not hold what the contract says: {why}",
    "入力が契約の条件を満たしていません：{why}",
    "Correct the inputs.",
    "入力を修正してください。",
)
_add(
    "effect_unknown",
    "operator",
    "It is not known what it did: {why}",
    "何が起きたか分かっていません：{why}",
    "Look at the instrument and settle the task.",
    "装置を確認し、課題を確定してください。",
)
_add(
    "breaker_open",
    "operator",
    "{capability} is out of use until somebody has looked at it: {why}",
    "{capability} は点検が済むまで使用できません：{why}",
    "Look at the instrument, then close its breaker.",
    "装置を点検し、遮断を解除してください。",
)
_add(
    "too_many_open",
    "you",
    "The team {team} has {most} tasks waiting or running here, and no more are taken at once.",
    "チーム {team} の待機中・実行中の課題が上限の {most} 件に達しています。",
    "Wait for some to end.",
    "いくつかが終わるまでお待ちください。",
)
_add(
    "key_reused",
    "you",
    "The key {key} was used before with another content.",
    "キー {key} は別の内容ですでに使われています。",
    "Give a different request a key of its own.",
    "異なる依頼には固有のキーを付けてください。",
)
_add(
    "limit_exceeded",
    "you",
    "The team {team} has {have} in progress here, and at most {most} are taken.",
    "チーム {team} の進行中の依頼は {have} 件で、上限は {most} 件です。",
    "Wait until some have ended.",
    "終了を待ってください。",
)
_add(
    "breaker_open",
    "operator",
    "{capability} is closed after {count} failures in a row.",
    "{capability} は {count} 回連続の失敗により停止しています。",
    "Find the cause, then open it again.",
    "原因を調べてから再開してください。",
)
_add(
    "site_stopped",
    "operator",
    "{site} has stopped all work for others.",
    "{site} は他機関のための作業をすべて停止しています。",
    "The operator would have to let work begin again.",
    "運転担当者による再開が必要です。",
)
_add(
    "peer_suspended",
    "owner",
    "{site} is suspended here since {since}.",
    "{site} は {since} からここで停止扱いになっています。",
    "The security officer of this site would have to lift it.",
    "このサイトの安全管理担当者による解除が必要です。",
)
_add(
    "not_signed_in",
    "you",
    "Nobody is signed in.",
    "サインインしていません。",
    "Sign in with your key or passphrase.",
    "鍵またはパスフレーズでサインインしてください。",
)
_add(
    "sign_in_failed",
    "you",
    "The account and the key or passphrase do not belong together.",
    "アカウントと鍵またはパスフレーズが一致しません。",
    "Check both; the administrators of your site can make a new account.",
    "両方を確認してください。アカウントはサイトの管理者が作成できます。",
)
_add(
    "operators_only",
    "operator",
    "Only the operators of this site may do this.",
    "このサイトの運転担当者だけができる操作です。",
    "Ask an operator.",
    "運転担当者に依頼してください。",
)
_add(
    "not_on_behalf_of_others",
    "home",
    "Nobody acts here for somebody else.",
    "他の人に代わって操作することはできません。",
    "Sign in as the person for whom it is done.",
    "本人としてサインインしてください。",
)

# --- tokens, clocks, mandates and approvals ---------------------------------------------------------------------------
_add(
    "proof_of_another_token",
    "you",
    "The proof that came with it belongs to another token.",
    "添えられた証明は別のトークンのものです。",
    "Sign a proof for this token.",
    "このトークンの証明に署名してください。",
)
_add(
    "proof_of_another_request",
    "you",
    "The proof that came with it is of another request.",
    "添えられた証明は別の依頼のものです。",
    "Sign a proof of exactly what is asked.",
    "依頼そのものの証明に署名してください。",
)
_add(
    "used_before",
    "you",
    "It was used before ({key}), and counts once.",
    "すでに使用されています（{key}）。一度だけ有効です。",
    "Make a fresh one.",
    "新しく作成してください。",
)
_add(
    "clock_off",
    "operator",
    "It is {seconds} seconds from the median of the other sites' clocks, and 30 are allowed.",
    "他サイトの時計の中央値から {seconds} 秒ずれています（許容は30秒）。",
    "Set the clock, e.g. from a time server.",
    "時刻サーバーなどで時計を合わせてください。",
)
_add(
    "mandate_unknown",
    "home",
    "There is no mandate {mandate} here.",
    "委任 {mandate} はここにありません。",
    "The member would have to give one.",
    "本人が委任する必要があります。",
)
_add(
    "mandate_repeated",
    "home",
    "A mandate {mandate} was given already.",
    "委任 {mandate} はすでにあります。",
    "Give the new one another name.",
    "別の名を付けてください。",
)
_add(
    "mandate_cancelled",
    "home",
    "The mandate {mandate} was cancelled.",
    "委任 {mandate} は取り消されました。",
    "The member would have to give another.",
    "本人が改めて委任する必要があります。",
)
_add(
    "mandate_ended",
    "home",
    "The mandate {mandate} is not in force; it ends at {until}.",
    "委任 {mandate} は有効ではありません（{until} まで）。",
    "The member would have to give another.",
    "本人が改めて委任する必要があります。",
)
_add(
    "mandate_wider",
    "home",
    "The mandate {mandate} asks for more than {parent}, from which it was cut ({respect}).",
    "委任 {mandate} は元の委任 {parent} を超えています（{respect}）。",
    "Ask for a subset.",
    "元の範囲内にしてください。",
)
_add(
    "mandate_of_another_parent",
    "home",
    "The mandate {mandate} was not cut from {parent}, or is too deep.",
    "委任 {mandate} は {parent} から分けられたものではないか、階層が深すぎます。",
    "A sub-agent's mandate is cut from its agent's, and nothing from that.",
    "下位エージェントの委任は上位のものから一段だけ分けられます。",
)
_add(
    "mandate_for_another",
    "home",
    "The mandate {mandate} is for another member, team or charter than that of {person}.",
    "委任 {mandate} は {person} とは別の本人・チーム・憲章のものです。",
    "Cut it for the same member, team and charter.",
    "同じ本人・チーム・憲章のために分けてください。",
)
_add(
    "outside_mandate",
    "home",
    "The mandate {mandate} does not reach so far ({respect}).",
    "委任 {mandate} の範囲外です（{respect}）。",
    "Stay within it, or have the member widen it.",
    "範囲内にとどめるか、本人が委任を広げる必要があります。",
)
_add(
    "token_for_another_key",
    "home",
    "The mandate {mandate} is for the key of {agent}, and another key asks.",
    "委任 {mandate} は {agent} の鍵のためのもので、別の鍵からの要求です。",
    "The agent asks with its own key.",
    "エージェント自身の鍵で依頼してください。",
)
_add(
    "budget_exceeded",
    "home",
    "The mandate {mandate} has {left} {unit} left in its budget and {asked} were asked for.",
    "委任 {mandate} の予算は残り {left} {unit} で、{asked} が求められました。",
    "Ask for less, or have the member raise the budget.",
    "量を減らすか、本人が予算を増やす必要があります。",
)
_add(
    "approval_repeated",
    "approver",
    "An approval {approval} is there already.",
    "承認 {approval} はすでにあります。",
    "Give the new one another name.",
    "別の名を付けてください。",
)
_add(
    "approval_of_another_contract",
    "approver",
    "It was approved under another contract.",
    "別の契約の下で承認されたものです。",
    "Have it approved under the contract in force.",
    "現行の契約の下で承認を得てください。",
)
_add(
    "approval_over",
    "approver",
    "The approval is {state} and counts no more.",
    "この承認はすでに無効です（{state}）。",
    "Have it approved again.",
    "改めて承認を得てください。",
)
_add(
    "transfer_not_covered",
    "parties",
    "Nothing agreed with the owner of {source} lets what came from it, labelled {label}, go on to {site}.",
    "{source} の提供元との協定では、そこから得られた区分 {label} のものを {site} へ渡せません。",
    "That owner and {site} would have to be parties to an agreement that covers it.",
    "提供元と {site} を当事者とし、それを対象とする協定が必要です。",
)
_add(
    "revocation_dropped",
    "sender",
    "The statement of {site} no longer says that the key {key} is revoked, or dates that later.",
    "{site} の声明から鍵 {key} の失効が消えたか、失効時刻が後にずらされています。",
    "A revocation stays for ever, and may only be dated back.",
    "失効は永続し、時刻は早める方向にのみ改められます。",
)
_add(
    "key_not_believed_then",
    "sender",
    "The key {key} was believed from {begins} to {ends}, and this was first witnessed at {witnessed}.",
    "鍵 {key} が有効だったのは {begins} から {ends} までで、最初の立会いは {witnessed} です。",
    "Find an earlier witness, or have it signed again.",
    "より早い立会いの記録を示すか、改めて署名を得てください。",
)
_add(
    "residency_not_covered",
    "parties",
    "The agreement {agreement} does not let results go to {asked}.",
    "協定 {agreement} では成果を {asked} へ出すことが認められていません。",
    "The agreement would have to name that country.",
    "協定にその国を加える必要があります。",
)
_add(
    "model_not_covered",
    "parties",
    "The agreement {agreement} does not let the language model {asked} see this.",
    "協定 {agreement} では言語モデル {asked} にこれを見せることが認められていません。",
    "Use a model it names for such data, or have this one added.",
    "協定で認められたモデルを用いるか、追加してください。",
)

"""Reasons that concern agreements and policies."""

from yosegi.core.reasons._reason import add

add(
    "agreement_rolled_back",
    "sender",
    "It is version {found} of the agreement, and version {current} is known already.",
    "協定の第 {found} 版ですが、すでに第 {current} 版が知られています。",
    "Send the newest version.",
    "最新版を送ってください。",
)
add(
    "agreement_not_in_force",
    "parties",
    "The agreement {agreement} is not in force now; it ends on {until}.",
    "協定 {agreement} は現在有効ではありません（{until} まで）。",
    "Wait until it begins, or agree on a new one.",
    "開始を待つか、新たな協定を結んでください。",
)
add(
    "capability_not_covered",
    "parties",
    "The agreement {agreement} does not cover {asked}.",
    "協定 {agreement} は {asked} を対象としていません。",
    "The agreement would have to name it.",
    "協定の対象に加える必要があります。",
)
add(
    "home_not_a_party",
    "parties",
    "{asked} is not a party to the agreement {agreement}.",
    "{asked} は協定 {agreement} の当事者ではありません。",
    "It would have to become a party.",
    "当事者に加わる必要があります。",
)
add(
    "purpose_not_covered",
    "parties",
    "The agreement {agreement} does not cover the purpose {asked}.",
    "協定 {agreement} は目的 {asked} を認めていません。",
    "Ask for a purpose it names, or have this one added.",
    "協定にある目的で依頼するか、目的を追加してください。",
)
add(
    "sensitivity_not_covered",
    "parties",
    "The agreement {agreement} does not reach to what is labelled {asked}.",
    "協定 {agreement} は機密区分 {asked} に及びません。",
    "Use less sensitive data, or extend the agreement.",
    "より機密性の低いデータを用いるか、協定を拡張してください。",
)
add(
    "export_class_not_covered",
    "parties",
    "The agreement {agreement} does not cover the export class {asked}.",
    "協定 {agreement} は輸出管理区分 {asked} を対象としていません。",
    "An export determination would have to be added to it.",
    "輸出管理上の判定を協定に加える必要があります。",
)
add(
    "conduct_not_covered",
    "parties",
    "The agreement {agreement} does not allow the conduct {asked}.",
    "協定 {agreement} は実行形態 {asked} を認めていません。",
    "Ask for a suggestion or an approval first, or extend the agreement.",
    "まず提案または承認として依頼するか、協定を拡張してください。",
)
add(
    "agents_not_covered",
    "parties",
    "The agreement {agreement} does not allow agents to act for people.",
    "協定 {agreement} はエージェントによる代行を認めていません。",
    "A person can ask instead.",
    "人が直接依頼してください。",
)
add(
    "no_agreement",
    "parties",
    "No agreement gives the team {team} the right to this.",
    "チーム {team} にこれを認める協定がありません。",
    "The owner and the team's institutions would have to sign one.",
    "提供元とチームの機関が協定に署名する必要があります。",
)
add(
    "local_rule",
    "owner",
    "A rule of {site} forbids it ({rule}): {text}",
    "{site} の規則（{rule}）により禁止されています：{text}",
    "Ask {contact}.",
    "{contact} にお問い合わせください。",
)
add(
    "approval_missing",
    "approver",
    "It may only start after a person has approved exactly this request.",
    "この依頼そのものを人が承認した後でなければ開始できません。",
    "Have it approved.",
    "承認を得てください。",
)
add(
    "only_a_suggestion",
    "you",
    "It was asked for as a suggestion, and suggestions are never carried out.",
    "提案として依頼されたもので、提案は実行されません。",
    "Ask for it to be run.",
    "実行として依頼してください。",
)
add(
    "conduct_not_offered",
    "owner",
    "The capability does not offer the conduct {asked}.",
    "この機能は実行形態 {asked} を提供していません。",
    "Ask for one of {offered}.",
    "{offered} のいずれかで依頼してください。",
)
add(
    "agent_cannot_approve",
    "approver",
    "An agent cannot approve anything.",
    "エージェントは承認できません。",
    "A person must approve it.",
    "人が承認する必要があります。",
)
add(
    "unknown_person",
    "home",
    "{person} is not known here as a member of any team.",
    "{person} はどのチームの一員としてもここでは知られていません。",
    "The home site or the charter must name the person.",
    "所属サイトまたは憲章に登録される必要があります。",
)
add(
    "home_does_not_vouch",
    "home",
    "{home} cannot vouch for {person}.",
    "{home} は {person} の身元を保証できません。",
    "Ask through the site named after the @.",
    "@ の後に記されたサイトを通じて依頼してください。",
)
add(
    "not_hosted_here",
    "members",
    "{host} cannot vouch for {person}: the charter does not say that it hosts {institution}.",
    "{host} は {person} の身元を保証できません。憲章は {host} が {institution} を受け入れるとは定めていません。",
    "Ask through the site of {institution} or the one that hosts it, or have a new version of the charter say so.",
    "{institution} のサイトかその受入先を通じて依頼するか、憲章の新しい版でそう定める必要があります。",
)
add(
    "home_is_hosted",
    "members",
    "{institution} has no site of its own under the charter: {host} hosts it and vouches for its people.",
    "憲章では {institution} に自前のサイトはなく、{host} が受け入れてその人々の身元を保証します。",
    "Ask through the site of {host}.",
    "{host} のサイトを通じて依頼してください。",
)
add(
    "unknown_team",
    "members",
    "The charter has no team {team}.",
    "憲章にチーム {team} はありません。",
    "The team would have to be added to the charter.",
    "憲章にチームを加える必要があります。",
)
add(
    "challenge_not_of_team",
    "members",
    "Under the charter the team does not work on the challenge that was named.",
    "憲章では、このチームは指定された課題に取り組んでいません。",
    "Name one of the team's own, or none; or have the team take it up in a new version of the charter.",
    "チームの課題を指定するか省いてください。または憲章の新しい版でチームの課題に加える必要があります。",
)
add(
    "not_in_team",
    "lead",
    "{person} is not a member of the team {team}.",
    "{person} はチーム {team} の一員ではありません。",
    "The team would have to take the person in.",
    "チームに加える必要があります。",
)
add(
    "unknown_site",
    "members",
    "{site} is not a site of this charter.",
    "{site} はこの憲章のサイトではありません。",
    "It would have to be admitted.",
    "加盟が認められる必要があります。",
)
add(
    "label_too_low",
    "you",
    "What goes in or comes out is labelled {asked}, below the capability's own label {least}.",
    "入出力の区分 {asked} が機能自体の区分 {least} を下回っています。",
    "Label it at least as the capability is.",
    "少なくとも機能と同じ区分にしてください。",
)
add(
    "policy_error",
    "owner",
    "A rule could not be evaluated, and what cannot be judged is refused ({detail}).",
    "規則を評価できませんでした。判断できないものは拒否されます（{detail}）。",
    "The owner must correct the rule.",
    "提供元が規則を修正する必要があります。",
)

add(
    "suspended",
    "operator",
    "The {kind} {name} is suspended at {site}.",
    "{site} では {name}（{kind}）が停止されています。",
    "The officer of {site} would have to lift the suspension.",
    "{site} の担当者が停止を解除する必要があります。",
)
add(
    "clearance_missing",
    "home",
    "Under the agreement {agreement} this needs a clearance that a site in brackets attests: {asked}.",
    "協定 {agreement} では、括弧内のサイトが証明する資格が必要です：{asked}。",
    "Your home site would have to attest it of you, if it is one of those.",
    "所属サイトがその一つであれば、資格を証明してもらう必要があります。",
)
add(
    "policies_kept",
    "operator",
    "{site} keeps to itself the policies that its decisions rest on.",
    "{site} は判断の根拠となるポリシーを開示していません。",
    "{site} would have to show them to the parties of its agreements (policies_shown_to, in its site.toml).",
    "{site} が協定の当事者に開示する必要があります（site.toml の policies_shown_to）。",
)
add(
    "asked_too_often",
    "you",
    "Owners were asked for you {most} times in this minute, which is the most.",
    "この1分間に、あなたのために提供元への照会が上限の {most} 回行われました。",
    "Wait a minute; the last known answer is shown.",
    "1分待ってください。表示されるのは直近の回答です。",
)

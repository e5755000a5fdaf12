"""Reasons that concern charters and sites' statements."""

from yosegi.core.reasons._reason import add

add(
    "charter_too_few",
    "members",
    "Only {have} of the {need} members needed have signed it (many keys of one member count once).",
    "必要な {need} 機関のうち {have} 機関しか署名していません（同一機関の複数の鍵は一つと数えます）。",
    "More members must sign it, each with enough of its own keys.",
    "各機関が定められた数の鍵で署名し、署名機関を増やす必要があります。",
)
add(
    "charter_country_missing",
    "members",
    "Too few members from {country} have signed it ({have} of {need}).",
    "{country} からの署名機関が足りません（{need} 機関中 {have} 機関）。",
    "Members of every country must sign it.",
    "すべての国の機関が署名する必要があります。",
)
add(
    "charter_rolled_back",
    "sender",
    "It is version {found} of the charter, and version {current} is in force.",
    "憲章の第 {found} 版ですが、すでに第 {current} 版が有効です。",
    "Send the newest version.",
    "最新版を送ってください。",
)
add(
    "charter_forked",
    "members",
    "It is another version {found} than the one in force: two charters claim the same number.",
    "有効な第 {found} 版とは異なる同番号の版です。",
    "The members must agree on one, and publish it as the next version.",
    "加盟機関で一つに決め、次の版として公開してください。",
)
add(
    "charter_gap",
    "sender",
    "It does not follow the version in force: it is number {found} after {previous}.",
    "有効な版に続いていません（第 {found} 版、前版 {previous}）。",
    "Send every version in between, in order.",
    "途中の版を順にすべて送ってください。",
)
add(
    "charter_expired",
    "members",
    "The charter {charter} ended at {until}.",
    "憲章 {charter} は {until} に失効しました。",
    "Publish a new version under the rule of the last one.",
    "最後の版の規則の下で新しい版を公開してください。",
)
add(
    "not_a_member",
    "members",
    "{site} is not a member of the charter {charter}.",
    "{site} は憲章 {charter} の加盟機関ではありません。",
    "It would have to be admitted by a new version of the charter.",
    "憲章の新しい版で加盟が認められる必要があります。",
)
add(
    "no_statement",
    "sender",
    "{site} has not stated its current keys and address here.",
    "{site} の現在の鍵と所在についての声明がありません。",
    "Fetch or carry over its signed statement.",
    "署名された声明を取得または持参してください。",
)
add(
    "member_is_hosted",
    "members",
    "{site} has no site of its own under the charter: {host} hosts it, so it states no keys.",
    "憲章では {site} に自前のサイトはなく {host} が受け入れているため、鍵の声明は認められません。",
    "A new version of the charter would have to give it a site.",
    "憲章の新しい版で自前のサイトを認める必要があります。",
)
add(
    "statement_expired",
    "sender",
    "The statement of {site} ended at {until}, so its keys are not believed.",
    "{site} の声明は {until} に失効し、その鍵は信用されません。",
    "It must publish a new one.",
    "新しい声明を公開する必要があります。",
)
add(
    "statement_rolled_back",
    "sender",
    "It is statement {found} of {site}, and {current} is known already.",
    "{site} の声明 {found} ですが、すでに {current} が知られています。",
    "Send the newest one.",
    "最新の声明を送ってください。",
)
add(
    "too_few_keys",
    "sender",
    "{have} of the {need} governance keys needed of {site} have signed it.",
    "{site} の統治鍵は {need} 個必要ですが、署名は {have} 個です。",
    "More of its own keys must sign it.",
    "同機関のほかの鍵による署名を加えてください。",
)
add(
    "address_refused",
    "sender",
    "The address {address} is not one that other sites may be sent to: {why}.",
    "所在 {address} は他のサイトから接続させてよいものではありません：{why}。",
    "State a public http or https address.",
    "公開された http または https の所在を示してください。",
)
add(
    "stated_key_missing",
    "sender",
    "The charter asks for signatures with {algorithm}, and {site} states no key for it.",
    "憲章は {algorithm} による署名を求めていますが、{site} の声明にその鍵がありません。",
    "It must state a key of each algorithm.",
    "アルゴリズムごとに鍵を声明に記す必要があります。",
)

"""Reasons that concern tokens, clocks, mandates and approvals."""

from yosegi.core.reasons._reason import add

add(
    "proof_of_another_token",
    "you",
    "The proof that came with it belongs to another token.",
    "添えられた証明は別のトークンのものです。",
    "Sign a proof for this token.",
    "このトークンの証明に署名してください。",
)
add(
    "proof_of_another_request",
    "you",
    "The proof that came with it is of another request.",
    "添えられた証明は別の依頼のものです。",
    "Sign a proof of exactly what is asked.",
    "依頼そのものの証明に署名してください。",
)
add(
    "used_before",
    "you",
    "It was used before ({key}), and counts once.",
    "すでに使用されています（{key}）。一度だけ有効です。",
    "Make a fresh one.",
    "新しく作成してください。",
)
add(
    "clock_off",
    "operator",
    "It is {seconds} seconds from the median of the other sites' clocks, and 30 are allowed.",
    "他サイトの時計の中央値から {seconds} 秒ずれています（許容は30秒）。",
    "Set the clock, e.g. from a time server.",
    "時刻サーバーなどで時計を合わせてください。",
)
add(
    "clocks_apart",
    "operator",
    "The clock of {peer} is {seconds} seconds ahead of the one here (behind it if negative), and 30 are allowed. One "
    "of the two is wrong, and each site refuses what the other sends.",
    "{peer} の時計はこちらの時計より {seconds} 秒進んでいます（負なら遅れ、許容は30秒）。"
    "どちらかが誤っており、互いの文書を受け付けません。",
    "Set the one that is wrong, e.g. from a time server; work then goes on by itself.",
    "誤っている方の時計を時刻サーバーなどで合わせてください。作業は自動的に再開します。",
)
add(
    "mandate_missing",
    "home",
    "An agent ({agent}) acts under a mandate of its member, and none is named.",
    "エージェント（{agent}）は本人の委任の下で行動しますが、委任が示されていません。",
    "The member would have to give it one.",
    "本人が委任する必要があります。",
)
add(
    "key_of_a_person",
    "home",
    "The key is a person's, and an agent holds one of its own.",
    "これは人の鍵です。エージェントは固有の鍵を持たなければなりません。",
    "Make a key for the agent.",
    "エージェント用の鍵を作成してください。",
)
add(
    "token_missing",
    "home",
    "It names a mandate and brings no token of its home site that says who acts for whom.",
    "委任を示していますが、誰が誰のために行動するかを示す所属サイトのトークンがありません。",
    "The home site sends one with the request.",
    "所属サイトが依頼とともに送る必要があります。",
)
add(
    "token_of_another_key",
    "home",
    "The token is bound to the key {holder}, and another key signed the request.",
    "トークンは鍵 {holder} に結び付いていますが、依頼は別の鍵で署名されています。",
    "Sign with the key that the token names, or have one minted for this key.",
    "トークンの示す鍵で署名するか、この鍵のトークンを発行してください。",
)
add(
    "token_for_another",
    "home",
    "The token speaks of another {what} than the request.",
    "トークンと依頼で {what} が一致しません。",
    "The home site sends a token for exactly whom and what it asks for.",
    "所属サイトが依頼どおりのトークンを送る必要があります。",
)
add(
    "token_stale",
    "home",
    "It starts when its home site has said again that the mandate {mandate} stands; its last word is too old.",
    "所属サイトが委任 {mandate} の有効性を改めて示した後に開始します（前回の表明は古くなりました）。",
    "Nothing, once both sites reach each other again.",
    "両サイトの通信が回復すれば自動的に開始します。",
)
add(
    "mandate_unknown",
    "home",
    "There is no mandate {mandate} here.",
    "委任 {mandate} はここにありません。",
    "The member would have to give one.",
    "本人が委任する必要があります。",
)
add(
    "mandate_repeated",
    "home",
    "A mandate {mandate} was given already.",
    "委任 {mandate} はすでにあります。",
    "Give the new one another name.",
    "別の名を付けてください。",
)
add(
    "mandate_cancelled",
    "home",
    "The mandate {mandate} was cancelled.",
    "委任 {mandate} は取り消されました。",
    "The member would have to give another.",
    "本人が改めて委任する必要があります。",
)
add(
    "mandate_ended",
    "home",
    "The mandate {mandate} is not in force; it ends at {until}.",
    "委任 {mandate} は有効ではありません（{until} まで）。",
    "The member would have to give another.",
    "本人が改めて委任する必要があります。",
)
add(
    "mandate_wider",
    "home",
    "The mandate {mandate} asks for more than {parent}, from which it was cut ({respect}).",
    "委任 {mandate} は元の委任 {parent} を超えています（{respect}）。",
    "Ask for a subset.",
    "元の範囲内にしてください。",
)
add(
    "mandate_of_another_parent",
    "home",
    "The mandate {mandate} was not cut from {parent}, or is too deep.",
    "委任 {mandate} は {parent} から分けられたものではないか、階層が深すぎます。",
    "A sub-agent's mandate is cut from its agent's, and nothing from that.",
    "下位エージェントの委任は上位のものから一段だけ分けられます。",
)
add(
    "mandate_for_another",
    "home",
    "The mandate {mandate} is for another member, team or charter than that of {person}.",
    "委任 {mandate} は {person} とは別の本人・チーム・憲章のものです。",
    "Cut it for the same member, team and charter.",
    "同じ本人・チーム・憲章のために分けてください。",
)
add(
    "outside_mandate",
    "home",
    "The mandate {mandate} does not reach so far ({respect}).",
    "委任 {mandate} の範囲外です（{respect}）。",
    "Stay within it, or have the member widen it.",
    "範囲内にとどめるか、本人が委任を広げる必要があります。",
)
add(
    "token_for_another_key",
    "home",
    "The mandate {mandate} is for the key of {agent}, and another key asks.",
    "委任 {mandate} は {agent} の鍵のためのもので、別の鍵からの要求です。",
    "The agent asks with its own key.",
    "エージェント自身の鍵で依頼してください。",
)
add(
    "budget_exceeded",
    "home",
    "The mandate {mandate} has {left} {unit} left in its budget and {asked} were asked for.",
    "委任 {mandate} の予算は残り {left} {unit} で、{asked} が求められました。",
    "Ask for less, or have the member raise the budget.",
    "量を減らすか、本人が予算を増やす必要があります。",
)
add(
    "approval_repeated",
    "approver",
    "An approval {approval} is there already.",
    "承認 {approval} はすでにあります。",
    "Give the new one another name.",
    "別の名を付けてください。",
)
add(
    "approval_declined",
    "approver",
    "{person} was asked to approve it and said no: {why}",
    "承認を求められた {person} が認めませんでした：{why}",
    "Ask that person what would make it acceptable.",
    "認められる条件を本人に確認してください。",
)
add(
    "approval_of_another_request",
    "approver",
    "The approval is of another request, or of this one before it was changed.",
    "承認の対象が別の依頼か、変更前の依頼です。",
    "Have exactly this request approved.",
    "この依頼そのものの承認を得てください。",
)
add(
    "approval_of_another_contract",
    "approver",
    "It was approved under another contract.",
    "別の契約の下で承認されたものです。",
    "Have it approved under the contract in force.",
    "現行の契約の下で承認を得てください。",
)
add(
    "approval_over",
    "approver",
    "The approval is {state} and counts no more.",
    "この承認はすでに無効です（{state}）。",
    "Have it approved again.",
    "改めて承認を得てください。",
)
add(
    "transfer_not_covered",
    "parties",
    "Nothing agreed with the owner of {source} lets what came from it, labelled {label}, go on to {site}.",
    "{source} の提供元との協定では、そこから得られた区分 {label} のものを {site} へ渡せません。",
    "That owner and {site} would have to be parties to an agreement that covers it.",
    "提供元と {site} を当事者とし、それを対象とする協定が必要です。",
)
add(
    "revocation_dropped",
    "sender",
    "The statement of {site} no longer says that the key {key} is revoked, or dates that later.",
    "{site} の声明から鍵 {key} の失効が消えたか、失効時刻が後にずらされています。",
    "A revocation stays for ever, and may only be dated back.",
    "失効は永続し、時刻は早める方向にのみ改められます。",
)
add(
    "key_not_believed_then",
    "sender",
    "The key {key} was believed from {begins} to {ends}, and this was first witnessed at {witnessed}.",
    "鍵 {key} が有効だったのは {begins} から {ends} までで、最初の立会いは {witnessed} です。",
    "Find an earlier witness, or have it signed again.",
    "より早い立会いの記録を示すか、改めて署名を得てください。",
)
add(
    "residency_not_covered",
    "parties",
    "The agreement {agreement} does not let results go to {asked}.",
    "協定 {agreement} では成果を {asked} へ出すことが認められていません。",
    "The agreement would have to name that country.",
    "協定にその国を加える必要があります。",
)
add(
    "model_not_covered",
    "parties",
    "The agreement {agreement} does not let the language model {asked} see this.",
    "協定 {agreement} では言語モデル {asked} にこれを見せることが認められていません。",
    "Use a model it names for such data, or have this one added.",
    "協定で認められたモデルを用いるか、追加してください。",
)

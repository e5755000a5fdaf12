"""Reasons that concern signed documents."""

from yosegi.core.reasons._reason import add

add(
    "not_signed",
    "sender",
    "It carries no signature.",
    "署名がありません。",
    "It must be signed by a key that the charter or a site's statement names.",
    "憲章またはサイトの声明に記された鍵による署名が必要です。",
)
add(
    "unknown_key",
    "sender",
    "It is signed by a key that is not known here ({key}).",
    "ここでは知られていない鍵（{key}）で署名されています。",
    "Sign with a current key, and publish the site's statement again if its keys were changed.",
    "現在有効な鍵で署名し、鍵を替えた場合はサイトの声明を再公開してください。",
)
add(
    "bad_signature",
    "sender",
    "The signature by {key} does not match what was received.",
    "{key} による署名が受信内容と一致しません。",
    "Send it again as it was signed.",
    "署名した内容のまま再送してください。",
)
add(
    "signed_twice",
    "sender",
    "The key {key} signed it more than once.",
    "鍵 {key} による署名が重複しています。",
    "Each key signs once.",
    "鍵ごとに署名は一つだけにしてください。",
)
add(
    "wrong_algorithm",
    "sender",
    "A signature says it was made with {said}, but its key is for {is_for}.",
    "署名は {said} と称していますが、鍵は {is_for} 用です。",
    "Sign with the algorithm that belongs to the key.",
    "鍵に対応するアルゴリズムで署名してください。",
)
add(
    "algorithm_missing",
    "sender",
    "It needs a signature with {algorithm} as well, and has none.",
    "{algorithm} による署名も必要ですが、ありません。",
    "Add the missing signature.",
    "不足している署名を追加してください。",
)
add(
    "wrong_payload_type",
    "sender",
    "It is a {found} where a {expected} was expected.",
    "{expected} であるべきところが {found} です。",
    "Send the right kind of document.",
    "正しい種類の文書を送ってください。",
)
add(
    "wrong_charter",
    "sender",
    "It was made under the charter {found}, not under {expected}.",
    "憲章 {found} の文書であり、{expected} のものではありません。",
    "Make and sign it under the right charter.",
    "正しい憲章の下で作成し署名してください。",
)
add(
    "wrong_addressee",
    "sender",
    "It is addressed to {found}, not to {expected}.",
    "宛先は {found} であり、{expected} ではありません。",
    "Send it to the site it was signed for, or sign another.",
    "署名時の宛先へ送るか、新たに署名してください。",
)
add(
    "wrong_sender",
    "sender",
    "It says it comes from {said}, but {found} signed it.",
    "差出人は {said} とありますが、署名者は {found} です。",
    "The sender signs what it sends.",
    "差出人自身が署名してください。",
)
add(
    "document_expired",
    "sender",
    "It was valid until {until} and it is now {now}.",
    "有効期限は {until}、現在は {now} です。",
    "Make and sign it again; if the times look wrong, check the clocks.",
    "作り直して署名してください。時刻に疑いがあれば時計を確認してください。",
)
add(
    "document_not_yet_valid",
    "sender",
    "It was issued at {issued}, which lies in the future of {now}.",
    "発行時刻 {issued} は現在 {now} より未来です。",
    "Check the clocks: sites agree within 30 seconds.",
    "時計を確認してください（サイト間の差は30秒以内）。",
)
add(
    "sealed_to_another_key",
    "sender",
    "It is sealed to a key that this site does not have ({key}).",
    "このサイトが持たない鍵（{key}）宛てに封じられています。",
    "Seal it to the key in this site's current statement.",
    "このサイトの現在の声明にある鍵宛てに封じてください。",
)
add(
    "seal_broken",
    "sender",
    "It cannot be opened: it was changed on the way, or sealed for another use.",
    "開封できません。途中で変更されたか、別の用途に封じられています。",
    "Send it again.",
    "再送してください。",
)
add(
    "format_not_spoken",
    "owner",
    "{site} states no format in which this can be said to it: it would need {format}.",
    "{site} が対応を表明している形式では、これを伝えられません（必要な形式：{format}）。",
    "Its site has to be upgraded, and its governance keys have to sign a new statement (yosegi charter state).",
    "サイトを更新し、統治鍵で新しい声明に署名する必要があります（yosegi charter state）。",
)

"""Reasons that concern objects and how they travel."""

from yosegi.core.reasons._reason import add

add(
    "awaits_inputs",
    "home",
    "It waits for {names} from {site}.",
    "{site} からの {names} を待っています。",
    "It starts by itself once they are here.",
    "届き次第、自動的に始まります。",
)
add(
    "inputs_missing",
    "home",
    "Its inputs {names} did not come from {site} in time.",
    "入力 {names} が期限までに {site} から届きませんでした。",
    "Ask again once they can be had there.",
    "用意ができてから改めて依頼してください。",
)
add(
    "object_wrong",
    "sender",
    "{site} sent other bytes than the object {digest} has: {why}",
    "{site} が送ったデータは {digest} と一致しません：{why}",
    "Send the object that was named.",
    "指定されたデータを送ってください。",
)
add(
    "object_too_large",
    "owner",
    "The object has {size} bytes, and at most {most} are taken here.",
    "データは {size} バイトで、ここで受け取れる上限は {most} バイトです。",
    "Send a smaller one, or ask that site to take larger ones.",
    "小さくするか、受け取り上限の引き上げを依頼してください。",
)
add(
    "object_unknown",
    "sender",
    "No object {digest} belongs to the task {task} here.",
    "課題 {task} に属するデータ {digest} はここにありません。",
    "Name an object of the task.",
    "課題に属するデータを指定してください。",
)
add(
    "object_not_here",
    "sender",
    "The bytes of {digest} are not at {site} yet.",
    "{digest} のデータはまだ {site} にありません。",
    "They are asked for again by themselves.",
    "自動的に再度要求されます。",
)
add(
    "object_erased",
    "sender",
    "The bytes of {digest} were erased at {site}.",
    "{digest} のデータは {site} で消去されました。",
    "Make or bring the data again.",
    "データを改めて作成するか、持ち込んでください。",
)
add(
    "object_not_yours",
    "lead",
    "This object is for members of its team only.",
    "このデータはチームのメンバーだけが取得できます。",
    "Ask the team's lead institution to be made a member.",
    "チームの主導機関にメンバー登録を依頼してください。",
)
add(
    "officers_only",
    "home",
    "Only the security officer of this site may do this.",
    "このサイトの安全管理担当者だけができる操作です。",
    "Ask the security officer.",
    "安全管理担当者に依頼してください。",
)
add(
    "body_erased",
    "sender",
    "What was asked and what came of it were erased; that it was there, when and by whom is still on record.",
    "依頼内容と結果は消去されました。存在した事実・時刻・関係者の記録は残っています。",
    "See why: yosegi incident erasures.",
    "理由は yosegi incident erasures で確認してください。",
)
add(
    "erasure_asked",
    "operator",
    "{peer} asks to have {subject} erased here, and did not give it to this site.",
    "{peer} が {subject} の消去を求めていますが、提供元ではありません。",
    "An officer decides: yosegi object erase, or leave it; {peer} sees that it waits.",
    "担当者が判断してください（yosegi object erase で消去）。{peer} には保留中と表示されます。",
)

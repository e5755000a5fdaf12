"""Reasons that concern grants."""

from yosegi.core.reasons._reason import add

add(
    "grant_exceeded",
    "funder",
    "It has {left} {unit} left and {asked} were asked for.",
    "{unit} の残りは {left} ですが、{asked} が求められました。",
    "Ask for less, wait until something is settled, or have the grant enlarged.",
    "量を減らすか、精算を待つか、配分の増額を受けてください。",
)
add(
    "grant_unknown",
    "owner",
    "There is no such grant here.",
    "そのような配分はここにはありません。",
    "The owner would have to award one.",
    "提供元が配分する必要があります。",
)
add(
    "grant_repeated",
    "owner",
    "A grant of that name was awarded already.",
    "その名の配分はすでにあります。",
    "Give the new one another name.",
    "別の名を付けてください。",
)
add(
    "grant_of_another_team",
    "lead",
    "It does not belong to the team {team} under this charter.",
    "この憲章の下でチーム {team} のものではありません。",
    "Ask in the team that owns it, or with a grant of your own.",
    "所有するチームとして、または自チームの配分で依頼してください。",
)
add(
    "hold_repeated",
    "you",
    "Something was held for the task {task} before; a task draws on a grant once.",
    "課題 {task} にはすでに確保済みです。一つの課題が引き当てるのは一度だけです。",
    "Make another attempt under a key of its own.",
    "新しいキーで改めて試みてください。",
)
add(
    "hold_unknown",
    "owner",
    "Nothing was held for the task {task}.",
    "課題 {task} のための確保はありません。",
    "Only what was held can be settled or given back.",
    "確保したものだけが精算・返却できます。",
)
add(
    "hold_ended",
    "owner",
    "What was held for the task {task} is {state} already.",
    "課題 {task} の確保はすでに終了しています（{state}）。",
    "Each hold ends once; correct the account by a new entry.",
    "確保の終了は一度だけです。訂正は新たな記録で行ってください。",
)
add(
    "spent_more_than_held",
    "owner",
    "{asked} {unit} are said to be spent for the task {task}, and {left} were held.",
    "課題 {task} に {asked} {unit} を費やしたとありますが、確保は {left} でした。",
    "The contract's greatest cost would have to be corrected in a new version.",
    "契約上の最大費用を新しい版で改める必要があります。",
)
add(
    "spent_without_effect",
    "owner",
    "The task {task} had no effect, so nothing can be charged for it.",
    "課題 {task} は何の効果も生じなかったため、費用は請求できません。",
    "Settle it with nothing spent.",
    "支出なしとして精算してください。",
)
add(
    "effect_unsettled",
    "operator",
    "It is not known yet what the task {task} did, so its cost stays held.",
    "課題 {task} の効果がまだ不明のため、費用は確保されたままです。",
    "Find out what happened and settle the task.",
    "何が起きたかを確かめ、課題を確定してください。",
)
add(
    "tranche_unknown",
    "owner",
    "It has no tranche {tranche} of that unit.",
    "その単位の区分 {tranche} はありません。",
    "Name a tranche of the grant.",
    "配分の中の区分を指定してください。",
)
add(
    "tranche_open",
    "funder",
    "The tranche {tranche} is open already.",
    "区分 {tranche} はすでに解放されています。",
    "Nothing has to be done.",
    "必要な操作はありません。",
)
add(
    "claw_back_too_deep",
    "funder",
    "{asked} {unit} cannot be taken back: {left} are neither held nor spent.",
    "{asked} {unit} は回収できません。未確保・未使用は {left} です。",
    "Take back less, or wait until what is held has ended.",
    "回収量を減らすか、確保が終わるのを待ってください。",
)

add(
    "tranche_locked",
    "funder",
    "The tranche {tranche} is locked until it is released.",
    "配分枠 {tranche} は解除されるまで使えません。",
    "The funder would have to release it.",
    "資金提供者による解除が必要です。",
)
add(
    "nothing_to_move",
    "owner",
    "Nothing is to be moved.",
    "移す量がありません。",
    "Name an amount.",
    "移す量を指定してください。",
)
add(
    "move_too_large",
    "owner",
    "{asked} {unit} were to be moved and {left} are neither held nor spent.",
    "{asked} {unit} を移そうとしましたが、保留も使用もされていないのは {left} です。",
    "Move less.",
    "移す量を減らしてください。",
)
add(
    "move_over",
    "owner",
    "The move {move} is over, or was never begun.",
    "移動 {move} はすでに終わったか、始まっていません。",
    "Begin another.",
    "新たに始めてください。",
)

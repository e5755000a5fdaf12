"""Reasons that concern tasks and sites."""

from yosegi.core.reasons._reason import add

add(
    "unknown_capability",
    "owner",
    "There is no capability {capability} here, or it is not offered to you.",
    "機能 {capability} はここにないか、提供されていません。",
    "Look in the catalogue for its name and version.",
    "カタログで名称と版を確認してください。",
)
add(
    "contract_changed",
    "you",
    "The contract of {capability} is not the one this request was made under.",
    "{capability} の契約は、この依頼の元になったものと異なります。",
    "Read the contract in force and ask again.",
    "現行の契約を読み、改めて依頼してください。",
)
add(
    "bad_inputs",
    "you",
    "The inputs do not hold what the contract says: {why}",
    "入力が契約の条件を満たしていません：{why}",
    "Correct the inputs.",
    "入力を修正してください。",
)
add(
    "effect_unknown",
    "operator",
    "It is not known what it did: {why}",
    "何が起きたか分かっていません：{why}",
    "Look at the instrument and settle the task.",
    "装置を確認し、課題を確定してください。",
)
add(
    "breaker_open",
    "operator",
    "{capability} is out of use until somebody has looked at it: {why}",
    "{capability} は点検が済むまで使用できません：{why}",
    "Look at the instrument, then close its breaker.",
    "装置を点検し、遮断を解除してください。",
)
add(
    "too_many_open",
    "you",
    "The team {team} has {most} tasks waiting or running here, and no more are taken at once.",
    "チーム {team} の待機中・実行中の課題が上限の {most} 件に達しています。",
    "Wait for some to end.",
    "いくつかが終わるまでお待ちください。",
)
add(
    "key_reused",
    "you",
    "The key {key} was used before with another content.",
    "キー {key} は別の内容ですでに使われています。",
    "Give a different request a key of its own.",
    "異なる依頼には固有のキーを付けてください。",
)
add(
    "limit_exceeded",
    "you",
    "The team {team} has {have} in progress here, and at most {most} are taken.",
    "チーム {team} の進行中の依頼は {have} 件で、上限は {most} 件です。",
    "Wait until some have ended.",
    "終了を待ってください。",
)
add(
    "lost_in_restore",
    "you",
    "{site} was restored from a backup after this was asked, and may have carried it out before.",
    "{site} はこの依頼の後にバックアップから復元されており、すでに実行した可能性があります。",
    "Ask again with a new key.",
    "新しいキーで改めて依頼してください。",
)
add(
    "restore_unsettled",
    "operator",
    "{site} was restored from a backup, and nobody has looked at its instruments since.",
    "{site} はバックアップから復元されましたが、装置の確認がまだ済んでいません。",
    "Look at the instruments, then: yosegi site gap --settle.",
    "装置を確認し、yosegi site gap --settle で確定してください。",
)
add(
    "not_taken",
    "home",
    "{site} would not take it: {why}",
    "{site} が受け取りませんでした：{why}",
    "Ask again with a new key.",
    "新しいキーで改めて依頼してください。",
)
add(
    "station_unsettled",
    "operator",
    "Station {station} does not know what it did ({why}), and nobody has looked at its instrument since.",
    "ステーション {station} は行った作業の記録を失っており（{why}）、装置の確認がまだ済んでいません。",
    "{contact} looks at the instrument, and then: yosegi station settle {station} --note NOTE.",
    "{contact} が装置を確認し、yosegi station settle {station} --note NOTE で確定してください。",
)
add(
    "station_unheard",
    "operator",
    "Nothing was heard of station {station} for {minutes} minutes.",
    "ステーション {station} から {minutes} 分間応答がありません。",
    "Look whether its computer and its process run: yosegi station run FOLDER.",
    "計算機とプロセスを確認してください：yosegi station run FOLDER",
)
add(
    "ledger_forked",
    "members",
    "The ledger of {peer} tells two stories; both are kept as evidence, and {peer} is suspended here.",
    "{peer} の台帳に矛盾があります。両方を証拠として保管し、{peer} はここで停止扱いです。",
    "The members would have to settle with {peer} what happened.",
    "何が起きたかを加盟機関が {peer} と確認する必要があります。",
)
add(
    "peer_unreachable",
    "operator",
    "{peer} has not been reached for {hours} hours: {why}",
    "{peer} に {hours} 時間到達できていません：{why}",
    "Ask its operator; what waits for it is sent when it is back.",
    "先方の運転担当者に確認してください。待っている文書は復旧後に送られます。",
)
add(
    "disk_nearly_full",
    "operator",
    "Only {megabytes} MB are left on the disk of this site; when it is full nothing more is taken or started.",
    "このサイトのディスクの残りは {megabytes} MB です。満杯になると何も受け付けず、開始もしません。",
    "Make room, or move the home to a larger disk.",
    "空きを作るか、より大きなディスクに移してください。",
)
add(
    "ledger_stopped",
    "operator",
    "The ledger of {site} has stopped, and nothing is recorded or started any more: {why}",
    "{site} の台帳が停止しました。以後、記録も開始も行われません：{why}",
    "The process ends by itself. Check the ledger with yosegi site check before it is served again.",
    "プロセスは自動的に終了します。再開前に yosegi site check で台帳を検査してください。",
)
add(
    "background_failing",
    "operator",
    "Background work has failed {times} times in a row and is tried again and again ({task}): {why}",
    "バックグラウンド処理が {times} 回続けて失敗し、再試行が続いています（{task}）：{why}",
    "Mend what it names; the log of the site has the details.",
    "示された原因を取り除いてください。詳細はサイトのログにあります。",
)
add(
    "background_failed",
    "operator",
    "Background work has failed and is not tried again by itself ({task}): {why}",
    "バックグラウンド処理が失敗し、自動では再試行されません（{task}）：{why}",
    "Look at the log of the site; what was not done is taken up at its next start.",
    "サイトのログを確認してください。未完了の処理は次回の起動時に再開されます。",
)
add(
    "check_failed",
    "operator",
    "It cannot be told how it stands with this: {what}. {why}",
    "次の状態を確認できません：{what}。{why}",
    "Look at the disk of this site and at its log.",
    "このサイトのディスクとログを確認してください。",
)
add(
    "site_stopped",
    "operator",
    "{site} has stopped all work for others.",
    "{site} は他機関のための作業をすべて停止しています。",
    "The operator would have to let work begin again.",
    "運転担当者による再開が必要です。",
)
add(
    "peer_suspended",
    "owner",
    "{site} is suspended here since {since}.",
    "{site} は {since} からここで停止扱いになっています。",
    "The security officer of this site would have to lift it.",
    "このサイトの安全管理担当者による解除が必要です。",
)
add(
    "not_signed_in",
    "you",
    "Nobody is signed in.",
    "サインインしていません。",
    "Sign in with your key or passphrase.",
    "鍵またはパスフレーズでサインインしてください。",
)
add(
    "sign_in_failed",
    "you",
    "The account and the key or passphrase do not belong together.",
    "アカウントと鍵またはパスフレーズが一致しません。",
    "Check both; the administrators of your site can make a new account.",
    "両方を確認してください。アカウントはサイトの管理者が作成できます。",
)
add(
    "operators_only",
    "operator",
    "Only the operators of this site may do this.",
    "このサイトの運転担当者だけができる操作です。",
    "Ask an operator.",
    "運転担当者に依頼してください。",
)
add(
    "people_only",
    "operator",
    "An agent may not do this; it may always stop.",
    "エージェントにはできない操作です（停止はいつでも可能です）。",
    "A person must do it.",
    "人が行う必要があります。",
)
add(
    "not_on_behalf_of_others",
    "home",
    "Nobody acts here for somebody else.",
    "他の人に代わって操作することはできません。",
    "Sign in as the person for whom it is done.",
    "本人としてサインインしてください。",
)

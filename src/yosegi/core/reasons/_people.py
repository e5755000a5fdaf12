"""Reasons that concern people and how they sign in."""

from yosegi.core.reasons._reason import add

add(
    "institution_not_hosted",
    "members",
    "No charter says that this site hosts your institution, so it cannot vouch for you.",
    "このサイトがあなたの機関を受け入れると定める憲章がないため、身元を保証できません。",
    "A charter would have to name this site as the host of your institution.",
    "憲章でこのサイトをあなたの機関の受入先と定める必要があります。",
)
add(
    "sign_in_stale",
    "you",
    "This browser began no such sign-in, or more than ten minutes ago.",
    "このブラウザで始めたサインインではないか、開始から10分を過ぎています。",
    "Begin again on the sign-in page.",
    "サインインのページからやり直してください。",
)
add(
    "provider_refused",
    "you",
    "Your institution's provider did not sign you in.",
    "所属機関の認証サーバーがサインインを認めませんでした。",
    "Begin again, and finish signing in there.",
    "やり直し、認証サーバーでの操作を完了してください。",
)
add(
    "provider_not_believed",
    "home",
    "What your institution's provider sent cannot be believed.",
    "所属機関の認証サーバーの応答は信用できません。",
    "Its settings at this site, or its keys or clock, must be put right; the site's log says which.",
    "このサイトの設定、または認証サーバーの鍵や時計を正す必要があります（詳細はサイトのログ）。",
)
add(
    "no_account_for_claim",
    "home",
    "You have no account at this site under the name that your institution's provider gives.",
    "認証サーバーの示す名前に対応するアカウントがこのサイトにありません。",
    "Ask for an account, or for your name to be entered in the settings of sign-in.",
    "アカウントの作成、またはサインイン設定への登録を依頼してください。",
)
add(
    "not_in_a_group",
    "home",
    "None of your groups at your institution gives access to this site.",
    "所属機関でのグループに、このサイトを利用できるものがありません。",
    "Ask to be added to one of the groups that this site names.",
    "このサイトが指定するグループへの追加を依頼してください。",
)

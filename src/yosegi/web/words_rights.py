"""The texts of the page of mandates and agents, in English and Japanese."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "mandates": ("Mandates", "委任"),
    "mandates_and_agents": ("Mandates and agents", "委任とエージェント"),
    "mandates_lead": (
        "What acts in your name without you: your campaigns, and your agents with keys of their own.",
        "あなたの名で行動するもの：キャンペーン、および固有の鍵を持つエージェント。",
    ),
    "mandates_lead_all": (
        "What acts in the name of this site's members without them: campaigns, and agents with keys of their own.",
        "このサイトのメンバーの名で行動するもの：キャンペーン、および固有の鍵を持つエージェント。",
    ),
    "mandate": ("Mandate", "委任"),
    "agents": ("Agents", "エージェント"),
    "agent": ("Agent", "エージェント"),
    "acts_for": ("Acts for", "本人"),
    "under_mandates": ("Under", "根拠となる委任"),
    "agent_keys": ("Key, as read aloud", "鍵（読み上げ用）"),
    "last_use": ("Last use", "最終利用"),
    "never_used": ("not yet", "まだなし"),
    "acts": ("may act", "行動可"),
    "acts_no_more": ("acts no more", "行動不可"),
    "cut_from": ("sub-agent, cut from {parent}", "下位エージェント（{parent} から分与）"),
    "no_agents": ("No agent acts for anybody here.", "エージェントはいません。"),
    "standing": ("In force", "有効な委任"),
    "no_mandates": ("No mandate is in force.", "有効な委任はありません。"),
    "used_by": ("Used by", "利用者"),
    "itself": ("the member, for any campaign", "本人（任意のキャンペーン）"),
    "what_it_allows": ("Allows", "範囲"),
    "up_to_label": ("up to: {label}", "ラベルの上限：{label}"),
    "conduct.suggest": ("suggest", "提案"),
    "conduct.approve": ("after approval", "承認後"),
    "conduct.run": ("run", "実行"),
    "left_of_budget": ("Left of the budget", "予算の残り"),
    "bound_by_grants": ("bounded by the owners' grants alone", "所有者の助成枠のみで制限"),
    "cancel_mandate": ("Cancel", "取り消す"),
    "cancel_mandate_means": (
        "Nothing new starts under it within a minute, ten where links are down. It cannot be undone; give another.",
        "1 分以内（回線断の場合は 10 分以内）に新規の開始を止めます。元には戻せません（新たに委任してください）。",
    ),
    "mandates_over": ("Over", "終了した委任"),
    "none_over": ("None is over.", "終了した委任はありません。"),
}

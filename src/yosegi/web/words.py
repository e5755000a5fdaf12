"""Every text of the pages, in English and Japanese. What people and planners wrote stays as they wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yosegi.core.errors import NotFound
from yosegi.core.reasons import REASONS, Language, explain
from yosegi.trust.messages import Explanation
from yosegi.web.words_programme import TEXTS as PROGRAMME
from yosegi.web.words_rights import TEXTS as RIGHTS

LANGUAGES: Mapping[Language, str] = {"en": "English", "ja": "日本語"}

TEXTS: dict[str, tuple[str, str]] = {
    # -- the frame
    "federation": ("Federation", "連合"),
    "tasks": ("Tasks", "タスク"),
    "sign_in": ("Sign in", "サインイン"),
    "sign_out": ("Sign out", "サインアウト"),
    "person": ("Account", "アカウント"),
    "passphrase": ("Passphrase", "パスフレーズ"),
    "sign_in_hint": ("Your account at this site, e.g. pi@{site}.", "このサイトのアカウント（例：pi@{site}）。"),
    "sign_in_with": ("Sign in with {name}", "{name} でサインイン"),
    "signed_in": ("You are signed in", "サインインしました"),
    "go_on": ("Go on", "続ける"),
    "hand_title": ("Sign a program in", "プログラムをサインインさせる"),
    "hand_hint": (
        "A program asks to act as {person} for twelve hours. Confirm only if your own terminal shows this code.",
        "プログラムが {person} として 12 時間操作しようとしています。端末に同じコードがある場合のみ承認してください。",
    ),
    "hand_yes": ("It is mine: sign it in", "自分のものです：サインインさせる"),
    "hand_no": ("It is not mine", "自分のものではありません"),
    "skip": ("Skip to the content", "本文へ移動"),
    "language": ("Language", "言語"),
    "live": ("live", "更新中"),
    "connecting": ("connecting", "接続中"),
    "lost": ("connection lost, trying again", "接続が切れました。再接続しています"),
    "refused_title": ("This was refused; nothing was changed", "拒否されました。何も変更していません"),
    "missing_title": ("There is nothing of that name here", "その名前のものはありません"),
    "reason_code": ("reason", "理由コード"),
    "form_stale": (
        "The form did not come from a page of this session. Load the page again and repeat it there.",
        "このセッションのページから送られたフォームではありません。ページを再読み込みして、もう一度操作してください。",
    ),
    "from_elsewhere": (
        "The form came from another site's page. Use the pages of this site.",
        "別のサイトのページから送られたフォームです。このサイトのページから操作してください。",
    ),
    "back": ("Back to the page", "ページに戻る"),
    "none": ("none", "なし"),
    # -- stopping
    "this_site": ("This site", "このサイト"),
    "site_open": ("runs tasks", "タスクを実行中"),
    "switch.hold": ("held: starts nothing new", "保留中：新しいタスクを始めません"),
    "switch.safe_stop": ("safely stopped: starts nothing new", "安全停止中：新しいタスクを始めません"),
    "switch.abort": ("aborted: starts nothing new", "中止済み：新しいタスクを始めません"),
    "why_optional": ("Reason, for the record (may be empty)", "理由（記録用・任意）"),
    "hold": ("Hold", "保留"),
    "hold_means": ("Start nothing new; what runs goes on", "新しいものを始めない（実行中のものは続行）"),
    "resume": ("Resume", "再開"),
    "resume_means": ("Go on after a hold, a stop or an open breaker", "保留・停止・遮断のあとで続ける"),
    "stop": ("Safe stop", "安全停止"),
    "stop_means": ("Finish what has begun, then stop; may be resumed", "始めたものを終えてから停止（再開可）"),
    "abort": ("Abort", "中止"),
    "abort_means": ("End it now; cannot be undone", "直ちに終了（取り消し不可）"),
    "hold_site": ("Hold site", "サイトを保留"),
    "stop_site": ("Stop site safely", "サイトを安全停止"),
    "abort_site": ("Abort site", "サイトを中止"),
    "site_abort_means": (
        "End everything this site runs now; start nothing new",
        "このサイトの実行中のものをすべて直ちに終了し、新しいものを始めない",
    ),
    "release": ("Release", "解除"),
    "release_means": ("Start again what waits", "待っているものを始める"),
    "site_stop_means": (
        "Bring everything this site runs to its safe state; start nothing new",
        "このサイトの実行中のものをすべて安全な状態にし、新しいものを始めない",
    ),
    "stopping_campaign": ("Hold, stop or abort this campaign", "このキャンペーンの保留・停止・中止"),
    "stopping_site": ("Hold, stop or abort everything this site runs", "このサイト全体の保留・停止・中止"),
    # -- federation
    "sites": ("Sites", "サイト"),
    "site": ("Site", "サイト"),
    "reached": ("How it is reached", "到達方法"),
    "heard": ("Last heard", "最終応答"),
    "here": ("this site", "このサイト"),
    "ago": ("{text} ago", "{text}前"),
    "never": ("not yet", "未応答"),
    "listens": ("listens at {where}", "{where} で受信"),
    "dials_out": ("dials out; mailbox at {where}", "発信のみ（郵便箱は {where}）"),
    "waiting_mail": ("Waiting to go", "送信待ち"),
    "clock_apart": ("its clock beside the one here, in seconds:", "こちらの時計との差（秒）："),
    "trouble": ("Trouble", "障害"),
    "no_trouble": ("reached", "到達可"),
    "unreached": ("not reached", "到達不可"),
    "charter": ("Charter", "憲章"),
    "capabilities": ("Capabilities", "機能"),
    "capability": ("Capability", "機能"),
    "capability_title": ("What it does", "内容"),
    "kind": ("Kind", "種類"),
    "effect_class": ("Effect", "作用"),
    "cost_at_most": ("Cost, at most", "費用（上限）"),
    "available": ("available", "利用可"),
    "unavailable": ("not available", "利用不可"),
    "status": ("Status", "状態"),
    "simulated": ("simulated", "模擬"),
    "simulated_means": ("No real instrument: this is simulated", "実機ではなく模擬です"),
    "no_capabilities": ("Nothing is published or offered yet.", "公開・提供された機能はまだありません。"),
    "campaigns": ("Campaigns", "キャンペーン"),
    "campaign": ("Campaign", "キャンペーン"),
    "no_campaigns": (
        "No campaign yet. Start one: yosegi campaign start spec.toml",
        "キャンペーンはまだありません。開始するには：yosegi campaign start spec.toml",
    ),
    "team": ("Team", "チーム"),
    "state": ("State", "状態"),
    "best": ("Best so far", "これまでの最良"),
    "best_mark": ("best", "最良"),
    "trials": ("Trials", "試行"),
    "notices": ("Open notices", "未確認の通知"),
    "no_notices": ("Nothing waits for a person.", "対応を待つものはありません。"),
    "notice_approval": (
        "This task waits for a person's approval. Look at what is asked, then approve or refuse it.",
        "このタスクは人の承認を待っています。依頼内容を確認し、承認または拒否してください。",
    ),
    "look_at_it": ("What is asked", "依頼内容"),
    "notice_text": (
        "The effect of this task is unknown. Look at the instrument, then settle it.",
        "このタスクの作用が不明です。装置を確認してから確定してください。",
    ),
    "notices_count": ("Open notices: {n}", "未確認の通知：{n}"),
    "since": ("since {time}", "{time} から"),
    # -- campaign
    "question": ("Question", "問い"),
    "on_behalf_of": ("on behalf of {person}", "依頼者 {person}"),
    "started": ("started {time}", "開始 {time}"),
    "target": ("Target", "目標"),
    "target_line": ("target {value}", "目標 {value}"),
    "experiments": ("Experiments", "実験"),
    "others": ("Other sources", "他の手段"),
    "price": ("Price so far", "これまでの対価"),
    "baseline": ("Baseline", "ベースライン"),
    "baseline_trials": ("{n} trials: {text}", "{n} 試行：{text}"),
    "at_trial": ("trial {n}", "試行 {n}"),
    "none_yet": ("none yet", "まだなし"),
    "spending": ("Spending against budget", "予算に対する支出"),
    "unit": ("Unit", "単位"),
    "spent": ("Spent", "支出"),
    "held_amount": ("Held", "留保"),
    "budget": ("Budget", "予算"),
    "unbounded": ("no bound", "上限なし"),
    "spent_share": ("{spent} of {budget} {unit}, {held} held", "{unit}：予算 {budget}、支出 {spent}、留保 {held}"),
    "sources": ("Sources", "手段"),
    "source": ("Source", "手段"),
    "procedure": ("Procedure", "手順"),
    "price_each": ("Price of a trial", "1試行の対価"),
    "breaker": ("left alone: it kept failing", "遮断中（失敗が続いたため）"),
    "in_use": ("in use", "使用中"),
    "convergence": ("Convergence", "収束"),
    "plot_label": (
        "{name} by trial. {done} values of {source}; best so far {best}. The table of trials below has every number.",
        "試行ごとの {name}。{source} の値 {done} 件、これまでの最良 {best}。数値は下の試行表にあります。",
    ),
    "axis_trial": ("trial", "試行"),
    "point": ("Point", "条件"),
    "steps": ("Steps", "段階"),
    "why": ("Why", "理由"),
    "planner_said": ("planner", "計画器"),
    "receipts": ("Receipts", "受領記録"),
    "receipts_of": ("Receipts of trial {n}", "試行 {n} の受領記録"),
    "no_receipts": ("Nothing has been asked of an owner yet.", "提供元にはまだ何も依頼していません。"),
    "step": ("Step", "段階"),
    "key": ("Key", "キー"),
    "effect": ("Effect", "作用"),
    "result": ("Result", "結果"),
    "charged": ("Charged", "請求"),
    "outputs": ("Outputs", "出力"),
    "contact": ("ask {contact}", "連絡先：{contact}"),
    "latest_shown": (
        "The latest {n} of {all}; refused, uncertain and failed ones stay.",
        "全 {all} 件のうち最新 {n} 件（拒否・不確定・失敗は常に表示）。",
    ),
    "show_all": ("Show all {all}", "全 {all} 件を表示"),
    "show_latest": ("Show the latest", "最新のみ表示"),
    "export": ("Download the bundle that verifies offline", "オフラインで検証できる記録を保存"),
    "no_trials": ("The planner has not proposed yet.", "計画器の提案はまだありません。"),
    # -- tasks
    "tasks_of": ("Tasks of {site}", "{site} のタスク"),
    "uncertain_first": ("Uncertain: a person must look", "不確定：人の確認が必要"),
    "no_uncertain": ("No task is uncertain.", "不確定なタスクはありません。"),
    "all_tasks": ("Latest tasks", "最近のタスク"),
    "objects": ("Data", "データ"),
    "objects_of": ("Large data of {of}", "{of} の大きなデータ"),
    "objects_hint": (
        "What goes into tasks or comes out of them and is larger than 64 KiB. Each is known by its SHA-256.",
        "タスクの入力・出力のうち 64 KiB を超えるもの。SHA-256 で識別します。",
    ),
    "no_objects": ("There is none.", "ありません。"),
    "object": ("SHA-256", "SHA-256"),
    "object_name": ("Input or output", "入力・出力"),
    "size": ("Size", "サイズ"),
    "media_type": ("Kind", "種類"),
    "label": ("Label", "区分"),
    "label.public": ("public", "公開"),
    "label.team": ("team", "チーム内"),
    "label.restricted": ("restricted", "制限あり"),
    "made_at": ("Made at", "作成元"),
    "download": ("Download", "ダウンロード"),
    "object_erased": ("erased", "消去済み"),
    "object_absent": ("not here", "ここにありません"),
    "no_tasks": ("Nobody has asked this site for anything yet.", "このサイトへの依頼はまだありません。"),
    "asked_by": ("Asked by", "依頼元"),
    "changed": ("Changed", "更新時刻"),
    "settle": ("Settle", "確定"),
    "settle_title": ("What did it do? Look at the instrument first.", "何が起きましたか。まず装置を確認してください。"),
    "effect_none": ("Nothing happened (none)", "何も起きなかった（none）"),
    "effect_done": ("It happened (done)", "実行された（done）"),
    "note": ("What was seen", "確認した内容"),
    "acknowledge": ("Acknowledge", "確認済みにする"),
    "acknowledge_means": ("Stop the reminders; it stays uncertain", "通知を止める（不確定のまま）"),
    "condition_acknowledge_means": ("Stop the reminders while it lasts", "続いている間の通知を止める"),
    "acknowledged": ("acknowledged", "確認済み"),
    "cancel": ("Cancel", "取り消す"),
    "inputs": ("Inputs", "入力"),
    "awaited_first": ("Waiting for a person's approval", "人の承認待ち"),
    "nothing_awaited": ("Nothing waits for an approval.", "承認待ちのものはありません。"),
    "asked_by_agent": ("asked by the agent {agent}", "エージェント {agent} による依頼"),
    "permitted_by": ("permitted by {agreements}", "根拠となる協定：{agreements}"),
    "approved_by": ("Approved by {person}; it starts when there is room.", "{person} が承認済み。空き次第開始します。"),
    "digests": ("Digests of the request and the contract", "依頼と契約のダイジェスト"),
    "approve_how": (
        "A yes is signed with your own key, which this site does not hold. Where your key is, run this command; or "
        "hand in here what it signed with --out.",
        "承認はご自身の鍵で署名します（サイトは鍵を持ちません）。鍵のある場所で次のコマンドを実行するか、"
        "--out で署名したものをここに提出してください。",
    ),
    "signed_approval": ("Signed approval", "署名済みの承認"),
    "hand_in": ("Hand in", "提出"),
    "refuse": ("Refuse", "拒否"),
    "refuse_words": ("Why not; the asker reads this", "拒否の理由（依頼者に伝わります）"),
    # -- states
    "trial.proposed": ("proposed", "提案"),
    "trial.running": ("running", "実行中"),
    "trial.completed": ("completed", "完了"),
    "trial.infeasible": ("infeasible", "実行不能"),
    "trial.failed": ("failed", "失敗"),
    "trial.refused": ("refused", "拒否"),
    "trial.uncertain": ("uncertain", "不確定"),
    "trial.withdrawn": ("withdrawn", "取り下げ"),
    "task.new": ("asked", "依頼"),
    "task.accepted": ("accepted", "受理"),
    "task.dispatched": ("dispatched", "実行中"),
    "task.uncertain": ("uncertain", "不確定"),
    "task.ended": ("ended", "終了"),
    "task.refused": ("refused", "拒否"),
    "task.cancelled": ("cancelled", "取消"),
    "campaign.running": ("running", "実行中"),
    "campaign.held": ("held", "保留"),
    "campaign.stopping": ("stopping", "停止処理中"),
    "campaign.stopped": ("stopped", "停止"),
    "campaign.ended": ("ended", "終了"),
    "campaign.aborted": ("aborted", "中止"),
    "effect.": ("", ""),
    "effect.none": ("none", "なし"),
    "effect.done": ("done", "あり"),
    "effect.unknown": ("unknown", "不明"),
    "result.": ("", ""),
    "result.valid": ("valid", "有効"),
    "result.invalid": ("invalid", "無効"),
    "result.absent": ("absent", "なし"),
    "class.pure": ("pure", "作用なし"),
    "class.idempotent": ("idempotent", "反復可"),
    "class.queryable": ("queryable", "照会可"),
    "class.consuming": ("consuming", "消費"),
    "class.stateful": ("stateful", "状態依存"),
    "kind.simulation": ("simulation", "シミュレーション"),
    "kind.instrument": ("instrument", "装置"),
    "kind.robot": ("robot", "ロボット"),
    "kind.analysis": ("analysis", "解析"),
    "kind.training": ("training", "学習"),
    "kind.data": ("data", "データ"),
    "kind.model": ("model", "モデル"),
    # -- how an engine says that work went wrong
    "engine.infeasible": ("the point has no answer", "この条件では答えがありません"),
    "engine.failed": ("the capability raised an error", "機能がエラーで終わりました"),
    "engine.bad_inputs": ("the inputs do not hold what the contract says", "入力が契約に合いません"),
    "engine.bad_output": ("the answer is not what the contract says", "出力が契約に合いません"),
    "engine.output_too_large": ("it answered or printed more than is taken", "出力が大きすぎます"),
    "engine.time_limit": ("it ran longer than the contract allows", "契約の制限時間を超えました"),
    "engine.crashed": ("its process ended by itself", "プロセスが異常終了しました"),
    "engine.cancelled": ("taken back before it had an effect", "作用が生じる前に取り消されました"),
    "engine.never_happened": ("the device says that it has not done it", "装置は実行していないと回答しました"),
    "engine.not_started": ("it could not be started; nothing happened", "開始できず、何も起きていません"),
    "engine.station_silent": ("the station has been silent for too long", "ステーションからの応答が途絶えています"),
    "engine.station_restarted": ("the station ended in the middle of it", "途中でステーションが停止しました"),
    "engine.interrupted": ("it stopped in the middle", "途中で止まりました"),
    "engine.stopped": ("it was told to stop", "停止の指示により終了しました"),
}  # fmt: skip
TEXTS |= PROGRAMME | RIGHTS


@dataclass(frozen=True, slots=True)
class Words:
    """The texts in one language."""

    lang: Language

    def __call__(self, key: str, **fields: Any) -> str:
        """A text with its fields filled in.

        Raises:
            NotFound: no such text.
        """
        if key not in TEXTS:
            raise NotFound("text", key)
        return TEXTS[key][0 if self.lang == "en" else 1].format(**fields)

    def ago(self, seconds: float) -> str:
        """How long ago, in one unit."""
        names = (("day", "日", 86400), ("h", "時間", 3600), ("min", "分", 60), ("s", "秒", 1))
        for en, ja, size in names:
            if seconds >= size or size == 1:
                count = int(seconds // size)
                text = (
                    f"{count} {en}{'s' if en == 'day' and count > 1 else ''}" if self.lang == "en" else f"{count}{ja}"
                )
                return self("ago", text=text)
        return ""

    def reach(self, text: str) -> str:
        """How a peer is reached, from what the exchange says in English."""
        for start, key in (("listens at ", "listens"), ("dials out; mailbox at ", "dials_out")):
            if text.startswith(start):
                return self(key, where=text.removeprefix(start))
        return text

    def code(self, code: str) -> str:
        """What a reason code means here; empty for a code of somebody else's policy."""
        if code in REASONS:
            return explain(code, self.lang)
        return self(f"engine.{code}") if f"engine.{code}" in TEXTS else ""

    def reason(self, given: Explanation) -> tuple[str, str, str]:
        """Code, text and contact of a reason as its owner explained it: its words come first."""
        own = given.ja if self.lang == "ja" else given.en
        return given.code, own or self.code(given.code) or given.en, given.contact

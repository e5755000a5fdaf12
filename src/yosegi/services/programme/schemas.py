"""Answers for a programme office: what was agreed, given and asked under a charter, and what came of it."""

from __future__ import annotations

from typing import Literal

from yosegi.core.member_kinds import MemberKind
from yosegi.services.answer import Answer, Decimals, Timestamp
from yosegi.services.campaigns.schemas import Baseline, CampaignSummary
from yosegi.services.governance.schemas import AgreementDetail, TopicDetail
from yosegi.services.grants.schemas import GrantDetail, UsageRow

ResultKind = Literal["paper", "dataset", "model", "answer"]
"""What may come of a campaign; `answer` is an answered question."""


class MemberStanding(Answer):
    """A member: until when its statement holds, who hosts it, and with what its people sign in; empty for none."""

    id: str
    name: str
    kind: MemberKind
    country: str
    stated_until: Timestamp
    hosted_by: str
    identity_provider: str


class ChallengeStanding(TopicDetail):
    """A challenge: its focus area's title, the teams that work on it, and this site's campaigns for it."""

    area: str
    teams: tuple[str, ...]
    campaigns: tuple[str, ...]


class TeamStanding(Answer):
    """A team: how many people, the titles of its challenges, its agreements in force, and this site's campaigns."""

    id: str
    title: str
    lead: str
    sites: tuple[str, ...]
    people: int
    area: str
    challenges: tuple[str, ...]
    agreements: tuple[str, ...]
    campaigns: tuple[str, ...]


class CampaignResult(Answer):
    """What came of a campaign; `link` may be empty."""

    kind: ResultKind
    title: str
    link: str


class CampaignStanding(CampaignSummary):
    """A campaign beside its baseline, registered before the first trial, and its outcomes.

    Args:
        best: None, too, for those who may not see the team's work.
    """

    baseline: Baseline
    spent: Decimals
    outcomes: tuple[CampaignResult, ...]


class CharterProgramme(Answer):
    """Everything that this site knows of the work under a charter."""

    charter: str
    title: str
    version: int
    fingerprint: str
    expires: Timestamp
    alive: bool
    members: tuple[MemberStanding, ...]
    focus_areas: tuple[TopicDetail, ...]
    challenges: tuple[ChallengeStanding, ...]
    teams: tuple[TeamStanding, ...]
    agreements: tuple[AgreementDetail, ...]
    grants: tuple[GrantDetail, ...]
    campaigns: tuple[CampaignStanding, ...]
    usage: tuple[UsageRow, ...]
    warnings: tuple[str, ...]

"""The programme office's view: what was agreed, given and asked under a charter, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from yosegi.campaign import Campaign, campaign_stream
from yosegi.campaign.state import OUTCOME
from yosegi.core.errors import NotFound
from yosegi.governance.charter.registry import Registry
from yosegi.identity.accounts import Session
from yosegi.ledger import Ledger
from yosegi.services.campaigns.service import CampaignService
from yosegi.services.campaigns.summary import baseline_of, summary_of
from yosegi.services.governance.schemas import AgreementDetail, CharterDetail, TeamDetail
from yosegi.services.governance.service import GovernanceService
from yosegi.services.grants.service import GrantService
from yosegi.services.programme.schemas import (
    CampaignResult,
    CampaignStanding,
    ChallengeStanding,
    CharterProgramme,
    MemberStanding,
    ResultKind,
    TeamStanding,
)

USAGE_BY = ("charter", "funder", "team", "challenge", "home", "institution", "agreement", "campaign")


@dataclass
class ProgrammeService:
    """What one site knows of the work under its charters: its own grants and campaigns, and its agreements."""

    ledger: Ledger
    registry: Registry
    governance: GovernanceService
    grants: GrantService
    campaigns: CampaignService

    def list(self, who: Session, charter: str = "") -> tuple[CharterProgramme, ...]:
        """Of each charter, or the one named: challenges, teams, agreements, grants, campaigns and their outcomes.

        That another team works, for which challenge and with which outcomes is everybody's to see; the best that it
        has found, and why it stands where it does, is for those who may see its work.

        Raises:
            NotFound: this site does not live in that charter.
        """
        known = self.registry.charters()
        if charter and charter not in known:
            raise NotFound("charter", charter, known)
        return tuple(self._under(name, who) for name in ([charter] if charter else known))

    def _under(self, name: str, who: Session) -> CharterProgramme:
        charter, agreements = self.governance.charter(name), self.governance.agreements(name)
        campaigns = tuple(self.standing(one, who) for one in self.campaigns.readable() if one.spec.charter == name)
        areas = {area.id: area.title for area in charter.focus_areas}
        return CharterProgramme(
            charter=name,
            title=charter.title,
            version=charter.version,
            fingerprint=charter.fingerprint,
            expires=charter.expires,
            alive=charter.alive,
            members=_members(charter),
            focus_areas=charter.focus_areas,
            challenges=_challenges(charter, areas, campaigns),
            teams=tuple(_team(team, charter, areas, agreements, campaigns) for team in charter.teams),
            agreements=agreements,
            grants=tuple(grant for grant in self.grants.list() if grant.charter == name),
            campaigns=campaigns,
            usage=self.grants.usage(USAGE_BY),
            warnings=charter.warnings,
        )

    def standing(self, campaign: Campaign, who: Session) -> CampaignStanding:
        """A campaign beside its baseline, registered before the first trial, and its outcomes; for somebody."""
        sees = self.campaigns.authorizer.may_see(campaign.spec.charter, campaign.spec.team, who)
        entries = self.ledger.read(campaign_stream(campaign.spec.name))
        found = ((str(e.facts["kind"]), e.body or {}) for e in entries if e.type == OUTCOME)
        return CampaignStanding(
            **dict(summary_of(campaign)) | ({} if sees else {"best": None, "why": ""}),
            baseline=baseline_of(campaign),
            spent=campaign.spent().decimals(),
            outcomes=tuple(
                CampaignResult(kind=cast("ResultKind", kind), title=body.get("title", ""), link=body.get("link", ""))
                for kind, body in found
            ),
        )

    async def register_outcome(
        self, name: str, kind: ResultKind, title: str, link: str, who: Session
    ) -> CampaignStanding:
        """Record what came of a campaign: a paper, data set, model or answered question.

        Raises:
            NotFound: no such campaign at this home site, or one of another team.
            Refused: somebody who is not in its team, or an agent under whose mandate it does not run.
        """
        self.campaigns.check_acts_for(self.campaigns.get_for(name, who), who, f"registering an outcome of {name}")
        await self.campaigns.engine.register_outcome(name, kind, title, link, by=who.person)
        return self.standing(self.campaigns.get(name), who)


def _members(charter: CharterDetail) -> tuple[MemberStanding, ...]:
    return tuple(
        MemberStanding(
            id=member.id,
            name=member.name,
            kind=member.kind,
            country=member.country,
            stated_until=charter.statements[member.id],
            hosted_by=member.hosted_by or "",
            identity_provider=charter.identity_providers.get(member.id, ""),
        )
        for member in charter.members
    )


def _challenges(
    charter: CharterDetail, areas: Mapping[str, str], campaigns: Sequence[CampaignStanding]
) -> tuple[ChallengeStanding, ...]:
    return tuple(
        ChallengeStanding(
            **dict(one),
            area=areas.get(one.focus_area, ""),
            teams=tuple(team.id for team in charter.teams if one.id in team.challenges),
            campaigns=tuple(campaign.name for campaign in campaigns if campaign.challenge == one.id),
        )
        for one in charter.challenges
    )


def _team(
    team: TeamDetail,
    charter: CharterDetail,
    areas: Mapping[str, str],
    agreements: Sequence[AgreementDetail],
    campaigns: Sequence[CampaignStanding],
) -> TeamStanding:
    titles = {challenge.id: challenge.title for challenge in charter.challenges}
    return TeamStanding(
        id=team.id,
        title=team.title,
        lead=team.lead,
        sites=team.sites,
        people=len(team.people),
        area=areas.get(team.focus_area, ""),
        challenges=tuple(titles[one] for one in team.challenges),
        agreements=tuple(a.name for a in agreements if team.id in a.teams and a.in_force),
        campaigns=tuple(campaign.name for campaign in campaigns if campaign.team == team.id),
    )

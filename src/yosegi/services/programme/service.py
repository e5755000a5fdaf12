"""The programme office's view: what was agreed, given and asked under a charter, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yosegi.campaign import Campaign, Campaigns, campaign_stream
from yosegi.campaign.state import OUTCOME
from yosegi.core.errors import NotFound
from yosegi.governance.charter.registry import Registry
from yosegi.identity.accounts import Session
from yosegi.ledger import Ledger
from yosegi.services.governance.service import GovernanceService
from yosegi.services.grants.service import GrantService
from yosegi.services.grants.view import usage
from yosegi.services.schemas import campaign_summary


@dataclass
class ProgrammeService:
    """What one site knows of the work under its charters."""

    ledger: Ledger
    registry: Registry
    governance: GovernanceService
    grants: GrantService
    campaigns: Campaigns

    def list(self, charter: str = "") -> list[dict[str, Any]]:
        """Of each charter, or the one named: challenges, teams, agreements, grants, campaigns and their outcomes.

        It tells what this site knows: its own grants and campaigns, and agreements to which it is a party.

        Raises:
            NotFound: this site does not live in that charter.
        """
        known = self.registry.charters()
        if charter and charter not in known:
            raise NotFound("charter", charter, known)
        return [self._under(name) for name in ([charter] if charter else known)]

    def _under(self, name: str) -> dict[str, Any]:
        told = self.governance.charter(name)
        grants = [grant for grant in self.grants.list() if grant["charter"] == name]
        agreements = self.governance.agreements(name)
        everything = (self.campaigns.get(campaign) for campaign in self.campaigns.names())
        campaigns = [self.outcome_of(one) for one in everything if one.spec.charter == name]
        areas = {area["id"]: area["title"] for area in told["focus_areas"]}
        titles = {challenge["id"]: challenge["title"] for challenge in told["challenges"]}
        return {
            "charter": name,
            "title": told["title"],
            "version": told["version"],
            "fingerprint": told["fingerprint"],
            "expires": told["expires"],
            "alive": told["alive"],
            "members": [
                {key: member[key] for key in ("id", "name", "kind", "country")}
                | {"stated_until": told["statements"][member["id"]], "hosted_by": member.get("hosted_by", "")}
                | {"identity_provider": told["identity_providers"].get(member["id"], "")}
                for member in told["members"]
            ],
            "focus_areas": told["focus_areas"],
            "challenges": [
                one
                | {
                    "area": areas.get(one.get("focus_area", ""), ""),
                    "teams": [team["id"] for team in told["teams"] if one["id"] in team.get("challenges", ())],
                    "campaigns": [c["name"] for c in campaigns if c["challenge"] == one["id"]],
                }
                for one in told["challenges"]
            ],
            "teams": [
                {key: team[key] for key in ("id", "title", "lead", "sites")}
                | {
                    "people": len(team["people"]),
                    "area": areas.get(team.get("focus_area", ""), ""),
                    "challenges": [titles[one] for one in team.get("challenges", ())],
                    "agreements": [a["name"] for a in agreements if team["id"] in a["teams"] and a["in_force"]],
                    "campaigns": [c["name"] for c in campaigns if c["team"] == team["id"]],
                }
                for team in told["teams"]
            ],
            "agreements": agreements,
            "grants": grants,
            "campaigns": campaigns,
            "usage": usage(
                self.ledger.query,
                ("charter", "funder", "team", "challenge", "home", "institution", "agreement", "campaign"),
            ),
            "warnings": told["warnings"],
        }

    def outcome_of(self, campaign: Campaign) -> dict[str, Any]:
        """A campaign beside its baseline, registered before the first trial, and its outcomes."""
        entries = self.ledger.read(campaign_stream(campaign.spec.name))
        outcomes = [{"kind": e.facts["kind"]} | (e.body or {}) for e in entries if e.type == OUTCOME]
        return campaign_summary(campaign) | {
            "baseline": campaign.spec.baseline.model_dump(mode="json", exclude_none=True),
            "spent": campaign.spent().decimals(),
            "outcomes": outcomes,
            "unit": campaign.spec.objective.unit,
            "objective": campaign.spec.objective.name,
        }

    async def register_outcome(self, name: str, kind: str, title: str, link: str, who: Session) -> dict[str, Any]:
        """Record what came of a campaign: a paper, data set, model or answered question.

        Raises:
            NotFound: no such campaign at this home site.
        """
        await self.campaigns.register_outcome(name, kind, title, link, by=who.person)
        return self.outcome_of(self.campaigns.get(name))

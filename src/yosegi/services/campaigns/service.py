"""The campaigns of a home site, as people ask for them: begun under a mandate, moved, looked at and exported."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.campaign import Campaign, Campaigns, CampaignSpec
from yosegi.core.contract import Conduct
from yosegi.core.errors import NotFound, Refused
from yosegi.core.identifiers import home_of, split_capability
from yosegi.core.reasons import explain
from yosegi.core.states import CampaignState
from yosegi.exchange import Channels
from yosegi.exchange.clock_watch import ClockWatch
from yosegi.identity.accounts import Session
from yosegi.services.access.service import AccessLog
from yosegi.services.authorization.roles import check_person
from yosegi.services.authorization.service import Authorizer
from yosegi.services.campaigns.export import CampaignExporter
from yosegi.services.campaigns.schemas import CampaignDetail, CampaignMoved, CampaignSummary
from yosegi.services.campaigns.summary import detail_of, summary_of
from yosegi.services.delegation.service import MandateService


@dataclass
class CampaignService:
    """What people do with the campaigns of one home site, and what they may see of them."""

    site: str
    engine: Campaigns
    clocks: ClockWatch
    authorizer: Authorizer
    mandates: MandateService
    exporter: CampaignExporter
    access: AccessLog
    channels: Channels

    # -- looking --------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Every campaign of this home site."""
        return self.engine.names()

    def get(self, name: str) -> Campaign:
        """One campaign, whoever asks; what is shown to people goes through `get_for`.

        Raises:
            NotFound: none of that name.
        """
        return self.engine.get(name)

    def get_for(self, name: str, who: Session) -> Campaign:
        """One campaign, for somebody who may see it.

        Raises:
            NotFound: none of that name, or one of another team; which, is not said.
        """
        found = self.engine.get(name)
        if not self.authorizer.may_see(found.spec.charter, found.spec.team, who):
            raise NotFound("campaign", name)
        return found

    def show(self, name: str, who: Session) -> CampaignDetail:
        """One campaign with its trials, as it is shown to somebody.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        return self._detail(self.get_for(name, who))

    def _detail(self, campaign: Campaign) -> CampaignDetail:
        return detail_of(campaign, self.last_error(campaign.spec.name))

    def summaries(self, who: Session) -> tuple[CampaignSummary, ...]:
        """One line for every campaign that somebody may see."""
        return tuple(summary_of(campaign) for campaign in self.list_for(who))

    def list_for(self, who: Session) -> list[Campaign]:
        """Every campaign that somebody may see."""
        found = (self.engine.get(name) for name in self.engine.names())
        return [one for one in found if self.authorizer.may_see(one.spec.charter, one.spec.team, who)]

    def last_error(self, name: str) -> str:
        """Why a campaign stands: its last step could not be taken, or an owner it asks hears nothing of this site.

        Empty while it goes on, and once it is over.
        """
        return self.engine.last_error(name) or self._unheard(self.engine.get(name))

    def _unheard(self, campaign: Campaign) -> str:
        if campaign.state.final:
            return ""
        owners = {split_capability(ref)[0] for ref in campaign.spec.capabilities()}
        barred = sorted(c.peer for c in self.channels if c.suspended_there and c.peer in owners)
        return " ".join(explain("suspended_by_peer", peer=peer) for peer in barred)

    async def export(self, name: str) -> bytes:
        """The whole campaign as a bundle that verifies offline, whoever asks.

        Raises:
            NotFound: none of that name.
        """
        return await self.exporter.export(self.get(name))

    async def export_for(self, name: str, who: Session) -> bytes:
        """The same, for somebody who may see it.

        Raises:
            NotFound: none of that name, or one of another team.
        """
        found = self.get_for(name, who)
        await self.access.exported("campaign", name, who)
        return await self.exporter.export(found)

    # -- acting ---------------------------------------------------------------------------------------------------

    async def start(self, spec: CampaignSpec, who: Session, mandate: str = "") -> CampaignDetail:
        """Begin a campaign on behalf of whom its file names, under a mandate; an agent's under its own.

        A member who names none gives the campaign one of its own by starting it.

        Raises:
            Refused: somebody else's name is in the file, or that of somebody this site does not vouch for, its team
                does not work on the challenge it names, or it asks for more than the mandate allows.
            NotFound: a charter or a team that this site does not know.
            Unavailable: this site's clock is off, and a mandate given by it would be of another time.
        """
        self.clocks.check_own()
        if spec.on_behalf_of != who.person and who.role != "officer":
            raise Refused(f"campaign {spec.name}", ("not_on_behalf_of_others",))
        self._check_charter(spec)
        mandate = mandate or who.mandate
        if mandate:
            contracts = {ref: self.engine.contract_of(spec.charter, ref) for ref in spec.capabilities()}
            self.mandates.check_campaign(mandate, spec, contracts, who)
        return self._detail(await self.engine.begin(spec, by=who.person, mandate=mandate))

    def _check_charter(self, spec: CampaignSpec) -> None:
        """See that the charter, team, home and challenge that a file names are known here and belong together."""
        registry = self.authorizer.registry
        charters = registry.charters()
        if spec.charter not in charters:
            raise NotFound("charter", spec.charter, charters)
        charter = registry.federation(spec.charter).roster.charter
        teams = tuple(team.id for team in charter.teams)
        if spec.team not in teams:
            raise NotFound("team", spec.team, teams)
        home = home_of(spec.on_behalf_of)
        if home != self.site and not self.authorizer.registry.hosts(spec.charter, home):
            raise Refused(f"campaign {spec.name}", ("institution_not_hosted",))
        if spec.challenge is not None and spec.challenge not in charter.challenges_of(spec.team):
            raise Refused(f"campaign {spec.name} for {spec.challenge}", ("challenge_not_of_team",))

    async def move(
        self, name: str, state: CampaignState, who: Session, why: str, conduct: Conduct | None = None
    ) -> CampaignDetail | CampaignMoved:
        """Hold, resume, safely stop or abort a campaign.

        Everybody who is signed in may stop; what is shown is for those who may see the campaign.

        Raises:
            NotFound: none of that name; or to go on with, or further, one of another team.
            Refused: an agent resumes it, or it is to go further than before and is somebody else's.
        """
        if state is CampaignState.RUNNING:
            self.get_for(name, who)
            check_person(who, f"resuming campaign {name}")
        if conduct is not None and self.get_for(name, who).spec.on_behalf_of != who.person:
            raise Refused(f"changing how far campaign {name} goes", ("not_on_behalf_of_others",))
        why = why or f"asked by {who.person}"
        moved = await self.engine.move(name, state, by=who.person, why=why, conduct=conduct)
        if not self.authorizer.may_see(moved.spec.charter, moved.spec.team, who):
            return CampaignMoved(name=name, state=moved.state)
        return self._detail(moved)

"""The mandates that members give their campaigns by starting, resuming and extending them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yosegi.campaign.mandate import mandate_of
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign, campaign_stream
from yosegi.core.clock import Clock
from yosegi.core.contract import Conduct, Contract
from yosegi.core.errors import Refused
from yosegi.governance.mandates.delegation import Delegation
from yosegi.ledger import Ledger, Write


def mandate_in(given: Write) -> str:
    """The name of the mandate that a write gives."""
    return given.stream.partition("/")[2]


@dataclass(frozen=True)
class CampaignMandates:
    """Mandates of the campaigns of one home site, as what is to be recorded."""

    site: str
    ledger: Ledger
    delegation: Delegation
    clock: Clock

    def first(self, spec: CampaignSpec, contracts: Mapping[str, Contract], by: str) -> Write:
        """The one its member gives a campaign by starting it."""
        return self._given(spec, contracts, by, spec.conduct, 1)

    def another(self, campaign: Campaign, spec: CampaignSpec, by: str, conduct: Conduct) -> Write:
        """One more for a campaign that goes on with other bounds.

        Args:
            campaign: as it is.
            spec: as it is to be.
            by: who gives it.
            conduct: the furthest it may go.
        """
        count = sum(entry.facts.get("mandate", "") != "" for entry in self.ledger.read(campaign_stream(spec.name)))
        return self._given(spec, campaign.contracts, by, conduct, count + 1)

    def renewed(self, campaign: Campaign, by: str, conduct: Conduct | None) -> Write | None:
        """The one its member gives a campaign by resuming it, where the one it has is over or reaches too short.

        Raises:
            Refused: somebody else resumes it, who cannot give one.
        """
        wanted = conduct or campaign.conduct
        if campaign.mandate and self.delegation.over(campaign.mandate) is None:
            right = self.delegation.get(campaign.mandate).right
            if wanted in right.conduct:
                return None
        spec = campaign.spec
        if by != spec.on_behalf_of:
            raise Refused(f"resuming campaign {spec.name} under a new mandate", ("not_on_behalf_of_others",))
        return self.another(campaign, spec, by, wanted)

    def own(self, campaign: Campaign) -> str:
        """The mandate that is a campaign's alone, while it lives; one that was named for it may serve others too."""
        mandate = campaign.mandate
        if not mandate or self.delegation.over(mandate) is not None:
            return ""
        own = mandate.startswith(f"{campaign.spec.name[:110]}.m")
        return mandate if own and self.delegation.get(mandate).campaign == campaign.spec.name else ""

    async def end(self, campaign: Campaign) -> None:
        """End the mandate that a campaign was given by starting it, once nothing of it is under way any more."""
        if mandate := self.own(campaign):
            why = f"campaign {campaign.spec.name} is {campaign.state}"
            await self.ledger.append(self.delegation.cancel(mandate, why, self.site))

    def _given(
        self, spec: CampaignSpec, contracts: Mapping[str, Contract], by: str, conduct: Conduct, number: int
    ) -> Write:
        return self.delegation.give(mandate_of(spec, contracts, conduct, number, self.clock.now(), self.site), by)

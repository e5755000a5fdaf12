"""Why a campaign waits, and what would let it go on: for its page, and as an alert to the member it acts for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from yosegi.campaign import Campaign, Campaigns, Trial
from yosegi.campaign.shipping import needs_of
from yosegi.campaign.spec import ShipmentSpec
from yosegi.core.clock import Clock, parse_timestamp
from yosegi.core.identifiers import split_capability
from yosegi.core.states import CampaignState
from yosegi.governance.policy.explanation import explained
from yosegi.services.alerts.health import HealthProblem
from yosegi.trust.explanation import Explanation

_LOOK = "its trials say what was told"
"""What an owner said is shown with its trials, as that owner's words, and is in no notice of this site's."""
TOLD_FOR = timedelta(days=1)
"""How long an end is told, if nobody has acknowledged it."""


def waits_for(campaign: Campaign) -> tuple[str, dict[str, str]] | None:
    """Why a campaign is held, as a reason code with its fields; None if it is not."""
    if campaign.state is not CampaignState.HELD:
        return None
    spec = campaign.spec
    fields = {"campaign": spec.name, "why": campaign.why, "person": spec.on_behalf_of, "contact": spec.on_behalf_of}
    if campaign.held_by:
        return "campaign_held_by_person", fields | {"person": campaign.held_by, "contact": campaign.held_by}
    if campaign.tally.lapsed:
        owner = campaign.trial(campaign.tally.lapsed).steps[-1].owner
        return "campaign_grant_used", fields | {"owner": owner, "contact": f"operator@{owner}"}
    first = spec.source[0]
    if first.name in campaign.open_breakers:
        owners = ", ".join(
            dict.fromkeys(split_capability(ref)[0] for step in first.step for ref in step.alternatives())
        )
        return "campaign_source_failing", fields | {"source": first.name, "owner": owners, "why": _LOOK}
    if campaign.conduct == "suggest":
        return "campaign_suggested", fields
    return "campaign_mandate_over", fields


def explanation_of(campaign: Campaign) -> Explanation | None:
    """The same in words; None where it does not wait."""
    found = waits_for(campaign)
    return None if found is None else explained(found[0], **found[1])


def awaits_of(campaign: Campaign, trial: Trial) -> Explanation | None:
    """Which shipment a trial waits for, in words; None where it waits for none."""
    need = next(iter(needs_of(campaign, trial) if trial.under_way else ()), None)
    if need is None or need.lost:
        return None
    steps, known = campaign.spec.source_named(trial.source).step, need.standing
    terms = next(step.shipment for step in steps if step.name == need.step) or ShipmentSpec()
    fields = {
        "trial": str(trial.number), "sample": need.sample, "to": need.to, "giver": need.holder, "why": "",
        "batch": str(terms.batch), "days": f"{terms.at_most_days:g}",
    }  # fmt: skip
    if known is None:
        return explained("sample_gathers" if terms.batch > 1 else "sample_to_ship", **fields)
    codes = {"in_transit": "sample_in_transit", "quarantined": "sample_set_aside"}
    return explained(codes.get(known.state, "sample_to_ship"), **fields | {"giver": known.giver, "why": known.why})


class CampaignConditions:
    """What the members on whose behalf campaigns run are to be told.

    Args:
        engine: the campaigns of this home site.
    """

    def __init__(self, engine: Campaigns, clock: Clock) -> None:
        self._engine, self._clock = engine, clock

    def __call__(self) -> Iterator[HealthProblem]:
        """What holds now: campaigns that hold themselves, sources left alone, and ends of the last day, each once."""
        for campaign in self._engine.readable():
            name, person = campaign.spec.name, campaign.spec.on_behalf_of
            found = waits_for(campaign)
            if found is not None and found[0] != "campaign_held_by_person":
                yield HealthProblem(f"campaign/{name}/{found[0]}", *found, name, person=person)
            elif campaign.state is CampaignState.RUNNING:
                yield from self._failing(campaign, person)
            elif campaign.state is CampaignState.ENDED and self._is_recent(campaign):
                fields = {"campaign": name, "why": campaign.why, "best": _best(campaign), "contact": person}
                about = f"campaign/{name}/ended/{campaign.moved_at}"
                yield HealthProblem(about, "campaign_ended", fields, name, person=person, once=True)

    def _failing(self, campaign: Campaign, person: str) -> Iterator[HealthProblem]:
        for source in sorted(campaign.open_breakers):
            steps = campaign.spec.source_named(source).step
            owners = ", ".join(dict.fromkeys(split_capability(ref)[0] for step in steps for ref in step.alternatives()))
            name = campaign.spec.name
            fields = {"campaign": name, "source": source, "owner": owners, "why": _LOOK, "contact": person}
            about = f"campaign/{name}/source/{source}"
            yield HealthProblem(about, "campaign_source_failing", fields, name, person=person)

    def _is_recent(self, campaign: Campaign) -> bool:
        return bool(campaign.moved_at) and self._clock.now() - parse_timestamp(campaign.moved_at) < TOLD_FOR


def _best(campaign: Campaign) -> str:
    best = campaign.best()
    if best is not None:
        return f"{campaign.spec.main.name} {best.value:.4g} at trial {best.number}"
    return f"a front of {len(campaign.front())}" if campaign.front() else "none"

"""What a trial's next step asks of its owner, as a request and as an entry of the campaign."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from yosegi.campaign import state as types
from yosegi.campaign.decide import RequestStep
from yosegi.campaign.shipping import AskShipment, shipment_draft, shipped_as
from yosegi.campaign.spec import CampaignSpec
from yosegi.campaign.state import Campaign
from yosegi.campaign.step_inputs import inputs_of
from yosegi.core.contract import Contract, strictest
from yosegi.core.object import ObjectRef, is_object
from yosegi.exchange.request_draft import AuthorizedRequest, RequestDraft
from yosegi.exchange.requests import Requests
from yosegi.ledger import Draft, Write
from yosegi.trust.samples import ShipmentAsked


class CampaignAuthorization(Protocol):
    """What the home site's own policy says about a request of its member."""

    def authorize(self, request: RequestDraft) -> AuthorizedRequest:
        """The request with each object under the strictest label known here, and whether the member may ask for it."""
        ...

    def attested(self, person: str) -> tuple[str, ...] | None:
        """What the home site attests of a member."""
        ...


@dataclass(frozen=True)
class StepRequests:
    """Requests for the steps of a home site's campaigns.

    Args:
        requests: where they are made.
        authorizer: decides for the home site.
        object_named: the object of a digest, as it is known here; raises NotFound.
    """

    requests: Requests
    authorizer: CampaignAuthorization
    object_named: Callable[[str], ObjectRef]

    def ask(self, campaign: Campaign, action: RequestStep) -> tuple[Draft, tuple[Write, ...]]:
        """The entry that says a step was asked for, and the request that asks, to be recorded in one commit.

        Raises:
            NotFound: an object that an input names is not here.
        """
        spec, trial = campaign.spec, campaign.trials[action.trial - 1]
        step = next(s for s in spec.source_named(trial.source).step if s.name == action.step)
        contract = campaign.contracts[action.capability]
        values = spec.columns_of(trial.candidate) | dict(trial.values)
        given = inputs_of(spec, step, contract, values, trial.outputs())
        inputs = self._with_objects(contract, shipped_as(trial, step, given, contract, action.owner))
        request = RequestDraft(
            charter=spec.charter,
            key=action.key,
            team=spec.team,
            on_behalf_of=spec.on_behalf_of,
            purpose=spec.purpose,
            campaign=spec.name,
            capability=action.capability,
            contract=contract,
            inputs=inputs,
            # What went into the inputs: all that the campaign has seen; objects have labels of their own.
            sensitivity=strictest("public" if trial.steps else "team", campaign.learned.sensitivity),
            conduct=None if campaign.conduct == "run" else campaign.conduct,
            mandate=campaign.mandate or None,
            clearances=self.authorizer.attested(spec.on_behalf_of),
            challenge=spec.challenge,
            learned=campaign.learned,
        )
        facts = {
            "trial": trial.number,
            "step": action.step,
            "owner": action.owner,
            "key": action.key,
            "held": dict(contract.cost),
        } | ({"capability": action.capability} if step.any_of else {})
        return Draft(types.ASKED, facts), self.requests.draft(self.authorizer.authorize(request))

    def ask_shipment(self, campaign: Campaign, action: AskShipment) -> Draft:
        """The entry by which a holder is asked to ship samples, if its program speaks of that."""
        spoken = self.requests.directory.version_for(campaign.spec.charter, action.giver, ShipmentAsked)
        signer = self.requests.signer if spoken else None
        return shipment_draft(campaign, action, self.requests.site, self.requests.clock.now(), signer)

    def check_objects(self, spec: CampaignSpec, contracts: Mapping[str, Contract]) -> None:
        """See that every object that a campaign file names is here, before anything is recorded.

        Raises:
            NotFound: one is not.
        """
        for source in spec.source:
            for step in source.step:
                self._with_objects(contracts[step.capability], dict(step.set))

    def _with_objects(self, contract: Contract, inputs: dict[str, Any]) -> dict[str, Any]:
        """Inputs with each object that is named by its digest as a reference to it."""
        named = {
            name: self.object_named(inputs[name]).json()
            for name, schema in contract.inputs.get("properties", {}).items()
            if is_object(schema) and isinstance(inputs.get(name), str)
        }
        return inputs | named

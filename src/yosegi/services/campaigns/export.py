"""A campaign exported as one bundle that anybody can check offline."""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.campaign import Campaign, campaign_stream
from yosegi.data import ObjectStore
from yosegi.exchange.requests import Requests, request_stream
from yosegi.governance.policy.disclosure import disclosed, disclosure_stream
from yosegi.ledger import ERASED, LEDGER, Ledger
from yosegi.services.authorization.disclosure import PolicyDisclosure
from yosegi.trust.signer import Signer
from yosegi.verification.bundle import Bundle, Exported
from yosegi.verification.bundle_objects import exported_objects
from yosegi.verification.decision_replay import policies_of


@dataclass
class CampaignExporter:
    """Makes bundles of the campaigns of one home site.

    Args:
        disclosure: fetches the policies that owners' decisions rest on, as far as they show them.
        lasting: signs what must be believed in twenty years, beside the key that signs everything.
    """

    site: str
    ledger: Ledger
    requests: Requests
    disclosure: PolicyDisclosure
    store: ObjectStore
    lasting: Signer | None = None

    async def export(self, campaign: Campaign) -> bytes:
        """The bundle of a campaign."""
        name = campaign.spec.name
        charter = campaign.spec.charter
        keys = [(step.owner, step.key) for trial in campaign.trials for step in trial.steps]
        asked = [self.requests.get(*pair) for pair in keys]
        await self.disclosure.complete(asked)
        streams = [f"governance/{charter}", campaign_stream(name), *(request_stream(*pair) for pair in keys)]
        found = [e for stream in streams for e in self.ledger.read(stream)]
        # Every publication of policies is named; those are whole that a decision rests on.
        wanted, policies = policies_of(found), self.ledger.read(f"policy/{charter}")
        bare = {e.sequence for e in policies if e.facts["digest"] not in wanted}
        shown = [
            e for owner in {owner for owner, _ in keys} for e in self.ledger.read(disclosure_stream(charter, owner))
        ]
        needed = {digest for one in asked for digest, _ in disclosed(one.decided)}
        bare |= {e.sequence for e in shown if e.facts["digest"] not in needed}
        entries = [*found, *policies, *shown]
        sequences = {entry.sequence for entry in entries}
        # Where a body was erased, so does the entry that says by whom and why.
        entries += [e for e in self.ledger.read(LEDGER) if e.type == ERASED and e.facts["sequence"] in sequences]
        entries.sort(key=lambda e: e.sequence)
        proof, checkpoint = self.ledger.attest([entry.sequence for entry in entries])
        if self.lasting is not None:
            checkpoint = checkpoint.signed_also_by(self.lasting)
        bundle = Bundle(
            campaign=name,
            charter=charter,
            site=self.site,
            code=entries[-1].header.code,
            entries=tuple(Exported.of(entry, bare=entry.sequence in bare) for entry in entries),
            proof=proof,
            checkpoint=checkpoint,
            objects=exported_objects(self.ledger, self.store, entries) or None,
        )
        return bundle.to_bytes()

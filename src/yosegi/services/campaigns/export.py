"""A campaign exported as one bundle that anybody can check offline."""

from __future__ import annotations

from yosegi.campaign import campaign_stream
from yosegi.exchange.requests import request_stream
from yosegi.governance.policy.disclosure import disclosed, disclosure_stream
from yosegi.ledger import ERASED, LEDGER
from yosegi.services.runtime import Site
from yosegi.verification.bundle import Bundle, Exported
from yosegi.verification.bundle_objects import exported_objects
from yosegi.verification.decision_replay import policies_of


async def export_campaign(site: Site, name: str) -> bytes:
    """The bundle of a campaign.

    Raises:
        NotFound: none of that name here.
    """
    campaign = site.campaigns.get(name)
    charter = campaign.spec.charter
    keys = [(step.owner, step.key) for trial in campaign.trials for step in trial.steps]
    asked = [site.requests.get(*pair) for pair in keys]
    await site.evidence.complete(asked)
    streams = [f"governance/{charter}", campaign_stream(name), *(request_stream(*pair) for pair in keys)]
    found = [e for stream in streams for e in site.ledger.read(stream)]
    # Every publication of policies is named; those are whole that a decision rests on.
    wanted, policies = policies_of(found), site.ledger.read(f"policy/{charter}")
    bare = {e.sequence for e in policies if e.facts["digest"] not in wanted}
    shown = [e for owner in {owner for owner, _ in keys} for e in site.ledger.read(disclosure_stream(charter, owner))]
    needed = {digest for one in asked for digest, _ in disclosed(one.decided)}
    bare |= {e.sequence for e in shown if e.facts["digest"] not in needed}
    entries = [*found, *policies, *shown]
    sequences = {entry.sequence for entry in entries}
    # Where a body was erased, so does the entry that says by whom and why.
    entries += [e for e in site.ledger.read(LEDGER) if e.type == ERASED and e.facts["sequence"] in sequences]
    entries.sort(key=lambda e: e.sequence)
    proof, checkpoint = site.ledger.attest([entry.sequence for entry in entries])
    if site.lasting is not None:
        checkpoint = checkpoint.signed_also_by(site.lasting)
    bundle = Bundle(
        campaign=name,
        charter=charter,
        site=site.name,
        code=entries[-1].header.code,
        entries=tuple(Exported.of(entry, bare=entry.sequence in bare) for entry in entries),
        proof=proof,
        checkpoint=checkpoint,
        objects=exported_objects(site.ledger, site.objects.store, entries) or None,
    )
    return bundle.to_bytes()

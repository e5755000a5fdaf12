"""What would keep a campaign from its answer, found before it starts: rights, by this site's own policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yosegi.campaign.spec import CampaignSpec
from yosegi.core.contract import Contract
from yosegi.core.errors import NotFound
from yosegi.core.file_findings import FileFinding
from yosegi.exchange.request_draft import RequestDraft
from yosegi.governance.policy.note import Note
from yosegi.services.authorization.service import Authorizer

PURPOSE = "purpose_not_covered"


def right_findings(
    spec: CampaignSpec, contracts: Mapping[str, Contract], authorizer: Authorizer, mandate: str
) -> Iterator[FileFinding]:
    """Why this site's own policy would not let the campaign ask for a capability: each reason once.

    The owner's policy has the last word, and is asked with each request; what this site knows already is said now.
    """
    said: set[tuple[str, str]] = set()
    for place, source in enumerate(spec.source):
        for number, step in enumerate(source.step):
            at = ("source", place, "step", number, "capability")
            refusals = [
                (ref, n) for ref in step.alternatives() for n in _refusals(spec, ref, contracts, authorizer, mandate)
            ]
            for ref, note in refusals:
                purpose = note.code == PURPOSE
                finding = FileFinding(
                    ("purpose",) if purpose else at,
                    "purpose" if purpose else f"source {source.name}, step {step.name} ({ref})",
                    f"{note.explain('en')} ({note.code})",
                )
                if (finding.where, finding.why) not in said:
                    said.add((finding.where, finding.why))
                    yield finding


def _refusals(
    spec: CampaignSpec, ref: str, contracts: Mapping[str, Contract], authorizer: Authorizer, mandate: str
) -> tuple[Note, ...]:
    draft = RequestDraft(
        charter=spec.charter,
        key="check",
        team=spec.team,
        on_behalf_of=spec.on_behalf_of,
        purpose=spec.purpose,
        campaign=spec.name,
        capability=ref,
        contract=contracts[ref],
        inputs={},
        conduct=None if spec.conduct == "run" else spec.conduct,
        mandate=mandate or None,
        clearances=authorizer.attested(spec.on_behalf_of),
        challenge=spec.challenge,
        labelled={},
    )
    try:
        decision = authorizer.authorize(draft).decision
    except NotFound:
        return ()
    return () if decision.allow else decision.notes

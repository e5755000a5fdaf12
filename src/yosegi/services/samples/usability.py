"""Whether a task may use the samples that its inputs name: they are here, of its team, and in a state to be used.

Asked when a request comes and once more just before its task starts, for every road by which a request can come. A
name that is not known here is refused: nobody has said what it is, whose, and whether it may be touched. Of another
team's sample nothing is told, not even that there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

from yosegi.core.contract import Contract
from yosegi.core.samples import is_sample_id, sample_values
from yosegi.governance.policy.explanation import explained
from yosegi.services.samples.entries import Sample
from yosegi.services.samples.records import SampleRecords
from yosegi.services.samples.states import USABLE, SampleState
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import Request

_NOT_USABLE = {
    SampleState.QUARANTINED: "sample_quarantined",
    SampleState.LOST: "sample_lost",
    SampleState.IN_TRANSIT: "sample_given_away",
}
"""The reason by state; of every other that is not usable, that there is no such sample any more."""


@dataclass(frozen=True, slots=True)
class SampleUsability:
    """Says of a request which of its samples it may not use.

    Args:
        records: of the samples that this site knows.
    """

    records: SampleRecords

    def not_usable(self, request: Request, contract: Contract) -> tuple[Explanation, ...]:
        """Why a request may not use samples that it names, one reason a sample; empty where it may use them all."""
        names = dict.fromkeys(sample_values(contract.inputs, request.inputs))
        found = (self._why_not(name, request) for name in names)
        return tuple(reason for reason in found if reason is not None)

    def _why_not(self, name: str, request: Request) -> Explanation | None:
        site = self.records.site
        called = name if "/" in name else f"{site}/{name}"
        if not is_sample_id(called):
            return explained("sample_misnamed", sample=name[:200])
        return why_not_usable(called, self.records.find(called), site, request.charter, request.team)


def why_not_usable(name: str, sample: Sample | None, site: str, charter: str, team: str) -> Explanation | None:
    """Why a site's task of a team may not use a sample; None if it may.

    Cases, in order:
      1. nothing is known of it here, or it is another team's;
      2. another site has it;
      3. it is set aside, lost, on its way to another site, or there is no such sample any more.
    """
    contact = f"operator@{site}"
    if sample is None or (sample.charter, sample.team) != (charter, team):
        return explained("sample_unknown", sample=name, team=team, site=site)
    if sample.holder != site:
        return explained("sample_elsewhere", sample=name, site=site, holder=sample.holder)
    if sample.state in USABLE:
        return None
    code = _NOT_USABLE.get(sample.state, "sample_gone")
    return explained(code, sample=name, site=site, to=sample.to, contact=contact)

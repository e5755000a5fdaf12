"""Everything that is wrong with a campaign before it starts: names, contracts, rights, planning."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from yosegi.campaign import BadCampaign, Campaign, Campaigns, CampaignSpec
from yosegi.campaign.findings import located
from yosegi.campaign.planning import check_planning
from yosegi.campaign.spec_check import findings_against, taken_over
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid, NotFound, Refused
from yosegi.core.file_findings import FileFinding
from yosegi.core.identifiers import home_of
from yosegi.core.toml_lines import KeyPath
from yosegi.governance.agreements.label import Label
from yosegi.identity.accounts import Session
from yosegi.services.agents.proposing import ProposingAgents
from yosegi.services.authorization.service import Authorizer
from yosegi.services.campaigns.earlier import with_earlier
from yosegi.services.campaigns.start_check import right_findings


@dataclass(frozen=True, slots=True)
class Prepared:
    """A campaign as it would be started.

    Args:
        spec: with what its earlier campaigns measured.
        contracts: of the capabilities it names, as far as they are known here.
        label: of what it knows from earlier campaigns.
        unknown: what it names and this site does not know.
    """

    spec: CampaignSpec
    contracts: Mapping[str, Contract]
    label: Label
    unknown: tuple[FileFinding, ...]


@dataclass(frozen=True, slots=True)
class CampaignChecker:
    """Holds campaigns against what a site knows; changes nothing."""

    site: str
    engine: Campaigns
    authorizer: Authorizer
    proposing: ProposingAgents

    def prepared(self, spec: CampaignSpec, who: Session, get: Callable[[str], Campaign]) -> Prepared:
        """The campaign with what it names.

        Args:
            spec: what is asked.
            who: would start it.
            get: a campaign that they may see.

        Raises:
            Refused: they may not start it at all.
        """
        if spec.on_behalf_of != who.person and who.role != "officer":
            raise Refused(f"campaign {spec.name}", ("not_on_behalf_of_others",))
        unknown = [*self._names(spec)]
        earlier, label = list(spec.earlier), Label()
        for number, one in enumerate(spec.earlier):
            try:
                filled, learned = with_earlier(spec.model_copy(update={"earlier": (one,)}), get)
            except (NotFound, Invalid) as error:
                unknown.append(_not_known(("earlier", number), f"earlier {one.name}", error))
                continue
            earlier[number], label = filled.earlier[0], label | learned
        contracts: dict[str, Contract] = {}
        if (charter := self._charter(spec)) is not None:
            for place, ref in _capabilities(spec):
                try:
                    contracts[ref] = self.engine.contract_of(charter, ref)
                except NotFound as error:
                    unknown.append(_not_known(place, "capability", error))
        return Prepared(spec.model_copy(update={"earlier": tuple(earlier)}), contracts, label, tuple(unknown))

    def findings(self, ready: Prepared, mandate: str) -> Iterator[FileFinding]:
        """What would have its trials refused or unread, and what its planner cannot do."""
        spec, contracts = ready.spec, ready.contracts
        yield from findings_against(spec, contracts)
        if ready.unknown:
            return
        yield from right_findings(spec, contracts, self.authorizer, mandate)
        try:
            check_planning(taken_over(spec, contracts))
        except (Invalid, NotFound) as error:
            yield FileFinding(("planner",), "the question", str(error))

    def despite(self, error: BadCampaign, who: Session, get: Callable[[str], Campaign]) -> BadCampaign:
        """The same with what else is wrong with a file, as far as it can be read."""
        if error.readable is None:
            return error
        try:
            ready = self.prepared(error.readable, who, get)
        except Refused:
            return error
        places = [one.path for one in error.findings]
        more = [*ready.unknown, *findings_against(ready.spec, ready.contracts)]
        # What was taken out of the file to read the rest is not said to be missing.
        more = [one for one in more if not any(_within(one.path, place) for place in places)]
        return BadCampaign(error.what, [*error.findings, *located(more, error.lines)], error.readable, error.lines)

    def _names(self, spec: CampaignSpec) -> Iterator[FileFinding]:
        registry = self.authorizer.registry
        if spec.charter not in registry.charters():
            error = NotFound("charter", spec.charter, registry.charters())
            yield _not_known(("charter",), "charter", error)
        if (known := self._charter(spec)) is None:
            return
        charter = registry.federation(known).roster.charter
        teams = tuple(team.id for team in charter.teams)
        if spec.team not in teams:
            yield _not_known(("team",), "team", NotFound("team", spec.team, teams))
        if spec.charter != known or spec.team not in teams:
            return
        home = home_of(spec.on_behalf_of)
        if home != self.site and not registry.hosts(spec.charter, home):
            raise Refused(f"campaign {spec.name}", ("institution_not_hosted",))
        if spec.challenge is not None and spec.challenge not in charter.challenges_of(spec.team):
            raise Refused(f"campaign {spec.name} for {spec.challenge}", ("challenge_not_of_team",))
        if spec.agent is not None and spec.agent.name is not None:
            try:
                self.proposing.check(spec.agent.name)
            except (NotFound, Invalid) as error:
                yield _not_known(("agent", "name"), "agent", error)

    def _charter(self, spec: CampaignSpec) -> str | None:
        """Where its capabilities are looked for: in its charter, or in the only one that it can have meant."""
        charters = self.authorizer.registry.charters()
        return spec.charter if spec.charter in charters else charters[0] if len(charters) == 1 else None


def _capabilities(spec: CampaignSpec) -> Iterator[tuple[KeyPath, str]]:
    """Each capability with where it is named first."""
    said: set[str] = set()
    for place, source in enumerate(spec.source):
        for number, step in enumerate(source.step):
            for ref in step.alternatives():
                if ref not in said:
                    said.add(ref)
                    at = ("source", place, "step", number)
                    yield ((*at, "capability") if ref == step.capability else (*at, "any_of", ref)), ref


def _not_known(path: KeyPath, where: str, error: NotFound | Invalid) -> FileFinding:
    if isinstance(error, Invalid):
        return FileFinding(path, where, f"{error.what}: {error.why}", error.todo)
    known = f"known here: {', '.join(error.known[:8])}" if error.known else ""
    return FileFinding(path, where, f"no {error.kind} {error.name!r}", known)


def _within(path: KeyPath, place: KeyPath) -> bool:
    """Whether one lies within the other."""
    return path[: len(place)] == place or place[: len(path)] == path

"""Agreements: what a team may use, for which purpose, under which terms, until when; signed by its parties only.

An agreement compiles to exactly one link of the program's own Cedar template, whose policy id is the agreement's name,
so that the name stands as the reason in every decision it allowed. Its terms are data: attributes of an entity that is
also the group of its teams and of what they may use. Nothing else permits; sites add nothing but forbids.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from yosegi.core.contract import SENSITIVITIES, Conduct, Sensitivity
from yosegi.core.identifiers import CharterId, Clearance, PersonId, SiteId, TeamId, split_capability
from yosegi.core.values import Value
from yosegi.governance.charter.charter import Charter, Country, Title
from yosegi.trust.document import Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

PolicyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", max_length=60)]
"""A policy's id: ASCII, lower case, one kind of separator, so that no two look alike."""

Selector = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*/(?:\*|[a-z0-9._@-]+\*?)$", max_length=121)]
"""Capabilities of one site: exactly (`nims/colour.mix@1`), by prefix (`nims/colour.*`) or all (`nims/*`)."""

Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]
ExportClass = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$", max_length=60)]

Terms = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
"""What people agreed on, in their words; the program keeps and shows it."""

TEMPLATE = "yosegi-agreement"
"""The template that every agreement links; `builtin.cedar` has its text."""


class Determination(Value):
    """Who found an export class to apply, by which list, and when. The program keeps it; people answer for it.

    Args:
        export_class: the class, e.g. `EAR99`.
        regime: the law, e.g. `EAR` or `FEFA`.
        list_version: the version of its list that was read.
        by: who determined it, as a role at a site.
        on: when.
    """

    export_class: ExportClass
    regime: Title
    list_version: Title
    by: PersonId
    on: Moment


class ModelTerms(Value):
    """What a language model's endpoint may be shown.

    Args:
        endpoint: its name, as agents state it.
        highest_sensitivity: of what it may see.
    """

    endpoint: Purpose
    highest_sensitivity: Sensitivity


class ClearanceTerms(Value):
    """What a person needs for some export classes, and whose word on it counts.

    Nationality is never shipped: the home site attests the clearance, on grounds that it keeps to itself.

    Args:
        clearance: what is needed.
        export_classes: for capabilities of these classes.
        attested_by: the parties whose attestation counts, of their own people and of those their sites host.
    """

    clearance: Clearance
    export_classes: tuple[ExportClass, ...] = Field(min_length=1)
    attested_by: tuple[SiteId, ...] = Field(min_length=1)


class Agreement(Document):
    """A permission that its parties gave.

    Args:
        charter: under which charter.
        name: its name, and the id of its policy.
        version: grows with each change.
        title: for people.
        teams: whom it is for; for a house agreement the site's own groups.
        team: the same, as an agreement for one team said it before there could be several; either is there.
        house: whether it covers one site's own staff and nobody else.
        parties: members bound by it. People come from these, capabilities belong to these.
        capabilities: which capabilities may be used.
        purposes: what for.
        highest_sensitivity: of anything that goes in or comes out.
        export_classes: which export classes are covered; each but `none` needs a determination.
        determinations: who determined them, by which list, and when.
        residency: countries to which results may go; any, if none is named. Those of a hosted member's people go to
            its host's.
        models: which language models' endpoints may see what; none, if none is named.
        clearances: what people need for some of the export classes; nothing, if none is named.
        conduct: whether capabilities may be asked to suggest, to run after approval, or to run.
        agents: whether agents may act for the team's members.
        approvers: members of the team who may approve what needs approval; nobody, if none is named.
        valid_from: start.
        valid_until: end.
        embargo: until when results may not be published.
        publication: who may publish what, and who is named.
        intellectual_property: whose what comes of it is.
        terms: everything else people agreed on that no program decides.
    """

    kind: ClassVar[str] = "agreement"

    charter: CharterId
    name: PolicyName
    version: int = Field(default=1, ge=1, le=10**6)
    title: Title
    teams: tuple[TeamId, ...] | None = Field(default=None, min_length=1, max_length=100)
    team: TeamId | None = None
    house: bool = False
    parties: tuple[SiteId, ...] = Field(min_length=1, max_length=100)
    capabilities: tuple[Selector, ...] = Field(min_length=1, max_length=200)
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    highest_sensitivity: Sensitivity = "team"
    export_classes: tuple[ExportClass, ...] = ("none",)
    determinations: tuple[Determination, ...] = ()
    residency: tuple[Country, ...] = ()
    models: tuple[ModelTerms, ...] = ()
    clearances: tuple[ClearanceTerms, ...] | None = None
    conduct: tuple[Conduct, ...] = ("suggest", "approve", "run")
    agents: bool = True
    approvers: tuple[PersonId, ...] = ()
    valid_from: Moment
    valid_until: Moment
    embargo: Moment | None = None
    publication: Terms | None = None
    intellectual_property: Terms | None = None
    terms: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_its_teams(self) -> Self:
        if (self.team is None) == (self.teams is None):
            raise ValueError("names whom it is for once: `teams`, or one `team` as older agreements do")
        for what, names in (("party", self.parties), ("team", self.for_teams)):
            if len(set(names)) != len(names):
                raise ValueError(f"a {what} is there more than once")
        return self

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.valid_until <= self.valid_from:
            raise ValueError("ends before it begins")
        if self.house and len(self.parties) != 1:
            raise ValueError("a house agreement has one party: the house")
        for selector in self.capabilities:
            owner = selector.partition("/")[0]
            if owner not in self.parties:
                raise ValueError(f"{selector} belongs to {owner}, which is no party: nobody permits what another owns")
        determined = {determination.export_class for determination in self.determinations} | {"none"}
        if undetermined := sorted(set(self.export_classes) - determined):
            raise ValueError(f"nobody has determined the export class {undetermined[0]}")
        if len({terms.endpoint for terms in self.models}) != len(self.models):
            raise ValueError("a model's endpoint is there more than once")
        if self.name.startswith("yosegi-"):
            raise ValueError("names that begin with yosegi- are kept for the program's own rules")
        return self

    @model_validator(mode="after")
    def _asks_for_clearances_it_can_judge(self) -> Self:
        for terms in self.clearances or ():
            if outside := sorted(set(terms.attested_by) - set(self.parties)):
                raise ValueError(f"{outside[0]} is no party, so its attestation of {terms.clearance} cannot count")
            if unknown := sorted(set(terms.export_classes) - set(self.export_classes)):
                raise ValueError(f"{terms.clearance} is asked for {unknown[0]}, which the agreement does not cover")
        return self

    @property
    def for_teams(self) -> tuple[str, ...]:
        """The teams, or groups of the house, whom it is for."""
        return self.teams or tuple(filter(None, (self.team,)))

    def covers(self, ref: str) -> bool:
        """Whether it selects a capability `site/name@version`."""
        return any(
            ref.startswith(selector[:-1]) if selector.endswith("*") else ref == selector
            for selector in self.capabilities
        )

    def in_force(self, now: datetime) -> bool:
        """Whether the moment lies between its dates."""
        return self.valid_from <= now < self.valid_until

    def why_not(self, facts: Mapping[str, object]) -> tuple[str, dict[str, str]] | None:
        """The first of its terms that a question does not meet, as reason code and fields, or none.

        It explains a refusal and never makes one: the policy decides.

        Args:
            facts: `capability`, `home`, `voucher` (the site that vouches for the person), `countries` (to which
                results go), `purpose`, `sensitivity`, `export_class`, `conduct`, `agent`, `model`, `clearances`,
                `now` (a datetime).
        """
        now = facts["now"]
        sensitivity = _up_to(self.highest_sensitivity)
        shown = {terms.endpoint: _up_to(terms.highest_sensitivity) for terms in self.models}
        model = facts["model"]
        lacking, abroad = self._lacking(facts), self._abroad(facts["countries"])
        tests: tuple[tuple[bool, str, object], ...] = (
            (isinstance(now, datetime) and self.in_force(now), "agreement_not_in_force", now),
            (self.covers(str(facts["capability"])), "capability_not_covered", facts["capability"]),
            (facts["home"] in self.parties, "home_not_a_party", facts["home"]),
            (facts["purpose"] in self.purposes, "purpose_not_covered", facts["purpose"]),
            (facts["sensitivity"] in sensitivity, "sensitivity_not_covered", facts["sensitivity"]),
            (facts["export_class"] in self.export_classes, "export_class_not_covered", facts["export_class"]),
            (facts["conduct"] in self.conduct, "conduct_not_covered", facts["conduct"]),
            (self.agents or not facts["agent"], "agents_not_covered", facts["agent"]),
            (abroad is None, "residency_not_covered", abroad),
            (lacking is None, "clearance_missing", lacking),
            (model is None or facts["sensitivity"] in shown.get(str(model), ()), "model_not_covered", model),
        )
        for holds, code, asked in tests:
            if not holds:
                return code, {"agreement": self.name, "asked": str(asked), "until": f"{self.valid_until:%Y-%m-%d}"}
        return None

    def _abroad(self, countries: object) -> object:
        """The first country to which results would go and may not."""
        found = countries if isinstance(countries, tuple) else ()
        return next((country for country in found if self.residency and country not in self.residency), None)

    def _lacking(self, facts: Mapping[str, object]) -> str | None:
        """The first clearance that a person needs and nobody whose word counts has attested."""
        attested = facts.get("clearances")
        held = set(attested) if isinstance(attested, tuple) else set()
        for terms in self.clearances or ():
            counts = terms.clearance in held and facts["voucher"] in terms.attested_by
            if facts["export_class"] in terms.export_classes and not counts:
                return f"{terms.clearance} ({', '.join(terms.attested_by)})"
        return None

    def to_cedar(self) -> dict[str, Any]:
        """The agreement's terms as a Cedar entity, in JSON: the group that its link names, with what it demands.

        Raises:
            Invalid: a selector that names neither a capability's version nor ends with `*`.
        """
        for selector in self.capabilities:
            if not selector.endswith("*"):
                split_capability(selector)
        attrs = {
            "digest": self.digest,
            "parties": [_ref("Site", party) for party in self.parties],
            "purposes": list(self.purposes),
            "sensitivities": list(_up_to(self.highest_sensitivity)),
            "export_classes": list(self.export_classes),
            "conduct": list(self.conduct),
            "residency": list(self.residency),
            "models": [
                {"endpoint": terms.endpoint, "sensitivity": shown}
                for terms in self.models
                for shown in _up_to(terms.highest_sensitivity)
            ],
            "agents": self.agents,
            "approvers": [_ref("Person", person) for person in self.approvers],
            "valid_from": int(self.valid_from.timestamp()),
            "valid_until": int(self.valid_until.timestamp()),
        }
        uid = {"type": "Agreement", "id": self.name}
        return {"uid": uid, "attrs": attrs, "parents": [], "tags": self._clearances_by_class()}

    @property
    def link(self) -> dict[str, Any]:
        """The one link of the template, under the agreement's name: it is the group of who and of what."""
        group = {"type": "Agreement", "id": self.name}
        return {"template_id": TEMPLATE, "new_id": self.name, "values": {"?principal": group, "?resource": group}}

    def _clearances_by_class(self) -> dict[str, Any]:
        """For each export class that needs some: the clearances, and the sites whose word counts for all of them."""
        found: dict[str, Any] = {}
        for terms in self.clearances or ():
            for name in terms.export_classes:
                needed, sites = found.get(name, (set(), set(self.parties)))
                found[name] = needed | {terms.clearance}, sites & set(terms.attested_by)
        return {
            name: {"needed": sorted(needed), "attesters": [_ref("Site", site) for site in sorted(sites)]}
            for name, (needed, sites) in found.items()
        }


def accept_agreement(charter: Charter, envelope: Envelope, now: datetime, known: Agreement | None = None) -> Agreement:
    """The agreement in an envelope, if each of its parties signed it with enough of its governance keys.

    Args:
        charter: the charter in force.
        envelope: as received.
        now: the moment to judge by; an agreement that has ended is refused, one that begins later is not.
        known: the version of it that is known here.

    Raises:
        Untrusted: a party is no member, or has not signed; somebody else signed; another charter; an older version;
            or it has ended.
        Invalid: signed, but not an agreement.
    """
    claimed = Agreement.peek(envelope)
    what = f"agreement {claimed.name}"
    parties = []
    for site in claimed.parties:
        member = charter.member(site)
        if member is None:
            raise Untrusted(what, "not_a_member", site=site, charter=charter.id)
        parties.append(member)
    keys = {key.key_id: key for member in parties for key in member.keys}
    agreement = Agreement.open(envelope, keys, now=now, charter=charter.id)
    key_ids = [signature.key_id for signature in envelope.signatures]
    for member in parties:
        if not member.signed(key_ids, charter.algorithms):
            have = member.have_signed(key_ids, charter.algorithms)
            raise Untrusted(what, "too_few_keys", site=member.id, have=have, need=member.needed)
    if known is not None and agreement != known and agreement.version <= known.version:
        raise Untrusted(what, "agreement_rolled_back", found=agreement.version, current=known.version)
    if now >= agreement.valid_until:
        raise Untrusted(what, "agreement_not_in_force", agreement=agreement.name, until=f"{agreement.valid_until:%F}")
    return agreement


def _up_to(highest: Sensitivity) -> tuple[Sensitivity, ...]:
    return SENSITIVITIES[: SENSITIVITIES.index(highest) + 1]


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": name}}

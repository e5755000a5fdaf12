"""Answers about charters, agreements, policy and suspensions."""

from __future__ import annotations

from typing import Literal

from yosegi.core.contract_terms import Conduct, Kind, Sensitivity
from yosegi.core.member_kinds import MemberKind
from yosegi.services.answer import Answer, Timestamp, ToldBy
from yosegi.trust.explanation import Explanation
from yosegi.trust.keys import PublicKey


class MemberDetail(Answer):
    """A member of a charter, with its governance keys and how many of them it signs with."""

    id: str
    name: str
    kind: MemberKind
    country: str
    keys: tuple[PublicKey, ...]
    needed: int
    hosted_by: str | None


class TeamDetail(Answer):
    """A team of a charter: its lead institution, its institutions, and its members at their home sites."""

    id: str
    title: str
    lead: str
    sites: tuple[str, ...]
    people: tuple[str, ...]
    focus_area: str
    challenges: tuple[str, ...]


class TopicDetail(Answer):
    """A focus area of a charter, or a challenge within one."""

    id: str
    title: str
    focus_area: str


class ThresholdDetail(Answer):
    """Who must sign a change of a charter: so many members, and so many of every country."""

    members: int
    per_country: int


class CharterDetail(Answer):
    """One charter as this site knows it.

    Args:
        previous: digest of the version before; none for the first.
        digest: names this version.
        fingerprint: the beginning of the digest, to be read aloud.
        alive: whether it has not expired.
        statements: until when each member's statement holds; empty for one without.
        identity_providers: with which each member's people sign in; empty where they have accounts at the site.
        warnings: what to look at.
    """

    id: str
    version: int
    previous: str | None
    title: str
    issued: Timestamp
    expires: Timestamp
    threshold: ThresholdDetail
    members: tuple[MemberDetail, ...]
    teams: tuple[TeamDetail, ...]
    focus_areas: tuple[TopicDetail, ...]
    challenges: tuple[TopicDetail, ...]
    post_quantum: bool
    demonstration: bool
    networks: tuple[str, ...]
    digest: str
    fingerprint: str
    alive: bool
    statements: dict[str, Timestamp]
    identity_providers: dict[str, str]
    warnings: tuple[str, ...]


class DocumentPublished(Answer):
    """A signed document that was put in force: under which charter, of which kind, and its digest."""

    charter: str
    kind: str
    digest: str


class DeterminationDetail(Answer):
    """Who found an export class to apply, by which version of which list, and when."""

    export_class: str
    regime: str
    list_version: str
    by: str
    on: Timestamp


class ModelDetail(Answer):
    """What a language model's endpoint may be shown."""

    endpoint: str
    highest_sensitivity: Sensitivity


class ClearanceDetail(Answer):
    """What a person needs for some export classes, and whose word on it counts."""

    clearance: str
    export_classes: tuple[str, ...]
    attested_by: tuple[str, ...]


class AgreementDetail(Answer):
    """An agreement to which this site is a party; its terms mean what they mean in the signed document.

    Args:
        digest: names this version.
        in_force: whether it is within its dates, the charter in force has its parties, and it is not suspended here.
    """

    charter: str
    name: str
    version: int
    title: str
    teams: tuple[str, ...]
    house: bool
    parties: tuple[str, ...]
    capabilities: tuple[str, ...]
    purposes: tuple[str, ...]
    highest_sensitivity: Sensitivity
    export_classes: tuple[str, ...]
    determinations: tuple[DeterminationDetail, ...]
    residency: tuple[str, ...]
    models: tuple[ModelDetail, ...]
    clearances: tuple[ClearanceDetail, ...]
    conduct: tuple[Conduct, ...]
    agents: bool
    approvers: tuple[str, ...]
    valid_from: Timestamp
    valid_until: Timestamp
    embargo: Timestamp | None
    publication: str | None
    intellectual_property: str | None
    terms: dict[str, str]
    digest: str
    in_force: bool


class OwnerAnswer(Answer):
    """What an owner said of one of its capabilities.

    Args:
        at: when it said so; empty if it has not.
        allow: whether it would do it all; none if it has not said anything yet.
        step: the first step that it would refuse.
        agreements: by which it would do it.
        why_not_asked: why it was not asked now, or would not answer.
    """

    site: str
    told_by: ToldBy
    at: Timestamp
    allow: bool | None
    step: str
    agreements: tuple[str, ...]
    reasons: tuple[Explanation, ...]
    why_not_asked: Explanation | None


class PolicyAnswer(Answer):
    """What this site's policy answers to a question, and what the owner says it would do.

    Args:
        agreements: that allow it.
        reasons: why not, in both languages.
        policies: digest of the policies in force.
        owner: none for this site's own capability.
    """

    capability: str
    person: str
    team: str
    charter: str
    purpose: str
    action: str
    allow: bool
    agreements: tuple[str, ...]
    reasons: tuple[Explanation, ...]
    policies: str
    owner: OwnerAnswer | None = None


class AccessLine(PolicyAnswer):
    """Whether somebody may use one capability in one of their teams, with the capability's title and kind.

    Args:
        windows: when it may be used, as its owner wrote it; empty where it always may be.
    """

    title: str
    kind: Kind
    told_by: ToldBy
    windows: str = ""


class WhatIfAnswer(Answer):
    """The answer as things are and as they would be, and whether this site's own answer changes."""

    now: PolicyAnswer
    then: PolicyAnswer
    changes: bool


class PolicyWarnings(Answer):
    """What to look at in the policies in force."""

    warnings: tuple[str, ...]


class SuspensionDetail(Answer):
    """One thing that is barred at this site, or was until now."""

    kind: Literal["site", "person", "agent", "team", "agreement", "capability"]
    name: str
    charter: str
    since: Timestamp
    by: str
    why: str

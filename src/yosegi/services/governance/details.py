"""Charters, agreements, decisions and suspensions as the values that faces show."""

from __future__ import annotations

from collections.abc import Mapping

from yosegi.core.clock import timestamp
from yosegi.core.identifiers import split_capability
from yosegi.core.reasons import Language
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.charter.charter import Charter, Named, Team
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.explanation import why
from yosegi.services.governance.schemas import (
    AgreementDetail,
    CharterDetail,
    ClearanceDetail,
    DeterminationDetail,
    MemberDetail,
    ModelDetail,
    OwnerAnswer,
    PolicyAnswer,
    SuspensionDetail,
    TeamDetail,
    ThresholdDetail,
    TopicDetail,
)
from yosegi.services.preflight.service import PreflightAnswer


def charter_detail(
    charter: Charter,
    *,
    alive: bool,
    statements: Mapping[str, str],
    identity_providers: Mapping[str, str],
    warnings: tuple[str, ...],
) -> CharterDetail:
    """A charter, with what a site knows of its members."""
    return CharterDetail(
        id=charter.id,
        version=charter.version,
        previous=charter.previous,
        title=charter.title,
        issued=timestamp(charter.issued),
        expires=timestamp(charter.expires),
        threshold=ThresholdDetail(members=charter.threshold.members, per_country=charter.threshold.per_country),
        members=tuple(
            MemberDetail(**{name: getattr(member, name) for name in MemberDetail.model_fields})
            for member in charter.members
        ),
        teams=tuple(_team(team) for team in charter.teams),
        focus_areas=tuple(_topic(area) for area in charter.focus_areas),
        challenges=tuple(_topic(challenge) for challenge in charter.challenges),
        post_quantum=charter.post_quantum,
        demonstration=charter.demonstration,
        networks=charter.networks,
        digest=charter.digest,
        fingerprint=charter.fingerprint,
        alive=alive,
        statements=dict(statements),
        identity_providers=dict(identity_providers),
        warnings=warnings,
    )


def _team(team: Team) -> TeamDetail:
    return TeamDetail(
        id=team.id,
        title=team.title,
        lead=team.lead,
        sites=team.sites,
        people=team.people,
        focus_area=team.focus_area,
        challenges=team.challenges or (),
    )


def _topic(named: Named) -> TopicDetail:
    return TopicDetail(id=named.id, title=named.title, focus_area=named.focus_area)


_SAME = (
    "charter", "name", "version", "title", "house", "parties", "capabilities", "purposes", "highest_sensitivity",
    "export_classes", "residency", "conduct", "agents", "approvers", "publication", "intellectual_property", "digest",
)  # fmt: skip
"""What an agreement is shown by as it is."""


def agreement_detail(agreement: Agreement, in_force: bool) -> AgreementDetail:
    """An agreement; its teams stand in `teams`, however it was signed."""
    return AgreementDetail(
        **{name: getattr(agreement, name) for name in _SAME},
        teams=agreement.for_teams,
        determinations=tuple(
            DeterminationDetail(
                export_class=one.export_class,
                regime=one.regime,
                list_version=one.list_version,
                by=one.by,
                on=timestamp(one.on),
            )
            for one in agreement.determinations
        ),
        models=tuple(
            ModelDetail(endpoint=one.endpoint, highest_sensitivity=one.highest_sensitivity) for one in agreement.models
        ),
        clearances=tuple(
            ClearanceDetail(clearance=one.clearance, export_classes=one.export_classes, attested_by=one.attested_by)
            for one in agreement.clearances or ()
        ),
        valid_from=timestamp(agreement.valid_from),
        valid_until=timestamp(agreement.valid_until),
        embargo=None if agreement.embargo is None else timestamp(agreement.embargo),
        terms=dict(agreement.terms),
        in_force=in_force,
    )


def policy_answer(decision: Decision, owner: OwnerAnswer | None) -> PolicyAnswer:
    """A decision, each reason in both languages, and what the owner says."""
    question = decision.question
    return PolicyAnswer(
        capability=question.capability.ref,
        person=question.person,
        team=question.team,
        charter=question.charter,
        purpose=question.purpose,
        action=question.action,
        allow=decision.allow,
        agreements=decision.reasons if decision.allow else (),
        reasons=why(decision),
        policies=decision.policies_digest,
        owner=owner,
    )


def owner_answer(ref: str, seen: PreflightAnswer) -> OwnerAnswer:
    """What an owner said of one of its capabilities, and when."""
    would, site = seen.would.get(ref), split_capability(ref)[0]
    return OwnerAnswer(
        site=site,
        told_by=site,
        at="" if seen.at is None else timestamp(seen.at),
        allow=None if would is None else would.allow,
        step="" if would is None else would.at,
        agreements=() if would is None else would.agreements,
        reasons=() if would is None else would.reasons,
        why_not_asked=seen.why_not,
    )


_STEPS = {
    "accept": ("accept it", "受理しません"),
    "dispatch": ("start it", "開始しません"),
    "release": ("release what comes of it", "結果を開示しません"),
}


def owner_sentence(answer: OwnerAnswer, lang: Language) -> str:
    """An owner's answer as a sentence; the reasons are left to whoever shows it."""
    site, at, english = answer.site, answer.at, lang == "en"
    if answer.allow is None:
        return f"{site} has not said yet what it would do" if english else f"{site} からの回答はまだありません"
    if answer.allow:
        by = ", ".join(answer.agreements)
        return f"{site} would do it, by {by} (said {at})" if english else f"{site} は {by} により応じます（{at} 時点）"
    refuses = _STEPS.get(answer.step, (answer.step, answer.step))
    return f"{site} would not {refuses[0]} (said {at})" if english else f"{site} は{refuses[1]}（{at} 時点）"


def suspension_detail(suspension: Suspension) -> SuspensionDetail:
    """One thing that is barred at a site."""
    return SuspensionDetail(
        kind=suspension.kind,
        name=suspension.name,
        charter=suspension.charter,
        since=timestamp(suspension.since),
        by=suspension.by,
        why=suspension.why,
    )

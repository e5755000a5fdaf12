"""Clearances: the home site attests them, and the agreement says whose attestation counts for which export class."""

from __future__ import annotations

import pytest

from governance.world import agreement, charter, determined, facts, question
from yosegi.governance.agreements.agreement import ClearanceTerms
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy

CONTROLLED = facts(export_class="EAR99")
TERMS = ClearanceTerms(clearance="export-a", export_classes=("EAR99",), attested_by=("argonne",))


def decided(clearances, capability=CONTROLLED, terms=TERMS, **changes):
    covered = agreement(
        export_classes=("none", "EAR99"), determinations=determined("EAR99"), clearances=(terms,) if terms else None
    )
    policy = Policy.build("nims", Directory.of(charter()), [covered], {})
    return policy.decide(question(capability=capability, clearances=clearances, **changes))


def test_a_clearance_that_the_home_site_attests_is_enough():
    assert decided(("export-a",)).allow
    assert decided(("other", "export-a")).allow


@pytest.mark.parametrize("held", [None, (), ("other",), ("export",), ("export-ab",)], ids=str)
def test_without_it_the_capability_is_refused_and_the_reason_names_it(held):
    decision = decided(held)
    assert not decision.allow
    assert decision.reasons == ("clearance_missing",)
    assert decision.notes[0].fields["asked"] == "export-a (argonne)"


def test_the_attestation_of_a_site_whose_word_does_not_count_is_none():
    elsewhere = ClearanceTerms(clearance="export-a", export_classes=("EAR99",), attested_by=("riken",))
    assert decided(("export-a",), terms=elsewhere).reasons == ("clearance_missing",)


def test_of_two_clearances_for_one_class_both_are_needed_and_each_from_whose_word_counts():
    second = ClearanceTerms(clearance="site-access", export_classes=("EAR99",), attested_by=("argonne", "riken"))
    covered = agreement(
        export_classes=("none", "EAR99"), determinations=determined("EAR99"), clearances=(TERMS, second)
    )
    policy = Policy.build("nims", Directory.of(charter()), [covered], {})

    def held(*names):
        return policy.decide(question(capability=CONTROLLED, clearances=names)).reasons

    assert held("export-a", "site-access") == ("colour-2026",)
    assert held("export-a") == held("site-access") == ("clearance_missing",)
    elsewhere = second.model_copy(update={"attested_by": ("riken",)})
    other = Policy.build(
        "nims", Directory.of(charter()), [covered.model_copy(update={"clearances": (TERMS, elsewhere)})]
    )
    both = question(capability=CONTROLLED, clearances=("export-a", "site-access"))
    assert other.decide(both).reasons == ("clearance_missing",)


@pytest.mark.parametrize("action", ["request", "accept", "dispatch", "release"])
def test_every_step_of_a_task_asks_for_it(action):
    assert not decided(None, action=action).allow
    assert decided(("export-a",), action=action).allow


def test_other_export_classes_need_none():
    assert decided(None, capability=facts()).allow


def test_an_agreement_that_asks_for_none_is_as_it_was():
    """What was signed before there were clearances keeps its bytes and its digest."""
    assert b"clearances" not in agreement().to_bytes()
    assert agreement().to_cedar()["tags"] == {}
    assert decided(None, terms=None).allow


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        (ClearanceTerms(clearance="export-a", export_classes=("none",), attested_by=("stranger",)), "no party"),
        (ClearanceTerms(clearance="export-a", export_classes=("3A001",), attested_by=("nims",)), "does not cover"),
    ],
)
def test_terms_that_can_never_be_judged_are_refused(terms, why):
    with pytest.raises(ValueError, match=why):
        agreement(clearances=(terms,))

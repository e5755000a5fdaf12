"""What an officer bars stands in the decision, can be decided again, never bars stopping, and says so in words."""

from __future__ import annotations

import pytest

from governance.world import NOW, agreement, charter, facts, question
from yosegi.core.errors import Invalid
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy, redecide
from yosegi.governance.policy.what_if import what_if

DIRECTORY = Directory.of(charter())
CASES = [
    ("site", "argonne"),
    ("site", "nims"),
    ("person", "pi@argonne"),
    ("agent", "planner"),
    ("team", "colour"),
    ("agreement", "colour-2026"),
    ("capability", "nims/colour.mix@1"),
]


def suspension(kind: str, name: str, **changes: object) -> Suspension:
    return Suspension(**({"kind": kind, "name": name, "since": NOW, "by": "officer@nims"} | changes))


def policy(*suspensions: Suspension, agreements=None) -> Policy:
    return Policy.build("nims", DIRECTORY, agreements or [agreement()], {}, suspensions)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_is_barred_is_refused_for_that_reason_and_can_be_decided_again(kind, name):
    asked = question(agent="planner")
    assert policy().decide(asked).allow
    barred = policy(suspension(kind, name))
    decision = barred.decide(asked)
    assert decision.reasons == ("suspended",)
    assert decision.notes[0].fields["name"] == name
    assert name in decision.explain("en")
    assert name in decision.explain("ja")
    assert redecide(decision, barred.bundle).same_as(decision)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_stopping_is_never_barred(kind, name):
    assert policy(suspension(kind, name)).decide(question(action="stop", agent="planner")).allow


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_what_is_barred_under_another_charter_is_not_barred_here(kind, name):
    assert policy(suspension(kind, name, charter="other")).digest == policy().digest


def test_others_go_on():
    barred = policy(suspension("person", "student@argonne"), suspension("agent", "planner"))
    assert barred.decide(question()).allow


def test_what_another_agreement_permits_stays_when_one_is_suspended():
    both = [agreement(), agreement(name="second", capabilities=("nims/colour.*",))]
    assert policy(suspension("agreement", "colour-2026"), agreements=both).decide(question()).reasons == ("second",)


def test_no_agreement_lifts_a_suspension():
    barred = policy(suspension("person", "pi@argonne"))
    assert not what_if(barred, question(), add=[agreement(name="wide", capabilities=("nims/*",))]).allow


def test_a_suspension_speaks_before_a_missing_agreement_does():
    asked = question(capability=facts(ref="nims/press@1"))
    assert policy(suspension("site", "argonne")).decide(asked).reasons == ("suspended",)


@pytest.mark.parametrize("name", ["", "Nims", 'x" || true', "a/b", "n" * 200, "nims\n"])
def test_a_name_that_could_be_policy_is_no_name(name):
    with pytest.raises(Invalid):
        Suspension.read({"kind": "site", "name": name, "since": "2026-11-21T04:00:00Z", "by": "officer@nims"})

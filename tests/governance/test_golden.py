"""What was signed and decided before agreements named several teams is read, believed and decided again as it was.

`golden/v0.1` was written by the program as it stood then (each agreement one permit of its own in the bundle of
policies), and is never written again.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from governance.world import NOW
from yosegi.core.errors import Corrupt, Invalid
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.charter.registry import begin
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.policy import check_signed, redecide
from yosegi.trust.envelope import Envelope

FOLDER = Path(__file__).parent / "golden" / "v0.1"
POLICIES = (FOLDER / "policies.json").read_bytes()
DECISIONS = [Decision.read(one) for one in json.loads((FOLDER / "decisions.json").read_text("utf-8"))]


@pytest.mark.parametrize("number", range(len(DECISIONS)))
def test_every_decision_is_made_again_with_the_same_answer_for_the_same_reasons(number):
    assert redecide(DECISIONS[number], POLICIES).same_as(DECISIONS[number])


def test_both_answers_and_many_reasons_are_among_them():
    assert {decision.allow for decision in DECISIONS} == {True, False}
    assert len({reason for decision in DECISIONS for reason in decision.reasons}) >= 12


def test_policies_of_then_that_were_altered_are_found_out():
    with pytest.raises(Corrupt):
        redecide(DECISIONS[0], POLICIES.replace(b"research", b"mischief"))


def test_its_policies_rest_on_agreements_that_must_have_been_signed():
    agreements = [Agreement.read(value) for value in json.loads(POLICIES)["agreements"]]
    check_signed(POLICIES, {one.digest for one in agreements})
    altered = POLICIES.replace(agreements[1].digest.encode(), b"sha256:" + b"0" * 64)
    assert altered != POLICIES
    with pytest.raises(Invalid, match="only agreements permit"):
        check_signed(altered, {one.digest for one in agreements})
    with pytest.raises(Invalid, match="nobody signed"):
        check_signed(POLICIES, {one.digest for one in agreements[1:]})


def test_the_documents_signed_then_are_believed():
    charter, *agreements = (Envelope.read(one) for one in json.loads((FOLDER / "signed.json").read_text("utf-8")))
    federation = begin(charter, NOW)
    for envelope in agreements:
        federation = federation.follow(envelope, NOW)
    assert {name: one.for_teams for name, one in federation.agreements.items()} == {
        "colour-2026": ("colour",),
        "everything": ("colour",),
    }
    for envelope, one in zip(agreements, federation.agreements.values(), strict=True):
        assert one.to_bytes() == envelope.payload

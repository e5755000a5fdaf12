"""What a person may use, what would change if, and the table of expectations that policies are published with."""

from __future__ import annotations

import pytest

from governance.world import NOW, agreement, charter, facts, question
from yosegi.core.errors import Invalid
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy
from yosegi.governance.policy.what_if import Expectation, access, check_expectations, what_if

NO_PRESS = """
@id("no-press") @reason("The press is being repaired.")
forbid (principal, action, resource) when { resource.ref like "nims/press@*" };
"""
RULES = {"local.cedar": NO_PRESS}
POLICY = Policy.build("nims", Directory.of(charter()), [agreement(capabilities=("nims/*",))], RULES)
KNOWN = {ref: facts(ref=ref) for ref in ("nims/colour.mix@1", "nims/press@1")}


def row(**changes: object) -> Expectation:
    fields = {"who": "pi@argonne", "team": "colour", "what": "nims/colour.mix@1", "allow": True}
    return Expectation(**(fields | changes))


def test_policies_that_say_what_is_expected_pass_their_table():
    table = [row(), row(what="nims/press@1", allow=False, reason="local_rule"), row(purpose="war", allow=False)]
    check_expectations(POLICY, table, KNOWN, NOW)


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (row(allow=False), "refused, and is allowed"),
        (row(what="nims/press@1"), "allowed, and is refused"),
        (row(purpose="war", allow=False, reason="local_rule"), "for local_rule, and is refused"),
        (row(what="nims/unheard@1"), "no such capability"),
    ],
)
def test_policies_that_say_something_else_are_not_published(wrong, found):
    with pytest.raises(Invalid, match=found):
        check_expectations(POLICY, [row(), wrong], KNOWN, NOW)


def test_a_catalogue_says_what_may_be_used_and_why_not_the_rest():
    decisions = access(POLICY, "pi@argonne", "colour", KNOWN.values(), now=NOW)
    shown = {decision.question.capability.ref: decision for decision in decisions}
    assert shown["nims/colour.mix@1"].allow
    assert shown["nims/press@1"].reasons == ("local_rule",)


def test_what_if_an_agreement_were_dropped_or_added():
    assert not what_if(POLICY, question(), without=["colour-2026"]).allow
    assert not POLICY.decide(question(purpose="teaching")).allow
    wider = agreement(capabilities=("nims/*",), purposes=("research", "teaching"), version=2)
    assert what_if(POLICY, question(purpose="teaching"), add=[wider]).allow
    assert POLICY.decide(question()).allow, "asking changes nothing"


def test_what_if_the_site_had_other_rules():
    press = question(capability=KNOWN["nims/press@1"])
    assert not what_if(POLICY, press).allow
    assert what_if(POLICY, press, rules={}).allow

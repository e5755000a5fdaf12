"""What an owner shows of its policies: enough to decide again for those whom it concerns, and nothing of others."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.test_policy_oracle import FORBIDS, TEAMS, agreements_, build, questions
from governance.world import NOW, agreement, charter, question
from yosegi.core.identifiers import home_of
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.disclosure import extract, hidden
from yosegi.governance.policy.policy import Policy, decide_again


@settings(max_examples=40, deadline=None)
@given(TEAMS, agreements_(), st.lists(FORBIDS, max_size=3), st.lists(questions(), min_size=1, max_size=6))
def test_the_part_decides_as_the_whole_did_for_whom_it_concerns(teams, agreements, forbids, asked):
    policy = build(teams, agreements, forbids)
    for one in asked:
        part = extract(policy.bundle, one.team, one.home)
        decision = policy.decide(one)
        if decision.allow or not hidden(policy.bundle, one.team, one.home):
            assert decide_again(one, decision.entities, part) == (decision.allow, decision.reasons)


LATE = '@id("not-late") @reason("No.") forbid (principal, action, resource) when { context.now >= TIME };'


@settings(max_examples=30, deadline=None)
@given(
    TEAMS,
    agreements_(),
    st.lists(FORBIDS, max_size=2),
    questions(),
    st.lists(st.floats(-3 * 86400, 6 * 86400), min_size=2, max_size=5),
    st.sampled_from((None, 0, 3600, 86400)),
)
def test_what_was_made_again_for_one_moment_is_right_for_every_other(teams, agreements, forbids, asked, later, late):
    policy = build(teams, agreements, forbids)
    if late is not None:
        rule = LATE.replace("TIME", str(int(NOW.timestamp()) + late))
        policy = Policy.build("nims", policy.directory, agreements, {**policy.rules, "late.cedar": rule})
    for seconds in [*later, *later, 0.0, 5 * 86400.0]:
        one = asked.model_copy(update={"now": asked.now + timedelta(seconds=seconds)})
        decision = policy.decide(one)
        assert decide_again(one, decision.entities, policy.bundle) == (decision.allow, decision.reasons)


def whole(*agreements, rules=None, barred=()) -> bytes:
    suspensions = [Suspension(kind=kind, name=name, since=NOW, by="officer@nims") for kind, name in barred]
    return Policy.build("nims", Directory.of(charter()), agreements, rules, suspensions).bundle


def test_agreements_with_another_team_or_without_the_home_site_are_left_out():
    mine = agreement(name="mine")
    elsewhere = agreement(name="not-theirs", parties=("nims", "riken"))
    bundle = whole(mine, agreement(name="other-team", teams=("fusion",)), elsewhere)
    part = json.loads(extract(bundle, "colour", "argonne"))
    assert [value["name"] for value in part["agreements"]] == ["mine"]
    assert "not-theirs" not in json.dumps(part)
    assert "other-team" not in json.dumps(part)


def test_the_owners_own_forbids_are_in_it():
    rule = '@id("no-teaching") @reason("No.") forbid (principal, action, resource) when { context.purpose == "x" };'
    part = json.loads(extract(whole(agreement(), rules={"own.cedar": rule}), "colour", "argonne"))
    assert part["texts"]["rules/own.cedar"] == rule


def test_of_suspensions_those_of_other_sites_people_are_left_out():
    barred = (("person", "pi@argonne"), ("person", "pi@riken"), ("site", "riken"), ("team", "fusion"))
    part = extract(whole(agreement(), barred=barred), "colour", "argonne").decode()
    assert "pi@argonne" in part
    assert "pi@riken" not in part
    assert '@name(\\"riken\\")' not in part
    assert "fusion" not in part


def test_one_suspended_among_others_is_still_refused_by_the_part():
    bundle = whole(agreement(), barred=(("person", "pi@argonne"), ("person", "pi@riken")))
    part = extract(bundle, "colour", "argonne")
    asked = question(action="accept", person="pi@argonne", home=home_of("pi@argonne"))
    entities = json.dumps(Directory.of(charter()).slice(asked))
    assert decide_again(asked, entities, part) == (False, ("suspended",))


def test_the_part_of_the_part_is_the_part():
    bundle = whole(agreement(), agreement(name="other-team", teams=("fusion",)), barred=(("person", "pi@argonne"),))
    part = extract(bundle, "colour", "argonne")
    assert extract(part, "colour", "argonne") == part


def test_the_part_of_policies_of_the_first_version_decides_as_they_did():
    golden = Path(__file__).parent / "golden" / "v0.1"
    bundle = (golden / "policies.json").read_bytes()
    decisions = [Decision.read(record) for record in json.loads((golden / "decisions.json").read_text("utf-8"))]
    shown = [one for one in decisions if one.allow or not hidden(bundle, one.question.team, one.question.home)]
    assert shown
    for decision in shown:
        part = extract(bundle, decision.question.team, decision.question.home)
        assert decide_again(decision.question, decision.entities, part) == (decision.allow, decision.reasons)


KEPT = (
    ("agent", "helper"),
    ("capability", "nims/colour.mix@1"),
    ("site", "nims"),
    ("site", "argonne"),
    ("team", "colour"),
)


@pytest.mark.parametrize(("kind", "name"), KEPT)
def test_a_suspension_that_can_concern_them_is_kept(kind, name):
    part = extract(whole(agreement(), barred=((kind, name), ("person", "pi@riken"))), "colour", "argonne").decode()
    assert f'@kind(\\"{kind}\\")' in part
    assert f'@name(\\"{name}\\")' in part
    assert "pi@riken" not in part


def test_where_no_suspension_can_concern_them_there_is_no_text_of_suspensions():
    part = json.loads(extract(whole(agreement(), barred=(("person", "pi@riken"),)), "colour", "argonne"))
    assert "suspensions" not in part["texts"]


def test_a_suspended_agreement_is_named_to_its_parties_alone():
    mine, other = agreement(name="mine"), agreement(name="other-team", teams=("fusion",))
    barred = (("agreement", "mine"), ("agreement", "other-team"))
    part = json.loads(extract(whole(mine, other, barred=barred), "colour", "argonne"))
    assert part["suspended"] == ["mine"]


@pytest.mark.parametrize(
    ("team", "parties", "is_hidden"),
    [
        ("colour", ("nims", "riken"), True),
        ("colour", ("nims", "riken", "argonne"), False),
        ("fusion", ("nims", "riken"), False),
    ],
)
def test_agreements_with_the_team_and_without_the_home_site_are_hidden(team, parties, is_hidden):
    bundle = whole(agreement(), agreement(name="more", teams=(team,), parties=parties))
    assert hidden(bundle, "colour", "argonne") is is_hidden

"""The one door. Cedar fails open in several ways; each has a test here that fails if its guard is removed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from governance.world import DAY, NOW, TEAM, agreement, charter, facts, question
from yosegi.core import canonical
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Corrupt, Invalid, Refused
from yosegi.governance.agreements.agreement import ModelTerms
from yosegi.governance.agreements.label import Label
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.policy import cedar as engine_module
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy, check_signed, redecide
from yosegi.governance.policy.question import CapabilityFacts, Question

DIRECTORY = Directory.of(charter())
FEW_SAMPLES = """
@id("few-samples")
@reason("At most five samples a task.")
@reason_ja("一課題につき五試料まで。")
@contact("operator@nims")
forbid (principal, action in [Action::"accept", Action::"dispatch"], resource)
when { context.amounts.samples > 5000 };
"""


def nims(*rules: str, agreements=None, directory: Directory = DIRECTORY) -> Policy:
    texts = {f"{n}.cedar": text for n, text in enumerate(rules)}
    return Policy.build("nims", directory, [agreement()] if agreements is None else agreements, texts)


def forbid(name: str = "local", when: str = "true") -> str:
    return f'@id("{name}") @reason("because") forbid (principal, action, resource) when {{ {when} }};'


def denied(policy: Policy, **changes: object) -> tuple[str, ...]:
    decision = policy.decide(question(**changes))
    assert not decision.allow
    return decision.reasons


# --- what is allowed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["request", "accept", "dispatch", "release"])
def test_an_agreement_allows_and_its_name_is_the_reason(action):
    decision = nims().decide(question(action=action))
    assert (decision.allow, decision.reasons) == (True, ("colour-2026",))


def test_without_an_agreement_nothing_is_allowed():
    assert denied(nims(agreements=[])) == ("no_agreement",)


def test_every_agreement_that_permits_is_named():
    both = [agreement(), agreement(name="another")]
    assert nims(agreements=both).decide(question()).reasons == ("another", "colour-2026")


def test_an_agreement_for_several_teams_covers_each_of_them_under_its_one_name():
    policy = nims(agreements=[agreement(teams=("colour", "fusion"))])
    for team, person in (("colour", "student@argonne"), ("fusion", "pi@riken")):
        decision = policy.decide(question(team=team, person=person, home=person.split("@")[1]))
        assert decision.reasons == ("colour-2026",)
    assert len(json.loads(policy.bundle)["links"]) == 1


def test_the_reason_is_the_agreement_whose_terms_hold_and_no_other_of_the_same_team():
    strict = agreement(name="strict", purposes=("teaching",))
    policy = nims(agreements=[strict, agreement(teams=("fusion", "colour"))])
    assert policy.decide(question()).reasons == ("colour-2026",)
    assert policy.decide(question(purpose="teaching")).reasons == ("strict",)


def test_who_is_in_a_team_of_the_agreement_does_not_use_it_in_another():
    # pi@argonne is in the team colour, which has the agreement, and asks in the team fusion, whose grant would pay.
    policy = nims(
        agreements=[agreement(teams=("colour",)), agreement(name="other", teams=("fusion",), purposes=("x",))]
    )
    assert denied(policy, team="fusion") == ("purpose_not_covered",)


def test_a_house_agreement_covers_a_sites_own_staff():
    house = agreement(name="house", teams=("staff",), house=True, parties=("nims",), capabilities=("nims/*",))
    directory = Directory.of(charter(), "nims", {"staff": ["operator@nims"]})
    policy = nims(agreements=[house], directory=directory)
    assert policy.decide(question(person="operator@nims", home="nims", team="staff")).allow
    assert denied(policy, person="pi@argonne", home="argonne", team="staff") == ("not_in_team",)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "teaching"}, "purpose_not_covered"),
        ({"purpose": 'research" || "'}, "purpose_not_covered"),
        ({"sensitivity": "restricted"}, "sensitivity_not_covered"),
        ({"capability": facts(export_class="EAR99")}, "export_class_not_covered"),
        ({"capability": facts(ref="nims/other@1")}, "capability_not_covered"),
        ({"capability": facts(ref="nims/colours@1")}, "capability_not_covered"),
        ({"now": NOW - 2 * DAY}, "agreement_not_in_force"),
        ({"now": NOW + 100 * DAY}, "agreement_not_in_force"),
        ({"team": "fusion"}, "no_agreement"),
    ],
)
def test_outside_its_terms_the_refusal_says_which_term(changes, code):
    assert denied(nims(), **changes) == (code,)


def test_conduct_and_agents_are_terms_too():
    careful = nims(agreements=[agreement(conduct=("suggest",), agents=False)])
    assert denied(careful) == ("conduct_not_covered",)
    assert denied(careful, conduct="suggest", agent="planner") == ("agents_not_covered",)
    assert careful.decide(question(conduct="suggest")).allow


def test_results_go_only_to_countries_the_agreement_names():
    at_home = nims(agreements=[agreement(residency=("JP",))])
    assert at_home.decide(question(person="operator@nims", home="nims")).allow
    assert denied(at_home) == ("residency_not_covered",)


@pytest.mark.parametrize(
    ("model", "sensitivity", "allowed"),
    [
        (None, "team", True),
        ("local-model", "team", True),
        ("cloud-model", "team", False),
        ("cloud-model", "public", True),
        ("unheard-model", "public", False),
        ('x" || true', "public", False),
    ],
)
def test_a_language_model_sees_what_the_agreement_lets_it_see(model, sensitivity, allowed):
    terms = (
        ModelTerms(endpoint="local-model", highest_sensitivity="team"),
        ModelTerms(endpoint="cloud-model", highest_sensitivity="public"),
    )
    policy = nims(agreements=[agreement(models=terms)])
    asked = question(model=model, sensitivity=sensitivity, capability=facts(sensitivity="public"))
    decision = policy.decide(asked)
    assert decision.allow == allowed
    assert allowed or decision.reasons == ("model_not_covered",)


def test_without_terms_no_language_model_sees_anything():
    assert denied(nims(), model="local-model") == ("model_not_covered",)


def test_a_team_does_not_act_on_another_teams_agreement():
    # pi@argonne is in both teams; the grant and the agreement are those of the team they ask in.
    assert denied(nims(), person="pi@argonne", team="fusion") == ("no_agreement",)


# --- the program's own rules -----------------------------------------------------------------------------------------


def test_what_needs_approval_is_not_dispatched_without():
    careful = {"action": "dispatch", "capability": facts(approval=True)}
    assert denied(nims(), **careful) == ("approval_missing",)
    assert nims().decide(question(**careful, approved=True)).allow
    assert denied(nims(), action="dispatch", conduct="approve") == ("approval_missing",)


def test_a_suggestion_is_never_carried_out():
    assert denied(nims(), action="dispatch", conduct="suggest", approved=True) == ("only_a_suggestion",)


def test_an_agent_never_approves():
    with_approver = nims(agreements=[agreement(approvers=("pi@argonne",))])
    assert with_approver.decide(question(action="approve")).allow
    assert denied(with_approver, action="approve", agent="planner") == ("agent_cannot_approve",)
    assert denied(with_approver, action="approve", person="student@argonne") != ()


def test_nobody_approves_unless_an_agreement_names_them():
    assert denied(nims(), action="approve")


def test_stopping_is_never_gated():
    policy = nims(agreements=[])
    assert policy.decide(question(action="stop")).allow


# --- each way in which Cedar fails open ------------------------------------------------------------------------------


def test_a_forbid_that_errors_denies():
    policy = nims(forbid("overflowing", "context.amounts.samples * 9223372036854775807 < 0"))
    assert policy.decide(question(amounts={"samples": 1})).allow
    assert denied(policy, amounts={"samples": 2}) == ("policy_error",)


def test_a_forbid_that_reaches_for_what_the_question_does_not_touch_denies():
    elsewhere = nims(forbid("elsewhere", 'Site::"riken".country == "FR"'))
    assert denied(elsewhere, person="student@argonne") == ("policy_error",)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"person": "nobody@argonne"}, "unknown_person"),
        ({"person": "pi@argonne", "home": "nims"}, "home_does_not_vouch"),
        ({"person": "pi@harwell", "home": "harwell"}, "unknown_site"),
        ({"team": "unheard"}, "unknown_team"),
        ({"person": "operator@nims", "home": "nims", "team": "fusion"}, "not_in_team"),
        ({"peer": "harwell"}, "unknown_site"),
        ({"capability": facts(ref="harwell/colour.mix@1")}, "unknown_site"),
        ({"charter": "other"}, "wrong_charter"),
    ],
)
def test_an_entity_nobody_knows_passes_no_permit(changes, code):
    assert code in denied(nims(), **changes)


@pytest.mark.parametrize("action", ["fly", "Accept", ""])
def test_an_unknown_action_cannot_even_be_asked(action):
    with pytest.raises(ValueError, match="action"):
        question(action=action)


def test_an_unknown_attribute_cannot_even_be_asked():
    with pytest.raises(ValueError, match="nationality"):
        Question(**question().model_dump(), nationality="any")


@pytest.mark.parametrize(
    "when",
    [
        "context.nationality == 1",
        "principal.rank > 3",
        'context.amounts.samples == "many"',
        'context.agent == "planner"',  # optional: it may be asked for only after `context has agent`
        "resource in Team",
        'principal == Robot::"r2"',
    ],
)
def test_a_policy_that_does_not_fit_the_schema_is_not_published(when):
    with pytest.raises(Invalid):
        nims(forbid("bad", when))


def test_a_policy_for_an_action_that_does_not_exist_is_not_published():
    with pytest.raises(Invalid):
        nims('@id("bad") @reason("r") forbid (principal, action == Action::"fly", resource);')


@pytest.mark.parametrize("text", ["garbage", "forbid (principal, action, resource)", "permit", "\x00", "{}"])
def test_what_is_no_policy_is_not_published(text):
    with pytest.raises(Invalid, match=r"0\.cedar"):
        nims(text)


def rebuilt(policy: Policy, **changes: object):
    """The bundle of a policy with other parts, and a recorded decision that names it."""
    bundle = json.dumps(json.loads(policy.bundle) | changes).encode()
    return policy.decide(question()).model_copy(update={"policies_digest": canonical.digest(bundle)}), bundle


def test_a_link_that_errors_denies():
    group = {"type": "Agreement", "id": "colour-2026"}
    for link in (
        {"template_id": "unheard", "new_id": "colour-2026", "values": {"?principal": group, "?resource": group}},
        {"template_id": "yosegi-agreement", "new_id": "colour-2026", "values": {"?principal": group}},
        {"template_id": "yosegi-stop", "new_id": "colour-2026", "values": {}},
    ):
        again = redecide(*rebuilt(nims(), links=[link]))
        assert again.reasons == ("policy_error",)


def test_a_template_that_errors_denies():
    texts = json.loads(nims().bundle)["texts"]
    own = texts["yosegi's own rules"]
    broken = own.replace("context has agreement &&", "context.amounts.node_h + 9223372036854775807 > 0 &&")
    assert broken != own
    record, bundle = rebuilt(nims(), texts=texts | {"yosegi's own rules": broken})
    asked = record.question.model_copy(update={"amounts": Amounts({"node_h": 1})})
    assert redecide(record.model_copy(update={"question": asked}), bundle).reasons == ("policy_error",)


@pytest.mark.parametrize("change", ["twice", "no terms"])
def test_a_bundle_links_each_agreement_once_and_has_its_terms(change):
    held = json.loads(nims().bundle)
    changed = {"links": held["links"] * 2} if change == "twice" else {"terms": []}
    with pytest.raises(Invalid, match="one link"):
        redecide(*rebuilt(nims(), **changed))


def test_a_bundle_permits_by_signed_agreements_alone():
    signed = {agreement().digest}
    check_signed(nims(FEW_SAMPLES).bundle, signed)
    with pytest.raises(Invalid, match="nobody signed"):
        check_signed(nims(agreements=[agreement(purposes=("war",))]).bundle, signed)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"purposes": ["war"]}, "other terms"),
        ({"valid_until": 2**40}, "other terms"),
        ({"conduct": []}, "other terms"),
    ],
    ids=str,
)
def test_terms_that_are_not_those_that_were_signed_are_found(changes, why):
    held = json.loads(nims().bundle)
    held["terms"][0]["attrs"] |= changes
    with pytest.raises(Invalid, match=why):
        check_signed(json.dumps(held).encode(), {agreement().digest})


@pytest.mark.parametrize("where", ["rules/0.cedar", "suspensions", "yosegi's own rules", "agreement colour-2026"])
def test_a_permit_of_the_sites_own_in_a_bundle_is_found(where):
    held = json.loads(nims(FEW_SAMPLES).bundle)
    held["texts"][where] = held["texts"].get(where, "") + '@id("mine") permit (principal, action, resource);'
    with pytest.raises(Invalid, match="only agreements permit"):
        check_signed(json.dumps(held).encode(), {agreement().digest})


@pytest.mark.parametrize("name", ["another", "colour-2026"])
def test_a_link_of_something_else_than_the_agreement_is_found(name):
    held = json.loads(nims().bundle)
    held["links"][0] |= {"new_id": name, "template_id": "yosegi-stop"}
    with pytest.raises(Invalid, match="no agreement in them"):
        check_signed(json.dumps(held).encode(), {agreement().digest})


def test_a_record_cannot_bring_terms_of_its_own():
    record = nims().decide(question(purpose="war"))
    wider = json.loads(nims().bundle)["terms"][0]
    wider["attrs"]["purposes"] = ["war"]
    entities = json.dumps([*json.loads(record.entities), wider])
    forged = record.model_copy(update={"entities": entities, "entities_digest": canonical.digest(entities.encode())})
    with pytest.raises(Invalid, match="do not fit"):
        redecide(forged, nims().bundle)


def test_a_question_that_gets_no_decision_is_denied(monkeypatch):
    monkeypatch.setattr(engine_module, "_circumstances", lambda question: {"purpose": "research"})
    decision = nims().decide(question())
    assert decision.reasons == ("policy_error",)
    assert len(decision.notes[0].fields["detail"]) > 10, "it says why"


def test_an_engine_that_raises_denies(monkeypatch):
    def broken(*args: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(engine_module.cedarpy, "is_authorized", broken)
    assert denied(nims()) == ("policy_error",)


def test_the_schema_is_passed_every_time(monkeypatch):
    seen = []
    real = engine_module.cedarpy.is_authorized

    def watched(*args: object) -> object:
        seen.append(args[3])
        return real(*args)

    monkeypatch.setattr(engine_module.cedarpy, "is_authorized", watched)
    nims().decide(question())
    assert isinstance(seen[0], engine_module.cedarpy.Schema)


# --- what a site may add ---------------------------------------------------------------------------------------------


def test_a_local_rule_forbids_with_its_own_words():
    decision = nims(FEW_SAMPLES).decide(question(amounts={"samples": 6000}))
    assert decision.reasons == ("local_rule",)
    assert "At most five samples a task." in decision.explain()
    assert "operator@nims" in decision.explain()
    assert "一課題につき五試料まで。" in decision.explain("ja")
    assert nims(FEW_SAMPLES).decide(question(amounts={"samples": 5000})).allow


def test_a_site_cannot_permit():
    with pytest.raises(Invalid, match="only agreements permit"):
        nims('@id("generous") @reason("r") permit (principal, action, resource);')


def test_a_site_cannot_bring_a_template():
    with pytest.raises(Invalid, match="template"):
        nims('@id("t") @reason("r") forbid (principal == ?principal, action, resource);')


@pytest.mark.parametrize("name", ["", "Few", "few_samples", "few--samples", "fеw", "few samples", "a" * 61])
def test_an_id_is_plain_ascii(name):
    with pytest.raises(Invalid, match="@id"):
        nims(forbid(name))


def test_a_rule_without_id_or_reason_is_not_published():
    with pytest.raises(Invalid, match="@id"):
        nims('@reason("r") forbid (principal, action, resource);')
    with pytest.raises(Invalid, match="gives no reason"):
        nims('@id("quiet") forbid (principal, action, resource);')


@pytest.mark.parametrize("name", ["yosegi-stop", "yosegi-mine"])
def test_the_programs_own_ids_are_taken(name):
    with pytest.raises(Invalid, match="kept for the program"):
        nims(forbid(name))


def test_no_two_policies_share_an_id():
    with pytest.raises(Invalid, match=r"taken by 0\.cedar"):
        nims(forbid("twice"), forbid("twice"))
    with pytest.raises(Invalid, match="taken by agreement colour-2026"):
        nims(forbid("colour-2026"))
    with pytest.raises(Invalid, match="two of that name"):
        nims(agreements=[agreement(), agreement(title="Other")])


def test_an_annotation_that_means_nothing_is_refused():
    with pytest.raises(Invalid, match="@code"):
        nims('@id("a") @reason("r") @code("only_a_suggestion") forbid (principal, action, resource);')


def test_a_rule_that_names_somebody_unknown_is_pointed_out():
    policy = nims(forbid("typo", 'principal in Team::"coluor"'))
    assert len(policy.warnings) == 1
    assert "coluor" in policy.warnings[0]


def test_brackets_in_a_string_or_a_comment_count_for_nothing():
    nims(forbid("talkative", 'context.purpose == "' + "(" * 100 + '"') + "// " + "(" * 100)


def test_a_rule_that_would_end_the_process_is_refused():
    with pytest.raises(Invalid, match="nested too deeply"):
        nims(forbid("deep", "(" * 70 + "true" + ")" * 70))
    with pytest.raises(Invalid, match="too long"):
        nims(forbid("long", "true" + " && true" * 1001))


def test_a_rule_file_is_not_endless():
    with pytest.raises(Invalid, match="at most 262144 are read"):
        nims(forbid() + " " * 300_000)


def test_a_rule_that_cannot_be_read_back_is_refused():
    with pytest.raises(Invalid, match="nested too deeply"):
        nims(forbid("long", "true" + " && true" * 990))


@pytest.mark.parametrize(
    "changes", [{"texts": None}, {"agreements": 7}, {"schema": "entity"}, {"texts": {"a": "garbage"}}, {"schema": None}]
)
def test_a_bundle_of_another_form_is_refused(changes):
    held = json.loads(nims().bundle) | changes
    bundle = json.dumps(held).encode()
    record = nims().decide(question()).model_copy(update={"policies_digest": canonical.digest(bundle)})
    with pytest.raises(Invalid):
        redecide(record, bundle)


def test_an_agreement_is_one_link_of_the_programs_template():
    engine = nims(agreements=[agreement(), agreement(name="another")]).engine
    engine_sets = [engine._set_for("colour", name).templates() for name in ("colour-2026", "another")]
    assert [[link["id"] for link in template["links"]] for (template,) in engine_sets] == [["colour-2026"], ["another"]]


@pytest.mark.parametrize("name", ["policy0", "policy3"])
def test_a_name_that_the_engine_gives_to_what_stands_in_a_text_is_refused(name):
    with pytest.raises(Invalid, match="do not become policies"):
        nims(forbid(), agreements=[agreement(name=name)])


def test_a_suspended_agreement_is_not_linked():
    barred = Suspension(kind="agreement", name="colour-2026", since=NOW, by="officer@nims")
    policy = Policy.build("nims", DIRECTORY, [agreement()], suspensions=[barred])
    assert json.loads(policy.bundle)["links"] == []
    assert denied(policy) == ("suspended",)


def test_a_local_rule_may_speak_of_one_agreement_and_leaves_the_others():
    rule = forbid("not-under-it", 'context has agreement && context.agreement == Agreement::"colour-2026"')
    assert denied(nims(rule)) == ("local_rule",)
    both = nims(rule, agreements=[agreement(), agreement(name="another")])
    assert both.decide(question()).reasons == ("another",)


def test_an_agreement_over_many_capabilities_decides():
    many = tuple(f"nims/x{n}.*" for n in range(150)) + tuple(f"nims/colour.mix@{n}" for n in range(1, 50))
    assert nims(agreements=[agreement(capabilities=many)]).decide(question()).allow


# --- what an agreement may add ---------------------------------------------------------------------------------------


def test_a_site_does_not_put_others_agreements_in_force():
    with pytest.raises(Invalid, match="not a party"):
        nims(agreements=[agreement(parties=("argonne", "riken"), capabilities=("riken/*",))])


def test_an_agreement_of_another_charter_is_refused():
    with pytest.raises(Invalid, match="charter"):
        nims(agreements=[agreement(charter="other")])


def test_an_agreement_whose_party_left_the_charter_is_out_of_force_and_said_so():
    policy = nims(directory=Directory.of(charter(sites=("argonne", "nims"), teams=())))
    assert "riken" in policy.warnings[0]
    assert not policy.decide(question()).allow


def test_an_agreement_stays_in_force_for_the_teams_that_are_left():
    policy = nims(directory=Directory.of(charter(teams=(TEAM,))), agreements=[agreement(teams=("colour", "fusion"))])
    assert "names the team fusion" in policy.warnings[0]
    assert policy.decide(question()).allow


def test_a_group_is_no_team_and_of_its_own_site():
    with pytest.raises(Invalid, match="name of a team"):
        Directory.of(charter(), "nims", {"colour": ["operator@nims"]})
    with pytest.raises(Invalid, match="not of nims"):
        Directory.of(charter(), "nims", {"staff": ["pi@argonne"]})


# --- terms against facts ---------------------------------------------------------------------------------------------


def test_nothing_is_labelled_below_its_capability():
    assert denied(nims(), sensitivity="public") == ("label_too_low",)


def test_a_conduct_the_capability_does_not_offer_is_refused():
    assert denied(nims(), capability=facts(conduct=("suggest",))) == ("conduct_not_offered",)


def test_a_refusal_can_be_raised():
    with pytest.raises(Refused, match="no_agreement"):
        nims(agreements=[]).decide(question()).or_refuse()
    assert nims().decide(question()).or_refuse().allow


# --- what was learned from others ------------------------------------------------------------------------------------


def learned(*sources: str) -> Label:
    return Label(sensitivity="team", sources=sources)


def test_what_was_learned_goes_on_to_an_owner_that_its_source_agreed_to():
    policy = nims(agreements=[agreement(capabilities=("nims/*", "riken/*"))])
    assert policy.decide(question(action="request", learned=learned("riken/colour.simulate@1"))).allow


def test_what_was_learned_from_a_source_that_has_not_agreed_does_not_go_on():
    policy = nims(agreements=[agreement(parties=("argonne", "nims"), capabilities=("nims/*",))])
    decision = policy.decide(question(action="request", learned=learned("riken/colour.simulate@1")))
    assert decision.reasons == ("transfer_not_covered",)
    assert redecide(decision, policy.bundle) == decision


def test_what_policy_refuses_is_refused_for_that_whatever_was_learned():
    asked = question(action="request", purpose="war", learned=learned("riken/colour.simulate@1"))
    assert nims().decide(asked).reasons == ("purpose_not_covered",)


# --- the record ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rules", [(), (forbid("until-now", f"context.now > {int(NOW.timestamp())}"),)])
def test_what_was_permitted_once_is_asked_again_when_the_moment_may_matter(rules):
    policy = nims(*rules, agreements=[agreement(valid_until=NOW + DAY)])
    before = policy.decide(question())
    assert redecide(before, policy.bundle) == before
    assert before.allow
    # Alike but for the moment: past the end of the agreement, or of what the site's own rule allows.
    late = question(now=NOW + (timedelta(seconds=5) if rules else DAY))
    forged = before.model_copy(update={"question": late})
    again = redecide(forged, policy.bundle)
    assert not again.same_as(forged)
    assert again.reasons == (("local_rule",) if rules else ("agreement_not_in_force",))


@pytest.mark.parametrize(
    "changes", [{}, {"purpose": "teaching"}, {"person": "x@argonne"}, {"amounts": {"samples": 6000}}]
)
def test_a_recorded_decision_can_be_made_again(changes):
    policy = nims(FEW_SAMPLES)
    record = Decision.read(policy.decide(question(**changes)).to_bytes())
    assert redecide(record, policy.bundle) == record


def test_a_record_is_not_judged_by_other_policies():
    record = nims().decide(question())
    with pytest.raises(Corrupt, match="policies"):
        redecide(record, nims(FEW_SAMPLES).bundle)


def test_a_record_with_other_entities_is_corrupt():
    record = nims().decide(question())
    forged = record.model_copy(update={"entities": record.entities.replace("argonne", "harwell")})
    with pytest.raises(Corrupt, match="entities"):
        redecide(forged, nims().bundle)


def test_a_record_that_was_turned_is_found_out():
    policy = nims(agreements=[])
    turned = policy.decide(question()).model_copy(update={"allow": True, "reasons": ("colour-2026",), "notes": ()})
    assert not redecide(turned, policy.bundle).same_as(turned)


def test_the_digest_changes_with_the_policies_and_with_nothing_else():
    assert nims().digest == nims().digest
    assert len({nims().digest, nims(FEW_SAMPLES).digest, nims(agreements=[]).digest}) == 3


def test_a_decision_names_the_engine_that_made_it():
    assert nims().decide(question()).cedar.startswith("cedarpy ")


def test_a_bundle_holds_everything_the_decision_needs():
    held = json.loads(nims().bundle)
    assert set(held) == {"site", "charter", "schema", "texts", "agreements", "links", "terms"}
    assert "?principal" in held["texts"]["yosegi's own rules"]


def test_a_decision_does_not_depend_on_what_was_asked_before():
    policy = nims(FEW_SAMPLES)
    first = policy.decide(question())
    policy.decide(question(person="x@argonne"))
    policy.decide(question(capability=facts(approval=True)))
    assert policy.decide(question()) == first


def test_the_facts_come_from_the_contract():
    from yosegi.core.contract import Contract, EffectClass

    contract = Contract(
        name="colour.mix@1",
        title="Mix dyes",
        field="autonomous laboratories",
        kind="robot",
        effect=EffectClass.CONSUMING,
        inputs={"type": "object"},
        outputs={"type": "object"},
        simulated=True,
    )
    found = CapabilityFacts.of("nims", contract)
    assert (found.ref, found.owner, found.contract) == ("nims/colour.mix@1", "nims", contract.digest)

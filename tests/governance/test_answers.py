"""What an answer tells: which term is not met, by whose rule, what would have to change, and what is asked instead."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from governance.ledgers import Book, site
from governance.world import DAY, NOW, TEAM, agreement, charter, determined, facts, governance_key, question, statement
from yosegi.core import canonical
from yosegi.core.errors import Corrupt, Invalid, Refused
from yosegi.governance.agreements.agreement import ClearanceTerms, ModelTerms
from yosegi.governance.agreements.label import Label
from yosegi.governance.agreements.labels import why_not_onward
from yosegi.governance.agreements.suspensions import STREAM, Suspension, in_force, lifted, suspended
from yosegi.governance.charter.amendment import differences
from yosegi.governance.charter.charter import Named
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Outbound
from yosegi.governance.policy.cedar import CedarEngine
from yosegi.governance.policy.decision import Note
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.explanation import explained, why
from yosegi.governance.policy.policy import Policy, redecide
from yosegi.governance.policy.what_if import Expectation, access, check_expectations, what_if
from yosegi.ledger import Write
from yosegi.trust.messages import Request

DIRECTORY = Directory.of(charter())
RULE = """
@id("few") @reason("At most five.") @reason_ja("五まで。") @contact("desk@nims")
forbid (principal, action, resource) when { context.amounts.samples > 5000 };
"""
PLAIN = '@id("plain") @reason("because") forbid (principal, action, resource);'


def policy(*agreements: Any, **rules: str) -> Policy:
    return Policy.build("nims", DIRECTORY, agreements or [agreement()], {f"{n}.cedar": t for n, t in rules.items()})


def told(by_: Policy, **changes: Any) -> dict[str, dict[str, str]]:
    decision = by_.decide(question(**changes))
    assert not decision.allow
    return {note.code: note.fields for note in decision.notes}


# --- which term ------------------------------------------------------------------------------------------------------

CLEARED = ClearanceTerms(clearance="export-a", export_classes=("EAR99",), attested_by=("argonne", "riken"))
STRICT = agreement(
    export_classes=("none", "EAR99"),
    determinations=determined("EAR99"),
    clearances=(CLEARED,),
    residency=("US",),
    models=(ModelTerms(endpoint="local", highest_sensitivity="public"),),
    agents=False,
    conduct=("suggest", "approve"),
)


@pytest.mark.parametrize(
    ("changes", "code", "asked"),
    [
        ({"now": NOW + 100 * DAY}, "agreement_not_in_force", "2027-03-01 04:00:00+00:00"),
        ({"capability": facts(ref="nims/press@1")}, "capability_not_covered", "nims/press@1"),
        ({"purpose": "teaching"}, "purpose_not_covered", "teaching"),
        ({"sensitivity": "restricted"}, "sensitivity_not_covered", "restricted"),
        ({"capability": facts(export_class="5A002")}, "export_class_not_covered", "5A002"),
        ({"conduct": "run"}, "conduct_not_covered", "run"),
        ({"agent": "planner"}, "agents_not_covered", "planner"),
        ({"capability": facts(export_class="EAR99")}, "clearance_missing", "export-a (argonne, riken)"),
        ({"model": "remote"}, "model_not_covered", "remote"),
        ({"model": "local"}, "model_not_covered", "local"),
    ],
)
def test_a_refusal_names_the_first_term_that_is_not_met_what_was_asked_and_until_when(changes, code, asked):
    given = {"conduct": "suggest"} | changes
    assert told(policy(STRICT), **given) == {code: {"agreement": "colour-2026", "asked": asked, "until": "2027-03-01"}}


def test_where_results_may_not_go_the_country_is_the_reason():
    abroad = {"person": "operator@nims", "home": "nims", "conduct": "suggest"}
    assert list(told(policy(STRICT), **abroad)) == ["residency_not_covered"]


def test_who_has_the_clearance_is_told_what_else_is_missing_and_not_that():
    cleared = {"capability": facts(export_class="EAR99"), "clearances": ("export-a",), "conduct": "suggest"}
    assert policy(STRICT).decide(question(**cleared)).allow
    assert list(told(policy(STRICT), **(cleared | {"purpose": "teaching"}))) == ["purpose_not_covered"]
    assert list(told(policy(STRICT), **(cleared | {"agent": "planner"}))) == ["agents_not_covered"]
    elsewhere = {"person": "operator@nims", "home": "nims"}
    silent = STRICT.model_copy(update={"residency": ()})
    assert list(told(policy(silent), **(cleared | elsewhere))) == ["clearance_missing"]


def test_of_several_agreements_those_that_cover_the_capability_are_told():
    other = agreement(name="press-2026", capabilities=("nims/press@1",))
    missed = policy(agreement(), other).decide(question(purpose="teaching")).notes
    assert [note.fields["agreement"] for note in missed] == ["colour-2026"]
    nothing = policy(agreement(), other).decide(question(capability=facts(ref="nims/mill@1"))).notes
    assert [note.fields["agreement"] for note in nothing] == ["colour-2026", "press-2026"]


def test_a_suspended_agreement_that_would_have_permitted_is_the_reason_and_one_that_would_not_is_none():
    barred = Suspension(kind="agreement", name="colour-2026", since=NOW, by="officer@nims")
    held_back = Policy.build("nims", DIRECTORY, [agreement()], {}, [barred])
    assert told(held_back) == {"suspended": {"kind": "agreement", "name": "colour-2026", "site": "nims"}}
    assert list(told(held_back, purpose="teaching")) == ["purpose_not_covered"]


# --- whose rule ------------------------------------------------------------------------------------------------------


def test_a_local_rule_speaks_in_its_own_words_in_both_languages_and_names_whom_to_ask():
    many = {"amounts": {"samples": 6000}}
    refused = policy(few=RULE).decide(question(**many))
    assert refused.notes[0].fields == {
        "rule": "few",
        "site": "nims",
        "text": "At most five.",
        "text_ja": "五まで。",
        "contact": "desk@nims",
    }
    assert "At most five." in refused.explain("en")
    assert "五まで。" in refused.explain("ja")
    assert "At most five." not in refused.explain("ja")
    (words,) = why(refused)
    assert (words.code, words.contact) == ("local_rule", "desk@nims")
    assert (words.en, words.ja) == (refused.explain("en"), refused.explain("ja"))


def test_a_local_rule_that_has_one_language_speaks_it_in_both_and_its_operator_is_to_be_asked():
    refused = policy(plain=PLAIN).decide(question())
    assert refused.notes[0].fields == {"rule": "plain", "site": "nims", "text": "because", "contact": "operator@nims"}
    assert "because" in refused.explain("ja")


def test_every_rule_that_forbids_is_told():
    refused = policy(few=RULE, plain=PLAIN).decide(question(amounts={"samples": 6000}))
    assert [note.fields["rule"] for note in refused.notes] == ["few", "plain"]
    assert refused.explain("en").count("\n") == 1


def test_a_reason_without_a_contact_has_none():
    found = explained("mandate_missing", agent="planner")
    assert (found.code, found.contact) == ("mandate_missing", "")
    assert explained("mandate_missing", agent="planner", contact="desk@nims").contact == "desk@nims"


def test_an_answer_says_what_it_rests_on_in_both_languages_and_may_be_raised():
    allowed, refused = policy().decide(question()), policy().decide(question(purpose="teaching"))
    assert allowed.explain() == allowed.explain("en") == "Allowed by colour-2026."
    assert allowed.explain("ja") == "colour-2026 により許可。"
    assert why(allowed) == ()
    assert allowed.or_refuse() is allowed
    with pytest.raises(Refused) as caught:
        refused.or_refuse()
    assert caught.value.reasons == ("purpose_not_covered",)
    assert "accept of nims/colour.mix@1" in str(caught.value)
    assert refused.same_as(refused)
    assert not refused.same_as(allowed)
    assert not refused.same_as(refused.model_copy(update={"reasons": ("other",)}))
    assert not refused.same_as(refused.model_copy(update={"notes": ()}))


def test_a_note_may_name_nothing():
    assert Note(code="not_signed").fields == {}
    assert Note(code="not_signed").explain() == Note(code="not_signed").explain("en")


def test_what_was_permitted_once_is_not_taken_for_another_question():
    asked = policy()
    assert asked.decide(question()).allow
    for changes in (
        {"purpose": "teaching"},
        {"sensitivity": "restricted"},
        {"conduct": "run", "capability": facts(conduct=("suggest",))},
        {"now": NOW + 100 * DAY},
        {"team": "fusion"},
        {"person": "pi@riken"},
        {"peer": "ornl"},
    ):
        assert not asked.decide(question(**changes)).allow
        assert asked.decide(question()).allow
    assert asked.decide(question()) == policy().decide(question())


def test_a_refusal_speaks_of_the_instant_in_which_it_was_asked_for():
    half, asked = timedelta(seconds=0.5), policy(agreement(valid_until=NOW + timedelta(seconds=0.5)))
    refused = [asked.decide(question(purpose="teaching", now=NOW + n * half)).reasons for n in (0, 1, 0)]
    assert refused == [("purpose_not_covered",), ("agreement_not_in_force",), ("purpose_not_covered",)]


def test_two_policies_of_the_same_documents_are_equal_whatever_they_were_asked():
    one = policy()
    before = repr(one)
    one.decide(question())
    assert one.digest == policy().digest
    assert repr(one) == before


def test_a_record_is_told_what_does_not_fit():
    decision = policy().decide(question())
    with pytest.raises(Corrupt, match=f"the policies are not {decision.policies_digest}"):
        redecide(decision, policy(plain=PLAIN).bundle)
    with pytest.raises(Corrupt, match="its entities do not match their digest"):
        redecide(decision.model_copy(update={"entities": "[]"}), policy().bundle)
    for senseless in ("[{}]", "[1]", "{", '[{"uid": 1}]'):
        forged = {"entities": senseless, "entities_digest": canonical.digest(senseless.encode())}
        with pytest.raises(Invalid, match="its entities do not fit its policies"):
            redecide(decision.model_copy(update=forged), policy().bundle)


def test_policies_that_may_not_be_published_are_told_why():
    for agreements, why_ in (
        ([agreement(charter="other")], "is of the charter other, not demo"),
        ([agreement(parties=("argonne", "riken"), capabilities=("riken/*",))], "nims is not a party to it"),
        ([agreement(), agreement(title="Twice")], "two of that name are to be in force"),
    ):
        with pytest.raises(Invalid, match=why_):
            policy(*agreements)


def test_a_rule_that_does_not_fit_the_schema_is_told_what_does_not():
    with pytest.raises(Invalid, match=r"rules/r.cedar.*colour_of_hair"):
        policy(r='@id("r") @reason("r") forbid (principal, action, resource) when { principal.colour_of_hair == "x" };')


def test_a_bundle_in_which_an_agreement_has_two_links_or_no_terms_is_none():
    held = json.loads(policy(agreement(), agreement(name="second")).bundle)
    CedarEngine.read(canonical.dumps(held))
    for wrong in ({"links": [*held["links"], held["links"][0]]}, {"terms": held["terms"][:1]}):
        with pytest.raises(Invalid, match="a bundle of policies: not of its form"):
            CedarEngine.read(canonical.dumps(held | wrong))


def test_a_local_rule_may_hang_on_the_hour():
    night = '@id("night") @reason("r") forbid (principal, action, resource) when { context.now >= %d };'
    closed = policy(night=night % int((NOW + DAY).timestamp()))
    assert closed.decide(question(now=NOW + DAY - timedelta(seconds=1))).allow
    assert not closed.decide(question(now=NOW + DAY)).allow
    assert closed.decide(question(now=NOW)).allow


def test_an_agreement_that_a_later_charter_left_behind_is_out_of_force_and_said_so():
    gone = policy(agreement(parties=("nims", "riken", "ornl", "kek")))
    assert gone.agreements == ()
    assert gone.warnings == ("agreement colour-2026 is not in force: ornl, kek no longer in the charter demo",)
    assert policy().warnings == ()


def test_a_rule_that_names_nobody_known_is_pointed_out_and_one_that_names_somebody_is_not():
    def when(condition: str) -> str:
        return f'@id("r") @reason("r") forbid (principal, action, resource) when {{ {condition} }};'

    for condition, found in (
        ('principal == Person::"pi@argone"', "rules/r.cedar, rule r names the person 'pi@argone', which is not known"),
        ('context.team == Team::"color"', "rules/r.cedar, rule r names the team 'color', which is not known"),
        ('principal.home == Site::"argone"', "rules/r.cedar, rule r names the site 'argone', which is not known"),
        ('principal == Person::"pi@argonne" || principal.home == Site::"riken"', None),
    ):
        warnings = policy(r=when(condition)).warnings
        assert [one.removeprefix("rules/") for one in warnings] == ([found.removeprefix("rules/")] if found else [])


# --- who is known ----------------------------------------------------------------------------------------------------


def test_a_groups_name_and_people_are_its_own_sites():
    grouped = Directory.of(charter(), "nims", {"staff": ["operator@nims", "desk@nims"]})
    assert grouped.people["operator@nims"] == {"colour", "staff"}
    assert (grouped.people["desk@nims"], grouped.teams["staff"]) == ({"staff"}, ("nims", ""))
    with pytest.raises(Invalid, match="group colour: is the name of a team of the charter"):
        Directory.of(charter(), "nims", {"colour": []})
    with pytest.raises(Invalid, match="group staff: pi@argonne is not of nims"):
        Directory.of(charter(), "nims", {"staff": ["operator@nims", "pi@argonne"]})


def test_a_question_touches_those_it_names_their_teams_and_who_leads_them_and_nobody_else():
    def touched(**changes: Any) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for entity in DIRECTORY.slice(question(**changes)):
            found.setdefault(entity["uid"]["type"], []).append(entity["uid"]["id"])
        return found

    both = {"Person": ["pi@argonne"], "Team": ["colour", "fusion"], "Capability": ["nims/colour.mix@1"]}
    assert touched() == both | {"Site": ["argonne", "nims", "riken"]}
    one = {"Person": ["operator@nims"], "Team": ["colour"], "Capability": ["nims/colour.mix@1"]}
    operator = {"person": "operator@nims", "home": "nims"}
    assert touched(**operator) == one | {"Site": ["argonne", "nims"]}
    assert touched(**operator, peer="riken") == one | {"Site": ["argonne", "nims", "riken"]}
    stranger = touched(person="x@kek", home="kek", team="none")
    assert stranger == {"Site": ["nims"], "Capability": ["nims/colour.mix@1"]}


def test_what_is_known_of_somebody_is_what_the_charter_says():
    found = {entity["uid"]["id"]: entity for entity in DIRECTORY.slice(question(person="operator@nims", home="nims"))}
    assert found["nims"] == {
        "uid": {"type": "Site", "id": "nims"},
        "attrs": {"country": "JP", "kind": "laboratory"},
        "parents": [],
    }
    lead = {"__entity": {"type": "Site", "id": "argonne"}}
    assert found["colour"]["attrs"] == {"lead": lead, "focus_area": ""}
    assert found["operator@nims"]["attrs"] == {"home": {"__entity": {"type": "Site", "id": "nims"}}}
    assert found["operator@nims"]["parents"] == [{"type": "Team", "id": "colour"}]


# --- before anybody asks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "asked"),
    [
        (("suggest", "approve", "run"), "run"),
        (("run", "suggest"), "run"),
        (("suggest", "approve"), "approve"),
        (("suggest",), "suggest"),
    ],
)
def test_a_catalogue_asks_for_as_much_as_a_capability_offers(offered, asked):
    (decision,) = access(policy(), "pi@argonne", "colour", [facts(conduct=offered)], now=NOW)
    assert (decision.question.conduct, decision.allow) == (asked, True)


def test_a_catalogue_asks_with_what_is_attested_for_the_purpose_and_step_that_are_named():
    (decision,) = access(
        policy(), "pi@argonne", "colour", [facts()], now=NOW, purpose="teaching", action="accept", clearances=("a",)
    )
    asked = decision.question
    assert (asked.purpose, asked.action, asked.clearances, asked.now) == ("teaching", "accept", ("a",), NOW)
    assert access(policy(), "pi@argonne", "colour", [], now=NOW) == []


def test_the_row_that_gets_another_answer_is_named_with_its_number_and_the_answer():
    def row(**changes: Any) -> Expectation:
        return Expectation(
            **({"who": "pi@argonne", "team": "colour", "what": "nims/colour.mix@1", "allow": True} | changes)
        )

    known = {"nims/colour.mix@1": facts()}
    check_expectations(policy(), [row(), row(sensitivity="team")], known, NOW)
    for bad, said in (
        (row(allow=False), "is to be refused, and is allowed (colour-2026)"),
        (row(purpose="war"), "is to be allowed, and is refused (purpose_not_covered)"),
        (row(purpose="war", allow=False, reason="local_rule"), "is to be refused for local_rule, and is refused"),
        (row(what="nims/none@1"), "no such capability is known here"),
    ):
        with pytest.raises(Invalid) as caught:
            check_expectations(policy(), [row(), bad], known, NOW)
        assert f"row 2 of the policy table (pi@argonne, accept {bad.what})" in str(caught.value)
        assert said in str(caught.value)


def test_a_row_of_the_table_asks_with_the_stricter_of_its_label_and_the_capabilitys():
    def asked(sensitivity: str) -> Any:
        row = Expectation(
            who="pi@argonne", team="colour", what="nims/colour.mix@1", allow=True, sensitivity=sensitivity
        )
        return row.question(facts(), DIRECTORY, NOW)

    assert [asked(one).sensitivity for one in ("public", "team", "restricted")] == ["team", "team", "restricted"]
    assert (asked("public").home, asked("public").charter, asked("public").now) == ("argonne", "demo", NOW)


def test_what_if_looks_at_other_agreements_and_rules_and_changes_none():
    asked = question(purpose="teaching")
    wider = agreement(name="teaching-2026", purposes=("teaching",))
    assert what_if(policy(), asked, add=[wider]).reasons == ("teaching-2026",)
    assert what_if(policy(agreement(), wider), asked, without=["colour-2026"]).allow
    assert not what_if(policy(agreement(), wider), asked, without=["teaching-2026"]).allow
    assert what_if(policy(plain=PLAIN), question()).reasons == ("local_rule",)
    assert what_if(policy(plain=PLAIN), question(), rules={}).allow
    replaced = agreement(purposes=("teaching",))
    assert what_if(policy(), asked, add=[replaced]).reasons == ("colour-2026",)
    assert not what_if(policy(), question(), add=[replaced]).allow


# --- labels ----------------------------------------------------------------------------------------------------------


def test_what_has_no_export_class_is_labelled_with_none():
    assert Label.of("nims/colour.mix@1", "team", "none") == Label(sensitivity="team", sources=("nims/colour.mix@1",))
    assert Label.of("nims/colour.mix@1", "team", "EAR99").export_classes == ("EAR99",)
    assert Label() == Label(sensitivity="public", export_classes=(), sources=())
    for wrong in ({"export_classes": ("b", "a")}, {"sources": ("nims/a@1", "nims/a@1")}):
        with pytest.raises(ValueError, match="sorted, each there once"):
            Label(**wrong)


def test_each_source_that_does_not_agree_is_named_with_where_it_was_to_go():
    label = Label(sensitivity="restricted", sources=("argonne/x@1", "nims/colour.mix@1"))
    notes = why_not_onward(label, "riken", [agreement()], purpose="research", now=NOW)
    assert [note.fields for note in notes] == [
        {"source": source, "site": "riken", "label": "restricted"} for source in label.sources
    ]
    assert {note.code for note in notes} == {"transfer_not_covered"}


def test_what_a_source_did_not_agree_to_let_go_on_is_not_asked_with():
    learned = Label(sensitivity="team", sources=("riken/colour.simulate@1",))
    secret = Label(sensitivity="team", sources=("riken/secret@1",))
    assert policy().decide(question(learned=learned)).allow
    assert policy().decide(question(learned=Label())).allow
    refused = policy().decide(question(learned=secret))
    assert refused.reasons == ("transfer_not_covered",)
    assert refused.notes[0].fields == {"source": "riken/secret@1", "site": "nims", "label": "team"}
    assert policy().decide(question(learned=secret, purpose="teaching")).reasons == ("purpose_not_covered",)


def test_an_agreement_lets_go_on_just_what_it_covers():
    ear = agreement(export_classes=("EAR99",), determinations=determined("EAR99"))
    label = Label(sensitivity="team", export_classes=("EAR99",), sources=("nims/colour.mix@1",))
    for classes, refused in ((("EAR99",), 0), ((), 0), (("5A002", "EAR99"), 1)):
        one = label.model_copy(update={"export_classes": classes})
        assert len(why_not_onward(one, "riken", [ear], purpose="research", now=NOW)) == refused


# --- what changes ----------------------------------------------------------------------------------------------------


def test_every_change_of_a_charter_is_one_line_and_what_stays_is_none():
    first = charter(focus_areas=(Named(id="quantum", title="Quantum"),))
    assert differences(first, first) == []
    second = charter(
        title="Another",
        demonstration=False,
        networks=("10.0.0.0/8",),
        teams=(TEAM,),
        focus_areas=(Named(id="quantum", title="Quanta"), Named(id="bio", title="Bio")),
        challenges=(Named(id="c1", title="C"),),
    )
    assert differences(first, second) == [
        "title: A demonstration becomes Another",
        "demonstration: True becomes False",
        "networks: none becomes ('10.0.0.0/8',)",
        "team fusion leaves",
        "focus area bio joins",
        "focus area quantum: title: Quantum becomes Quanta",
        "challenge c1 joins",
    ]


# --- suspensions in a ledger -----------------------------------------------------------------------------------------


def barred(name: str, **changes: Any) -> Suspension:
    return Suspension(**({"kind": "site", "name": name, "since": NOW, "by": "officer@nims"} | changes))


def recorded(book: Book, *drafts: Any) -> list[Any]:
    book.run(book.ledger.append(Write(STREAM, None, drafts, "", "officer@nims")))
    return list(book.ledger.read(STREAM))


def test_what_is_barred_is_what_was_barred_and_not_lifted_since(tmp_path: Path):
    one, two = barred("riken"), barred("argonne", charter="demo")
    with site(tmp_path) as book:
        assert in_force([]) == ()
        assert in_force(recorded(book, suspended(one), suspended(two))) == (two, one)
        assert in_force(recorded(book, lifted(barred("riken", charter="demo"), "another one"))) == (two, one)
        assert in_force(recorded(book, lifted(one, "mended"))) == (two,)
        assert in_force(recorded(book, lifted(one, "again"))) == (two,)
        assert in_force(recorded(book, suspended(one))) == (two, one)


def test_a_thing_barred_again_stands_as_it_was_said_last(tmp_path: Path):
    first, last = barred("riken", why="first"), barred("riken", why="last")
    with site(tmp_path) as book:
        assert in_force(recorded(book, suspended(first), suspended(last))) == (last,)


def test_a_suspension_whose_words_are_gone_is_not_passed_over():
    lost = SimpleNamespace(type="incident.suspended", facts={"kind": "site", "name": "riken", "charter": ""}, body=None)
    with pytest.raises(Invalid, match="its body is missing"):
        in_force([lost])  # type: ignore[list-item]


# --- registry --------------------------------------------------------------------------------------------------------


def test_where_a_member_was_last_is_known_though_its_statement_has_ended(tmp_path: Path):
    with site(tmp_path) as book:
        made = Registry("nims", book.ledger, book.clock)
        envelopes = [charter().sign(*(governance_key(one) for one in ("argonne", "riken", "nims")))]
        envelopes.append(statement("nims").sign(governance_key("nims")))
        for envelope in envelopes:
            assert made.foresee(envelope)[2]
            book.run(made.accept(envelope, "operator@nims"))
            assert not made.foresee(envelope)[2]
        book.clock.time = NOW + 40 * DAY
        assert made.last_reach("demo", "nims") == Outbound(mailbox="argonne")
        assert made.last_reach("demo", "riken") is None
        assert made.documents("demo") == envelopes
        assert made.version_for("demo", "riken", Request) == len(Request.payload_types), "it has said nothing"
        for serial, (spoken, newest) in enumerate((((), 2), (("other",), 0), (Request.payload_types[:1], 1)), 2):
            later = statement("nims", serial=serial, formats=spoken)
            book.clock.time = NOW
            book.run(made.accept(later.sign(governance_key("nims")), "operator@nims"))
            assert made.version_for("demo", "nims", Request) == newest
        facts_ = [entry.facts for entry in book.ledger.read("governance/demo")][:2]
        assert [one["kind"] for one in facts_] == ["charter.v1", "statement.v1"]
        assert [one["document"] for one in facts_] == [envelope.payload_digest for envelope in envelopes]

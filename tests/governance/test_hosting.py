"""Members without a site: the charter says whose site their people use, and policy sees where they are from.

`small`, in Great Britain, is hosted by argonne in the United States.
"""

from __future__ import annotations

import pytest

from governance.world import (
    DAY,
    NOW,
    TEAM,
    agreement,
    charter,
    determined,
    facts,
    governance_key,
    member,
    question,
    statement,
)
from yosegi.core.errors import Invalid
from yosegi.governance.agreements.agreement import ClearanceTerms
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.charter.amendment import differences, successor
from yosegi.governance.charter.charter import Threshold
from yosegi.governance.charter.registry import begin
from yosegi.governance.charter.statement import accept_statement
from yosegi.governance.mandates.mandate import Mandate, Right
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.disclosure import extract, hidden
from yosegi.governance.policy.policy import Policy, decide_again, redecide
from yosegi.governance.policy.question import vouching
from yosegi.trust.errors import Untrusted
from yosegi.trust.token import Token

SMALL_TEAM = TEAM.model_copy(update={"people": (*TEAM.people, "pi@small")})
SITES = ("argonne", "riken", "nims")


def hosting(host: str | None = "argonne", **changes: object):
    members = (*(member(site) for site in SITES), member("small", hosted_by=host))
    return charter(members=members, teams=(SMALL_TEAM,), **changes)


def policy_of(site: str = "nims", host: str | None = "argonne", rules=(), suspensions=(), **terms: object) -> Policy:
    given = agreement(**({"parties": ("small", "nims", "riken")} | terms))
    texts = {f"{n}.cedar": text for n, text in enumerate(rules)}
    return Policy.build(site, Directory.of(hosting(host)), [given], texts, suspensions)


def asked(**changes: object):
    fields = {"person": "pi@small", "home": "small", "host": "argonne", "peer": "argonne"}
    return question(**(fields | changes))


# --- the charter -----------------------------------------------------------------------------------------------------


def test_the_charter_says_whose_site_a_members_people_use():
    found = hosting()
    assert (found.host_of("small"), found.host_of("nims"), found.host_of("nobody")) == ("argonne", None, None)
    assert found.hosted("argonne") == ("small",)


def test_a_charter_in_which_nobody_is_hosted_says_nothing_of_it():
    assert b"hosted_by" not in charter().to_bytes()


@pytest.mark.parametrize("host", ["nobody", "small"])
def test_a_host_is_another_member(host):
    with pytest.raises(ValueError, match="has no site in the charter"):
        hosting(host)


def test_a_host_has_a_site_of_its_own():
    members = (member("argonne"), member("riken", hosted_by="argonne"), member("nims", hosted_by="riken"))
    with pytest.raises(ValueError, match="nims is to be hosted by riken"):
        charter(members=members, teams=())


def test_the_difference_of_two_versions_says_who_hosts_whom():
    assert differences(hosting(None), hosting()) == ["argonne hosts the people of small, which has no site of its own"]
    assert differences(hosting(), hosting(None)) == ["argonne no longer hosts the people of small"]
    assert differences(hosting(), hosting("riken")) == [
        "argonne no longer hosts the people of small",
        "riken hosts the people of small, which has no site of its own",
    ]


def test_a_hosted_member_states_no_keys():
    envelope = statement("small").sign(governance_key("small"))
    with pytest.raises(Untrusted) as caught:
        accept_statement(hosting(), envelope, NOW)
    assert caught.value.reason == "member_is_hosted"
    assert accept_statement(hosting(None), envelope, NOW).site == "small"


def test_the_keys_of_a_member_that_becomes_hosted_are_believed_no_more():
    keys = [governance_key(site) for site in (*SITES, "small")]
    own = hosting(None, threshold=Threshold(members=2, per_country=0))
    federation = begin(own.sign(*keys), NOW).follow(statement("small").sign(governance_key("small")), NOW)
    assert federation.roster.keys_of("small", NOW)
    hosted = successor(own, members=hosting().members, issued=own.issued, expires=own.expires)
    with pytest.raises(Untrusted, match="small"):
        federation.follow(hosted.sign(*keys), NOW).roster.keys_of("small", NOW)


# --- decisions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["request", "accept", "dispatch", "release"])
def test_the_owner_takes_a_hosted_persons_request_because_the_charter_says_so(action):
    decision = policy_of().decide(asked(action=action))
    assert decision.reasons == ("colour-2026",)


@pytest.mark.parametrize("host", [None, "riken"])
def test_a_host_that_the_charter_does_not_name_is_refused(host):
    decision = policy_of(host=host).decide(asked())
    assert decision.reasons == ("not_hosted_here",)
    assert "argonne" in decision.explain()
    assert "憲章" in decision.explain("ja")


def test_a_member_that_is_hosted_does_not_vouch_for_itself():
    decision = policy_of().decide(asked(host=None, peer="small"))
    assert decision.reasons == ("home_is_hosted",)
    assert "argonne" in decision.explain()


def test_a_site_does_not_host_people_who_have_a_site_of_their_own():
    decision = policy_of(parties=("argonne", "nims", "riken")).decide(
        question(person="pi@argonne", home="argonne", host="riken", peer="riken")
    )
    assert decision.reasons == ("not_hosted_here",)


def test_nobody_comes_in_by_the_name_of_their_host():
    decision = policy_of(parties=("argonne", "nims", "riken")).decide(asked(home="argonne", host=None))
    assert "home_does_not_vouch" in decision.reasons


def test_the_hosts_agreements_are_not_those_of_whom_it_hosts():
    decision = policy_of(parties=("argonne", "nims", "riken")).decide(asked())
    assert decision.reasons == ("home_not_a_party",)
    assert decision.notes[0].fields["asked"] == "small"


def test_policy_sees_the_institution_and_not_the_host():
    rule = '@id("{0}") @reason("r") forbid (principal, action, resource) when {{ principal.home == Site::"{0}" }};'
    assert policy_of(rules=[rule.format("small")]).decide(asked()).reasons == ("local_rule",)
    assert policy_of(rules=[rule.format("argonne")]).decide(asked()).allow


def test_policy_may_speak_of_the_host_too():
    rule = '@id("a") @reason("r") forbid (principal, action, resource) when { principal.home has host };'
    assert policy_of(rules=[rule]).decide(asked()).reasons == ("local_rule",)
    assert policy_of(rules=[rule]).decide(question(person="operator@nims", home="nims")).allow


@pytest.mark.parametrize(
    ("countries", "allowed"), [((), True), (("GB", "US"), True), (("GB",), False), (("US",), False)], ids=str
)
def test_results_go_to_the_hosts_country_as_well_as_to_the_institutions(countries, allowed):
    decision = policy_of(residency=countries).decide(asked())
    assert decision.allow == allowed
    if not allowed:
        assert decision.reasons == ("residency_not_covered",)
        assert decision.notes[0].fields["asked"] == ({"GB", "US"} - set(countries)).pop()


@pytest.mark.parametrize(("attester", "allowed"), [("argonne", True), ("small", False)])
def test_a_clearance_of_a_hosted_person_is_attested_by_the_host(attester, allowed):
    terms = ClearanceTerms(clearance="export-a", export_classes=("EAR99",), attested_by=(attester,))
    policy = policy_of(
        parties=("small", "nims", "riken", "argonne"),
        export_classes=("none", "EAR99"),
        determinations=determined("EAR99"),
        clearances=(terms,),
    )
    decision = policy.decide(asked(capability=facts(export_class="EAR99"), clearances=("export-a",)))
    assert decision.reasons == (("colour-2026",) if allowed else ("clearance_missing",))


@pytest.mark.parametrize(("barred", "allowed"), [("argonne", False), ("small", False), ("riken", True)])
def test_whom_an_officer_bars_is_barred_as_host_and_as_hosted(barred, allowed):
    suspension = Suspension(kind="site", name=barred, since=NOW, by="officer@nims")
    assert policy_of(suspensions=[suspension]).decide(asked()).allow == allowed


def test_a_host_puts_agreements_of_those_it_hosts_in_force_and_nobody_elses():
    assert policy_of("argonne").decide(asked(action="request", peer="nims")).allow
    with pytest.raises(Invalid, match="not a party"):
        policy_of("argonne", host="riken")


def test_a_decision_about_a_hosted_person_is_made_again_from_its_record_and_its_part_of_the_policies():
    barred = Suspension(kind="site", name="argonne", since=NOW, by="officer@nims")
    for policy in (policy_of(), policy_of(suspensions=[barred]), policy_of(host="riken")):
        record = Decision.read(policy.decide(asked()).to_bytes())
        assert redecide(record, policy.bundle) == record
        part = extract(policy.bundle, "colour", "small", "argonne")
        assert decide_again(record.question, record.entities, part) == (record.allow, record.reasons)


def test_recorded_facts_are_held_against_the_charter():
    found = Directory.of(hosting(), "nims", {"press-crew": ["operator@nims"]})
    charter_alone = Directory.of(hosting())
    for one in (asked(), question(person="operator@nims", home="nims"), asked(person="x@small")):
        assert charter_alone.agrees(one, found.slice(one)), "a site's own groups are passed over"
    in_group = question(person="operator@nims", home="nims", team="press-crew")
    assert charter_alone.agrees(in_group, found.slice(in_group))
    for other in (hosting(None), hosting("riken"), charter(teams=(SMALL_TEAM.model_copy(update={"people": ()}),))):
        assert not Directory.of(other).agrees(asked(), found.slice(asked()))
    outsider = asked(person="x@small")
    forged = found.slice(asked())
    person = next(e for e in forged if e["uid"]["type"] == "Person")
    person["uid"] = {"type": "Person", "id": "x@small"}
    assert not charter_alone.agrees(outsider, forged), "nobody is put into a team by a record"


def test_a_record_that_claims_another_host_is_found_out():
    policy = policy_of()
    record = policy.decide(asked())
    forged = record.model_copy(update={"question": record.question.model_copy(update={"host": "riken"})})
    assert not redecide(forged, policy.bundle).same_as(record)


@pytest.mark.parametrize(
    ("who", "sender", "found"),
    [("pi@small", "argonne", ("small", "argonne")), ("pi@argonne", "argonne", ("argonne", None))],
)
def test_who_asks_for_people_of_another_institution_claims_to_host_them(who, sender, found):
    assert vouching(who, sender) == found


def test_a_part_of_the_policies_that_leaves_out_agreements_of_others_says_so():
    teams = ("colour",)
    mine, others = agreement(parties=("small", "nims"), capabilities=("nims/*",), teams=teams), agreement(name="others")
    directory = Directory.of(hosting())
    assert not hidden(Policy.build("nims", directory, [mine]).bundle, "colour", "small")
    assert not hidden(Policy.build("nims", directory, [mine, others]).bundle, "fusion", "small")
    assert hidden(Policy.build("nims", directory, [mine, others]).bundle, "colour", "small")


@pytest.mark.parametrize("entities", ["7", "[1]", '[{"uid": 1}]'])
def test_a_told_answer_over_entities_that_do_not_fit_is_refused(entities):
    with pytest.raises(Invalid, match="do not fit"):
        decide_again(asked(), entities, policy_of().bundle)


# --- mandates and tokens ---------------------------------------------------------------------------------------------


def mandate(**changes: object) -> Mandate:
    fields = {
        "charter": "demo",
        "id": "m",
        "home": "argonne",
        "institution": "small",
        "person": "pi@small",
        "team": "colour",
        "right": Right(capabilities=("nims/*",), purposes=("research",)),
        "issued": NOW,
        "not_after": NOW + DAY,
    }
    return Mandate(**(fields | changes))


def test_a_host_gives_mandates_and_mints_tokens_that_name_the_institution():
    key = governance_key("argonne").public
    token = mandate().mint("nims", key, NOW)
    assert (token.issuer, token.institution, token.person) == ("argonne", "small", "pi@small")


@pytest.mark.parametrize(
    "changes", [{"institution": None}, {"institution": "riken"}, {"person": "pi@argonne"}], ids=str
)
def test_neither_speaks_for_somebody_of_another_institution_than_it_names(changes):
    with pytest.raises(ValueError, match="cannot vouch"):
        mandate(**changes)
    minted = mandate().mint("nims", governance_key("argonne").public, NOW)
    fields = {name: getattr(minted, name) for name in Token.model_fields}
    with pytest.raises(ValueError, match="cannot vouch"):
        Token(**(fields | changes))


def test_a_team_may_have_people_of_a_hosted_member():
    assert "pi@small" in Directory.of(hosting()).people

"""Agreements: signed by their parties alone, about what belongs to them alone."""

from __future__ import annotations

import pytest

from governance.world import DAY, NOW, agreement, charter, determined, governance_key, lasting_key, member
from yosegi.core.errors import Invalid
from yosegi.governance.agreements.agreement import ModelTerms, accept_agreement
from yosegi.trust.errors import Untrusted

PARTIES = ("argonne", "riken", "nims")
CHARTER = charter()


def signed(document, *sites: str):
    return document.sign(*(governance_key(site) for site in sites or PARTIES))


def refused(envelope, *, under=CHARTER, now=NOW, known=None) -> str:
    with pytest.raises(Untrusted) as caught:
        accept_agreement(under, envelope, now, known)
    return caught.value.reason


def test_an_agreement_that_all_parties_signed_counts():
    assert accept_agreement(CHARTER, signed(agreement()), NOW) == agreement()


@pytest.mark.parametrize("missing", PARTIES)
def test_every_party_must_sign(missing):
    others = [site for site in PARTIES if site != missing]
    assert refused(signed(agreement(), *others)) == "too_few_keys"


def test_nobody_else_may_sign():
    two = agreement(parties=("argonne", "nims"), capabilities=("nims/*",))
    assert refused(signed(two, "argonne", "nims", "riken")) == "unknown_key"


def test_a_party_signs_with_as_many_keys_as_the_charter_says():
    strict = charter(members=(member("argonne"), member("riken", count=2, needed=2), member("nims")))
    assert refused(signed(agreement()), under=strict) == "too_few_keys"


def test_a_party_is_a_member():
    assert refused(signed(agreement()), under=charter(sites=("argonne", "riken"), teams=())) == "not_a_member"


def test_it_counts_under_its_own_charter_alone():
    assert refused(signed(agreement(charter="other"))) == "wrong_charter"


def test_an_older_version_is_refused():
    known = agreement(version=3)
    assert refused(signed(agreement(version=2)), known=known) == "agreement_rolled_back"
    assert refused(signed(agreement(version=3, title="Other")), known=known) == "agreement_rolled_back"
    assert accept_agreement(CHARTER, signed(known), NOW, known) == known


def test_one_that_has_ended_is_refused():
    assert refused(signed(agreement()), now=NOW + 100 * DAY) == "agreement_not_in_force"


def test_one_that_begins_later_may_be_kept_until_then():
    later = agreement(valid_from=NOW + DAY)
    assert accept_agreement(CHARTER, signed(later), NOW) == later


def test_nobody_permits_what_another_owns():
    with pytest.raises(ValueError, match="nobody permits what another owns"):
        agreement(parties=("argonne", "nims"), capabilities=("riken/*",))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Colour-2026"},
        {"name": "colour_2026"},
        {"name": "colour--2026"},
        {"name": "соlour"},
        {"name": "yosegi-stop"},
        {"name": 'x") permit(principal'},
        {"capabilities": ()},
        {"capabilities": ("*/colour",)},
        {"capabilities": ("nims/*colour",)},
        {"capabilities": ("*",)},
        {"capabilities": ('nims/x"*',)},
        {"purposes": ('research" || true',)},
        {"export_classes": ('none"]',)},
        {"parties": ("nims", "nims")},
        {"parties": ()},
        {"house": True},
        {"valid_until": NOW - 2 * DAY},
        {"valid_from": NOW, "valid_until": NOW},
        {"highest_sensitivity": "secret"},
        {"conduct": ("anything",)},
    ],
)
def test_an_agreement_that_is_not_of_its_form_cannot_be_made(changes):
    with pytest.raises(ValueError, match=r"."):
        agreement(**changes)


def test_an_export_class_is_determined_by_somebody():
    with pytest.raises(ValueError, match="nobody has determined"):
        agreement(export_classes=("none", "EAR99"))
    found = agreement(export_classes=("none", "EAR99"), determinations=determined("EAR99"))
    assert found.determinations[0].by == "officer@nims"


def test_a_models_endpoint_is_there_once():
    twice = (ModelTerms(endpoint="local-model", highest_sensitivity="team"),) * 2
    with pytest.raises(ValueError, match="endpoint"):
        agreement(models=twice)


def test_a_party_is_there_once():
    with pytest.raises(ValueError, match="more than once"):
        agreement(parties=("nims", "nims"), capabilities=("nims/*",))


def test_it_compiles_to_one_link_of_its_name():
    link = agreement().link
    assert (link["template_id"], link["new_id"]) == ("yosegi-agreement", "colour-2026")
    group = {"type": "Agreement", "id": "colour-2026"}
    assert link["values"] == {"?principal": group, "?resource": group}


def test_its_terms_are_data_of_its_own_entity():
    entity = agreement().to_cedar()
    assert entity["uid"] == {"type": "Agreement", "id": "colour-2026"}
    assert entity["attrs"]["digest"] == agreement().digest
    assert entity["attrs"]["sensitivities"] == ["public", "team"]


def test_it_is_for_several_teams_as_well_as_for_one():
    assert agreement(teams=("colour", "fusion")).for_teams == ("colour", "fusion")
    older = agreement(teams=None, team="colour")
    assert older.for_teams == ("colour",)
    assert b"teams" not in older.to_bytes()


@pytest.mark.parametrize(
    "changes", [{"teams": None}, {"team": "colour"}, {"teams": ()}, {"teams": ("colour", "colour")}], ids=str
)
def test_it_says_once_whom_it_is_for(changes):
    with pytest.raises(ValueError, match="team"):
        agreement(**changes)


def test_a_selector_without_version_is_refused_when_it_is_compiled():
    with pytest.raises(Invalid, match="site/name@version"):
        agreement(capabilities=("nims/colour.mix",)).to_cedar()


@pytest.mark.parametrize(
    ("selector", "ref", "covered"),
    [
        ("nims/*", "nims/colour.mix@1", True),
        ("nims/colour.*", "nims/colour.mix@1", True),
        ("nims/colour.mix@1", "nims/colour.mix@1", True),
        ("nims/colour.mix@1", "nims/colour.mix@11", False),
        ("nims/colour.*", "nims/colours@1", False),
        ("nims/*", "nims2/colour.mix@1", False),
    ],
)
def test_a_selector_covers_what_it_says(selector, ref, covered):
    assert agreement(parties=("argonne", "nims"), capabilities=(selector,)).covers(ref) == covered


def test_terms_that_no_program_decides_are_kept_for_people():
    terms = {"publication": "joint, after 30 days' notice"}
    assert accept_agreement(CHARTER, signed(agreement(terms=terms)), NOW).terms == terms


def test_under_a_lasting_charter_every_party_signs_with_both_algorithms():
    members = tuple(member(site, keys=(governance_key(site).public, lasting_key(site).public)) for site in PARTIES)
    lasting = charter(members=members, post_quantum=True)
    old = [governance_key(site) for site in PARTIES]
    new = [lasting_key(site) for site in PARTIES]
    assert accept_agreement(lasting, agreement().sign(*old, *new), NOW) == agreement()
    assert refused(agreement().sign(*old, *new[:2]), under=lasting) == "too_few_keys"
    assert refused(agreement().sign(*old), under=lasting) == "too_few_keys"
    assert refused(agreement().sign(*new), under=lasting) == "algorithm_missing"

"""The charter's two-level rule, and the checks of version, chain, expiry and rollback.

Which cases there are follows TUF's specification 1.0.33, section 5.3 (root rotation): old and new threshold, version
exactly one more, rollback, expiry, a key counted once; with members and countries on top.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.world import DAY, NOW, charter, governance_key, lasting_key, member
from yosegi.core.errors import Invalid
from yosegi.governance.charter.charter import Charter, Named, Team, Threshold, accept
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

FIRST = charter()


def signed(document: Charter, *who: str | tuple[str, int]) -> Envelope:
    signers = [governance_key(*((one, 0) if isinstance(one, str) else one)) for one in who]
    return document.sign(*signers)


def successor(**changes: object) -> Charter:
    return charter(**({"version": 2, "previous": FIRST.digest, "title": "Second"} | changes))


def refused(current: Charter | None, envelope: Envelope, now=NOW) -> str:
    with pytest.raises(Untrusted) as caught:
        accept(current, envelope, now)
    return caught.value.reason


def test_enough_members_of_every_country_make_a_charter():
    assert accept(None, signed(FIRST, "argonne", "riken"), NOW) == FIRST


def test_too_few_members_do_not():
    assert refused(None, signed(FIRST, "argonne")) == "charter_too_few"


def test_two_members_of_one_country_do_not_speak_for_the_other():
    assert refused(None, signed(FIRST, "riken", "nims")) == "charter_country_missing"


def test_many_keys_of_one_member_count_once():
    # What TUF's flat root would accept: three keys of one member for a threshold of three.
    members = (member("argonne", count=3), member("riken", count=3), member("nims"))
    document = charter(members=members, threshold=Threshold(members=3))
    assert refused(None, signed(document, ("argonne", 0), ("argonne", 1), ("argonne", 2), ("riken", 0))) == (
        "charter_too_few"
    )


def test_a_member_has_signed_when_enough_of_its_own_keys_have():
    members = (member("argonne", count=3, needed=2), member("riken"), member("nims"))
    document = charter(members=members)
    assert refused(None, signed(document, ("argonne", 0), "riken")) == "charter_too_few"
    assert accept(None, signed(document, ("argonne", 0), ("argonne", 2), "riken"), NOW) == document


def test_a_stranger_among_the_signatures_is_refused():
    assert refused(None, signed(FIRST, "argonne", "riken", "ornl")) == "unknown_key"


def test_a_key_that_signs_twice_is_refused():
    assert refused(None, signed(FIRST, "argonne", "argonne", "riken")) == "signed_twice"


def test_nothing_of_it_may_be_changed_after_signing():
    envelope = signed(FIRST, "argonne", "riken")
    forged = charter(title="Another").to_bytes()
    assert refused(None, envelope.model_copy(update={"payload": forged})) == "bad_signature"


def test_the_next_version_follows_when_old_and_new_rule_hold():
    assert accept(FIRST, signed(successor(), "argonne", "nims"), NOW) == successor()


def test_a_new_ally_is_admitted_by_the_old_members_and_signs_for_its_country():
    wider = successor(sites=("argonne", "riken", "nims", "harwell"))
    assert refused(FIRST, signed(wider, "argonne", "riken")) == "charter_country_missing"
    assert accept(FIRST, signed(wider, "argonne", "riken", "harwell"), NOW) == wider


def test_newcomers_cannot_outvote_the_old_rule():
    takeover = successor(sites=("argonne", "ornl", "harwell"), teams=())
    assert refused(FIRST, signed(takeover, "ornl", "harwell", "argonne")) == "charter_too_few"


def test_the_old_members_cannot_pass_a_version_that_breaks_its_own_rule():
    stricter = successor(threshold=Threshold(members=3))
    assert refused(FIRST, signed(stricter, "argonne", "riken")) == "charter_too_few"


def test_an_older_version_is_refused():
    second = accept(FIRST, signed(successor(), "argonne", "riken"), NOW)
    assert refused(second, signed(FIRST, "argonne", "riken")) == "charter_rolled_back"


def test_another_document_under_the_same_number_is_refused():
    second = accept(FIRST, signed(successor(), "argonne", "riken"), NOW)
    fork = successor(title="Fork")
    assert refused(second, signed(fork, "argonne", "riken")) == "charter_forked"


def test_the_same_version_again_changes_nothing():
    assert accept(FIRST, signed(FIRST, "argonne", "nims"), NOW) == FIRST


def test_the_same_version_again_is_refused_when_it_has_ended():
    envelope = signed(FIRST, "argonne", "nims")
    assert refused(FIRST, envelope, FIRST.expires + DAY) == "charter_expired"


def test_a_version_that_skips_one_is_refused():
    third = successor(version=3)
    assert refused(FIRST, signed(third, "argonne", "riken")) == "charter_gap"


def test_a_version_that_names_another_predecessor_is_refused():
    other = successor(previous=charter(title="Other").digest)
    assert refused(FIRST, signed(other, "argonne", "riken")) == "charter_gap"


def test_another_charter_does_not_replace_this_one():
    assert refused(FIRST, signed(successor(id="elsewhere"), "argonne", "riken")) == "wrong_charter"


def test_an_expired_version_is_refused():
    short = charter(expires=NOW + DAY)
    assert refused(None, signed(short, "argonne", "riken"), NOW + 2 * DAY) == "charter_expired"


def test_a_version_from_the_future_is_refused():
    assert refused(None, signed(charter(issued=NOW + DAY), "argonne", "riken")) == "document_not_yet_valid"


def test_members_may_renew_a_charter_that_has_ended():
    # TUF, 5.3: expiry is judged after the chain has been followed to its end.
    late = FIRST.expires + 10 * DAY
    renewed = successor(issued=late, expires=late + 365 * DAY)
    assert accept(FIRST, signed(renewed, "argonne", "riken"), late) == renewed


def test_another_kind_of_document_is_no_charter():
    envelope = Envelope.sign("application/vnd.yosegi.agreement.v1+json", FIRST.to_bytes(), governance_key("riken"))
    assert refused(None, envelope) == "wrong_payload_type"


def test_a_charter_in_another_byte_form_is_refused():
    loose = FIRST.to_bytes().replace(b'","', b'", "', 1)
    envelope = Envelope.sign(Charter.payload_type, loose, governance_key("argonne"), governance_key("riken"))
    with pytest.raises(Invalid, match="canonical"):
        accept(None, envelope, NOW)


def lasting_charter() -> Charter:
    keys = {site: (governance_key(site).public, lasting_key(site).public) for site in ("argonne", "riken")}
    members = tuple(member(site, keys=pair) for site, pair in keys.items())
    return charter(members=members, post_quantum=True, teams=())


def test_a_lasting_charter_needs_both_signatures_of_each_member():
    document = lasting_charter()
    old = [governance_key(site) for site in ("argonne", "riken")]
    new = [lasting_key(site) for site in ("argonne", "riken")]
    assert accept(None, document.sign(*old, *new), NOW) == document
    assert refused(None, document.sign(*old, new[0])) == "charter_too_few"
    assert refused(None, document.sign(*old)) in ("charter_too_few", "algorithm_missing")


@pytest.mark.parametrize(
    "changes",
    [
        {"members": (member("argonne"), member("argonne"), member("riken"))},
        {"members": (member("argonne"), member("riken", keys=member("argonne").keys))},
        {"threshold": Threshold(members=4)},
        {"threshold": Threshold(members=2, per_country=2)},
        {"expires": NOW - 2 * DAY},
        {"version": 2},
        {"previous": "sha256:" + "0" * 64},
        {"teams": (Team(id="t", title="T", lead="harwell", sites=("argonne",)),)},
        {"teams": (Team(id="t", title="T", lead="argonne", sites=("argonne",), people=("pi@harwell",)),)},
        {"teams": (Team(id="t", title="T", lead="argonne", sites=("argonne",), focus_area="magic"),)},
        {"challenges": (Named(id="c", title="C"), Named(id="c", title="D"))},
        {"post_quantum": True},
        {"networks": ("10.0.0.0/99",)},
    ],
)
def test_a_charter_that_does_not_hold_together_cannot_be_made(changes):
    with pytest.raises(ValueError, match=r"."):
        charter(**changes)


def test_a_threshold_that_cannot_be_reached_is_told_with_what_there_is():
    there_is = "4 have to sign, 1 of each country, and there are 3, 1 of"
    with pytest.raises(ValueError, match=f"{there_is} .*write another `threshold`"):
        charter(threshold=Threshold(members=4))


def test_a_member_that_needs_more_keys_than_it_has_cannot_be_made():
    with pytest.raises(ValueError, match="needs 3 keys"):
        member("argonne", count=2, needed=3)


SITES = ("argonne", "ornl", "riken", "nims")


@settings(max_examples=60, deadline=None)
@given(
    signers=st.sets(st.tuples(st.sampled_from(SITES), st.integers(0, 2))),
    needed=st.fixed_dictionaries({site: st.integers(1, 3) for site in SITES}),
    k=st.integers(1, 4),
    per_country=st.integers(0, 2),
)
def test_the_rule_is_k_members_each_by_m_of_its_keys_and_some_of_every_country(signers, needed, k, per_country):
    members = tuple(member(site, count=3, needed=needed[site]) for site in SITES)
    document = charter(members=members, teams=(), threshold=Threshold(members=k, per_country=per_country))
    approved = [site for site in SITES if sum(one == site for one, _ in signers) >= needed[site]]
    american = sum(site in ("argonne", "ornl") for site in approved)
    expected = len(approved) >= k and min(american, len(approved) - american) >= per_country
    try:
        accept(None, signed(document, *sorted(signers)), NOW)
        accepted = True
    except Untrusted:
        accepted = False
    assert accepted == (expected and bool(signers))


def test_a_fingerprint_can_be_read_aloud_and_changes_with_any_word():
    assert FIRST.digest.removeprefix("sha256:").startswith(FIRST.fingerprint.replace(" ", ""))
    assert FIRST.fingerprint != charter(title="A demonstratiom").fingerprint

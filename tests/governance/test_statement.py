"""A site's own statement, the roster made of them, and addresses that a hostile member might state."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from governance.world import DAY, NOW, charter, governance_key, lasting_key, member, online_key, statement, unsealer
from yosegi.core.errors import Invalid
from yosegi.governance.charter.address import check_address, refused_number
from yosegi.governance.charter.charter import Threshold
from yosegi.governance.charter.roster import Roster
from yosegi.governance.charter.statement import LONGEST, Carried, Listens, Outbound, Statement, accept_statement
from yosegi.services.governance.renewal import ends_soon
from yosegi.trust.errors import Untrusted
from yosegi.trust.signer import Ed25519Signer, MlDsa65Signer

CHARTER = charter()


def refused(envelope, now=NOW, known=None, under=CHARTER) -> str:
    with pytest.raises(Untrusted) as caught:
        accept_statement(under, envelope, now, known)
    return caught.value.reason


def test_a_statement_signed_by_its_sites_governance_key_is_believed():
    assert accept_statement(CHARTER, statement().sign(governance_key("riken")), NOW) == statement()


@pytest.mark.parametrize("signer", ["argonne", "nims"])
def test_another_members_key_does_not_speak_for_it(signer):
    assert refused(statement().sign(governance_key(signer))) == "unknown_key"


def test_its_own_online_key_does_not_speak_for_it():
    assert refused(statement().sign(online_key("riken"))) == "unknown_key"


def test_as_many_governance_keys_must_sign_as_the_charter_says():
    strict = charter(members=(member("argonne"), member("riken", count=3, needed=2), member("nims")))
    assert refused(statement().sign(governance_key("riken")), under=strict) == "too_few_keys"
    both = statement().sign(governance_key("riken"), governance_key("riken", 1))
    assert accept_statement(strict, both, NOW) == statement()


def test_a_site_outside_the_charter_gets_nothing():
    assert refused(statement("harwell").sign(governance_key("harwell"))) == "not_a_member"


def test_a_statement_for_another_charter_is_refused():
    assert refused(statement(charter="other").sign(governance_key("riken"))) == "wrong_charter"


def test_a_statement_that_has_ended_is_refused():
    assert refused(statement().sign(governance_key("riken")), NOW + 31 * DAY) == "document_expired"


def test_a_statement_from_the_future_is_refused():
    assert refused(statement().sign(governance_key("riken")), NOW - 2 * DAY) == "document_not_yet_valid"


def test_an_older_statement_is_refused():
    known = statement(serial=5)
    assert refused(statement(serial=4).sign(governance_key("riken")), known=known) == "statement_rolled_back"


def test_another_statement_of_the_same_serial_is_refused():
    other = statement(serial=5, reach=Carried())
    assert refused(other.sign(governance_key("riken")), known=statement(serial=5)) == "statement_rolled_back"


def test_the_same_statement_again_is_accepted():
    known = statement(serial=5)
    assert accept_statement(CHARTER, known.sign(governance_key("riken")), NOW, known) == known


def test_a_mailbox_is_at_a_member():
    bad = statement("nims", reach=Outbound(mailbox="harwell"))
    assert refused(bad.sign(governance_key("nims"))) == "not_a_member"


def test_a_mailbox_is_elsewhere():
    with pytest.raises(ValueError, match="elsewhere"):
        statement("nims", reach=Outbound(mailbox="nims"))


@pytest.mark.parametrize("life", [LONGEST + DAY, -DAY])
def test_a_statement_is_short_lived(life):
    with pytest.raises(ValueError, match="must end"):
        statement(not_after=NOW - DAY + life)


def test_an_online_key_is_stated_once():
    key = online_key("riken").public
    with pytest.raises(ValueError, match="more than once"):
        statement(keys=(key, key))


def test_a_hostile_address_in_a_statement_is_refused():
    bad = statement(reach=Listens(url="http://169.254.169.254/latest/meta-data"))
    assert refused(bad.sign(governance_key("riken"))) == "address_refused"


def test_loopback_is_for_demonstrations():
    here = statement(reach=Listens(url="http://127.0.0.1:8080")).sign(governance_key("riken"))
    assert accept_statement(CHARTER, here, NOW).reach == Listens(url="http://127.0.0.1:8080")
    assert refused(here, under=charter(demonstration=False)) == "address_refused"


def test_under_a_lasting_charter_a_site_states_itself_with_both_algorithms():
    keys = (governance_key("riken").public, lasting_key("riken").public)
    lasting = charter(
        members=(member("riken", keys=keys),), threshold=Threshold(members=1), post_quantum=True, teams=()
    )
    stated = statement(keys=(online_key("riken").public, MlDsa65Signer.from_seed(bytes(32)).public))
    both = stated.sign(governance_key("riken"), lasting_key("riken"))
    assert accept_statement(lasting, both, NOW) == stated
    assert refused(stated.sign(governance_key("riken")), under=lasting) == "too_few_keys"
    assert refused(stated.sign(lasting_key("riken")), under=lasting) == "algorithm_missing"
    ordinary = statement().sign(governance_key("riken"), lasting_key("riken"))
    assert refused(ordinary, under=lasting) == "stated_key_missing"


def test_the_two_keys_of_one_officer_are_one_of_the_two_officers_that_must_sign():
    keys = (
        *(governance_key("riken", number).public for number in (0, 1)),
        *(lasting_key("riken", number).public for number in (0, 1)),
    )
    officers = member("riken", keys=keys, needed=2)
    strict = charter(members=(officers,), threshold=Threshold(members=1), post_quantum=True, teams=())
    pair = statement().sign(governance_key("riken"), lasting_key("riken"))
    with pytest.raises(Untrusted) as caught:
        accept_statement(strict, pair, NOW)
    assert caught.value.fields == {"site": "riken", "have": 1, "need": 2}


# --- addresses -------------------------------------------------------------------------------------------------------
# The evasions are those of OWASP's Server-Side Request Forgery Prevention cheat sheet and of the WHATWG URL standard
# ("ends in a number").


@pytest.mark.parametrize(
    "url",
    [
        "https://yosegi.riken.example",
        "http://yosegi.riken.example:8443/federation",
        "https://93.184.216.34",
        "https://[2606:4700::1111]:8443",
    ],
)
def test_a_public_address_is_accepted(url):
    assert check_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org",
        "file:///etc/passwd",
        "gopher://example.org",
        "javascript:alert(1)",
        "//example.org",
        "example.org",
        "https://",
        "https://user:password@example.org",
        "https://user@example.org",
        "https://example.org#@127.0.0.1",
        "https://example.org?x=1",
        "https://example.org:0",
        "https://example.org:99999",
        "https://example.org\\@127.0.0.1",
        "https://exa mple.org",
        "https://example.org\n",
        "https://еxample.org",
        "https://-bad-.org",
        "http://169.254.169.254",
        "http://169.254.1.1",
        "http://[fe80::1]",
        "http://[fd00:ec2::254]",
        "http://100.100.100.200",
        "http://metadata.google.internal",
        "http://metadata.google.internal.",
        "http://127.0.0.1",
        "http://127.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7f.1",
        "http://0177.0.0.1",
        "http://[::1]",
        "http://[::ffff:127.0.0.1]",
        "http://[::ffff:169.254.169.254]",
        "http://[2002:7f00:1::]",
        "http://localhost",
        "http://LOCALHOST:80",
        "http://a.localhost",
        "http://0.0.0.0",
        "http://[::]",
        "http://224.0.0.1",
        "http://255.255.255.255",
        "http://10.0.0.1",
        "http://172.16.0.1",
        "http://192.168.0.1",
        "http://[fd12:3456::1]",
        "http://100.64.0.1",
    ],
)
def test_an_address_others_must_not_be_sent_to_is_refused(url):
    with pytest.raises(Untrusted) as caught:
        check_address(url)
    assert caught.value.reason == "address_refused"


@pytest.mark.parametrize("url", ["http://169.254.169.254", "http://user@127.0.0.1", "http://10.0.0.1"])
def test_a_demonstration_opens_loopback_and_nothing_else(url):
    with pytest.raises(Untrusted):
        check_address(url, loopback=True)


def test_a_private_network_can_be_agreed_on():
    assert check_address("http://10.1.2.3", networks=["10.1.0.0/16"])
    with pytest.raises(Untrusted):
        check_address("http://10.2.2.3", networks=["10.1.0.0/16"])


def test_an_agreed_network_never_reaches_metadata_or_this_machine():
    for url in ("http://169.254.169.254", "http://127.0.0.1"):
        with pytest.raises(Untrusted):
            check_address(url, networks=["0.0.0.0/0"])


def test_what_a_name_resolved_to_is_judged_alike():
    import ipaddress

    assert refused_number(ipaddress.ip_address("169.254.169.254"))
    assert not refused_number(ipaddress.ip_address("93.184.216.34"))


# --- roster ----------------------------------------------------------------------------------------------------------


def roster() -> Roster:
    made = Roster(CHARTER)
    for site in ("argonne", "riken", "nims"):
        made = made.with_statement(statement(site).sign(governance_key(site)), NOW)
    return made


def test_the_roster_knows_whose_key_it_is_and_where_to_find_them():
    assert list(roster().keys_of("riken", NOW)) == [online_key("riken").public.key_id]
    assert roster().reach_of("nims", NOW) == Outbound(mailbox="argonne")
    assert roster().sealing_key_of("nims", NOW) == unsealer("nims").public


def test_a_site_whose_statement_ended_is_suspended_and_no_other():
    late = statement("riken", serial=2, not_after=NOW + 90 * DAY).sign(governance_key("riken"))
    later = roster().with_statement(late, NOW)
    assert later.keys_of("riken", NOW + 40 * DAY)
    with pytest.raises(Untrusted) as caught:
        later.keys_of("nims", NOW + 40 * DAY)
    assert caught.value.reason == "statement_expired"


def test_a_member_that_has_stated_nothing_is_not_believed():
    with pytest.raises(Untrusted) as caught:
        Roster(CHARTER).keys_of("riken", NOW)
    assert caught.value.reason == "no_statement"


def test_a_removed_members_still_valid_keys_count_no_more():
    smaller = charter(
        version=2, previous=CHARTER.digest, sites=("argonne", "riken"), teams=(), threshold=CHARTER.threshold
    )
    after = roster().with_charter(smaller.sign(governance_key("argonne"), governance_key("riken")), NOW)
    assert "nims" not in after.statements
    with pytest.raises(Untrusted) as caught:
        after.keys_of("nims", NOW)
    assert caught.value.reason == "not_a_member"


def test_what_a_withdrawn_governance_key_has_signed_counts_no_more():
    renewed = member("nims", keys=(governance_key("nims", 7).public,))
    members = (member("argonne"), member("riken"), renewed)
    second = charter(version=2, previous=CHARTER.digest, members=members)
    after = roster().with_charter(second.sign(governance_key("argonne"), governance_key("riken")), NOW)
    assert after.keys_of("riken", NOW)
    with pytest.raises(Untrusted) as caught:
        after.keys_of("nims", NOW)
    assert caught.value.reason == "no_statement"
    anew = after.with_statement(statement("nims").sign(governance_key("nims", 7)), NOW)
    assert anew.keys_of("nims", NOW)


def test_under_an_expired_charter_nobody_is_believed():
    with pytest.raises(Untrusted) as caught:
        roster().keys_of("riken", CHARTER.expires + DAY)
    assert caught.value.reason == "charter_expired"


def test_keys_change_without_ceremony():
    new = Ed25519Signer.from_seed(b"n" * 32)
    after = roster().with_statement(statement(serial=2, keys=(new.public,)).sign(governance_key("riken")), NOW)
    assert list(after.keys_of("riken", NOW)) == [new.public.key_id]


def test_a_statement_survives_the_wire():
    assert Statement.read(statement("nims").to_bytes()) == statement("nims")


def test_a_statement_names_the_provider_with_which_its_people_sign_in():
    stated = statement(identity_provider="https://login.riken.example/realms/staff")
    assert Statement.read(stated.to_bytes()).identity_provider == "https://login.riken.example/realms/staff"
    assert b"identity_provider" not in statement().to_bytes(), "none is not said, as before there were any"


@pytest.mark.parametrize(
    "issuer", ["", "login.riken.example", "javascript:alert(1)", "https://a b", "https://" + "a" * 401]
)
def test_what_is_no_address_of_a_provider_is_refused(issuer):
    with pytest.raises(ValidationError):
        statement(identity_provider=issuer)


# --- renewing --------------------------------------------------------------------------------------------------------


def test_a_statement_is_renewed_for_thirty_days_until_the_time_it_allows_and_then_no_more():
    stated = statement(renewable_until=NOW + 100 * DAY)
    until = []
    while (later := stated.renewed(stated.not_after - DAY)) is not None:
        assert later.renews(stated)
        stated = later
        until.append((later.not_after - NOW) / DAY)
    assert until == [59, 88, 100]


@pytest.mark.parametrize("days", [-2, -1, 100, 101])
def test_outside_its_time_a_statement_is_not_renewed(days):
    assert statement(renewable_until=NOW + 100 * DAY).renewed(NOW + days * DAY) is None


def test_a_statement_that_does_not_say_so_is_not_renewed():
    assert statement().renewed(NOW) is None
    assert not statement(issued=NOW, not_after=NOW + 29 * DAY).renews(statement())


def test_a_statement_that_may_be_renewed_for_more_than_a_year_is_refused():
    longest = statement(renewable_until=NOW - DAY + 366 * DAY)
    assert accept_statement(charter(), longest.sign(governance_key("riken")), NOW) == longest
    with pytest.raises(Invalid, match="366 days"):
        accept_statement(charter(), statement(renewable_until=NOW + 366 * DAY).sign(governance_key("riken")), NOW)


def test_the_last_weeks_say_who_has_to_sign():
    stated, later = statement(renewable_until=NOW + 100 * DAY), NOW + 300 * DAY
    assert ends_soon(stated, later, NOW) == ""
    assert "bring the governance keys" in ends_soon(stated, later, NOW + 80 * DAY)


def test_a_statement_that_ends_with_its_charter_is_no_longer_after_another_and_a_later_charter_is_asked_for():
    stated = statement(renewable_until=NOW + 100 * DAY)
    with_charter, alone = (ends_soon(stated, NOW + days * DAY, NOW + 80 * DAY) for days in (100, 101))
    assert "publish a version of the charter with a later `expires`" in with_charter
    assert "`expires`" not in alone

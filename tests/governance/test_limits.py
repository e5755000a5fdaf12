"""Exactly at the limit, and one step beyond: dates, ages, sizes and counts, at both of their ends."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance.ledgers import Alone, site
from governance.world import DAY, NOW, agreement, charter, governance_key, member, online_key, question, statement
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid
from yosegi.governance.agreements.agreement import accept_agreement
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.charter.address import check_address
from yosegi.governance.charter.charter import Named, Team, Threshold, accept
from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.roster import Roster
from yosegi.governance.charter.statement import Revoked, accept_statement
from yosegi.governance.grants import grant as grants
from yosegi.governance.grants.balances import balance
from yosegi.governance.grants.fiscal import fiscal_year
from yosegi.governance.grants.grant import Grant, Tranche
from yosegi.governance.mandates import approvals
from yosegi.governance.mandates.approvals import Approval, ApprovalsView, accept_approval, is_approved
from yosegi.governance.policy import rules
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id

STEP = timedelta(microseconds=1)
SKEW = timedelta(seconds=30)
"""How far the clocks of two honest sites may differ."""
QUARTER, MONTH = 92 * DAY, 30 * DAY
FIRST = charter()
ALL = tuple(governance_key(one) for one in ("argonne", "riken", "nims"))
KEY = online_key("riken").public


def refused(kind: type[Exception] = Untrusted) -> Any:
    return pytest.raises(kind)


def expect(holds: bool, kind: type[Exception] = Untrusted) -> Any:
    return nullcontext() if holds else refused(kind)


AROUND = pytest.mark.parametrize(("step", "holds"), [(-STEP, True), (0 * STEP, True), (STEP, False)])
UNTIL = pytest.mark.parametrize(("step", "holds"), [(-STEP, True), (0 * STEP, False), (STEP, False)])
FROM = pytest.mark.parametrize(("step", "holds"), [(-STEP, False), (0 * STEP, True), (STEP, True)])


# --- charter ---------------------------------------------------------------------------------------------------------


@AROUND
def test_a_charter_is_believed_until_its_end_as_far_as_honest_clocks_differ(step, holds):
    now = FIRST.expires + SKEW + step
    with expect(holds):
        assert Roster(FIRST).member("riken", now).id == "riken"
    with expect(holds):
        FIRST.check_alive(now)
    with expect(holds):
        accept(None, FIRST.sign(*ALL), now)


@FROM
def test_a_charter_ends_after_it_is_issued(step, holds):
    with expect(holds, ValueError):
        charter(expires=NOW - DAY + step + STEP)


def test_a_charter_whose_rule_all_its_members_can_just_reach_is_one():
    assert charter(threshold=Threshold(members=3, per_country=1)).threshold.members == 3
    assert charter(threshold=Threshold(members=1, per_country=0)).threshold.per_country == 0
    for changes in ({"members": 0}, {"members": 1, "per_country": -1}):
        with refused(ValueError):
            Threshold(**changes)


def test_a_member_may_need_all_of_its_keys():
    assert member("argonne", count=2, needed=2).signed(
        [key.key_id for key in member("argonne", count=2).keys], ["ed25519"]
    )


def test_a_team_and_a_challenge_name_a_focus_area_of_the_charter():
    area = (Named(id="quantum", title="Quantum"),)
    team = Team(id="t", title="T", lead="argonne", sites=("argonne",), focus_area="quantum")
    challenge = Named(id="c", title="C", focus_area="quantum")
    assert charter(focus_areas=area, teams=(team,), challenges=(challenge,)).team("t") == team
    assert FIRST.team("t") is None
    with pytest.raises(ValueError, match="c names the focus area magic"):
        charter(focus_areas=area, challenges=(Named(id="c", title="C", focus_area="magic"),))


def test_a_fingerprint_is_twenty_digits_in_five_groups():
    digits = FIRST.digest.removeprefix("sha256:")
    assert FIRST.fingerprint.split(" ") == [digits[0:4], digits[4:8], digits[8:12], digits[12:16], digits[16:20]]


def test_a_charter_of_one_version_is_the_first_and_says_so_by_naming_none_before():
    assert charter(version=2, previous=FIRST.digest).version == 2
    for changes in ({"version": 0}, {"version": 10**6 + 1, "previous": FIRST.digest}):
        with refused(ValueError):
            charter(**changes)


# --- statement -------------------------------------------------------------------------------------------------------


@AROUND
def test_a_statement_lives_a_quarter_at_most(step, holds):
    with expect(holds, ValueError):
        statement(not_after=NOW - DAY + QUARTER + step)


@FROM
def test_a_statement_lives_at_least_a_moment(step, holds):
    with expect(holds, ValueError):
        statement(not_after=NOW - DAY + STEP + step)


@FROM
def test_a_statement_may_be_renewed_until_its_own_end_or_later(step, holds):
    with expect(holds, ValueError):
        statement(renewable_until=NOW + 30 * DAY + step)


@AROUND
def test_a_statement_is_believed_until_its_end_as_far_as_honest_clocks_differ(step, holds):
    roster = Roster(FIRST).with_statement(statement().sign(governance_key("riken")), NOW)
    with expect(holds):
        roster.keys_of("riken", statement().not_after + SKEW + step)
    assert roster.is_stated("riken", statement().not_after + SKEW + step) == holds
    assert not roster.is_stated("nims", NOW)


def renewable(**changes: Any) -> Any:
    return statement(**({"renewable_until": NOW + 100 * DAY} | changes))


@pytest.mark.parametrize(
    ("now", "renewed"),
    [
        (NOW - DAY, False),
        (NOW - DAY + STEP, False),
        (NOW, False),
        (NOW + STEP, True),
        (NOW + 99 * DAY, True),
        (NOW + 100 * DAY, False),
    ],
)
def test_a_statement_is_renewed_only_where_that_makes_it_last_longer(now, renewed):
    # It was issued a day ago for thirty more: until now a renewal, of thirty days, ends no later.
    assert (renewable().renewed(now) is not None) == renewed


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({"issued": NOW + STEP, "not_after": NOW + STEP + MONTH}, True),
        ({"issued": NOW + STEP, "not_after": NOW + 2 * STEP + MONTH}, False),
        ({"issued": NOW - DAY, "not_after": NOW + 29 * DAY}, False),
        ({"issued": NOW - DAY, "not_after": NOW + 30 * DAY + STEP}, False),
        ({"issued": NOW + DAY, "not_after": NOW + 30 * DAY}, False),
        ({"issued": NOW + DAY, "not_after": NOW + 30 * DAY + STEP}, True),
        ({"issued": NOW + DAY, "not_after": NOW + 31 * DAY, "serial": 2}, False),
    ],
)
def test_a_renewal_says_the_very_same_later_and_for_thirty_days_at_most(changes, holds):
    assert renewable(**changes).renews(renewable()) == holds


def test_a_renewal_counts_with_the_online_keys_that_it_names_and_no_others():
    known, renewal = renewable(), renewable(issued=NOW + DAY, not_after=NOW + 31 * DAY)
    now = NOW + DAY
    assert accept_statement(FIRST, renewal.sign(online_key("riken")), now, known) == renewal
    for signer, seen in ((online_key("argonne"), known), (online_key("riken"), None)):
        with pytest.raises(Untrusted) as caught:
            accept_statement(FIRST, renewal.sign(signer), now, seen)
        assert caught.value.reason == "unknown_key"


def test_a_revocation_may_stay_where_it_was_and_not_move_forward():
    def stated(serial: int, since: datetime) -> Any:
        return statement(serial=serial, revoked=(Revoked(key_id="ed25519-x", since=since, why="retired"),))

    for step, holds in ((-STEP, True), (0 * STEP, True), (STEP, False)):
        with expect(holds):
            accept_statement(FIRST, stated(2, NOW + step).sign(governance_key("riken")), NOW, stated(1, NOW))


@pytest.mark.parametrize("number", ["0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "[fec0::1]"])
def test_what_is_no_address_of_a_host_is_none_in_an_agreed_network_either(number):
    with pytest.raises(Untrusted, match="it is no address of a host"):
        check_address(f"http://{number}", networks=["0.0.0.0/0", "::/0"])


# --- which key counted when -----------------------------------------------------------------------------------------


@FROM
def test_a_key_counts_from_its_first_statement_as_far_as_honest_clocks_differ(step, holds):
    history, moment = KeyHistory([statement()]), statement().issued - SKEW + step
    assert (KEY.key_id in history.keys_at("riken", moment)) == holds
    assert history.keys_at("argonne", moment) == {}
    with expect(holds):
        history.check("riken", KEY.key_id, moment)


@UNTIL
def test_a_key_counts_until_just_before_its_end(step, holds):
    history, moment = KeyHistory([statement()]), statement().not_after + step
    assert (KEY.key_id in history.keys_at("riken", moment)) == holds
    with expect(holds):
        history.check("riken", KEY.key_id, moment)


@pytest.mark.parametrize(
    ("since", "ends", "why"),
    [
        (NOW, NOW, "retired"),
        (NOW + 5 * DAY, NOW + 5 * DAY, "retired"),
        (NOW + 5 * DAY + STEP, NOW + 5 * DAY, "left out"),
    ],
)
def test_a_key_ends_by_what_happened_first_and_a_revocation_says_more_than_silence(since, ends, why):
    other = governance_key("riken", 5).public
    revoked = (Revoked(key_id=KEY.key_id, since=since, why="retired"),)
    later = statement(serial=2, issued=NOW + 5 * DAY, not_after=NOW + 50 * DAY, keys=(other,), revoked=revoked)
    span = KeyHistory([statement(), later]).span("riken", KEY.key_id)
    assert span is not None
    assert (span.begins, span.ends, span.why) == (NOW - DAY, ends, why)


def test_a_key_stated_again_is_believed_from_its_first_statement_to_the_end_of_its_last():
    again = statement(serial=2, issued=NOW + 5 * DAY, not_after=NOW + 50 * DAY)
    span = KeyHistory([statement(), again]).span("riken", KEY.key_id)
    assert span is not None
    assert (span.site, span.begins, span.ends, span.why) == ("riken", NOW - DAY, NOW + 50 * DAY, "ran out")


def test_a_statement_that_comes_after_the_last_has_run_out_leaves_nothing_out():
    other = governance_key("riken", 5).public
    for issued, why in ((NOW + 30 * DAY - STEP, "left out"), (NOW + 30 * DAY, "ran out"), (NOW + 40 * DAY, "ran out")):
        late = statement(serial=2, issued=issued, not_after=NOW + 80 * DAY, keys=(other,))
        span = KeyHistory([statement(), late]).span("riken", KEY.key_id)
        assert span is not None
        assert span.why == why


# --- agreement -------------------------------------------------------------------------------------------------------


@FROM
def test_an_agreement_is_in_force_from_its_start(step, holds):
    assert agreement().in_force(agreement().valid_from + step) == holds


@UNTIL
def test_an_agreement_is_in_force_until_just_before_its_end(step, holds):
    now = agreement().valid_until + step
    assert agreement().in_force(now) == holds
    with expect(holds):
        accept_agreement(FIRST, agreement().sign(*ALL), now)


def test_cedar_and_the_explanation_agree_about_an_agreements_first_and_last_second():
    policy = Policy.build("nims", Directory.of(FIRST), [agreement()])
    begins, ends = agreement().valid_from, agreement().valid_until
    second = timedelta(seconds=1)
    moments = {begins - second: False, begins: True, ends - second: True, ends: False}
    for now, holds in moments.items():
        assert policy.decide(question(now=now)).allow == holds
        assert agreement().in_force(now) == holds


# --- approvals -------------------------------------------------------------------------------------------------------


def approval(**changes: Any) -> Approval:
    fields = {
        "charter": "demo",
        "site": "nims",
        "id": "a1",
        "person": "operator@nims",
        "request": "sha256:" + "1" * 64,
        "contract": "sha256:" + "2" * 64,
        "issued": NOW,
        "not_after": NOW + DAY,
    }
    return Approval(**(fields | changes))


@AROUND
def test_an_approval_lives_thirty_one_days_at_most(step, holds):
    with expect(holds, ValueError):
        approval(not_after=NOW + 31 * DAY + step)


@FROM
def test_an_approval_lives_at_least_a_moment(step, holds):
    with expect(holds, ValueError):
        approval(not_after=NOW + STEP + step)


@AROUND
def test_an_approval_is_used_until_its_last_moment(step, holds, tmp_path):
    made, signer = approval(), online_key("nims")
    with site(tmp_path, approvals.given(made, made.sign(signer))) as place:
        place.clock.time = made.not_after + step
        asked = (place.ledger.query, made.request, made.contract, place.clock.time)
        assert is_approved(*asked) == holds
        assert not is_approved(asked[0], made.contract, made.contract, asked[3])
        with expect(holds, approvals.ApprovalRefused):
            place.write(approvals.used(made.request, made.contract, "t1"))
        assert is_approved(*asked, task="t1") == holds, "the task that used it has it"
        assert is_approved(*asked, task="t2") == is_approved(*asked) == False  # noqa: E712
    assert accept_approval(made.sign(signer), by_id([signer.public]), charter="demo", site="nims", now=NOW) == made


def test_the_approval_that_ends_first_is_used_first():
    books = Alone(ApprovalsView())
    for name, days in (("late", 3), ("soon", 1), ("later", 2)):
        made = approval(id=name, not_after=NOW + days * DAY)
        assert books.write(approvals.given(made, made.sign(online_key("nims")))) is None
    assert books.write(approvals.used(approval().request, approval().contract, "t1")) is None
    states = dict(books.db.all("SELECT id, state FROM approvals"))
    books.close()
    assert states == {"soon": "used", "late": "given", "later": "given"}


# --- grants ----------------------------------------------------------------------------------------------------------


def dated(starts: datetime | None, ends: datetime | None) -> Tranche:
    return Tranche(id="all", amounts=Amounts({"samples": 5}), starts=starts, ends=ends)


@pytest.mark.parametrize(
    ("at", "is_open"),
    [(NOW + DAY - STEP, False), (NOW + DAY, True), (NOW + 2 * DAY - STEP, True), (NOW + 2 * DAY, False)],
)
def test_a_tranche_is_open_from_its_start_until_just_before_its_end_in_books_and_balance_alike(tmp_path, at, is_open):
    given = Grant(
        id="g1", charter="demo", team="colour", funder="nims", title="T", tranches=(dated(NOW + DAY, NOW + 2 * DAY),)
    )
    with site(tmp_path, grants.awarded(given)) as place:
        stands = balance(place.ledger.query, "g1", at)
        assert (stands.left["samples"], stands.awarded["samples"], stands.locked) == (5 * is_open, 5, Amounts())
        place.clock.time = at
        with expect(is_open, grants.GrantExceeded):
            place.write(grants.held("g1", "colour", "t1", Amounts({"samples": 5})))


def test_a_tranche_lasts_at_least_a_moment_where_it_has_both_dates():
    assert dated(NOW, NOW + STEP)
    assert dated(NOW, None).ends is None
    assert dated(None, NOW).starts is None
    with pytest.raises(ValueError, match="ends before it begins"):
        dated(NOW, NOW)


def test_what_was_held_and_spent_is_told_apart_by_unit_and_tranche(tmp_path):
    open_ = Tranche(id="a", amounts=Amounts({"samples": 10, "jpy": 5}))
    locked = Tranche(id="b", amounts=Amounts({"samples": 7}), contingent=True)
    given = Grant(id="g1", charter="demo", team="colour", funder="nims", title="T", tranches=(open_, locked))
    drafts = [
        grants.awarded(given),
        grants.held("g1", "colour", "t1", Amounts({"samples": 4, "jpy": 1})),
        grants.settled("g1", "t1", "done", Amounts({"samples": 3, "jpy": 1})),
        grants.held("g1", "colour", "t2", Amounts({"samples": 2})),
    ]
    with site(tmp_path, *drafts) as place:
        stands = balance(place.ledger.query, "g1", NOW)
    assert (stands.grant, stands.team) == ("g1", "colour")
    assert stands.awarded == Amounts({"samples": 17, "jpy": 5})
    assert stands.locked == Amounts({"samples": 7})
    assert stands.held == Amounts({"samples": 2})
    assert stands.spent == Amounts({"samples": 3, "jpy": 1})
    assert stands.left == Amounts({"samples": 5, "jpy": 4})


# 31 U.S.C. 1102: the fiscal year of the Treasury begins on October 1 and ends on September 30 of the following year.
# Public Finance Act of Japan, article 11: from April 1 to March 31 of the next year. In UTC, by the zones' law:
# Washington has daylight saving time on October 1 (UTC-4), Japan is at UTC+9.
@pytest.mark.parametrize(
    ("year", "begins", "expected"),
    [
        (2027, "october", (datetime(2026, 10, 1, 4, tzinfo=UTC), datetime(2027, 10, 1, 4, tzinfo=UTC))),
        (2026, "april", (datetime(2026, 3, 31, 15, tzinfo=UTC), datetime(2027, 3, 31, 15, tzinfo=UTC))),
    ],
)
def test_a_fiscal_year_begins_at_midnight_where_the_money_is_voted(year, begins, expected):
    assert fiscal_year(year, begins) == expected


# --- rules -----------------------------------------------------------------------------------------------------------


def shape(text: str) -> bool:
    try:
        rules.check_shape("local.cedar", text)
    except Invalid:
        return False
    return True


def test_a_rule_file_is_read_up_to_its_greatest_length():
    assert shape(" " * 256 * 1024)
    assert not shape(" " * (256 * 1024 + 1))


@pytest.mark.parametrize("pair", ["()", "[]", "{}"])
def test_brackets_stand_in_one_another_up_to_sixty_four_deep(pair):
    assert shape(pair[0] * 64 + pair[1] * 64)
    assert not shape(pair[0] * 65 + pair[1] * 65)
    assert shape(pair * 1000), "beside one another they are not deep"
    assert shape(pair[1] * 100 + pair[0] * 64), "what closes nothing makes room for nothing"
    assert not shape(pair[1] * 100 + pair[0] * 65)


def test_a_policy_has_up_to_a_thousand_operators_and_the_next_begins_anew():
    assert shape(" && ".join(["a"] * 1001))
    assert not shape(" && ".join(["a"] * 1002))
    assert shape((" || ".join(["a"] * 1001) + ";") * 3)


@pytest.mark.parametrize("length", [1, 59, 60, 61])
def test_a_rules_id_has_sixty_letters_at_most(length):
    text = f'@id("{"a" * length}") @reason("r") forbid (principal, action, resource);'
    with expect(length <= 60, Invalid):
        assert [rule.id for rule in rules.local_rules("local.cedar", text)] == ["a" * length]


def test_rules_stand_in_the_order_of_their_file_however_many_they_are():
    text = "".join(f'@id("r-{n}") @reason("r") forbid (principal, action, resource);\n' for n in range(12))
    assert [rule.id for rule in rules.local_rules("local.cedar", text)] == [f"r-{n}" for n in range(12)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('@id("a") permit (principal, action, resource);', "rule a is a permit, and only agreements permit"),
        ('@id("yosegi-a") @reason("r") forbid (principal, action, resource);', "yosegi- are kept for the program"),
        ('@id("a") @reason(" ") forbid (principal, action, resource);', "rule a gives no reason"),
        (
            '@id("a") @reason("r") @zoo("z") @ear("e") forbid (principal, action, resource);',
            "@ear, which means nothing",
        ),
        ('@reason("r") forbid (principal, action, resource);', "policy0 its @id is ''"),
    ],
)
def test_a_rule_that_is_none_is_named_with_what_is_wrong(text, why):
    with pytest.raises(Invalid) as caught:
        rules.local_rules("local.cedar", text)
    assert why in f"{caught.value.what} {caught.value.why}"


@pytest.mark.parametrize("note", ["reason_ja", "contact"])
def test_a_rule_may_say_more(note):
    text = f'@id("a") @reason("r") @{note}("x") forbid (principal, action, resource);'
    (rule,) = rules.local_rules("local.cedar", text)
    assert (rule.where, rule.effect, rule.annotations[note]) == ("local.cedar", "forbid", "x")


def test_what_a_policy_names_is_found_however_deep_it_stands():
    one, two = {"type": "Site", "id": "nims"}, {"type": "Person", "id": "pi@nims"}
    policy = {"a": [{"b": one, "c": [[two]]}], "d": {"type": "Site"}, "e": {"type": "Team", "id": "t", "more": 1}}
    assert rules.entities_named(policy) == {("Site", "nims"), ("Person", "pi@nims")}


# --- suspensions -----------------------------------------------------------------------------------------------------


def test_a_barred_things_name_has_a_hundred_and_twenty_one_letters_at_most():
    def named(length: int) -> Suspension:
        return Suspension(kind="site", name="n" * length, since=NOW, by="officer@nims")

    assert len(named(121).name) == 121
    with refused(ValueError):
        named(122)

"""What a refusal says: the reason, and by its fields whom and what it is about, so that a person can act on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from governance.ledgers import Alone
from governance.world import (
    DAY,
    NOW,
    agreement,
    charter,
    facts,
    governance_key,
    lasting_key,
    member,
    online_key,
    question,
    statement,
)
from yosegi.core.amounts import Amounts
from yosegi.governance.agreements.agreement import accept_agreement
from yosegi.governance.charter.charter import Charter, Threshold, accept
from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.roster import Roster
from yosegi.governance.charter.statement import Outbound, Revoked, accept_statement
from yosegi.governance.grants import grant as grants
from yosegi.governance.grants.balances import GrantsView
from yosegi.governance.grants.grant import Grant, GrantRefused, Release, Tranche, accept_release
from yosegi.governance.mandates import approvals
from yosegi.governance.mandates.approvals import Approval, ApprovalRefused, ApprovalsView
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy
from yosegi.trust.errors import Untrusted

FIRST = charter()
SITES = ("argonne", "riken", "nims")
HELD = "sha256:" + "1" * 64
POLICY = Policy.build("nims", Directory.of(FIRST), [agreement()])
STUDENT = "student@argonne"


def signed(document: Any, *sites: str) -> Any:
    return document.sign(*(governance_key(site) for site in sites))


def second(**changes: Any) -> Charter:
    return charter(**({"version": 2, "previous": FIRST.digest} | changes))


def strict() -> Charter:
    return charter(members=(member("argonne"), member("riken", count=3, needed=2), member("nims")))


def roster() -> Roster:
    return Roster(FIRST).with_statement(signed(statement("riken"), "riken"), NOW)


def lasting() -> Charter:
    keys = (governance_key("riken").public, lasting_key("riken").public)
    return charter(members=(member("riken", keys=keys),), threshold=Threshold(members=1), post_quantum=True, teams=())


def stated_with_one_algorithm() -> object:
    both = statement().sign(governance_key("riken"), lasting_key("riken"))
    return accept_statement(lasting(), both, NOW)


REVOKED = Revoked(key_id="ed25519-x", since=NOW - DAY, why="compromised")
TOO_FEW = charter(threshold=Threshold(members=3))
NO_JAPAN = charter(threshold=Threshold(members=1))

TRUST: list[tuple[str, Callable[[], object], str, dict[str, Any]]] = [
    (
        "a charter that too few have signed",
        lambda: accept(None, signed(TOO_FEW, "argonne", "riken"), NOW),
        "charter_too_few",
        {"have": 2, "need": 3},
    ),
    (
        "a charter without a country",
        lambda: accept(None, signed(NO_JAPAN, "argonne"), NOW),
        "charter_country_missing",
        {"country": "JP", "have": 0, "need": 1},
    ),
    (
        "a charter of another name",
        lambda: accept(FIRST, signed(second(id="elsewhere"), *SITES), NOW),
        "wrong_charter",
        {"found": "elsewhere", "expected": "demo"},
    ),
    (
        "a charter taken back",
        lambda: accept(second(), signed(FIRST, *SITES), NOW),
        "charter_rolled_back",
        {"found": 1, "current": 2},
    ),
    (
        "a charter of the same number",
        lambda: accept(second(), signed(second(title="Fork"), *SITES), NOW),
        "charter_forked",
        {"found": 2},
    ),
    (
        "a charter that skips one",
        lambda: accept(FIRST, signed(second(version=3), *SITES), NOW),
        "charter_gap",
        {"found": 3, "previous": FIRST.digest},
    ),
    (
        "a charter that has ended",
        lambda: accept(FIRST, signed(FIRST, *SITES), FIRST.expires + DAY),
        "charter_expired",
        {"charter": "demo", "until": "2027-11-21T04:00:00.000000Z"},
    ),
    (
        "a stranger's statement",
        lambda: accept_statement(FIRST, signed(statement("ornl"), "ornl"), NOW),
        "not_a_member",
        {"site": "ornl", "charter": "demo"},
    ),
    (
        "a statement with too few keys",
        lambda: accept_statement(strict(), signed(statement(), "riken"), NOW),
        "too_few_keys",
        {"site": "riken", "have": 1, "need": 2},
    ),
    (
        "a statement without an algorithm",
        stated_with_one_algorithm,
        "stated_key_missing",
        {"site": "riken", "algorithm": "ml-dsa-65"},
    ),
    (
        "an older statement",
        lambda: accept_statement(FIRST, signed(statement(serial=4), "riken"), NOW, statement(serial=5)),
        "statement_rolled_back",
        {"site": "riken", "found": 4, "current": 5},
    ),
    (
        "a statement that forgets a revocation",
        lambda: accept_statement(FIRST, signed(statement(serial=2), "riken"), NOW, statement(revoked=(REVOKED,))),
        "revocation_dropped",
        {"site": "riken", "key": "ed25519-x"},
    ),
    (
        "a mailbox at a stranger",
        lambda: accept_statement(FIRST, signed(statement("nims", reach=Outbound(mailbox="ornl")), "nims"), NOW),
        "not_a_member",
        {"site": "ornl", "charter": "demo"},
    ),
    (
        "a stranger in the roster",
        lambda: roster().keys_of("ornl", NOW),
        "not_a_member",
        {"site": "ornl", "charter": "demo"},
    ),
    ("a member that stated nothing", lambda: roster().keys_of("nims", NOW), "no_statement", {"site": "nims"}),
    (
        "a statement that has ended since",
        lambda: roster().keys_of("riken", NOW + 40 * DAY),
        "statement_expired",
        {"site": "riken", "until": "2026-12-21T04:00:00.000000Z"},
    ),
    (
        "an agreement with a stranger",
        lambda: accept_agreement(FIRST, signed(agreement(parties=("nims", "riken", "ornl")), *SITES), NOW),
        "not_a_member",
        {"site": "ornl", "charter": "demo"},
    ),
    (
        "an agreement one party did not sign",
        lambda: accept_agreement(strict(), signed(agreement(), *SITES), NOW),
        "too_few_keys",
        {"site": "riken", "have": 1, "need": 2},
    ),
    (
        "an older agreement",
        lambda: accept_agreement(FIRST, signed(agreement(version=2), *SITES), NOW, agreement(version=3)),
        "agreement_rolled_back",
        {"found": 2, "current": 3},
    ),
    (
        "another agreement of the same version",
        lambda: accept_agreement(FIRST, signed(agreement(title="Fork"), *SITES), NOW, agreement()),
        "agreement_rolled_back",
        {"found": 1, "current": 1},
    ),
    (
        "an agreement that has ended",
        lambda: accept_agreement(FIRST, signed(agreement(), *SITES), agreement().valid_until),
        "agreement_not_in_force",
        {"agreement": "colour-2026", "until": "2027-03-01"},
    ),
    (
        "a key nobody stated",
        lambda: KeyHistory([statement()]).check("riken", "ed25519-x", NOW),
        "unknown_key",
        {"key": "ed25519-x"},
    ),
    (
        "a key that is not believed any more",
        lambda: KeyHistory([statement()]).check("riken", online_key("riken").public.key_id, NOW + 31 * DAY),
        "key_not_believed_then",
        {
            "key": online_key("riken").public.key_id,
            "begins": "2026-11-20T04:00:00.000000Z",
            "ends": "2026-12-21T04:00:00.000000Z",
            "witnessed": "2026-12-22T04:00:00.000000Z",
        },
    ),
]


@pytest.mark.parametrize(("ask", "reason", "fields"), [row[1:] for row in TRUST], ids=[row[0] for row in TRUST])
def test_what_is_not_believed_is_named_with_what_was_found_and_what_was_needed(ask, reason, fields):
    with pytest.raises(Untrusted) as caught:
        ask()
    assert (caught.value.reason, caught.value.fields) == (reason, fields)


@pytest.mark.parametrize(
    ("changes", "have"), [({}, {"site": "nims", "have": 1, "need": 2}), ({"funder": "ornl"}, {"site": "ornl"})]
)
def test_a_release_that_does_not_count_says_whose_keys_are_missing(changes, have):
    under = charter(members=(member("argonne"), member("riken"), member("nims", count=3, needed=2)))
    tranche = Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True)
    given = Grant(
        **({"id": "g1", "charter": "demo", "team": "colour", "funder": "nims", "title": "T"} | changes),
        tranches=(tranche,),
    )
    fields = {
        "charter": "demo",
        "funder": given.funder,
        "site": "riken",
        "grant": "g1",
        "tranche": "fy26",
        "issued": NOW,
    }
    with pytest.raises(Untrusted) as caught:
        accept_release(under, given, "riken", signed(Release(**fields), given.funder), NOW)
    assert have.items() <= caught.value.fields.items()


def test_a_release_for_another_grant_says_which_it_is_for_and_which_is_asked():
    tranche = Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True)
    given = Grant(id="g1", charter="demo", team="colour", funder="nims", title="T", tranches=(tranche,))
    release = Release(charter="demo", funder="nims", site="argonne", grant="g2", tranche="fy26", issued=NOW)
    with pytest.raises(Untrusted) as caught:
        accept_release(FIRST, given, "riken", signed(release, "nims"), NOW)
    assert caught.value.fields == {"found": "argonne/g2", "expected": "riken/g1"}


def test_a_release_by_a_funder_that_is_not_the_grants_is_refused():
    tranche = Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True)
    given = Grant(id="g1", charter="demo", team="colour", funder="nims", title="T", tranches=(tranche,))
    release = Release(charter="demo", funder="riken", site="riken", grant="g1", tranche="fy26", issued=NOW)
    with pytest.raises(Untrusted) as caught:
        accept_release(FIRST, given, "riken", signed(release, "nims"), NOW)
    assert caught.value.reason == "wrong_addressee"


# --- books -----------------------------------------------------------------------------------------------------------


def given(*tranches: Tranche) -> Any:
    parts = tranches or (Tranche(id="all", amounts=Amounts({"samples": 10_000, "jpy": 7_000})),)
    return grants.awarded(Grant(id="g1", charter="demo", team="colour", funder="nims", title="T", tranches=parts))


def held(task: str = "t1", **milli: int) -> Any:
    return grants.held("g1", "colour", task, Amounts(milli))


SETTLED = grants.settled("g1", "t2", "done", Amounts({"samples": 500}))

BOOKS: list[tuple[str, list[Any], Any, str, dict[str, Any]]] = [
    ("a grant there already", [given()], given(), "grant_repeated", {}),
    (
        "a tranche nobody knows",
        [given()],
        grants.released("g1", "fy99", HELD),
        "tranche_unknown",
        {"tranche": "fy99"},
    ),
    ("an open tranche", [given()], grants.released("g1", "all", HELD), "tranche_open", {"tranche": "all"}),
    (
        "a claw-back from nowhere",
        [given()],
        grants.clawed_back("g1", "all", Amounts({"usd": 1}), "why"),
        "tranche_unknown",
        {"tranche": "all"},
    ),
    (
        "a claw-back of what is held and spent",
        [
            given(),
            held(samples=4_000),
            held("t2", samples=1_000),
            grants.settled("g1", "t2", "done", Amounts({"samples": 500})),
        ],
        grants.clawed_back("g1", "all", Amounts({"samples": 6_000}), "why"),
        "claw_back_too_deep",
        {"unit": "samples", "asked": 6.0, "left": 5.5},
    ),
    (
        "another team",
        [given()],
        grants.held("g1", "fusion", "t1", Amounts({"samples": 1})),
        "grant_of_another_team",
        {"team": "fusion"},
    ),
    ("a task held for already", [given(), held(samples=1)], held(samples=1), "hold_repeated", {"task": "t1"}),
    (
        "more than is left",
        [given(), held(samples=9_000)],
        held("t2", samples=1_500),
        "grant_exceeded",
        {"unit": "samples", "asked": "1.5", "left": "1"},
    ),
    ("a hold nobody made", [given()], grants.refunded("g1", "t1", "why"), "hold_unknown", {"task": "t1"}),
    (
        "a hold that has ended",
        [given(), held(samples=1), grants.refunded("g1", "t1", "why")],
        grants.settled("g1", "t1", "done", Amounts()),
        "hold_ended",
        {"task": "t1", "state": "refunded"},
    ),
    (
        "a cost without an effect",
        [given(), held(samples=1)],
        grants.settled("g1", "t1", "none", Amounts({"samples": 1})),
        "spent_without_effect",
        {"task": "t1"},
    ),
    (
        "a cost above what was held",
        [given(), held(samples=2_000, jpy=1_000)],
        grants.settled("g1", "t1", "done", Amounts({"jpy": 1_000, "samples": 2_500})),
        "spent_more_than_held",
        {"task": "t1", "unit": "samples", "asked": 2.5, "left": 2.0},
    ),
]


@pytest.mark.parametrize(("before", "draft", "reason", "fields"), [r[1:] for r in BOOKS], ids=[r[0] for r in BOOKS])
def test_what_the_books_refuse_is_named_with_the_grant_and_how_much(before, draft, reason, fields):
    books = Alone(GrantsView())
    assert [books.write(one) for one in before] == [None] * len(before)
    error = books.write(draft)
    books.close()
    assert isinstance(error, GrantRefused)
    assert (error.grant, error.reason, error.fields) == ("g1", reason, fields)


def approval(**changes: Any) -> Approval:
    fields = {
        "charter": "demo",
        "site": "nims",
        "id": "a1",
        "person": "operator@nims",
        "request": HELD,
        "contract": "sha256:" + "2" * 64,
        "issued": NOW,
        "not_after": NOW + DAY,
    }
    return Approval(**(fields | changes))


def recorded(**changes: Any) -> Any:
    made = approval(**changes)
    return approvals.given(made, made.sign(online_key("nims")))


USED = approvals.used(HELD, "sha256:" + "2" * 64, "t1")
TAKEN_BACK = (recorded(id="a2"), approvals.withdrawn("a2", "no"))


@pytest.mark.parametrize(
    ("before", "draft", "at", "reason", "fields"),
    [
        ([recorded()], recorded(request="sha256:" + "3" * 64), NOW, "approval_repeated", {"approval": "a1"}),
        ([], USED, NOW, "approval_missing", {}),
        ([recorded(contract=HELD)], USED, NOW, "approval_of_another_contract", {}),
        ([recorded()], USED, NOW + 2 * DAY, "approval_over", {"state": "expired"}),
        ([recorded(), USED], USED, NOW, "approval_over", {"state": "used"}),
        ([recorded(), approvals.withdrawn("a1", "no")], USED, NOW, "approval_over", {"state": "withdrawn"}),
        ([recorded(), *TAKEN_BACK, USED], USED, NOW, "approval_over", {"state": "used"}),
        ([], approvals.withdrawn("a1", "no"), NOW, "approval_missing", {}),
        ([recorded(), USED], approvals.withdrawn("a1", "no"), NOW, "approval_over", {"state": "used"}),
    ],
)
def test_an_approval_that_does_not_count_says_what_became_of_it(before, draft, at, reason, fields):
    books = Alone(ApprovalsView())
    assert [books.write(one) for one in before] == [None] * len(before)
    error = books.write(draft, at)
    books.close()
    assert isinstance(error, ApprovalRefused)
    assert (error.reason, error.fields) == (reason, fields)
    assert str(error).startswith("approval of ")


def test_what_is_kept_of_a_word_is_the_word_as_it_was_signed_and_what_it_rests_on():
    tranche = Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True)
    given_ = Grant(id="g1", charter="demo", team="colour", funder="nims", title="T", tranches=(tranche,))
    release = Release(charter="demo", funder="nims", site="riken", grant="g1", tranche="fy26", issued=NOW)
    envelope = signed(release, "nims")
    by_funder, by_site = grants.released("g1", "fy26", envelope), grants.released("g1", "fy26", HELD)
    assert (by_funder.facts["by"], by_funder.facts["evidence"]) == ("funder", envelope.payload_digest)
    assert by_funder.body == envelope.to_bytes()
    assert (by_site.facts["by"], by_site.facts["evidence"], by_site.body) == ("site", HELD, None)
    assert accept_release(FIRST, given_, "riken", envelope, NOW) == release
    made, decision = approval(), POLICY.decide(question())
    alone = approvals.given(made, made.sign(online_key("nims")))
    assert set(alone.body) == {"document"}
    kept = approvals.given(made, made.sign(online_key("nims")), decision).body
    assert kept["decision"]["policies_digest"] == POLICY.digest
    assert kept["document"] == alone.body["document"]


def test_a_simple_grant_is_one_open_tranche():
    simple = Grant.simple("g1", charter="demo", team="colour", funder="nims", title="T", amounts=Amounts({"usd": 5}))
    assert simple.tranches == (Tranche(id="all", amounts=Amounts({"usd": 5})),)


def test_an_amount_too_large_to_be_one_is_told_in_thousandths():
    assert "1000000000000001 thousandths" in str(grants.GrantExceeded("g1", "usd", 10**15 + 1, 0))


# --- what policy answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "code", "fields"),
    [
        ({"charter": "other"}, "wrong_charter", {"found": "other", "expected": "demo"}),
        ({"home": "riken"}, "home_does_not_vouch", {"home": "riken", "person": "pi@argonne"}),
        ({"home": "ornl", "person": "pi@ornl"}, "unknown_site", {"site": "ornl"}),
        ({"peer": "ornl"}, "unknown_site", {"site": "ornl"}),
        ({"capability": facts(ref="ornl/x@1")}, "unknown_site", {"site": "ornl"}),
        ({"team": "nobody"}, "unknown_team", {"team": "nobody"}),
        ({"person": "guest@argonne"}, "unknown_person", {"person": "guest@argonne"}),
        (
            {"team": "fusion", "person": "student@argonne"},
            "not_in_team",
            {"person": "student@argonne", "team": "fusion"},
        ),
        ({"sensitivity": "public"}, "label_too_low", {"asked": "public", "least": "team"}),
        (
            {"conduct": "run", "capability": facts(conduct=("suggest", "approve"))},
            "conduct_not_offered",
            {"asked": "run", "offered": "suggest, approve"},
        ),
        ({"team": "fusion"}, "no_agreement", {"team": "fusion"}),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_what_about_it_is_wrong(changes, code, fields):
    notes = {note.code: note.fields for note in POLICY.decide(question(**changes)).notes}
    assert notes[code] == fields
    assert code in POLICY.decide(question(**changes)).reasons

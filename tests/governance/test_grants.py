"""Grants: exact, never spent beyond, never ended twice; against a model, by racing, and from many processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from governance.ledgers import Alone, Book, site
from governance.world import DAY, NOW, charter, governance_key, member
from yosegi.core.amounts import LARGEST, Amounts
from yosegi.core.errors import Invalid, YosegiError
from yosegi.governance.grants import grant as grants
from yosegi.governance.grants.balances import GrantsView, balance, grant_of, grants_of
from yosegi.governance.grants.grant import Grant, GrantExceeded, GrantRefused, Release, Tranche, accept_release
from yosegi.ledger import Draft, Ledger, Write
from yosegi.trust.errors import Untrusted


def award(*tranches: Tranche, name: str = "g1", **changes: object) -> Grant:
    fields = {"id": name, "charter": "demo", "team": "colour", "funder": "nims", "title": "Wells", "tranches": tranches}
    return Grant(**(fields | changes))


def all_at_once(name: str = "g1", **milli: int) -> Grant:
    return award(Tranche(id="all", amounts=Amounts(milli)), name=name)


def left(place: Book, grant: str = "g1") -> Amounts:
    return balance(place.ledger.query, grant, place.clock.now()).left


def hold(task: str, grant: str = "g1", team: str = "colour", **milli: int) -> Draft:
    return grants.held(grant, team, task, Amounts(milli))


def reason_of(place: Book, draft: Draft, charter: str = "demo") -> str:
    before = place.ledger.size
    with pytest.raises(GrantRefused) as caught:
        place.write(draft, charter=charter)
    assert place.ledger.size == before, "a refused entry must not be written"
    return caught.value.reason


def test_a_hold_is_set_aside_and_settled_at_actual_cost(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=5000, jpy=100))) as place:
        place.write(hold("t1", samples=2000, jpy=7))
        assert left(place) == Amounts({"samples": 3000, "jpy": 93})
        place.write(grants.settled("g1", "t1", "done", Amounts({"samples": 1000})))
        stands = balance(place.ledger.query, "g1", NOW)
        assert stands.left == Amounts({"samples": 4000, "jpy": 100})
        assert stands.spent == Amounts({"samples": 1000})
        assert stands.held == Amounts()


def test_a_refund_gives_all_of_it_back(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=5000)), hold("t1", samples=5000)) as place:
        place.write(grants.refunded("g1", "t1", "cancelled before it started"))
        assert left(place) == Amounts({"samples": 5000})


def test_an_overspending_hold_says_which_unit_what_was_asked_and_what_is_left(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=1000, jpy=10))) as place:
        with pytest.raises(GrantExceeded) as caught:
            place.write(hold("t1", jpy=5, samples=1001))
        assert (caught.value.unit, caught.value.asked, caught.value.left) == ("samples", 1001, 1000)
        assert "1.001 were asked" in str(caught.value)
        assert left(place) == Amounts({"samples": 1000, "jpy": 10}), "nothing of a refused hold stays"


def test_one_unit_never_pays_for_another(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(usd=10**9))) as place:
        assert reason_of(place, hold("t1", jpy=1)) == "grant_exceeded"


ENDS = pytest.mark.parametrize(
    "second",
    [
        grants.settled("g1", "t1", "done", Amounts({"samples": 1})),
        grants.settled("g1", "t1", "none", Amounts()),
        grants.refunded("g1", "t1", "again"),
    ],
)


@ENDS
def test_a_settled_hold_is_not_ended_again(tmp_path, second):
    first = grants.settled("g1", "t1", "done", Amounts({"samples": 1}))
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=5), first) as place:
        assert reason_of(place, second) == "hold_ended"


@ENDS
def test_a_refunded_hold_is_not_ended_again(tmp_path, second):
    first = grants.refunded("g1", "t1", "cancelled")
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=5), first) as place:
        assert reason_of(place, second) == "hold_ended"


@ENDS
def test_what_was_never_held_cannot_be_ended(tmp_path, second):
    with site(tmp_path, grants.awarded(all_at_once(samples=10))) as place:
        assert reason_of(place, second) == "hold_unknown"


def test_a_task_is_held_for_once(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=5)) as place:
        assert reason_of(place, hold("t1", samples=1)) == "hold_repeated"
        place.write(grants.refunded("g1", "t1", "cancelled"))
        assert reason_of(place, hold("t1", samples=1)) == "hold_repeated"


def test_more_than_was_held_is_never_charged(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10, jpy=10)), hold("t1", samples=5)) as place:
        for spent in ({"samples": 6}, {"samples": 5, "jpy": 1}):
            asked = grants.settled("g1", "t1", "done", Amounts(spent))
            assert reason_of(place, asked) == "spent_more_than_held"
        assert left(place) == Amounts({"samples": 5, "jpy": 10})


def test_a_task_without_effect_costs_nothing(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=5)) as place:
        asked = grants.settled("g1", "t1", "none", Amounts({"samples": 1}))
        assert reason_of(place, asked) == "spent_without_effect"


def test_an_unknown_effect_settles_nothing(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=5)) as place:
        facts = {"grant": "g1", "task": "t1", "effect": "unknown", "spent": {}}
        assert reason_of(place, Draft(grants.SETTLED, facts)) == "effect_unsettled"
        assert grant_of(place.ledger.query, "t1") == "g1"


@pytest.mark.parametrize("changes", [{"team": "fusion"}, {"charter": "other"}])
def test_another_team_or_charter_cannot_draw_on_it(tmp_path, changes):
    with site(tmp_path, grants.awarded(all_at_once(samples=10))) as place:
        draft = hold("t1", team=changes.get("team", "colour"), samples=1)
        assert reason_of(place, draft, changes.get("charter", "demo")) == "grant_of_another_team"


def test_an_unknown_grant_is_refused(tmp_path):
    with site(tmp_path) as place:
        assert reason_of(place, hold("t1", samples=1)) == "grant_unknown"


def test_a_grant_is_awarded_once(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10))) as place:
        assert reason_of(place, grants.awarded(all_at_once(samples=10**6))) == "grant_repeated"


@pytest.mark.parametrize("amount", [-1, 1.5, True, "5", None, LARGEST + 1, 2**70, float("nan")])
@pytest.mark.parametrize("type_", [grants.HELD, grants.SETTLED, grants.CLAWED_BACK])
def test_an_amount_that_is_no_whole_count_within_range_is_refused(tmp_path, amount, type_):
    facts = {"grant": "g1", "team": "colour", "task": "t2", "tranche": "all", "effect": "done"}
    facts |= {"amounts": {"samples": amount}, "spent": {"samples": amount}}
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=5)) as place:
        with pytest.raises(YosegiError):
            place.write(Draft(type_, facts | ({"task": "t1"} if type_ == grants.SETTLED else {})))
        assert left(place) == Amounts({"samples": 5})


@pytest.mark.parametrize("facts", [{}, {"grant": "g1"}, {"grant": "g1", "team": "colour", "task": "t", "amounts": [1]}])
def test_facts_of_another_form_get_a_clear_error(tmp_path, facts):
    with site(tmp_path, grants.awarded(all_at_once(samples=10))) as place, pytest.raises(Invalid):
        place.write(Draft(grants.HELD, facts))


# --- tranches --------------------------------------------------------------------------------------------------------


def fiscal(name: str, starts_in: int, ends_in: int, samples: int, *, contingent: bool = False) -> Tranche:
    starts, ends = NOW + starts_in * DAY, NOW + ends_in * DAY
    return Tranche(id=name, amounts=Amounts({"samples": samples}), contingent=contingent, starts=starts, ends=ends)


def test_a_contingent_tranche_stays_locked_until_it_is_released(tmp_path):
    given = award(Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True))
    with site(tmp_path, grants.awarded(given)) as place:
        assert reason_of(place, hold("t1", samples=1)) == "grant_exceeded"
        assert balance(place.ledger.query, "g1", NOW).locked == Amounts({"samples": 10})
        place.write(grants.released("g1", "fy26", "sha256:" + "a" * 64))
        place.write(hold("t1", samples=1))
        assert left(place) == Amounts({"samples": 9})
        assert reason_of(place, grants.released("g1", "fy26", "sha256:" + "a" * 64)) == "tranche_open"


def test_releasing_what_does_not_exist_is_refused(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10))) as place:
        assert reason_of(place, grants.released("g1", "fy99", "sha256:" + "a" * 64)) == "tranche_unknown"


def test_a_tranche_is_drawn_on_between_its_dates_alone(tmp_path):
    with site(tmp_path, grants.awarded(award(fiscal("fy26", 1, 10, 5)))) as place:
        assert reason_of(place, hold("t1", samples=1)) == "grant_exceeded"
        place.clock.time = NOW + 1 * DAY
        place.write(hold("t1", samples=1))
        place.clock.time = NOW + 10 * DAY
        assert reason_of(place, hold("t2", samples=1)) == "grant_exceeded"
        place.write(grants.settled("g1", "t1", "done", Amounts({"samples": 1})))


def test_a_hold_draws_first_on_the_tranche_that_ends_first(tmp_path):
    with site(tmp_path, grants.awarded(award(fiscal("late", -1, 20, 5), fiscal("soon", -1, 10, 5)))) as place:
        place.write(hold("t1", samples=7))
        place.clock.time = NOW + 15 * DAY
        assert left(place) == Amounts({"samples": 3})
        place.write(grants.settled("g1", "t1", "done", Amounts({"samples": 6})))
        assert left(place) == Amounts({"samples": 4})


def test_a_claw_back_stops_at_what_is_held_and_spent(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=4)) as place:
        too_much = grants.clawed_back("g1", "all", Amounts({"samples": 7}), "appropriation lowered")
        assert reason_of(place, too_much) == "claw_back_too_deep"
        place.write(grants.clawed_back("g1", "all", Amounts({"samples": 6}), "appropriation lowered"))
        assert left(place) == Amounts()
        place.write(grants.settled("g1", "t1", "done", Amounts({"samples": 4})))


@pytest.mark.parametrize("amounts", [{"samples": 1}, {"jpy": 1}])
def test_nothing_is_taken_back_from_a_tranche_that_does_not_have_it(tmp_path, amounts):
    tranche = "fy99" if "samples" in amounts else "all"
    with site(tmp_path, grants.awarded(all_at_once(samples=10))) as place:
        assert reason_of(place, grants.clawed_back("g1", tranche, Amounts(amounts), "why")) == "tranche_unknown"


def release(**changes: object) -> Release:
    fields = {"charter": "demo", "funder": "nims", "site": "riken", "grant": "g1", "tranche": "fy26", "issued": NOW}
    return Release(**(fields | changes))


def test_a_release_counts_when_the_funder_signed_it():
    given = award(Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True))
    assert accept_release(charter(), given, "riken", release().sign(governance_key("nims")), NOW) == release()


@pytest.mark.parametrize(
    ("signer", "changes", "reason"),
    [
        ("riken", {}, "unknown_key"),
        ("nims", {"grant": "g2"}, "wrong_addressee"),
        ("nims", {"site": "argonne"}, "wrong_addressee"),
        ("nims", {"charter": "other"}, "wrong_charter"),
        ("nims", {"issued": NOW + timedelta(minutes=5)}, "document_not_yet_valid"),
    ],
)
def test_a_release_by_another_or_for_another_grant_is_refused(signer, changes, reason):
    given = award(Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True))
    with pytest.raises(Untrusted) as caught:
        accept_release(charter(), given, "riken", release(**changes).sign(governance_key(signer)), NOW)
    assert caught.value.reason == reason


def test_a_funder_that_left_the_charter_releases_nothing():
    given = award(Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True), funder="harwell")
    with pytest.raises(Untrusted) as caught:
        accept_release(charter(), given, "riken", release(funder="harwell").sign(governance_key("harwell")), NOW)
    assert caught.value.reason == "not_a_member"


def test_a_tranche_ends_after_it_begins_and_is_there_once():
    with pytest.raises(ValueError, match="ends before it begins"):
        fiscal("fy26", 2, 1, 5)
    with pytest.raises(ValueError, match="more than once"):
        award(fiscal("fy26", 1, 2, 5), fiscal("fy26", 2, 3, 5))


def test_the_balance_of_an_unknown_grant_is_an_error(tmp_path):
    with site(tmp_path) as place, pytest.raises(GrantRefused, match="no such grant"):
        balance(place.ledger.query, "g1", NOW)


def test_a_release_needs_as_many_of_the_funders_keys_as_the_charter_says():
    strict = charter(members=(member("argonne"), member("riken"), member("nims", count=3, needed=2)))
    given = award(Tranche(id="fy26", amounts=Amounts({"samples": 10}), contingent=True))
    with pytest.raises(Untrusted) as caught:
        accept_release(strict, given, "riken", release().sign(governance_key("nims")), NOW)
    assert caught.value.reason == "too_few_keys"


def test_the_grants_of_a_team_are_found(tmp_path):
    other = all_at_once(name="g2", samples=1)
    with site(tmp_path, grants.awarded(all_at_once(samples=1)), grants.awarded(other)) as place:
        assert grants_of(place.ledger.query, "demo", "colour") == ["g1", "g2"]
        assert grants_of(place.ledger.query, "demo", "fusion") == []


# --- racing ----------------------------------------------------------------------------------------------------------


async def ask_at_once(ledger: Ledger, tasks: list[str]) -> list[object]:
    writes = [Write("grant/g1", None, (hold(task, samples=1000),), "demo", "pi@argonne") for task in tasks]
    return list(await asyncio.gather(*(ledger.append(write) for write in writes), return_exceptions=True))


def test_107_who_ask_at_once_for_1_of_100_get_exactly_100(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=100_000)), inline=False) as place:
        answers = place.run(ask_at_once(place.ledger, [f"t{n}" for n in range(107)]))
        assert sum(isinstance(answer, GrantExceeded) for answer in answers) == 7
        assert sum(isinstance(answer, list) for answer in answers) == 100
        assert left(place) == Amounts()


_ASKER = """
import socket, sys
with socket.socket(socket.AF_UNIX) as link:
    link.connect(sys.argv[1])
    lines = link.makefile("rw")
    for task in sys.argv[2:]:
        lines.write(task + "\\n")
    lines.flush()
    print("".join(lines.readline() for _ in sys.argv[2:]), end="")
"""


@pytest.mark.processes
def test_many_processes_that_ask_for_107_of_100_get_exactly_100(tmp_path):
    async def serve(ledger: Ledger) -> list[str]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := (await reader.readline()).decode().strip():
                (result,) = await ask_at_once(ledger, [line])
                writer.write(("no\n" if isinstance(result, GrantExceeded) else "yes\n").encode())
                await writer.drain()
            writer.close()

        path = str(tmp_path / "door")
        async with await asyncio.start_unix_server(answer, path):
            tasks = [f"t{n}" for n in range(107)]
            askers = [
                await asyncio.create_subprocess_exec(
                    sys.executable, "-c", _ASKER, path, *tasks[start::6], stdout=subprocess.PIPE
                )
                for start in range(6)
            ]
            outputs = await asyncio.gather(*(asker.communicate() for asker in askers))
        return [word for output, _ in outputs for word in output.decode().split()]

    with site(tmp_path, grants.awarded(all_at_once(samples=100_000)), inline=False) as place:
        answers = place.run(serve(place.ledger))
        assert (answers.count("yes"), answers.count("no")) == (100, 7)
        assert left(place) == Amounts()


# --- against a model -------------------------------------------------------------------------------------------------


class Accounts(RuleBasedStateMachine):
    """One grant of two tranches beside a model of plain numbers: free, held by task, spent."""

    @initialize(first=st.integers(0, 20), second=st.integers(0, 20))
    def begin(self, first: int, second: int) -> None:
        self.alone = Alone(GrantsView())
        open_, locked = Amounts({"samples": first}), Amounts({"samples": second})
        given = award(Tranche(id="a", amounts=open_), Tranche(id="b", amounts=locked, contingent=True))
        assert self.alone.write(grants.awarded(given)) is None
        self.free = {"a": first, "b": second}
        self.locked = second > 0
        self.held: dict[str, dict[str, int]] = {}
        self.ended: set[str] = set()
        self.spent = 0

    @rule(task=st.sampled_from("xyz"), asked=st.integers(0, 25))
    def hold(self, task: str, asked: int) -> None:
        error = self.alone.write(hold(task, samples=asked))
        known = task in self.held or task in self.ended
        usable = self.free["a"] + (0 if self.locked else self.free["b"])
        if known or asked > usable:
            assert isinstance(error, GrantRefused)
            assert error.reason == ("hold_repeated" if known else "grant_exceeded")
            return
        assert error is None
        from_a = min(asked, self.free["a"])
        self.held[task] = {"a": from_a, "b": asked - from_a}
        for tranche, milli in self.held[task].items():
            self.free[tranche] -= milli

    @rule(task=st.sampled_from("xyz"), spent=st.integers(0, 25))
    def settle(self, task: str, spent: int) -> None:
        error = self.alone.write(grants.settled("g1", task, "done", Amounts({"samples": spent})))
        if task not in self.held or spent > sum(self.held[task].values()):
            assert isinstance(error, GrantRefused)
            return
        assert error is None
        from_a = min(spent, self.held[task]["a"])
        self.free["a"] += self.held[task]["a"] - from_a
        self.free["b"] += self.held[task]["b"] - (spent - from_a)
        self.spent += spent
        del self.held[task]
        self.ended.add(task)

    @rule(task=st.sampled_from("xyz"))
    def refund(self, task: str) -> None:
        error = self.alone.write(grants.refunded("g1", task, "why"))
        assert (error is None) == (task in self.held)
        if error is None:
            for tranche, milli in self.held.pop(task).items():
                self.free[tranche] += milli
            self.ended.add(task)

    @rule()
    def release(self) -> None:
        error = self.alone.write(grants.released("g1", "b", "sha256:" + "0" * 64))
        assert (error is None) == self.locked
        self.locked = False

    @rule(tranche=st.sampled_from("ab"), amount=st.integers(1, 20))
    def claw_back(self, tranche: str, amount: int) -> None:
        error = self.alone.write(grants.clawed_back("g1", tranche, Amounts({"samples": amount}), "why"))
        assert (error is None) == (amount <= self.free[tranche])
        if error is None:
            self.free[tranche] -= amount

    @invariant()
    def the_books_agree(self) -> None:
        if not hasattr(self, "alone"):
            return
        rows = self.alone.db.all("SELECT tranche, amount - held - spent, held, spent FROM grant_tranches")
        free = dict.fromkeys("ab", 0) | {name: free for name, free, _, _ in rows}
        assert free == self.free
        assert sum(row[2] for row in rows) == sum(sum(held.values()) for held in self.held.values())
        assert sum(row[3] for row in rows) == self.spent
        assert all(number >= 0 for row in rows for number in row[1:])

    def teardown(self) -> None:
        if hasattr(self, "alone"):
            self.alone.close()


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_folded_anew_the_view_says_the_same(tmp_path):
    with site(tmp_path, grants.awarded(all_at_once(samples=10)), hold("t1", samples=4)) as place:
        before = balance(place.ledger.query, "g1", NOW)
        place.ledger.rebuild()
        assert balance(place.ledger.query, "g1", NOW) == before

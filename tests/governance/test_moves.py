"""Moving an amount between two sites' books: it is at one of them or on its way, never at both and never nowhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from governance.ledgers import Alone, Book, site
from governance.world import DAY, NOW
from yosegi.core.amounts import Amounts
from yosegi.core.errors import Invalid, YosegiError
from yosegi.governance.grants import grant as grants
from yosegi.governance.grants.balances import GrantsView, balance
from yosegi.governance.grants.grant import Grant, GrantRefused, Tranche
from yosegi.governance.grants.transfers import (
    MOVE_ANSWERED,
    MOVE_ENDED,
    MOVE_OFFERED,
    MOVED_OUT,
    Transfer,
    move_stream,
    moved_in,
)
from yosegi.ledger import Draft


def grant(name: str, *tranches: Tranche, team: str = "colour") -> Draft:
    given = tranches or (Tranche(id="all", amounts=Amounts({"samples": 10, "jpy": 7})),)
    return grants.awarded(Grant(id=name, charter="demo", team=team, funder="nims", title="Wells", tranches=given))


def out(move: str = "k1", tranche: str = "all", to: str = "nims", **milli: int) -> Draft:
    facts = {"grant": "mine", "tranche": tranche, "amounts": milli, "move": move, "to": to}
    return Draft(MOVED_OUT, facts)


def ended(accepted: bool, move: str = "k1", to: str = "nims") -> Draft:
    return Draft(MOVE_ENDED, {"grant": "mine", "move": move, "to": to, "accepted": accepted})


def offered(move: str = "k1", peer: str = "argonne") -> Draft:
    return Draft(MOVE_OFFERED, {"move": move, "from": peer, "grant": "theirs", "amounts": {"samples": 3}})


def answered(accepted: bool, move: str = "k1", peer: str = "argonne") -> Draft:
    return Draft(MOVE_ANSWERED, {"move": move, "from": peer, "accepted": accepted})


def transfer(move: str = "k1", **changes: object) -> Transfer:
    fields = {
        "charter": "demo",
        "sender": "argonne",
        "to": "nims",
        "key": move,
        "issued": NOW,
        "not_after": NOW + DAY,
        "grant": "mine",
        "into": "theirs",
        "team": "colour",
        "amounts": Amounts({"samples": 3}),
    }
    return Transfer(**(fields | changes))


def taken(move: str = "k1", into: str = "theirs", peer: str = "argonne", **changes: object) -> Draft:
    return moved_in(into, peer, transfer(move, **changes))


class Books:
    """The grants of one site, alone."""

    def __init__(self, *drafts: Draft) -> None:
        self._alone = Alone(GrantsView())
        for draft in drafts:
            self.write(draft)

    def write(self, draft: Draft) -> None:
        error = self._alone.write(draft)
        if error is not None:
            raise error

    def refuses(self, draft: Draft) -> YosegiError:
        before = self.rows()
        with pytest.raises(YosegiError) as caught:
            self.write(draft)
        assert self.rows() == before, "what was refused leaves nothing behind"
        return caught.value

    def reason(self, draft: Draft) -> str:
        error = self.refuses(draft)
        assert isinstance(error, GrantRefused)
        return error.reason

    def rows(self) -> list[tuple[object, ...]]:
        tables = ("grants", "grant_tranches", "grant_holds", "grant_draws", "grant_moves")
        return [tuple(row) for table in tables for row in self._alone.db.all(f"SELECT * FROM {table}")]

    def amounts(self, grant: str) -> dict[tuple[str, str], int]:
        rows = self._alone.db.all("SELECT tranche, unit, amount FROM grant_tranches WHERE grant_id = ?", (grant,))
        return {(str(tranche), str(unit)): int(amount) for tranche, unit, amount in rows}

    def moves(self) -> dict[str, str]:
        return {str(move): str(state) for move, state in self._alone.db.all("SELECT move, state FROM grant_moves")}

    def close(self) -> None:
        self._alone.close()


@pytest.fixture
def giver() -> Iterator[Books]:
    books = Books(grant("mine"))
    yield books
    books.close()


@pytest.fixture
def receiver() -> Iterator[Books]:
    books = Books(grant("theirs", Tranche(id="all", amounts=Amounts({"samples": 40}))))
    yield books
    books.close()


# --- at the giver ----------------------------------------------------------------------------------------------------


def test_what_is_moved_is_no_longer_the_givers(giver):
    giver.write(out(samples=4, jpy=2))
    assert giver.amounts("mine") == {("all", "samples"): 6, ("all", "jpy"): 5}
    assert giver.moves() == {"k1": "asked"}


def test_all_that_is_free_may_be_moved_and_no_more(giver):
    giver.write(grants.held("mine", "colour", "t1", Amounts({"samples": 1})))
    giver.write(grants.held("mine", "colour", "t2", Amounts({"samples": 2})))
    giver.write(grants.settled("mine", "t2", "done", Amounts({"samples": 2})))
    error = giver.refuses(out(samples=8))
    assert isinstance(error, GrantRefused)
    assert (error.grant, error.reason) == ("mine", "move_too_large")
    assert error.fields == {"unit": "samples", "asked": 0.008, "left": 0.007}
    giver.write(out(samples=7))
    assert giver.amounts("mine")["all", "samples"] == 3


def test_a_move_of_several_units_is_all_or_nothing(giver):
    assert giver.reason(out(jpy=7, samples=11)) == "move_too_large"
    assert giver.amounts("mine") == {("all", "samples"): 10, ("all", "jpy"): 7}


def test_a_move_of_nothing_is_none(giver):
    assert giver.reason(out()) == "nothing_to_move"
    assert giver.reason(out(samples=0)) == "nothing_to_move"


@pytest.mark.parametrize("draft", [out(tranche="fy99", samples=1), out(usd=1)])
def test_what_a_tranche_does_not_have_is_not_moved(giver, draft):
    error = giver.refuses(draft)
    assert isinstance(error, GrantRefused)
    assert error.reason == "tranche_unknown"
    assert error.fields["tranche"] in ("fy99", "all")


def test_a_tranche_that_waits_for_its_release_is_not_moved():
    books = Books(grant("mine", Tranche(id="fy26", amounts=Amounts({"samples": 5}), contingent=True)))
    error = books.refuses(out(tranche="fy26", samples=1))
    assert isinstance(error, GrantRefused)
    assert (error.reason, error.fields) == ("tranche_locked", {"tranche": "fy26"})
    books.write(grants.released("mine", "fy26", "sha256:" + "a" * 64))
    books.write(out(tranche="fy26", samples=1))
    books.close()


def test_a_move_has_a_name_of_its_own_at_each_peer(giver):
    giver.write(out(samples=1))
    error = giver.refuses(out(samples=1))
    assert isinstance(error, GrantRefused)
    assert (error.grant, error.reason, error.fields) == ("mine", "move_over", {"move": "k1"})
    giver.write(out(to="riken", samples=1))
    giver.write(out(move="k2", samples=1))
    assert giver.amounts("mine")["all", "samples"] == 7


def test_what_the_receiver_took_stays_away(giver):
    giver.write(out(samples=4))
    giver.write(ended(accepted=True))
    assert giver.amounts("mine")["all", "samples"] == 6
    assert giver.moves() == {"k1": "accepted"}


def test_what_the_receiver_did_not_take_comes_back_to_its_tranche():
    books = Books(grant("mine", *(Tranche(id=name, amounts=Amounts({"samples": 5, "jpy": 3})) for name in "ab")))
    books.write(out(tranche="b", samples=4, jpy=3))
    books.write(ended(accepted=False))
    assert books.amounts("mine") == {(name, unit): n for name in "ab" for unit, n in (("samples", 5), ("jpy", 3))}
    assert books.moves() == {"k1": "back"}
    books.close()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("again", [True, False])
def test_a_move_ends_once(giver, first, again):
    giver.write(out(samples=4))
    giver.write(ended(first))
    error = giver.refuses(ended(again))
    assert isinstance(error, GrantRefused)
    assert (error.grant, error.reason, error.fields) == ("mine", "move_over", {"move": "k1"})


@pytest.mark.parametrize("draft", [ended(False, move="k9"), ended(False, to="riken")])
def test_a_move_nobody_began_does_not_end(giver, draft):
    giver.write(out(samples=4))
    assert giver.reason(draft) == "move_over"
    assert giver.moves() == {"k1": "asked"}


# --- at the receiver -------------------------------------------------------------------------------------------------


def test_what_is_taken_is_a_tranche_of_its_own_beside_what_was_there(receiver):
    for draft in (offered(), answered(True), taken()):
        receiver.write(draft)
    assert receiver.amounts("theirs") == {("all", "samples"): 40, ("from-argonne-k1", "samples"): 3}
    assert receiver.moves() == {"k1": "taken"}


def test_moves_of_one_name_from_two_peers_are_two(receiver):
    for peer in ("argonne", "riken"):
        for draft in (offered(peer=peer), answered(True, peer=peer), taken(peer=peer)):
            receiver.write(draft)
    assert receiver.amounts("theirs")["from-riken-k1", "samples"] == 3


def test_a_long_names_tranche_is_named_as_far_as_names_go():
    assert moved_in("theirs", "argonne", transfer("k" * 120)).facts["tranche"] == f"from-argonne-{'k' * 120}"[:128]


def test_an_offer_alone_gives_nothing(receiver):
    receiver.write(offered())
    assert receiver.reason(taken()) == "move_over"
    receiver.write(answered(False))
    assert receiver.reason(taken()) == "move_over"
    assert receiver.moves() == {"k1": "refused"}


def test_what_was_never_offered_cannot_be_taken(receiver):
    assert receiver.reason(answered(True)) == "move_over"
    error = receiver.refuses(taken())
    assert isinstance(error, GrantRefused)
    assert (error.grant, error.reason, error.fields) == ("theirs", "move_over", {"move": "k1"})


def test_an_offer_is_taken_once(receiver):
    for draft in (offered(), answered(True), taken()):
        receiver.write(draft)
    for again in (offered(), answered(True), answered(False), taken()):
        assert receiver.reason(again) == "move_over"


def test_a_move_given_back_before_its_offer_arrives_is_refused_for_ever(receiver):
    receiver.write(answered(False))
    assert receiver.moves() == {"k1": "refused"}
    for late in (offered(), answered(True), answered(False), taken()):
        error = receiver.refuses(late)
        assert isinstance(error, GrantRefused)
        assert (error.reason, error.fields["move"]) == ("move_over", "k1")


def test_only_the_same_teams_grant_under_the_same_charter_takes_it(receiver):
    receiver.write(grant("fusions", team="fusion"))
    for draft in (offered(), answered(True)):
        receiver.write(draft)
    assert receiver.reason(taken(into="unheard")) == "grant_unknown"
    error = receiver.refuses(taken(into="fusions"))
    assert isinstance(error, GrantRefused)
    assert (error.grant, error.reason, error.fields) == ("fusions", "grant_of_another_team", {"team": "colour"})


def test_what_is_taken_keeps_the_givers_dates(tmp_path):
    dated = transfer(starts=NOW + DAY, ends=NOW + 3 * DAY)
    drafts = (grant("theirs"), offered(), answered(True), moved_in("theirs", "argonne", dated))
    with site(tmp_path, *drafts) as place:
        assert [left(place, NOW + n * DAY) for n in (0, 1, 2, 3)] == [10, 13, 13, 10]


def test_what_is_taken_without_dates_may_be_drawn_at_once_and_for_ever(tmp_path):
    with site(tmp_path, grant("theirs"), offered(), answered(True), taken()) as place:
        assert left(place, NOW) == 13
        assert left(place, NOW + 10_000 * DAY) == 13
        place.write(grants.held("theirs", "colour", "t1", Amounts({"samples": 13})))


def left(place: Book, now) -> int:
    return balance(place.ledger.query, "theirs", now).left["samples"]


def test_under_another_charter_nothing_is_taken(tmp_path):
    with site(tmp_path, grant("theirs"), offered(), answered(True)) as place:
        with pytest.raises(GrantRefused) as caught:
            place.write(taken(), charter="other")
        assert caught.value.reason == "grant_of_another_team"


@pytest.mark.parametrize("type_", [MOVED_OUT, MOVE_ENDED, MOVE_OFFERED, MOVE_ANSWERED, "grant.moved_in"])
def test_facts_of_another_form_get_a_clear_error(giver, type_):
    error = giver.refuses(Draft(type_, {"grant": "mine"}))
    assert isinstance(error, Invalid)
    assert type_ in str(error)
    assert "not of its form" in str(error)


def test_each_move_has_a_stream_of_its_own():
    assert len({move_stream(peer, key) for peer in ("argonne", "riken") for key in ("k1", "k2")}) == 4


def test_a_senders_words_are_of_bounded_length():
    assert len(transfer(reason="x" * 2000).reason) == 2000
    with pytest.raises(ValueError, match="2000"):
        transfer(reason="x" * 2001)


# --- both, against a model -------------------------------------------------------------------------------------------


class Moving(RuleBasedStateMachine):
    """Two sites whose messages arrive late, twice, in any order or not at all. The answer that is sent is the one the
    receiver recorded, so nothing is ever at both or nowhere.
    """

    MOVES = st.sampled_from(("k1", "k2", "k3"))

    @initialize()
    def begin(self) -> None:
        self.giver = Books(grant("mine", Tranche(id="all", amounts=Amounts({"samples": 10}))))
        self.receiver = Books(grant("theirs", Tranche(id="all", amounts=Amounts({"samples": 5}))))
        self.sent: dict[str, int] = {}
        self.words: dict[str, bool] = {}
        self.over: set[str] = set()

    def _tried(self, books: Books, *drafts: Draft) -> bool:
        """All or none, as one append is."""
        try:
            for draft in drafts:
                books.write(draft)
        except GrantRefused:
            if draft is not drafts[0]:
                raise
            return False
        return True

    @rule(move=MOVES, asked=st.integers(0, 12))
    def send(self, move: str, asked: int) -> None:
        free = self.giver.amounts("mine")["all", "samples"]
        done = self._tried(self.giver, out(move, samples=asked))
        assert done == (0 < asked <= free and move not in self.sent)
        if done:
            self.sent[move] = asked

    @rule(move=MOVES)
    def offer_arrives(self, move: str) -> None:
        if move in self.sent:
            facts = {"move": move, "from": "argonne", "grant": "theirs", "amounts": {"samples": self.sent[move]}}
            known = move in self.receiver.moves()
            assert self._tried(self.receiver, Draft(MOVE_OFFERED, facts)) != known

    @rule(move=MOVES)
    def take(self, move: str) -> None:
        waits = self.receiver.moves().get(move) == "offered"
        amounts = Amounts({"samples": self.sent.get(move, 1)})
        done = self._tried(self.receiver, answered(True, move), taken(move, amounts=amounts))
        assert done == waits
        if done:
            self.words[move] = True

    @rule(move=MOVES)
    def refuse_or_give_back(self, move: str) -> None:
        if move in self.sent:
            may = self.receiver.moves().get(move) in (None, "offered")
            assert self._tried(self.receiver, answered(False, move)) == may
            if may:
                self.words[move] = False

    @rule(move=MOVES)
    def answer_arrives(self, move: str) -> None:
        if move in self.words:
            assert self._tried(self.giver, ended(self.words[move], move)) == (move not in self.over)
            self.over.add(move)

    @invariant()
    def nothing_is_lost_and_nothing_is_twice(self) -> None:
        if hasattr(self, "giver"):
            here = sum(self.giver.amounts("mine").values())
            there = sum(self.receiver.amounts("theirs").values()) - 5
            on_its_way = sum(n for move, n in self.sent.items() if move not in self.over and not self.words.get(move))
            assert here + there + on_its_way == 10

    def teardown(self) -> None:
        if hasattr(self, "giver"):
            self.giver.close()
            self.receiver.close()


TestMoving = Moving.TestCase
TestMoving.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)

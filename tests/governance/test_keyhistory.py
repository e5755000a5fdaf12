"""Which key counted when. The rule: a signature counts if it was witnessed before its key's revocation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.world import DAY, NOW, charter, governance_key, online_key, statement
from yosegi.governance.charter.key_history import KeyHistory
from yosegi.governance.charter.statement import Revoked, Statement, accept_statement
from yosegi.trust.errors import Untrusted
from yosegi.trust.signer import Ed25519Signer

OLD, NEW = online_key("riken").public, Ed25519Signer.from_seed(b"new".ljust(32, b".")).public


def first() -> Statement:
    return statement(serial=1)


def second(*revoked: Revoked, keys=(NEW,), serial: int = 2) -> Statement:
    return statement(serial=serial, issued=NOW + 5 * DAY, not_after=NOW + 60 * DAY, keys=keys, revoked=revoked)


def stolen(since) -> Revoked:
    return Revoked(key_id=OLD.key_id, since=since, why="compromised")


def reason_of(history: KeyHistory, key_id: str, witnessed) -> str:
    with pytest.raises(Untrusted) as caught:
        history.check("riken", key_id, witnessed)
    return caught.value.reason


def test_what_was_witnessed_while_the_key_was_believed_counts_for_ever():
    history = KeyHistory([first(), second()])
    assert history.check("riken", OLD.key_id, NOW) == OLD
    assert history.check("riken", NEW.key_id, NOW + 6 * DAY) == NEW


def test_a_key_left_out_of_the_next_statement_counts_until_then():
    history = KeyHistory([first(), second()])
    assert history.check("riken", OLD.key_id, NOW + 4 * DAY)
    assert reason_of(history, OLD.key_id, NOW + 5 * DAY) == "key_not_believed_then"


def test_a_stolen_key_counts_until_it_may_have_been_stolen():
    history = KeyHistory([first(), second(stolen(NOW + 2 * DAY))])
    assert history.check("riken", OLD.key_id, NOW + DAY)
    assert reason_of(history, OLD.key_id, NOW + 2 * DAY) == "key_not_believed_then"
    span = history.span("riken", OLD.key_id)
    assert span is not None
    assert span.why == "compromised"


def test_a_key_counts_from_its_first_statement_and_not_before():
    history = KeyHistory([first(), second()])
    assert reason_of(history, NEW.key_id, NOW) == "key_not_believed_then"


def test_a_key_counts_no_longer_than_the_last_statement_that_has_it():
    assert reason_of(KeyHistory([first()]), OLD.key_id, NOW + 30 * DAY) == "key_not_believed_then"


def test_a_key_nobody_stated_is_unknown():
    assert reason_of(KeyHistory([first()]), NEW.key_id, NOW) == "unknown_key"
    with pytest.raises(Untrusted):
        KeyHistory([first()]).check("nims", OLD.key_id, NOW)


def test_a_revoked_key_cannot_be_stated_again():
    with pytest.raises(ValueError, match="cannot be stated again"):
        second(stolen(NOW), keys=(OLD, NEW))


@pytest.mark.parametrize("later", [[], [NOW + 3 * DAY]])
def test_a_revocation_is_neither_dropped_nor_dated_forward(later):
    known = second(stolen(NOW + 2 * DAY))
    third = second(*(stolen(since) for since in later), serial=3).sign(governance_key("riken"))
    with pytest.raises(Untrusted) as caught:
        accept_statement(charter(), third, NOW + 6 * DAY, known)
    assert caught.value.reason == "revocation_dropped"


def test_a_revocation_may_be_dated_back_when_more_is_learned():
    known = second(stolen(NOW + 2 * DAY))
    third = second(stolen(NOW + DAY), serial=3)
    accepted = accept_statement(charter(), third.sign(governance_key("riken")), NOW + 6 * DAY, known)
    history = KeyHistory([first(), known, accepted])
    assert reason_of(history, OLD.key_id, NOW + DAY) == "key_not_believed_then"


@given(st.integers(0, 40), st.integers(-1, 45))
def test_nothing_witnessed_after_a_revocation_ever_counts(revoked, witnessed):
    history = KeyHistory([first(), second(stolen(NOW + revoked * DAY))])
    try:
        history.check("riken", OLD.key_id, NOW + witnessed * DAY)
    except Untrusted:
        return
    assert witnessed < revoked

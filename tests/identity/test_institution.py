"""Whom a provider's word lets in, and as what; and handing a sign-in to a program."""

from __future__ import annotations

import pytest

from ledger.support import StillClock
from yosegi.core.errors import NotFound, Refused, Unavailable
from yosegi.identity.accounts import Account, Session
from yosegi.identity.device_login import LASTS, MOST, DeviceLogin
from yosegi.identity.oidc_claims import ClaimMapping

ROLES = {"member": ("scientists",), "operator": ("operators", "night-shift"), "officer": ("security",)}


def admitted(claims, accounts=(), **terms):
    known = {f"{name}@riken": Account(person=f"{name}@riken", role=role) for name, role in accounts}
    return ClaimMapping("riken", **terms).admit(claims, known)


def refused(claims, accounts=(), **terms):
    with pytest.raises(Refused) as caught:
        admitted(claims, accounts, **terms)
    return caught.value.reasons[0]


def test_a_group_gives_a_role_and_the_highest_counts():
    claims = {"preferred_username": "pi", "groups": ["scientists", "night-shift"]}
    assert admitted(claims, roles=ROLES) == ("pi@riken", "operator")


@pytest.mark.parametrize("groups", [[], ["visitors"], "security", {"security": 1}, None, [["security"]], [7]])
def test_who_is_in_no_named_group_is_refused(groups):
    assert refused({"preferred_username": "pi", "groups": groups}, roles=ROLES) == "not_in_a_group"


def test_an_account_here_does_not_replace_the_group():
    assert refused({"preferred_username": "pi", "groups": []}, [("pi", "officer")], roles=ROLES) == "not_in_a_group"


def test_where_no_roles_are_named_an_account_here_is_needed_and_gives_the_role():
    assert admitted({"preferred_username": "pi"}, [("pi", "operator")]) == ("pi@riken", "operator")
    assert refused({"preferred_username": "stranger"}, [("pi", "operator")]) == "no_account_for_claim"


@pytest.mark.parametrize(
    "named",
    ["", "Pi", "p.i", "pi@nims", "pi@riken", "pi ", "ｐｉ", "pi\n", "../pi", None, 7, ["pi"], "x" * 90, "-pi", "1pi"],
)
def test_a_name_that_is_no_account_name_is_refused(named):
    assert refused({"preferred_username": named, "groups": ["security"]}, roles=ROLES) == "no_account_for_claim"


def test_names_can_be_mapped_one_by_one():
    claims = {"email": "first.last@riken.example", "groups": ["scientists"]}
    people = {"first.last@riken.example": "pi@riken"}
    assert admitted(claims, claim="email", people=people, roles=ROLES) == ("pi@riken", "member")


# -- handing a sign-in to a program -----------------------------------------------------------------------------------


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def handover(clock):
    return DeviceLogin(clock)


WHO = Session("pi@riken", "member", float("inf"), "")


def test_a_program_waits_until_the_person_confirms_and_then_acts_for_them(handover):
    code, secret = handover.begin()
    assert handover.collect(secret) is None
    handover.confirm(code.lower().replace("-", ""), WHO)
    assert handover.collect(secret) == WHO


def test_a_sign_in_is_collected_once(handover):
    code, secret = handover.begin()
    handover.confirm(code, WHO)
    assert handover.collect(secret)
    with pytest.raises(NotFound):
        handover.collect(secret)


def test_a_code_is_confirmed_once(handover):
    code, _ = handover.begin()
    handover.confirm(code, WHO)
    with pytest.raises(NotFound):
        handover.confirm(code, WHO)


def test_the_code_alone_collects_nothing(handover):
    code, _ = handover.begin()
    handover.confirm(code, WHO)
    with pytest.raises(NotFound):
        handover.collect(code)


def test_what_waits_too_long_is_over(handover, clock):
    code, secret = handover.begin()
    clock.turn(LASTS + 1)
    with pytest.raises(NotFound):
        handover.confirm(code, WHO)
    with pytest.raises(NotFound):
        handover.collect(secret)


def test_no_more_than_so_many_wait(handover, clock):
    for _ in range(MOST):
        handover.begin()
    with pytest.raises(Unavailable):
        handover.begin()
    clock.turn(LASTS + 1)
    assert handover.begin()

"""Approvals: to the digest of one request and contract, by a person's own key, once, and before they run out."""

from __future__ import annotations

import pytest

from governance.ledgers import Book, site
from governance.world import DAY, NOW, online_key
from yosegi.core.errors import Invalid
from yosegi.governance.mandates import approvals
from yosegi.governance.mandates.approvals import Approval, ApprovalRefused, accept_approval, is_approved
from yosegi.ledger import Draft
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer

PERSON, AGENT = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in (31, 32))
REQUEST, CONTRACT, OTHER = ("sha256:" + digit * 64 for digit in "abc")


def approval(**changes: object) -> Approval:
    fields = {
        "charter": "demo",
        "site": "nims",
        "id": "a1",
        "person": "operator@nims",
        "request": REQUEST,
        "contract": CONTRACT,
        "issued": NOW,
        "not_after": NOW + DAY,
    }
    return Approval(**(fields | changes))


def accept(envelope, **changes: object) -> Approval:
    where = {"charter": "demo", "site": "nims", "now": NOW} | changes
    return accept_approval(envelope, by_id([PERSON.public]), **where)


def given(**changes: object) -> Draft:
    made = approval(**changes)
    return approvals.given(made, made.sign(PERSON))


def reason_of(place: Book, draft: Draft, charter: str = "demo") -> str:
    size = place.ledger.size
    with pytest.raises(ApprovalRefused) as caught:
        place.write(draft, charter=charter)
    assert place.ledger.size == size
    return caught.value.reason


def test_an_approval_signed_by_the_persons_own_key_is_accepted():
    assert accept(approval().sign(PERSON)) == approval()


@pytest.mark.parametrize("signer", [AGENT, online_key("nims"), online_key("argonne")])
def test_neither_an_agent_nor_a_site_approves_in_a_persons_name(signer):
    with pytest.raises(Untrusted) as caught:
        accept(approval().sign(signer))
    assert caught.value.reason == "unknown_key"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"site": "riken"}, "wrong_addressee"),
        ({"charter": "other"}, "wrong_charter"),
        ({"now": NOW + 2 * DAY}, "document_expired"),
        ({"now": NOW - DAY}, "document_not_yet_valid"),
    ],
)
def test_an_approval_for_elsewhere_or_another_time_is_refused(changes, reason):
    with pytest.raises(Untrusted) as caught:
        accept(approval().sign(PERSON), **changes)
    assert caught.value.reason == reason


def test_an_approval_is_short_lived():
    with pytest.raises(ValueError, match="31 days"):
        approval(not_after=NOW + 32 * DAY)


def test_an_approval_counts_once(tmp_path):
    with site(tmp_path, given()) as place:
        assert is_approved(place.ledger.query, REQUEST, CONTRACT, NOW)
        place.write(approvals.used(REQUEST, CONTRACT, "t1"))
        assert not is_approved(place.ledger.query, REQUEST, CONTRACT, NOW)
        assert reason_of(place, approvals.used(REQUEST, CONTRACT, "t2")) == "approval_over"


def test_a_second_attempt_needs_a_second_approval(tmp_path):
    with site(tmp_path, given(), given(id="a2")) as place:
        place.write(approvals.used(REQUEST, CONTRACT, "t1"))
        place.write(approvals.used(REQUEST, CONTRACT, "t2"))
        assert reason_of(place, approvals.used(REQUEST, CONTRACT, "t3")) == "approval_over"


def test_an_altered_request_is_not_approved(tmp_path):
    with site(tmp_path, given()) as place:
        assert not is_approved(place.ledger.query, OTHER, CONTRACT, NOW)
        assert reason_of(place, approvals.used(OTHER, CONTRACT, "t1")) == "approval_missing"


def test_a_swapped_contract_is_not_approved(tmp_path):
    with site(tmp_path, given()) as place:
        assert not is_approved(place.ledger.query, REQUEST, OTHER, NOW)
        assert reason_of(place, approvals.used(REQUEST, OTHER, "t1")) == "approval_of_another_contract"


def test_an_approval_counts_under_its_charter_alone(tmp_path):
    with site(tmp_path, given()) as place:
        assert reason_of(place, approvals.used(REQUEST, CONTRACT, "t1"), charter="other") == "approval_missing"


def test_an_approval_runs_out_if_dispatch_has_not_begun(tmp_path):
    with site(tmp_path, given()) as place:
        place.clock.time = NOW + 2 * DAY
        assert not is_approved(place.ledger.query, REQUEST, CONTRACT, place.clock.time)
        assert reason_of(place, approvals.used(REQUEST, CONTRACT, "t1")) == "approval_over"


def test_an_approval_can_be_withdrawn_until_it_is_used(tmp_path):
    with site(tmp_path, given(), given(id="a2", request=OTHER)) as place:
        place.write(approvals.withdrawn("a1", "the sample is needed elsewhere"))
        assert reason_of(place, approvals.used(REQUEST, CONTRACT, "t1")) == "approval_over"
        place.write(approvals.used(OTHER, CONTRACT, "t2"))
        assert reason_of(place, approvals.withdrawn("a2", "too late")) == "approval_over"
        assert reason_of(place, approvals.withdrawn("a9", "what?")) == "approval_missing"


def test_the_same_approval_again_is_refused(tmp_path):
    with site(tmp_path, given()) as place:
        assert reason_of(place, given()) == "approval_repeated"


def test_facts_of_another_form_get_a_clear_error(tmp_path):
    with site(tmp_path) as place, pytest.raises(Invalid):
        place.write(Draft(approvals.USED, {"request": REQUEST}))

"""Tokens and proofs of their use: each way to misuse one is refused, by a test that fails without the guard."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from yosegi.core.errors import Invalid
from yosegi.trust.document import SKEW
from yosegi.trust.envelope import Envelope, Signature, pae
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer
from yosegi.trust.token import PROOF_LIFE, Proof, SeenProofs, Token, accept_proof, accept_token, digest_of_request

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOME, HOLDER, THIEF = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in (1, 2, 3))
ASKED = digest_of_request("POST", "/tasks", b"{}")


def token(**changes: object) -> Token:
    fields = {
        "charter": "demo",
        "issuer": "argonne",
        "audience": "nims",
        "person": "pi@argonne",
        "team": "colour",
        "agent": "planner",
        "holder": HOLDER.public,
        "issued": NOW,
        "not_after": NOW + timedelta(minutes=10),
    }
    return Token(**(fields | changes))


def accept(envelope: Envelope, **changes: object) -> Token:
    where = {"issuer": "argonne", "site": "nims", "charter": "demo", "now": NOW} | changes
    return accept_token(envelope, by_id([HOME.public]), **where)


def proof(signed: Envelope, **changes: object) -> Proof:
    fields = {"token": signed.payload_digest, "audience": "nims", "asked": ASKED, "key": "p1", "issued": NOW}
    return Proof(**(fields | changes))


def refused(call, *args: object, **changes: object) -> str:
    with pytest.raises(Untrusted) as caught:
        call(*args, **changes)
    return caught.value.reason


def use(
    made: Proof, signer: Ed25519Signer = HOLDER, *, asked: str = ASKED, now=NOW, seen: SeenProofs | None = None
) -> Proof:
    signed = token().sign(HOME)
    return accept_proof(
        signed, accept(signed), made.sign(signer), asked=asked, now=now, seen=SeenProofs() if seen is None else seen
    )


def test_a_token_with_the_proof_of_its_holder_is_accepted():
    assert use(proof(token().sign(HOME))).key == "p1"


def test_a_stolen_token_with_another_key_is_refused():
    assert refused(use, proof(token().sign(HOME)), THIEF) == "unknown_key"


def test_a_token_for_one_site_is_refused_at_another():
    assert refused(accept, token().sign(HOME), site="riken") == "wrong_addressee"


def test_a_token_of_another_charter_is_refused():
    assert refused(accept, token().sign(HOME), charter="other") == "wrong_charter"


def test_a_site_vouches_for_its_own_people_alone():
    with pytest.raises(ValueError, match="cannot vouch"):
        token(person="pi@riken")


def test_a_token_says_which_site_vouches_and_that_site_signed():
    lying = token(issuer="riken", person="pi@riken").sign(HOME)
    assert refused(accept, lying) == "wrong_sender"
    assert refused(accept, token().sign(THIEF)) == "unknown_key"


def test_a_removed_members_still_valid_token_is_refused():
    with pytest.raises(Untrusted) as caught:
        accept_token(token().sign(HOME), {}, issuer="argonne", site="nims", charter="demo", now=NOW)
    assert caught.value.reason == "unknown_key"


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (NOW + timedelta(minutes=10) + SKEW + timedelta(seconds=1), "document_expired"),
        (NOW - SKEW - timedelta(seconds=1), "document_not_yet_valid"),
    ],
)
def test_a_token_outside_its_time_is_refused(now, reason):
    assert refused(accept, token().sign(HOME), now=now) == reason


@pytest.mark.parametrize("life", [timedelta(minutes=10, seconds=1), timedelta(), -timedelta(minutes=1)])
def test_a_token_lives_ten_minutes_at_most(life):
    with pytest.raises(ValueError, match="10 minutes"):
        token(not_after=NOW + life)


def test_a_token_without_signature_algorithm_cannot_be_read():
    # RFC 8725, section 2.1: "alg": "none".
    wire = token().sign(HOME).model_dump(mode="json")
    wire["signatures"][0] |= {"algorithm": "none", "sig": ""}
    with pytest.raises(Invalid, match="algorithm"):
        Envelope.read(wire)


@pytest.mark.parametrize("secret", ["public bytes", "public text"])
def test_a_symmetric_signature_made_with_a_public_key_is_refused(secret):
    # RFC 8725, section 2.1: an asymmetric public key used as the secret of an HMAC.
    public = HOME.public.public
    key = base64.b64decode(public) if secret == "public bytes" else public.encode()
    unsigned = token().sign()
    mac = hmac.digest(key, pae(Token.payload_type, unsigned.payload), hashlib.sha512)
    forged = Signature(key_id=HOME.public.key_id, algorithm="ed25519", sig=mac)
    assert refused(accept, unsigned.model_copy(update={"signatures": (forged,)})) == "bad_signature"


@pytest.mark.parametrize(
    "asked",
    [
        digest_of_request("POST", "/tasks", b'{"a":1}'),
        digest_of_request("GET", "/tasks", b"{}"),
        digest_of_request("POST", "/tasks/", b"{}"),
        digest_of_request("POST", "/task", b"s{}"),
    ],
)
def test_a_proof_is_of_one_request(asked):
    assert refused(use, proof(token().sign(HOME)), asked=asked) == "proof_of_another_request"


def test_a_proof_is_of_one_token():
    other = token(team="fusion").sign(HOME)
    assert refused(use, proof(other)) == "proof_of_another_token"


def test_a_proof_for_another_site_is_refused():
    assert refused(use, proof(token().sign(HOME), audience="riken")) == "wrong_addressee"


def test_a_proof_is_short_lived():
    late = NOW + PROOF_LIFE + SKEW + timedelta(seconds=1)
    assert refused(use, proof(token().sign(HOME)), now=late) == "document_expired"


def test_a_proof_counts_once():
    seen = SeenProofs()
    use(proof(token().sign(HOME)), seen=seen)
    assert refused(use, proof(token().sign(HOME)), seen=seen) == "used_before"
    use(proof(token().sign(HOME), key="p2"), seen=seen)


def test_what_was_seen_is_forgotten_when_it_could_not_be_used_again():
    seen = SeenProofs(most=2)
    assert seen.first_time("a", NOW + timedelta(seconds=1), NOW)
    assert seen.first_time("b", NOW + timedelta(seconds=9), NOW)
    assert not seen.first_time("c", NOW + timedelta(seconds=9), NOW), "full: nothing new until something runs out"
    assert seen.first_time("c", NOW + timedelta(seconds=9), NOW + timedelta(seconds=2))
    assert len(seen) == 2

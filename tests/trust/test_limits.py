"""Exactly at the limit, and one step beyond: lives of documents, tokens and proofs, sizes, clocks; and what a refusal
says of what was found and what was expected.
"""

from __future__ import annotations

import base64
import json
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.test_document import NOW, SIGNER, Note, note, open_note
from trust.test_token import ASKED, HOLDER, HOME, THIEF, accept, proof, token, use
from yosegi.core.errors import Invalid
from yosegi.trust.clocks import PeerClocks
from yosegi.trust.document import Document, Moment
from yosegi.trust.envelope import MAX_SIGNATURES, Envelope, Signature
from yosegi.trust.errors import LooseKeyFile, Untrusted
from yosegi.trust.keys import PublicKey, by_id, unbase64
from yosegi.trust.passphrase import check_passphrase, hash_passphrase
from yosegi.trust.sealed import Unsealer
from yosegi.trust.signer import Ed25519Signer, load_private, read_private
from yosegi.trust.token import SeenProofs, digest_of_request

STEP = timedelta(microseconds=1)
SKEW = timedelta(seconds=30)
"""How far the clocks of two honest sites may differ."""
AROUND = pytest.mark.parametrize(("step", "holds"), [(-STEP, True), (0 * STEP, True), (STEP, False)])
FROM = pytest.mark.parametrize(("step", "holds"), [(-STEP, False), (0 * STEP, True), (STEP, True)])


def expect(holds: bool, kind: type[Exception] = Untrusted) -> Any:
    return nullcontext() if holds else pytest.raises(kind)


def fields_of(call: Any) -> tuple[str, dict[str, Any]]:
    with pytest.raises(Untrusted) as caught:
        call()
    return caught.value.reason, caught.value.fields


# --- documents -------------------------------------------------------------------------------------------------------


@AROUND
def test_a_document_is_believed_until_its_end_as_far_as_honest_clocks_differ(step, holds):
    with expect(holds):
        open_note(note().sign(SIGNER), now=note().not_after + SKEW + step)


@FROM
def test_a_document_is_believed_from_its_issue_as_far_as_honest_clocks_differ(step, holds):
    with expect(holds):
        open_note(note().sign(SIGNER), now=NOW - SKEW + step)


@AROUND
def test_a_document_between_sites_lives_seven_days_at_most(step, holds):
    with expect(holds, ValueError):
        note(not_after=NOW + timedelta(days=7) + step)


@FROM
def test_a_document_lives_at_least_a_moment(step, holds):
    with expect(holds, ValueError):
        note(not_after=NOW + STEP + step)


def test_a_document_is_of_one_moment_wherever_its_clock_stands():
    tokyo = NOW.astimezone(timezone(timedelta(hours=9)))
    assert note(issued=tokyo) == note()
    assert note(issued=tokyo).to_bytes() == note().to_bytes()
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(ValueError, match="outside the years 1900 to 9000"):
        note(issued=first)


@pytest.mark.parametrize("year", [1, 1899, 9001, 9999])
def test_a_moment_that_no_lifetime_can_be_added_to_or_taken_from_is_refused(year):
    with pytest.raises(Invalid, match="issued"):
        Note.read(note().model_dump(mode="json") | {"issued": f"{year:04d}-06-01T00:00:00.000000Z"})


def test_who_is_not_asked_about_is_not_held_against_a_document():
    keys = by_id([SIGNER.public])
    assert Note.open(note().sign(SIGNER), keys, now=NOW) == note()


def test_a_refused_document_says_what_was_found_and_what_was_expected():
    signed = note().sign(SIGNER)
    for name, found, reason in (
        ("charter", "demo", "wrong_charter"),
        ("to", "argonne", "wrong_addressee"),
        ("sender", "riken", "wrong_sender"),
    ):
        asked = {name: "other"}
        assert fields_of(lambda: open_note(signed, **asked)) == (  # noqa: B023
            reason,
            {"found": found, "said": found, "expected": "other"},
        )
    late, early = NOW + timedelta(days=1), NOW - timedelta(days=1)
    assert fields_of(lambda: open_note(signed, now=late)) == (
        "document_expired",
        {"until": "2026-11-21T04:10:00.000000Z", "now": "2026-11-22T04:00:00.000000Z"},
    )
    assert fields_of(lambda: open_note(signed, now=early)) == (
        "document_not_yet_valid",
        {"issued": "2026-11-21T04:00:00.000000Z", "now": "2026-11-20T04:00:00.000000Z"},
    )
    other = Envelope.sign("text/plain", b"{}", SIGNER)
    expected = {"found": "text/plain", "expected": Note.payload_type}
    assert fields_of(lambda: Note.peek(other)) == ("wrong_payload_type", expected)
    assert fields_of(lambda: open_note(other)) == ("wrong_payload_type", expected)


def test_a_document_without_dates_is_always_in_force():
    class Dateless(Document):
        kind = "dateless"
        text: str

    class Begun(Document):
        kind = "begun"
        issued: Moment

    Dateless(text="x").check_in_force(NOW)
    Begun(issued=NOW).check_in_force(NOW + timedelta(days=10_000))
    with expect(False):
        Begun(issued=NOW).check_in_force(NOW - timedelta(days=1))


def test_a_document_of_this_sites_own_ledger_is_read_without_asking_for_its_keys_again():
    stranger = Ed25519Signer.from_seed(b"x" * 32)
    plain = note().sign(stranger).plain
    assert Note.recorded(plain) == note()
    assert Note.recorded(plain) == note(), "read again it is the same"
    with pytest.raises(Invalid):
        Note.recorded(Envelope.sign(Note.payload_type, b'{"text": 1}', stranger).plain)


@pytest.mark.parametrize("letters", [10, 16 * 1024, 40 * 1024])
def test_a_document_reads_the_same_however_long_it_is(letters):
    long = note(text="x" * letters)
    assert [open_note(long.sign(SIGNER)) for _ in range(2)] == [long, long]


class Grown(Document):
    kind = "grown"
    added: ClassVar = {2: ("second",), 3: ("third",)}
    first: str
    second: str | None = None
    third: str | None = None


def test_a_kind_that_grew_is_read_in_every_version_and_written_in_the_newest_or_the_one_that_is_asked_for():
    forms = [f"application/vnd.yosegi.grown.v{version}+json" for version in (1, 2, 3)]
    assert list(Grown.payload_types) == forms
    assert Grown.payload_type == forms[2]
    assert note().payload_types == (Note.payload_type,) == ("application/vnd.yosegi.note.v1+json",)
    whole, keys = Grown(first="a", second="b", third="c"), by_id([SIGNER.public])
    for version, form, fields in (
        (0, forms[2], {"first", "second", "third"}),
        (3, forms[2], {"first", "second", "third"}),
        (2, forms[1], {"first", "second"}),
        (1, forms[0], {"first"}),
    ):
        signed = whole.sign(SIGNER, version=version)
        assert signed.payload_type == form
        assert set(json.loads(signed.payload)) == fields
        assert set(Grown.open(signed, keys, now=NOW).model_dump(exclude_none=True)) == fields
    with pytest.raises(Untrusted):
        Grown.peek(Envelope.sign("application/vnd.yosegi.grown.v4+json", whole.to_bytes(), SIGNER))


# --- envelopes -------------------------------------------------------------------------------------------------------


def test_an_envelope_has_so_many_signatures_and_no_more():
    one = Envelope.sign("text/plain", b"x", SIGNER).signatures[0]
    assert Envelope(payload_type="text/plain", payload=b"x", signatures=(one,) * MAX_SIGNATURES)
    with pytest.raises(ValueError, match="256"):
        Envelope(payload_type="text/plain", payload=b"x", signatures=(one,) * (MAX_SIGNATURES + 1))


def test_an_envelopes_names_are_there_and_of_bounded_length():
    one = Envelope.sign("text/plain", b"x", SIGNER).signatures[0]
    for name, holds in (("", False), ("k", True), ("k" * 200, True), ("k" * 201, False)):
        with expect(holds, ValueError):
            Signature(key_id=name, algorithm="ed25519", sig=one.sig)
        with expect(holds, ValueError):
            Envelope(payload_type=name, payload=b"x", signatures=(one,))


def test_a_refused_envelope_names_the_key_the_kind_or_the_algorithm():
    other = Ed25519Signer.from_seed(b"o" * 32)
    keys, kind = by_id([SIGNER.public]), "text/plain"
    signed = Envelope.sign(kind, b"x", SIGNER)
    key = SIGNER.public.key_id
    stranger = Envelope.sign(kind, b"x", other)
    twice = Envelope.sign(kind, b"x", SIGNER, SIGNER)
    named = signed.signatures[0].model_copy(update={"algorithm": "ml-dsa-65"})
    mislabelled = signed.model_copy(update={"signatures": (named,)})
    swapped = signed.model_copy(update={"payload": b"y"})
    for envelope, reason, fields in (
        (stranger, "unknown_key", {"key": other.public.key_id}),
        (twice, "signed_twice", {"key": key}),
        (mislabelled, "wrong_algorithm", {"said": "ml-dsa-65", "is_for": "ed25519"}),
        (swapped, "bad_signature", {"key": key}),
        (Envelope(payload_type=kind, payload=b"x", signatures=()), "not_signed", {}),
    ):
        assert fields_of(lambda: envelope.verify(keys, payload_type=kind)) == (reason, fields)  # noqa: B023
    needed = ("ed25519", "ml-dsa-65")
    assert fields_of(lambda: signed.verify(keys, payload_type=kind, needs=needed)) == (
        "algorithm_missing",
        {"algorithm": "ml-dsa-65"},
    )
    assert fields_of(lambda: signed.verify(keys, payload_type="other")) == (
        "wrong_payload_type",
        {"found": kind, "expected": "other"},
    )


def test_an_envelope_travels_by_the_names_of_the_standard():
    # envelope.md of DSSE 1.0: payload, payloadType, signatures of keyid and sig; the algorithm is ours.
    plain = Envelope.sign("text/plain", b"x", SIGNER).plain
    assert plain.keys() == {"payload", "payloadType", "signatures"}
    assert plain["signatures"][0].keys() == {"keyid", "algorithm", "sig"}
    assert (plain["payload"], plain["payloadType"]) == ("eA==", "text/plain")
    assert Envelope.parsed(plain) == Envelope.read(json.dumps(plain).encode())


def test_an_error_names_what_was_read():
    with pytest.raises(Invalid, match="an envelope"):
        Envelope.read(b"[]")
    with pytest.raises(Invalid, match="the mail"):
        Envelope.read(b"[]", what="the mail")


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_twenty_digits_in_five_groups():
    digits = SIGNER.public.key_id.removeprefix("ed25519-")
    assert SIGNER.public.fingerprint.split(" ") == [digits[n : n + 4] for n in (0, 4, 8, 12, 16)]


def test_what_verified_once_verifies_again_and_nothing_else_does():
    message = b"message"
    signature = SIGNER.sign(message)
    for _ in range(2):
        assert SIGNER.public.verify(signature, message)
        assert not SIGNER.public.verify(signature, b"another")
        assert not HOLDER.public.verify(signature, message)
        assert not SIGNER.public.verify(signature[:-1], message)


@pytest.mark.parametrize("text", ["AB==", "AA=", "AA", "A A=", "_-==", "AAAA\n"])
def test_base64_is_read_in_its_one_form(text):
    with pytest.raises(ValueError, match="base64"):
        unbase64(text)
    assert unbase64("AA==") == b"\0"


@given(text=st.text("AQgwB/+=", max_size=12))
def test_base64_is_read_in_the_one_form_in_which_it_is_written(text: str) -> None:
    """RFC 4648, sections 3.5 and 4: as Python's own encoder writes what Python's own decoder reads."""
    try:
        written = base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except ValueError:
        written = None
    if written == text:
        assert base64.b64encode(unbase64(text)).decode() == text
    else:
        with pytest.raises(ValueError, match="base64"):
            unbase64(text)


def test_a_key_of_the_wrong_size_is_told_its_size():
    with pytest.raises(ValueError, match="a key for ed25519 has 32 bytes, not 31"):
        PublicKey.of("ed25519", bytes(31))
    with pytest.raises(ValueError, match="a key for ml-dsa-65 has 1952 bytes, not 32"):
        PublicKey.of("ml-dsa-65", b"x" * 32)


@pytest.mark.parametrize("mode", [0o640, 0o620, 0o610, 0o604, 0o602, 0o601])
def test_any_right_of_others_to_a_key_file_is_too_much(tmp_path, mode):
    path = tmp_path / "key.pem"
    path.write_bytes(b"secret")
    path.chmod(0o700)
    assert read_private(path) == b"secret", "the owner may do as it likes"
    path.chmod(mode)
    with pytest.raises(LooseKeyFile) as caught:
        read_private(path)
    assert (caught.value.path, caught.value.mode) == (str(path), mode)
    assert f"has mode {mode:04o}" in str(caught.value)


def test_a_key_file_is_read_up_to_sixty_four_kibibytes(tmp_path):
    path = tmp_path / "key.pem"
    for size, read in ((64 * 1024, 64 * 1024), (64 * 1024 + 1, 64 * 1024)):
        path.write_bytes(b"x" * size)
        path.chmod(0o600)
        assert len(read_private(path)) == read


def test_a_missing_or_senseless_key_file_is_named(tmp_path):
    with pytest.raises(Invalid) as caught:
        load_private(tmp_path / "none.pem")
    assert (caught.value.what, caught.value.why) == (f"key file {tmp_path / 'none.pem'}", "does not exist")
    assert caught.value.todo == f"there is no key in {tmp_path} at all"


def test_which_keys_lie_beside_a_name_that_is_none_is_told(tmp_path):
    for name in ("governance.key", "agent.key", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(Invalid) as caught:
        read_private(tmp_path / "govenance.key")
    assert caught.value.todo == f"{tmp_path} has agent.key, governance.key"


def test_a_box_names_the_key_it_was_sealed_to():
    mine, yours = Unsealer.generate(), Unsealer.generate()
    box = yours.public.seal(b"x", context=b"c")
    assert fields_of(lambda: mine.open(box, context=b"c")) == ("sealed_to_another_key", {"key": yours.public.key_id})
    assert repr(mine) == f"<unsealer {mine.public.key_id[:16]}>"


# --- passphrases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("letters", "holds"), [(11, False), (12, True), (1024, True), (1025, False)])
def test_a_passphrase_has_twelve_letters_at_least_and_not_too_many(letters, holds):
    with expect(holds, Invalid):
        kept = hash_passphrase("x" * letters)
        # N = 2^15, r = 8, p = 3, as OWASP's password storage sheet has it.
        assert kept.startswith("scrypt$ln=15,r=8,p=3$")
        assert check_passphrase("x" * letters, kept)


# --- tokens and proofs -----------------------------------------------------------------------------------------------


@AROUND
def test_a_token_lives_ten_minutes_and_a_moment_more_is_too_long(step, holds):
    with expect(holds, ValueError):
        token(not_after=NOW + timedelta(minutes=10) + step)
    with pytest.raises(ValueError, match="lives at most 10 minutes"):
        token(not_after=NOW + timedelta(minutes=11))


@FROM
def test_a_token_lives_at_least_a_moment(step, holds):
    with expect(holds, ValueError):
        token(not_after=NOW + STEP + step)


@AROUND
def test_a_proof_counts_for_a_minute_as_far_as_honest_clocks_differ(step, holds):
    made = proof(token().sign(HOME))
    with expect(holds):
        use(made, now=NOW + timedelta(seconds=60) + SKEW + step)


def test_a_refused_token_or_proof_says_what_was_found_and_what_was_expected():
    signed = token().sign(HOME)
    assert fields_of(lambda: accept(signed, issuer="riken")) == (
        "wrong_sender",
        {"said": "argonne", "found": "riken"},
    )
    assert fields_of(lambda: accept(signed, site="riken")) == (
        "wrong_addressee",
        {"found": "nims", "expected": "riken"},
    )
    assert fields_of(lambda: use(proof(signed, audience="riken"))) == (
        "wrong_addressee",
        {"found": "riken", "expected": "nims"},
    )
    late = NOW + timedelta(minutes=2)
    until = NOW + timedelta(seconds=60) + SKEW
    assert fields_of(lambda: use(proof(signed), now=late)) == (
        "document_expired",
        {"until": until.isoformat(), "now": late.isoformat()},
    )
    seen = SeenProofs()
    use(proof(signed), seen=seen)
    assert fields_of(lambda: use(proof(signed), seen=seen)) == ("used_before", {"key": "p1"})
    assert fields_of(lambda: use(proof(signed), THIEF))[0] == "unknown_key"


def test_what_is_asked_is_told_apart_wherever_one_part_ends():
    digests = {
        digest_of_request(*parts)
        for parts in (("POST", "/a", b"b"), ("POST", "/ab", b""), ("POST", "", b"/ab"), ("POS", "T/a", b"b"))
    }
    assert len(digests) == 4
    assert digest_of_request("post", "/tasks", b"{}") == ASKED


def test_what_was_seen_is_known_until_just_before_it_could_not_be_used():
    seen, end = SeenProofs(), NOW + timedelta(seconds=1)
    assert seen.first_time("a", end, NOW)
    assert not seen.first_time("a", end, end - STEP)
    assert seen.first_time("a", end + timedelta(seconds=1), end)


def test_when_too_much_is_remembered_what_is_new_is_refused_until_the_oldest_run_out():
    seen, end = SeenProofs(most=2), NOW + timedelta(seconds=1)
    assert seen.first_time("a", end, NOW)
    assert seen.first_time("b", end + STEP, NOW)
    assert not seen.first_time("c", end, NOW)
    assert len(seen) == 2
    assert seen.first_time("c", end + STEP, end), "one has run out"
    assert len(seen) == 2
    assert not seen.first_time("b", end, end)


# --- clocks ----------------------------------------------------------------------------------------------------------


def heard(**ahead: float) -> PeerClocks:
    clocks = PeerClocks()
    for peer, seconds in ahead.items():
        clocks.heard(peer, NOW + timedelta(seconds=seconds), NOW)
    return clocks


@pytest.mark.parametrize(("seconds", "holds"), [(30, True), (30.000001, False), (-30, True), (-30.000001, False)])
def test_a_clock_may_be_thirty_seconds_off_and_no_more(seconds, holds):
    with expect(holds):
        heard(riken=seconds, nims=seconds).check_own()
    with expect(holds):
        heard(riken=seconds, nims=0, ornl=0).check_peer("riken")


def test_how_far_each_clock_is_ahead_is_known():
    clocks = heard(riken=3, nims=-4)
    assert clocks.ahead == {"riken": timedelta(seconds=3), "nims": timedelta(seconds=-4)}
    assert heard(riken=3).median_ahead is None
    assert heard(riken=3, nims=9).median_ahead == timedelta(seconds=3), "the nearer to this site's own"
    assert heard(riken=-9, nims=-3, ornl=-5).median_ahead == timedelta(seconds=-5)
    clocks.forget("ornl")
    clocks.forget("riken")
    assert list(clocks.ahead) == ["nims"]


def test_a_clock_that_is_off_is_told_by_how_much_and_in_which_direction():
    assert fields_of(heard(riken=100, nims=100).check_own) == ("clock_off", {"seconds": -100})
    clocks = heard(riken=100, nims=0, ornl=0)
    assert fields_of(lambda: clocks.check_peer("riken")) == ("clock_off", {"seconds": 100})


def test_of_two_clocks_to_judge_by_the_nearer_to_the_one_in_question_counts():
    heard(riken=40, nims=20).check_peer("riken")
    heard(riken=-40, nims=-20).check_peer("riken")
    with expect(False):
        heard(riken=51, nims=20).check_peer("riken")


def test_a_peer_is_judged_where_there_is_another_to_judge_by():
    heard(riken=3600).check_peer("riken")
    heard(riken=3600, nims=0).check_peer("ornl")
    with expect(False):
        heard(riken=3600, nims=0).check_peer("riken")

"""TUF's conformance cases under a charter's rule (theupdateframework/tuf-conformance; see vectors/NOTICE).

TUF's threshold counts keys. A charter counts members, and a member its own keys, so each sequence is played twice:
every key a member of its own, and all keys one member's. One thing is narrower by design: TUF passes over signatures by
strangers, and a charter with one is refused. `vectors/tuf_cases.json` says of every test of the suite which of ours it
is, or why it has no meaning here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from governance.world import DAY, NOW, governance_key, member
from yosegi.governance.charter.charter import Charter, Threshold, accept
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.signer import Ed25519Signer

HERE = Path(__file__).parent
Version = tuple[list[int], int, list[int], bool]
ROTATIONS: dict[str, list[Version]] = dict(
    json.loads((HERE / "vectors/tuf_rotations.json").read_text("utf-8"))["cases"]
)
CASES: dict[str, dict[str, str]] = json.loads((HERE / "vectors/tuf_cases.json").read_text("utf-8"))


def key_of_member(number: int) -> Ed25519Signer:
    return governance_key(f"site-{number}")


def many_members(keys: Sequence[int], threshold: int) -> dict[str, object]:
    """Every key is a member of its own."""
    members = tuple(member(f"site-{n}", keys=(key_of_member(n).public,)) for n in keys)
    return {"members": members, "threshold": Threshold(members=threshold)}


def one_member(keys: Sequence[int], threshold: int) -> dict[str, object]:
    """All keys are one member's."""
    only = member("argonne", keys=tuple(key_of_member(n).public for n in keys), needed=threshold)
    return {"members": (only,), "threshold": Threshold(members=1)}


Shape = Callable[[Sequence[int], int], dict[str, object]]


def play(versions: list[Version], shape: Shape, *, strangers: bool) -> list[bool]:
    """Which versions were accepted, one after another."""
    current: Charter | None = None
    known: set[int] = set()
    verdicts = []
    for number, (keys, threshold, signers, _) in enumerate(versions, start=1):
        proposed = Charter(
            id="demo",
            version=number,
            previous=current.digest if current else None,
            title="Rotation",
            issued=NOW - DAY + timedelta(minutes=number),
            expires=NOW + 100 * DAY,
            **shape(keys, threshold),
        )
        may_sign = [n for n in signers if strangers or n in known | set(keys)]
        try:
            current = accept(current, proposed.sign(*map(key_of_member, may_sign)), NOW)
            known = set(keys)
            verdicts.append(True)
        except Untrusted:
            verdicts.append(False)
    return verdicts


@pytest.mark.parametrize("shape", [many_members, one_member])
@pytest.mark.parametrize("name", ROTATIONS)
def test_a_rotation_gets_the_verdict_of_the_suite(name: str, shape: Shape) -> None:
    assert play(ROTATIONS[name], shape, strangers=False) == [accepted for *_, accepted in ROTATIONS[name]]


@pytest.mark.parametrize("shape", [many_members, one_member])
def test_a_strangers_signature_refuses_what_tuf_would_accept(shape: Shape) -> None:
    first = ROTATIONS["1-of-1-key-rotation-unused-signatures"][:1]
    assert [accepted for *_, accepted in first] == [True]
    assert play(first, shape, strangers=True) == [False]


def test_one_key_under_two_names_cannot_be_written() -> None:
    key = governance_key("argonne").public
    with pytest.raises(ValueError, match="more than once"):
        Charter(
            id="demo",
            version=1,
            title="Twice",
            issued=NOW,
            expires=NOW + DAY,
            threshold=Threshold(members=2),
            members=(member("argonne", keys=(key,)), member("ornl", keys=(key,))),
        )


def test_a_signature_filed_under_two_identifiers_counts_for_neither() -> None:
    # test_keys.test_duplicate_keys: the same key again under an identifier of the attacker's choice.
    charter = Charter(
        id="demo",
        version=1,
        title="Two",
        issued=NOW - DAY,
        expires=NOW + DAY,
        **many_members([1, 2], 2),
    )
    signed = charter.sign(key_of_member(1))
    again = signed.signatures[0].model_copy(update={"key_id": key_of_member(2).public.key_id})
    forged: Envelope = signed.model_copy(update={"signatures": (*signed.signatures, again)})
    with pytest.raises(Untrusted) as caught:
        accept(None, forged, NOW)
    assert caught.value.reason == "bad_signature"


@pytest.mark.parametrize("name", [name for name, what in CASES.items() if "test" in what])
def test_a_case_that_has_a_meaning_here_has_its_test(name: str) -> None:
    file, _, test = CASES[name]["test"].partition("::")
    assert f"def {test}(" in (HERE / file).read_text("utf-8")

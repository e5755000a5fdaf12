"""One byte flipped in any part of a bundle: it is found, and the entry, or else the part, is named."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation.test_campaigns import bundle_of_one_trial
from yosegi.core.errors import Corrupt, Invalid
from yosegi.ledger.header import body_digest
from yosegi.ledger.tree import leaf_hash
from yosegi.verification.bundle import Bundle, Exported, read_bundle, verify_bundle

FIELDS = ("header", "hash", "salt", "body")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder: Path = tmp_path_factory.mktemp("bundle")
    return read_bundle(bundle_of_one_trial(folder))


def one_of_each_type(bundle: Bundle) -> Iterator[tuple[int, Exported]]:
    seen = set()
    for number, exported in enumerate(bundle.entries):
        kind = exported.entry().header.type
        if kind not in seen:
            seen.add(kind)
            yield number, exported


def flipped(text: str, place: int) -> str:
    """One character changed; hexadecimal and base64 texts stay what they are."""
    other = "b" if text[place] == "a" else "a" if text[place].isalnum() else chr(ord(text[place]) ^ 1)
    return text[:place] + other + text[place:][1:]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("at", [0.02, 0.5, 0.9])
def test_a_byte_flipped_in_an_entry_names_the_entry(bundle: Bundle, field: str, at: float) -> None:
    for number, exported in one_of_each_type(bundle):
        text = getattr(exported, field)
        if text is None:
            continue
        changed = exported.model_copy(update={field: flipped(text, int(len(text) * at))})
        entries = (*bundle.entries[:number], changed, *bundle.entries[number + 1 :])
        header = exported.entry().header
        with pytest.raises(Corrupt, match=rf"entry {header.sequence} |header {number} of the bundle"):
            verify_bundle(bundle.model_copy(update={"entries": entries}))


def test_a_byte_flipped_in_the_proof_or_the_checkpoint_names_the_tree(bundle: Bundle) -> None:
    signed = bundle.checkpoint.signatures[0]
    wrong = signed.model_copy(update={"sig": bytes([signed.sig[0] ^ 1]) + signed.sig[1:]})
    others = bundle.checkpoint.signatures[1:]
    payload = bundle.checkpoint.payload
    changes = [
        {"checkpoint": bundle.checkpoint.model_copy(update={"signatures": (wrong, *others)})},
        {"checkpoint": bundle.checkpoint.model_copy(update={"payload": payload[:-2] + b"0" + payload[-1:]})},
        *(
            {"proof": (*bundle.proof[:n], flipped(one, 60), *bundle.proof[n + 1 :])}
            for n, one in enumerate(bundle.proof)
        ),
    ]
    assert bundle.proof
    for change in changes:
        with pytest.raises((Corrupt, Invalid), match="tree"):
            verify_bundle(bundle.model_copy(update=change))


def test_an_entry_made_anew_around_its_changed_body_names_the_tree(bundle: Bundle) -> None:
    """A forger who writes header and hash to fit is found by the signed checkpoint."""
    number, exported = next((n, e) for n, e in enumerate(bundle.entries) if e.entry().header.type == "trial.ended")
    entry = exported.entry()
    body = (entry.body_bytes or b"").replace(b'"value":', b'"value":1')
    header = entry.header.model_copy(update={"body": body_digest(entry.salt or b"", body)})
    raw = header.to_bytes()
    forged = Exported(
        header=raw.decode(),
        hash="sha256:" + leaf_hash(raw).hex(),
        salt=exported.salt,
        body=base64.b64encode(body).decode(),
    )
    entries = (*bundle.entries[:number], forged, *bundle.entries[number + 1 :])
    with pytest.raises(Corrupt, match="tree"):
        verify_bundle(bundle.model_copy(update={"entries": entries}))


def test_every_decision_of_the_home_and_of_the_owners_is_made_again(bundle: Bundle) -> None:
    found = verify_bundle(bundle)
    entries = [exported.entry() for exported in bundle.entries]
    asked = [entry for entry in entries if entry.type in ("request.made", "request.refused")]
    assert found.decisions == len(asked) > 0
    # Each step was decided on arrival, before dispatch and on release.
    assert found.owners.made_again == 3 * len(asked)

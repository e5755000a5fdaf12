"""DSSE's own vectors (see vectors/NOTICE), with each key under our key identifier and its algorithm named.

Both additions lie outside what is signed. Three things are narrower here by design: every signature names its key,
every signature must be by a trusted one, and the kind of document is one that the caller expects.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from yosegi.core.errors import Invalid
from yosegi.trust.envelope import Envelope, pae
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import PublicKey, by_id

HELD = json.loads((Path(__file__).parent / "vectors/dsse.json").read_text("utf-8"))
KEYS = {
    name: PublicKey.read({"algorithm": "ed25519", "public": base64.b64encode(bytes.fromhex(public)).decode()})
    for name, public in HELD["keys"].items()
}
STRICTER = {"threshold-two-without-keyids"}
"""Accepted by the specification, where a key identifier is a hint; here a signature without one is no signature."""


def wire(vector: dict[str, Any]) -> dict[str, Any]:
    signatures = [
        {"sig": one["sig"], "algorithm": "ed25519"} | ({"keyid": KEYS[one["keyid"]].key_id} if "keyid" in one else {})
        for one in vector["envelope"]["signatures"]
    ]
    return vector["envelope"] | {"signatures": signatures}


def accepts(vector: dict[str, Any]) -> bool:
    try:
        envelope = Envelope.read(wire(vector))
        if envelope.payload_type not in vector["supportedPayloadTypes"]:
            return False
        trusted = by_id(KEYS[name] for name in vector["trustedKeys"])
        envelope.verify(trusted, payload_type=envelope.payload_type)
    except (Untrusted, Invalid):
        return False
    # `verify` takes no name twice, so what is left to a caller is to count.
    return len(envelope.signatures) >= vector["threshold"]


@pytest.mark.parametrize("vector", HELD["vectors"], ids=lambda vector: str(vector["id"]))
def test_an_envelope_gets_the_verdict_of_the_vectors(vector: dict[str, Any]) -> None:
    assert accepts(vector) == (vector["expect"] == "accept" and vector["id"] not in STRICTER)


@pytest.mark.parametrize(
    "vector",
    [vector for vector in HELD["vectors"] if vector["id"] != "payload-type-swapped"],
    ids=lambda vector: str(vector["id"]),
)
def test_what_is_signed_are_the_bytes_of_the_vectors(vector: dict[str, Any]) -> None:
    payload = base64.b64decode(vector["envelope"]["payload"], altchars=b"-_" if "_" in str(vector) else None)
    assert pae(vector["envelope"]["payloadType"], payload).hex() == vector["pae"]


def test_the_example_of_the_specification_is_signed_over_our_encoding() -> None:
    example = HELD["ecdsa"]
    numbers = ec.EllipticCurvePublicNumbers(int(example["x"]), int(example["y"]), ec.SECP256R1())
    raw = base64.b64decode(example["sig"])
    signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    message = pae(example["payloadType"], base64.b64decode(example["payload"]))
    numbers.public_key().verify(signature, message, ec.ECDSA(SHA256()))  # raises if it is not

"""Public keys: an algorithm, some bytes, and an identifier that follows from both."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
from collections.abc import Iterable
from typing import Annotated, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from pydantic import AfterValidator, model_validator

from yosegi.core.fifo_cache import FifoCache
from yosegi.core.values import Value

Algorithm = Literal["ed25519", "ml-dsa-65"]
"""Ed25519 (RFC 8032), and ML-DSA-65 (FIPS 204) where belief must last decades."""

_SIZES: dict[Algorithm, int] = {"ed25519": 32, "ml-dsa-65": 1952}


def unbase64(text: str) -> bytes:
    """The bytes of standard base64 (RFC 4648, section 4), read strictly.

    Raises:
        ValueError: other characters, wrong padding, or stray bits at the end.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise ValueError(f"not base64 ({error})") from None
    # Read strictly, a text can differ from what would be written only in the bits that its last character spares.
    if binascii.b2a_base64(data[(len(data) - 1) // 3 * 3 :], newline=False).decode() != text[-4:]:
        raise ValueError("not in the one canonical base64 form")
    return data


def _is_base64(text: str) -> str:
    unbase64(text)
    return text


Base64 = Annotated[str, AfterValidator(_is_base64)]
"""Canonical standard base64, so that equal bytes are equal text."""


class PublicKey(Value):
    """A key that verifies.

    Args:
        algorithm: what it is for; a key is never used for another.
        public: its raw bytes, base64: 32 for Ed25519, 1952 for ML-DSA-65.
    """

    algorithm: Algorithm
    public: Base64

    @model_validator(mode="after")
    def _has_a_key(self) -> PublicKey:
        raw = unbase64(self.public)
        if len(raw) != _SIZES[self.algorithm]:
            raise ValueError(f"a key for {self.algorithm} has {_SIZES[self.algorithm]} bytes, not {len(raw)}")
        if self.algorithm == "ed25519" and _small_order(raw):
            raise ValueError("a point of small order: anyone can make signatures for it")
        return self

    @classmethod
    def of(cls, algorithm: Algorithm, raw: bytes) -> PublicKey:
        """From raw bytes."""
        return cls(algorithm=algorithm, public=base64.b64encode(raw).decode())

    @functools.cached_property
    def key_id(self) -> str:
        """`ed25519-` or `ml-dsa-65-` and SHA-256 of algorithm and bytes, as 64 hexadecimal digits."""
        raw = unbase64(self.public)
        return f"{self.algorithm}-{hashlib.sha256(self.algorithm.encode() + bytes(1) + raw).hexdigest()}"

    @property
    def fingerprint(self) -> str:
        """The first 80 bits of the identifier in groups of four, to be read aloud."""
        digits = self.key_id.rpartition("-")[2]
        return " ".join(digits[start : start + 4] for start in range(0, 20, 4))

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's over the message."""
        # One checkpoint stands in the receipts of all that a commit sent: it comes many times, and is checked once.
        claim = (self.algorithm, self.public, signature, hashlib.sha256(message).digest())
        if _VERIFIED.get(claim):
            return True
        try:
            _loaded(self.algorithm, self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        _VERIFIED.put(claim, True)
        return True


_VERIFIED = FifoCache[tuple[str, str, bytes, bytes], bool](4096)


def by_id(keys: Iterable[PublicKey]) -> dict[str, PublicKey]:
    """Keys by their identifiers."""
    return {key.key_id: key for key in keys}


@functools.lru_cache(maxsize=4096)
def _loaded(algorithm: Algorithm, public: str) -> Ed25519PublicKey | MLDSA65PublicKey:
    raw = unbase64(public)
    if algorithm == "ed25519":
        return Ed25519PublicKey.from_public_bytes(raw)
    return MLDSA65PublicKey.from_public_bytes(raw)


# The y coordinates of the eight points of small order and their second encodings below 2^255, the sign bit cleared.
# Under such a key one signature fits many messages: Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs"
# (SSR 2020), table 1.
_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL = frozenset({0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8})


def _small_order(raw: bytes) -> bool:
    return int.from_bytes(raw, "little") & (2**255 - 1) in _SMALL

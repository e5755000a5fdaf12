"""Sealed boxes: bytes only one site can open, so that a mailbox sees who writes to whom and nothing more.

HPKE (RFC 9180) in base mode with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305. A box does not say
who made it: the signed document inside does.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import model_validator

from yosegi.core.errors import Invalid
from yosegi.core.values import Value
from yosegi.trust.envelope import Bytes
from yosegi.trust.errors import Untrusted
from yosegi.trust.signer import load_private, save_private

SuiteName = Literal["hpke-x25519-sha256-chacha20poly1305"]
_SUITES: dict[SuiteName, Suite] = {
    "hpke-x25519-sha256-chacha20poly1305": Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
}
_DEFAULT: SuiteName = "hpke-x25519-sha256-chacha20poly1305"


class Sealed(Value):
    """A box: for which key, by which suite, and the encapsulated key with the ciphertext."""

    suite: SuiteName
    key_id: str
    box: Bytes


class SealingKey(Value):
    """The public half: anyone may seal to it.

    Args:
        suite: how boxes to it are made.
        public: its 32 raw bytes.
    """

    suite: SuiteName = _DEFAULT
    public: Bytes

    @model_validator(mode="after")
    def _is_a_point(self) -> Self:
        if len(self.public) != 32:
            raise ValueError(f"an X25519 key has 32 bytes, not {len(self.public)}")
        return self

    @property
    def key_id(self) -> str:
        """`x25519-` and SHA-256 of the bytes."""
        return f"x25519-{hashlib.sha256(self.public).hexdigest()}"

    def seal(self, plaintext: bytes, *, context: bytes) -> Sealed:
        """A box that opens with the private half under the same context.

        Args:
            plaintext: what to seal.
            context: what both ends know anyway (charter and sites); a box opened under another is refused.

        Raises:
            Invalid: the key is one to which everybody knows the secret (a point of small order).
        """
        key = X25519PublicKey.from_public_bytes(self.public)
        try:
            box = _SUITES[self.suite].encrypt(plaintext, key, context)
        except ValueError as error:
            raise Invalid(f"sealing key {self.key_id}", f"cannot be sealed to ({error})") from None
        return Sealed(suite=self.suite, key_id=self.key_id, box=box)


class Unsealer:
    """The private half of a sealing key."""

    def __init__(self, private: X25519PrivateKey) -> None:
        self._private = private
        self.public = SealingKey(public=private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """A new key from the system's randomness."""
        return cls(X25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key of 32 bytes (for tests and demonstrations)."""
        return cls(X25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file.

        Raises:
            LooseKeyFile: others could read it.
            Invalid: not an X25519 key.
        """
        private = load_private(path)
        if not isinstance(private, X25519PrivateKey):
            raise Invalid(f"key file {path}", f"a {type(private).__name__}, not an X25519 key")
        return cls(private)

    def save(self, path: Path) -> None:
        """Write a new key file of mode 0600; never over another (FileExistsError)."""
        save_private(path, self._private)

    def open(self, sealed: Sealed, *, context: bytes) -> bytes:
        """What is in the box.

        Raises:
            Untrusted: sealed to another key, under another context, or changed on the way.
        """
        if sealed.key_id != self.public.key_id:
            raise Untrusted("a sealed message", "sealed_to_another_key", key=sealed.key_id)
        try:
            return _SUITES[sealed.suite].decrypt(sealed.box, self._private, context)
        except (InvalidTag, ValueError):
            raise Untrusted("a sealed message", "seal_broken") from None

    def __repr__(self) -> str:
        return f"<unsealer {self.public.key_id[:16]}>"

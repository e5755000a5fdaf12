"""Signers: what holds a private key and signs with it: a file here, hardware in `yosegi.trust.pkcs11`."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Protocol, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from yosegi.core.errors import Invalid
from yosegi.core.files import write_file
from yosegi.trust.errors import LooseKeyFile
from yosegi.trust.keys import PublicKey


class Signer(Protocol):
    """Signs bytes with a key whose public half it shows."""

    @property
    def public(self) -> PublicKey:
        """The key that verifies."""
        ...

    def sign(self, message: bytes) -> bytes:
        """The raw signature over the message."""
        ...


class Ed25519Signer:
    """An Ed25519 key (RFC 8032) in memory, kept in a PKCS #8 file."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._public = PublicKey.of("ed25519", private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """A new key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key of a 32-byte seed; the same seed gives the same key (for tests and demonstrations)."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file.

        Raises:
            LooseKeyFile: others could read it.
            Invalid: not an Ed25519 key.
        """
        private = load_private(path)
        if not isinstance(private, Ed25519PrivateKey):
            raise Invalid(f"key file {path}", f"a {type(private).__name__}, not an Ed25519 key")
        return cls(private)

    def save(self, path: Path) -> None:
        """Write a new key file of mode 0600; never over another (FileExistsError)."""
        save_private(path, self._private)

    @property
    def public(self) -> PublicKey:
        """The key that verifies."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"<Ed25519 signer {self._public.fingerprint}>"


class MlDsa65Signer:
    """An ML-DSA-65 key (FIPS 204), for what must be believed in twenty years; kept as its seed in PKCS #8."""

    def __init__(self, private: MLDSA65PrivateKey) -> None:
        self._private = private
        self._public = PublicKey.of("ml-dsa-65", private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """A new key from the system's randomness."""
        return cls(MLDSA65PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The key of a 32-byte seed (xi of FIPS 204, algorithm 1)."""
        return cls(MLDSA65PrivateKey.from_seed_bytes(seed))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key file.

        Raises:
            LooseKeyFile: others could read it.
            Invalid: not an ML-DSA-65 key.
        """
        private = load_private(path)
        if not isinstance(private, MLDSA65PrivateKey):
            raise Invalid(f"key file {path}", f"a {type(private).__name__}, not an ML-DSA-65 key")
        return cls(private)

    def save(self, path: Path) -> None:
        """Write a new key file of mode 0600; never over another (FileExistsError)."""
        save_private(path, self._private)

    @property
    def public(self) -> PublicKey:
        """The key that verifies."""
        return self._public

    def sign(self, message: bytes) -> bytes:
        """3309 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"<ML-DSA-65 signer {self._public.fingerprint}>"


def read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner may read.

    Raises:
        LooseKeyFile: group or others have any right to it.
        Invalid: no such file.
    """
    try:
        with path.open("rb") as file:
            # The mode of the open file, not of the path: the two could differ a moment later.
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise LooseKeyFile(str(path), mode)
            return file.read(64 * 1024)
    except FileNotFoundError:
        keys = sorted(other.name for other in path.parent.glob("*.key"))
        todo = f"{path.parent} has {', '.join(keys[:8])}" if keys else f"there is no key in {path.parent} at all"
        raise Invalid(f"key file {path}", "does not exist", todo) from None


def load_private(path: Path) -> PrivateKeyTypes:
    """The private key in a PEM file that only its owner may read.

    Raises:
        LooseKeyFile: others could read it.
        Invalid: no such file, or not a key.
    """
    try:
        return load_pem_private_key(read_private(path), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(f"key file {path}", f"not a private key in PEM form ({type(error).__name__})") from None


def save_private(path: Path, private: Ed25519PrivateKey | MLDSA65PrivateKey | X25519PrivateKey) -> None:
    """Write a key into a new file of mode 0600, durably; whole or not at all.

    Raises:
        FileExistsError: something is there already; a key is never overwritten.
        Invalid: the place cannot be written, or another has written there meanwhile.
    """
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    write_file(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)

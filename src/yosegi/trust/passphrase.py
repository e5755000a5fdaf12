"""Passphrases of local accounts, kept as scrypt hashes (RFC 7914) that carry their own parameters."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import unicodedata

from yosegi.core.errors import Invalid

SHORTEST = 12
"""Characters; NIST SP 800-63B-4 asks for length and no composition rules."""

# N = 2^15, r = 8, p = 3: 32 MiB, about a tenth of a second. OWASP's password storage sheet lists it among equals.
_COST, _BLOCK, _LANES = 15, 8, 3
_STORED = re.compile(r"scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)")
_NOBODY = f"scrypt$ln={_COST},r={_BLOCK},p={_LANES}${base64.b64encode(bytes(16)).decode()}$" + "A" * 43 + "="


def hash_passphrase(passphrase: str) -> str:
    """The text to keep for a new passphrase.

    Raises:
        Invalid: shorter than `SHORTEST` characters, or longer than 1024.
    """
    if not SHORTEST <= len(passphrase) <= 1024:
        raise Invalid("the passphrase", f"has {len(passphrase)} characters", f"use {SHORTEST} to 1024, e.g. four words")
    salt = secrets.token_bytes(16)
    key = _derive(passphrase, salt, _COST, _BLOCK, _LANES, 32)
    salt64, key64 = (base64.b64encode(part).decode() for part in (salt, key))
    return f"scrypt$ln={_COST},r={_BLOCK},p={_LANES}${salt64}${key64}"


def check_passphrase(passphrase: str, stored: str | None) -> bool:
    """Whether it is the passphrase; takes as long for an account that does not exist (`stored=None`).

    Raises:
        Invalid: `stored` was not made by `hash_passphrase`.
    """
    found = _STORED.fullmatch(_NOBODY if stored is None else stored)
    if found is None:
        raise Invalid("a stored passphrase", "not of the form scrypt$ln=…,r=…,p=…$salt$key")
    cost, block, lanes = (int(found[n]) for n in (1, 2, 3))
    salt, key = base64.b64decode(found[4]), base64.b64decode(found[5])
    same = hmac.compare_digest(_derive(passphrase[:1024], salt, cost, block, lanes, len(key)), key)
    return same and stored is not None


def _derive(passphrase: str, salt: bytes, cost: int, block: int, lanes: int, size: int) -> bytes:
    # The same letters typed on another keyboard may come composed differently (RFC 8265 asks for one form).
    text = unicodedata.normalize("NFKC", passphrase).encode("utf-8", "surrogatepass")
    memory = 128 * block * (2**cost + lanes + 2)
    return hashlib.scrypt(text, salt=salt, n=2**cost, r=block, p=lanes, maxmem=2 * memory, dklen=size)

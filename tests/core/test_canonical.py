"""Reading JSON from outside: what readers disagree about is refused (cases after RFC 8259 and RFC 7493, I-JSON)."""

from __future__ import annotations

import pytest

from yosegi.core import canonical
from yosegi.core.errors import Invalid


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1,]",
        b"{'a':1}",
        b'"\xff"',
        b"",
        b"[1] []",
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
    ],
)
def test_doubtful_json_is_refused(text: bytes) -> None:
    with pytest.raises(Invalid):
        canonical.loads(text)


def test_oversize_json_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match="at most 10"):
        canonical.loads(b'"01234567890"', max_bytes=10)


# FIPS 180-4's example of SHA-256 for the message "abc".
def test_a_digest_names_its_algorithm() -> None:
    assert canonical.digest(b"abc") == ("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")

"""Published JSON corpora: which texts may be read (JSONTestSuite), and what their canonical bytes are (RFC 8785)."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from yosegi.core import canonical
from yosegi.core.errors import Invalid

VECTORS = Path(__file__).parent / "vectors"
SUITE = json.loads((VECTORS / "json_test_suite.json").read_text("utf-8"))
RFC8785 = json.loads((VECTORS / "rfc8785.json").read_text("utf-8"))
TEXTS = {name: base64.b64decode(unit) * times + base64.b64decode(rest) for name, unit, times, rest in SUITE["cases"]}

STRICTER = {"y_object_duplicated_key", "y_object_duplicated_key_and_value"}
"""Grammatical, and refused: readers disagree about which of two values counts (RFC 7493, section 2.3)."""
EITHER_AND_READ = {
    "i_number_double_huge_neg_exp",
    "i_number_real_underflow",
    "i_number_too_big_neg_int",
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
}
"""Where the suite leaves the choice, these are read: 1e-400 is 0, and an integer is exact. All others are refused."""


def must_be_read(name: str) -> bool:
    return name in EITHER_AND_READ or (name.startswith("y_") and name not in STRICTER)


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_of_the_suite_is_read_or_refused_as_it_says(name: str) -> None:
    if must_be_read(name):
        canonical.loads(TEXTS[name])
    else:
        with pytest.raises(Invalid):
            canonical.loads(TEXTS[name])


@pytest.mark.parametrize("name", [name for name in TEXTS if name.startswith("y_") and name not in STRICTER])
def test_what_is_read_is_written_and_read_again_the_same(name: str) -> None:
    value = canonical.loads(TEXTS[name])
    assert canonical.loads(canonical.dumps(value)) == value


@pytest.mark.parametrize(("text", "expected"), [(text, hexed) for _, text, hexed in RFC8785["cases"]])
def test_the_canonical_bytes_are_those_of_the_standards_author(text: str, expected: str) -> None:
    assert canonical.dumps(canonical.loads(text)).hex() == expected


def doubles() -> Iterator[float]:
    """The sequence of the corpus (testdata/README.md): chosen values, the first normal ones, then chained SHA-256."""
    yield from (struct.unpack(">d", bytes.fromhex(bits))[0] for bits in RFC8785["number_bits"])
    yield from (struct.unpack(">d", (0x0010000000000000 + n).to_bytes(8, "big"))[0] for n in range(2000))
    block = bytes(32)
    while True:
        block = hashlib.sha256(block).digest()
        yield from (number for number in struct.unpack("<4d", block) if number and math.isfinite(number))


def hash_of_lines(count: int) -> str:
    digest = hashlib.sha256()
    for number in islice(doubles(), count):
        bits = struct.unpack(">Q", struct.pack(">d", number))[0]
        digest.update(f"{bits:x},{canonical.text(number)}\n".encode())
    return digest.hexdigest()


@pytest.mark.parametrize(("count", "expected"), [case for case in RFC8785["number_hashes"] if case[0] <= 100_000])
def test_a_hundred_thousand_numbers_are_written_as_ecmascript_writes_them(count: int, expected: str) -> None:
    assert hash_of_lines(count) == expected


@pytest.mark.parametrize("text", ['{"usd":1e999}', '{"usd":-1e999}'])
def test_a_number_beyond_a_double_does_not_become_infinity(text: str) -> None:
    with pytest.raises(Invalid, match="beyond what a double holds"):
        canonical.loads(text)


@pytest.mark.parametrize("encoding_", ["utf-16", "utf-16-le", "utf-32-be", "utf-8-sig"])
def test_no_other_encoding_is_guessed(encoding_: str) -> None:
    # RFC 8259, section 8.1: between systems JSON is UTF-8, without a byte order mark.
    with pytest.raises(Invalid):
        canonical.loads('{"a":1}'.encode(encoding_))


def test_a_whole_character_in_two_escapes_is_read() -> None:
    value: Any = canonical.loads(r'["😀"]')
    assert value == ["😀"]

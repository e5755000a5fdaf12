"""TOML that anybody may send: what would stop a site, or only fail later, is refused with a sentence."""

from __future__ import annotations

import pytest

from yosegi.core.errors import Invalid
from yosegi.core.toml_text import MOST_PARTS, parse_toml

DEEP = "a." * MOST_PARTS


@pytest.mark.parametrize(
    "text",
    [
        f"{DEEP}b = 1",
        f"[{DEEP}b]\nc = 1",
        f"x = {{ {DEEP}b = 1 }}",
        'a . "\\"" . ' * 20 + "b = 1",
        "'q'." * 40 + "b = 1",
    ],
    ids=["key", "header", "inline", "quoted", "literal"],
)
def test_a_key_of_very_many_parts_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="line 1: a key of more than 16 parts"):
        parse_toml(text, what="a file")


def test_a_key_of_as_many_parts_as_are_allowed_is_read() -> None:
    value = parse_toml("a." * (MOST_PARTS - 1) + "b = 1", what="a file")
    for _ in range(MOST_PARTS - 1):
        value = value["a"]
    assert value == {"b": 1}


def test_a_number_of_more_digits_than_python_reads_is_no_toml() -> None:
    """Python reads 4300 digits, since CVE-2020-10735."""
    with pytest.raises(Invalid, match="not TOML"):
        parse_toml("x = " + "9" * 4301, what="a file")

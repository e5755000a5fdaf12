from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.errors import Invalid
from yosegi.ledger import Draft, Header, Write
from yosegi.ledger.header import Template, body_digest

DIGEST = "sha256:" + "0" * 64
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20)
facts = st.dictionaries(
    texts,
    st.integers(0, 9) | st.floats(allow_nan=False, allow_infinity=False) | texts | st.lists(texts, max_size=2),
    max_size=4,
)
drafts = st.builds(
    Draft,
    type=names,
    facts=facts,
    type_version=st.integers(1, 99),
    after=st.lists(st.just(DIGEST), max_size=2).map(tuple),
)


def as_double(digits: str) -> int | float:
    return int(digits) if abs(int(digits)) < 2**53 else float(digits)


def header(**changes: Any) -> bytes:
    template = Template(site="riken", epoch=1, time="2026-11-21T04:00:00.000000Z", code="yosegi 0.1.0")
    write = Write("task/1", 0, (Draft("task.accepted", {"state": "accepted"}),), "alliance", "pi@argonne")
    value = json.loads(template.header(write, write.drafts[0], sequence=7, position=1, body=DIGEST))
    return rfc8785.dumps({**value, **changes})


@given(drafts, names, names, st.none() | names, st.none() | st.just(DIGEST), st.integers(0, 2**53 - 1))
def test_the_template_writes_the_headers_canonical_bytes(
    draft: Draft, stream: str, actor: str, behalf: str | None, body: str | None, sequence: int
) -> None:
    write = Write(stream, None, (draft,), "alliance", actor, behalf)
    template = Template(site="riken", epoch=3, time="2026-11-21T04:00:00.000000Z", code='x"y')
    raw = template.header(write, draft, sequence=sequence, position=5, body=body)
    read = Header.read(raw)
    assert raw == rfc8785.dumps(json.loads(raw, parse_int=as_double)) == read.to_bytes()
    assert (read.stream, read.actor, read.on_behalf_of, read.sequence) == (stream, actor, behalf, sequence)
    assert (read.facts, read.body, read.after, read.epoch) == (draft.facts, body, draft.after, 3)


def test_every_field_that_the_design_names_is_there() -> None:
    assert set(json.loads(header())) == {
        "format",
        "charter",
        "site",
        "epoch",
        "sequence",
        "stream",
        "position",
        "type",
        "type_version",
        "time",
        "actor",
        "on_behalf_of",
        "code",
        "after",
        "facts",
        "body",
    }


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(Invalid, match="colour"):
        Header.read(header(colour="red"))


def test_another_format_is_refused() -> None:
    with pytest.raises(Invalid, match="format"):
        Header.read(header(format="yosegi.entry/2"))


@pytest.mark.parametrize(
    "change", [{"sequence": -1}, {"position": 0}, {"epoch": 0}, {"body": "md5:0"}, {"time": "now"}, {"facts": []}]
)
def test_a_field_of_the_wrong_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=next(iter(change))):
        Header.read(header(**change))


def test_the_same_header_in_other_bytes_is_refused() -> None:
    for other in (header().replace(b'":', b'": ', 1), header()[:-1] + b',"site":"riken"}'):
        with pytest.raises(Invalid, match="canonical"):
            Header.read(other)


def test_a_bodys_digest_is_that_of_salt_and_body() -> None:
    # SHA-256 of "abc", FIPS 180-4 (example computations).
    assert body_digest(b"a", b"bc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Draft(""),
        lambda: Draft("t\ud800"),
        lambda: Write("s\0", 0, (Draft("t"),), "c", "a"),
        lambda: Draft("t", type_version=0),
        lambda: Draft("t", facts=[]),  # type: ignore[arg-type]
        lambda: Draft("t", body="text"),  # type: ignore[arg-type]
        lambda: Draft("t", after=("sha256:0",)),
        lambda: Write("", 0, (Draft("t"),), "c", "a"),
        lambda: Write("s", -1, (Draft("t"),), "c", "a"),
        lambda: Write("s", 0, (), "c", "a"),
        lambda: Write("s", 0, (Draft("t"),), "c" * 61, "a"),
        lambda: Write("s", 0, (Draft("t"),), "c", ""),
    ],
)
def test_a_write_that_is_not_of_its_form_cannot_be_made(bad: Any) -> None:
    with pytest.raises(Invalid):
        bad()

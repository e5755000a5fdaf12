"""An erasure as its entries tell it: whatever is heard in whatever order, nobody is counted twice."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yosegi.core.errors import Invalid
from yosegi.services.erasure.entries import ACKNOWLEDGED, ASKED, DONE, NOT_TAKEN, ORDERED, TOLD, Erasure, parts_of

SITES = ("argonne", "nims", "ornl")


@dataclass
class Heard:
    """An entry, as far as a fold looks at it."""

    type: str
    facts: dict[str, Any]
    actor: str = "riken"
    body: dict[str, Any] | None = None
    time: str = "2026-11-25T00:00:00.000000Z"
    position: int = 1

    @property
    def header(self) -> SimpleNamespace:
        return SimpleNamespace(charter="demo", actor=self.actor)


SOME = st.lists(st.sampled_from(SITES), unique=True)
ACKNOWLEDGEMENTS = st.builds(
    lambda actor, gone, waiting, not_taken: Heard(
        ACKNOWLEDGED, {"gone": gone, "waiting": waiting, "not_taken": not_taken}, actor
    ),
    st.sampled_from(SITES), SOME, SOME, SOME,
)  # fmt: skip
ENTRIES = st.lists(
    st.one_of(
        st.sampled_from(SITES).map(lambda peer: Heard(TOLD, {"peer": peer, "key": "k"})),
        st.sampled_from(SITES).map(lambda peer: Heard(NOT_TAKEN, {"peer": peer, "why": "older"})),
        st.sampled_from(SITES).map(lambda peer: Heard(ASKED, {"key": "k"}, peer)),
        st.just(Heard(ORDERED, {}, body={"why": "a name"})),
        st.just(Heard(DONE, {"bodies": 1})),
        ACKNOWLEDGEMENTS,
    ),
    max_size=20,
)


def folded(entries: list[Heard]) -> Erasure:
    erasure = Erasure("object", "sha256:" + "0" * 64)
    for entry in entries:
        erasure.follow(entry)  # type: ignore[arg-type]
    return erasure


@given(ENTRIES)
def test_a_site_is_gone_waited_for_or_refuses_and_never_two_of_these(entries) -> None:
    erasure = folded(entries)
    assert not erasure.gone & erasure.waiting
    assert not erasure.gone & erasure.refused.keys()
    assert not erasure.waiting & erasure.refused.keys()


@given(ENTRIES, st.sampled_from(SITES))
def test_who_says_that_it_is_gone_there_is_waited_for_no_more(entries, peer) -> None:
    said = Heard(ACKNOWLEDGED, {"gone": [peer], "waiting": [], "not_taken": []}, peer)
    erasure = folded([*entries, said])
    assert peer in erasure.gone
    assert peer not in erasure.status("riken").waiting


@given(ENTRIES, st.sampled_from(SITES))
def test_who_is_told_again_is_waited_for_again(entries, peer) -> None:
    erasure = folded([*entries, Heard(TOLD, {"peer": peer, "key": "again"})])
    assert peer in erasure.waiting
    assert erasure.told["demo", peer] == "again"


@given(ENTRIES)
def test_this_site_is_waited_for_until_it_has_done_it(entries) -> None:
    told = folded(entries).status("riken")
    assert ("riken" in told.waiting) is not told.done_here
    assert ("riken" in told.gone) is told.done_here


@pytest.mark.parametrize("name", ["", "a", "a/b", "a/b/", "/b/c", "a//c", "a/b/c/d", "a/b/" + "c" * 200])
def test_what_is_no_task_is_refused(name) -> None:
    with pytest.raises(Invalid, match="home/owner/key"):
        parts_of(name)


def test_a_task_is_named_by_home_owner_and_key() -> None:
    assert parts_of("argonne/nims/k-1") == ("argonne", "nims", "k-1")

"""What a site holds of every charter it lives in: recorded as signed, found again after a restart, never mixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import pytest

from governance.ledgers import Book, site
from governance.world import DAY, NOW, agreement, charter, governance_key, online_key, statement, unsealer
from yosegi.core.errors import Invalid
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Outbound
from yosegi.trust.document import Document
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted

SITES = ("argonne", "riken", "nims")


def signed(document, *sites: str) -> Envelope:
    return document.sign(*(governance_key(one) for one in sites or SITES))


def federation(name: str = "demo") -> list[Envelope]:
    return [
        signed(charter(id=name)),
        *(signed(statement(one, charter=name), one) for one in SITES),
        signed(agreement(charter=name)),
    ]


@pytest.fixture
def book(tmp_path) -> Iterator[Book]:
    with site(tmp_path) as opened:
        yield opened


def registry(book: Book, *envelopes: Envelope) -> Registry:
    made = Registry("nims", book.ledger, book.clock)
    for envelope in envelopes:
        book.run(made.accept(envelope, "operator@nims"))
    return made


def test_what_was_accepted_is_known_again_after_a_restart(book):
    before = registry(book, *federation())
    after = Registry("nims", book.ledger, book.clock)
    assert after.federation("demo") == before.federation("demo")
    assert after.charters() == ("demo",)
    assert after.sites("demo") == SITES
    assert list(after.keys_of("demo", "riken")) == [online_key("riken").public.key_id]
    assert after.reach_of("demo", "nims") == Outbound(mailbox="argonne")
    assert after.sealing_key_of("demo", "argonne") == unsealer("argonne").public
    assert list(after.federation("demo").agreements) == ["colour-2026"]


def test_the_same_document_again_writes_nothing(book):
    made = registry(book, *federation())
    size = book.ledger.size
    for envelope in federation():
        assert book.run(made.accept(envelope, "operator@nims")) == "demo"
    assert book.ledger.size == size


def test_what_may_not_be_believed_is_not_recorded(book):
    made = registry(book, *federation())
    size = book.ledger.size
    for bad in (
        signed(statement("riken", serial=2), "argonne"),
        signed(agreement(name="other"), "nims"),
        signed(charter(version=2, previous=charter().digest), "argonne"),
    ):
        with pytest.raises(Untrusted):
            book.run(made.accept(bad, "operator@nims"))
    assert book.ledger.size == size


def test_a_federation_begins_with_its_charter(book):
    with pytest.raises(Invalid, match="not the charter itself"):
        registry(book, signed(statement("riken"), "riken"))


def test_another_kind_of_document_is_refused(book):
    stray = Envelope.sign("application/vnd.yosegi.request.v1+json", b"{}", governance_key("nims"))
    with pytest.raises(Invalid, match="not a charter, statement or agreement"):
        registry(book, stray)


def test_one_site_lives_in_two_charters_and_never_mixes_them(book):
    made = registry(book, *federation("demo"), signed(charter(id="second")))
    assert made.charters() == ("demo", "second")
    with pytest.raises(Untrusted) as caught:
        made.keys_of("second", "riken")
    assert caught.value.reason == "no_statement"
    assert made.federation("second").agreements == {}
    with pytest.raises(Untrusted):
        made.federation("third")


def test_a_site_that_left_the_charter_is_believed_no_more(book):
    made = registry(book, *federation())
    smaller = charter(version=2, previous=charter().digest, sites=("argonne", "nims"), teams=())
    book.run(made.accept(signed(smaller, "argonne", "nims"), "operator@nims"))
    with pytest.raises(Untrusted) as caught:
        made.keys_of("demo", "riken")
    assert caught.value.reason == "not_a_member"


def test_time_is_asked_at_every_use(book):
    made = registry(book, *federation())
    book.clock.time = NOW + 40 * DAY
    with pytest.raises(Untrusted) as caught:
        made.keys_of("demo", "riken")
    assert caught.value.reason == "statement_expired"
    assert Registry("nims", book.ledger, book.clock).charters() == ("demo",), "a restart judges by what was then"


class Told(Document):
    """A kind of which there are three versions."""

    kind: ClassVar[str] = "told"
    added: ClassVar[Mapping[int, tuple[str, ...]]] = {2: ("more",), 3: ("most",)}
    more: str | None = None
    most: str | None = None


FIRST, SECOND, THIRD = Told.payload_types
OTHER = "application/vnd.yosegi.other.v9+json"


@pytest.mark.parametrize(
    ("formats", "version"),
    [((), 3), ((FIRST,), 1), ((FIRST, SECOND), 2), ((SECOND, FIRST, THIRD), 3), ((OTHER,), 0), ((OTHER, SECOND), 2)],
)
def test_what_a_member_lists_says_in_which_version_it_is_told(book, formats, version):
    documents = [signed(charter()), signed(statement("riken", formats=formats), "riken")]
    assert registry(book, *documents).version_for("demo", "riken", Told) == version


def test_a_member_that_has_stated_nothing_yet_is_told_the_newest(book):
    assert registry(book, signed(charter())).version_for("demo", "riken", Told) == 3


def test_what_a_statement_that_has_ended_lists_counts_still(book):
    documents = [signed(charter()), signed(statement("riken", formats=(FIRST,)), "riken")]
    known = registry(book, *documents)
    book.clock.time = NOW + 60 * DAY
    with pytest.raises(Untrusted):
        known.keys_of("demo", "riken")
    assert known.version_for("demo", "riken", Told) == 1

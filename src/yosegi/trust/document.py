"""Signed documents: values with a payload type, and the rules by which one is opened.

A document is read only after its signatures are verified, and then held against the moment, the addressee and the
charter, so that what was signed for one place and time counts in no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, PlainSerializer, model_validator

from yosegi.core.clock import timestamp
from yosegi.core.errors import Invalid
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.identifiers import CharterId, Key, SiteId
from yosegi.core.values import Value
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import Algorithm, PublicKey, unbase64
from yosegi.trust.signer import Signer

SKEW = timedelta(seconds=30)
"""How far the clocks of two honest sites may differ."""


_EARLIEST_YEAR, _LATEST_YEAR = 1900, 9000


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset from UTC")
    if not _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR:
        # So that adding or taking away a lifetime, or changing the offset, never leaves the calendar.
        raise ValueError(f"a moment outside the years {_EARLIEST_YEAR} to {_LATEST_YEAR}")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_utc), PlainSerializer(timestamp)]
"""A point in time, always UTC; travels as RFC 3339 with microseconds."""


class Document(Value):
    """The base of everything that is signed. A subclass names its `kind`; its payload type follows.

    Attributes:
        kind: the word in the payload type, e.g. `request`.
        needs: algorithms that must be among the signatures.
        added: by version after the first, the fields it brought; each is None where it says nothing.
        payload_types: of every version that is read, the oldest first; `payload_type` is the newest.
    """

    kind: ClassVar[str] = ""
    needs: ClassVar[tuple[Algorithm, ...]] = ("ed25519",)
    added: ClassVar[Mapping[int, tuple[str, ...]]] = {}
    payload_types: ClassVar[tuple[str, ...]] = ()
    payload_type: ClassVar[str] = ""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: object) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        versions = range(1, max(cls.added, default=1) + 1)
        cls.payload_types = tuple(f"application/vnd.yosegi.{cls.kind}.v{version}+json" for version in versions)
        cls.payload_type = cls.payload_types[-1]

    def sign(self, *signers: Signer, version: int = 0) -> Envelope:
        """The document in its envelope, signed by each.

        Args:
            signers: whose signatures it gets.
            version: which version of its kind; the newest, if none is named. What later ones brought is left out.
        """
        if version in (0, len(self.payload_types)):
            return Envelope.sign(self.payload_type, self.to_bytes(), *signers)
        later = (name for brought, names in self.added.items() if brought > version for name in names)
        older = self.model_copy(update=dict.fromkeys(later))
        return Envelope.sign(self.payload_types[version - 1], older.to_bytes(), *signers)

    @classmethod
    def recorded(cls, plain: Mapping[str, Any]) -> Self:
        """The document in an envelope that stands in this site's own ledger: it was verified before it was recorded.

        Args:
            plain: the envelope in JSON.

        Raises:
            Invalid: it does not hold what its kind promises.
        """
        try:
            return cls._read(unbase64(plain["payload"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid(f"a {cls.kind}", f"not in an envelope ({error!r})") from None

    @classmethod
    def _read(cls, payload: bytes) -> Self:
        """Read a payload; one that was read a moment ago is not read again, since a value never changes."""
        known = _READ.get((cls, payload))
        if isinstance(known, cls):
            return known
        document = cls.read(payload, what=f"a {cls.kind}")
        if len(payload) <= _LONGEST_KEPT:
            _READ.put((cls, payload), document)
        return document

    @classmethod
    def peek(cls, envelope: Envelope) -> Self:
        """The document as it claims to be, NOT verified: only for finding out whose keys to verify it with.

        Raises:
            Untrusted: another kind of document.
            Invalid: it does not hold what its kind promises.
        """
        if envelope.payload_type not in cls.payload_types:
            raise Untrusted(
                f"a {cls.kind}", "wrong_payload_type", found=envelope.payload_type, expected=cls.payload_type
            )
        return cls._read(envelope.payload)

    @classmethod
    def open(
        cls,
        envelope: Envelope,
        keys: Mapping[str, PublicKey],
        *,
        now: datetime,
        to: str | None = None,
        charter: str | None = None,
        sender: str | None = None,
        needs: Collection[Algorithm] | None = None,
        peeked: Self | None = None,
    ) -> Self:
        """The document, verified and in force.

        Args:
            envelope: as received.
            keys: the keys that may sign it, by key id.
            now: the moment to judge by.
            to: the site that opens it; a document addressed elsewhere is refused.
            charter: the charter it must have been made under.
            sender: the site whose keys these are; a document that says it is from another is refused.
            needs: algorithms that must be present, instead of the kind's own.
            peeked: what `peek` made of this very envelope; a large one is then not read twice.

        Raises:
            Untrusted: names the first thing that is wrong.
            Invalid: signed, but not a document of this kind.
        """
        kind = envelope.payload_type if envelope.payload_type in cls.payload_types else cls.payload_type
        payload = envelope.verify(keys, payload_type=kind, needs=cls.needs if needs is None else needs)
        document = cls._read(payload) if peeked is None else peeked
        document.check_in_force(now)
        for name, expected, reason in (
            ("charter", charter, "wrong_charter"),
            ("to", to, "wrong_addressee"),
            ("sender", sender, "wrong_sender"),
        ):
            found = getattr(document, name, None)
            if expected is not None and found != expected:
                raise Untrusted(f"a {cls.kind}", reason, found=found, said=found, expected=expected)
        return document

    def check_in_force(self, now: datetime) -> None:
        """Hold the document's own dates, if it has any, against the moment.

        Raises:
            Untrusted: not yet valid, or no more; clocks may differ by `SKEW`.
        """
        issued, until = getattr(self, "issued", None), getattr(self, "not_after", None)
        if isinstance(issued, datetime) and issued > now + SKEW:
            raise Untrusted(f"a {self.kind}", "document_not_yet_valid", issued=timestamp(issued), now=timestamp(now))
        if isinstance(until, datetime) and now > until + SKEW:
            raise Untrusted(f"a {self.kind}", "document_expired", until=timestamp(until), now=timestamp(now))


_LONGEST_KEPT = 16 * 1024
_READ = FifoCache[tuple[type[Document], bytes], Document](512)


class Addressed(Document):
    """A document from one site to another.

    Args:
        charter: the federation under which it is made.
        sender: the site that made and signed it.
        to: the one site it is for.
        key: makes its effect happen once.
        issued: when it was made.
        not_after: from when on it is refused.
    """

    longest: ClassVar[timedelta] = timedelta(days=7)
    """The longest time from issue to expiry."""

    charter: CharterId
    sender: SiteId
    to: SiteId
    key: Key
    issued: Moment
    not_after: Moment

    @model_validator(mode="after")
    def _has_a_sane_life(self) -> Self:
        if not timedelta() < self.not_after - self.issued <= self.longest:
            raise ValueError(f"must end after it is issued, and within {self.longest}")
        return self

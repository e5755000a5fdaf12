"""The samples that a site's ledger knows, and the one way in which entries about them are written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.exchange import Channels
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Ledger, Write
from yosegi.services.authorization.service import Authorizer
from yosegi.services.samples.entries import Sample, sample_stream
from yosegi.services.samples.schemas import SampleSummary

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
LONGEST_LABEL, LONGEST_NOTE = 200, 2000


@dataclass
class SampleRepository:
    """Reads and writes samples of one site.

    Args:
        lock: held from reading a sample to writing what was decided of it, by people's acts and peers' words alike.
    """

    site: str
    ledger: Ledger
    channels: Channels
    authorizer: Authorizer
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def find(self, sample: str) -> Sample | None:
        """A sample; None if this site knows nothing of it."""
        found = Sample(sample)
        for entry in self.ledger.read(sample_stream(sample)):
            found.follow(entry)
        return found if found.position else None

    def seen(self, sample: str, who: Session) -> Sample:
        """A sample that somebody may see.

        Raises:
            NotFound: there is none, or it is another team's.
        """
        found = self.find(sample)
        if found is None or not self.authorizer.may_see(found.charter, found.team, who):
            raise NotFound("sample", sample)
        return found

    def acted_on(self, sample: str, who: Session) -> Sample:
        """A sample that somebody may act on: whoever may see it, and is a person.

        Raises:
            NotFound: there is none, or it is another team's.
            Refused: an agent says nothing of things that it cannot look at.
        """
        check_person(who, f"acting on sample {sample}")
        return self.seen(sample, who)

    def all(self) -> list[Sample]:
        """Every sample that this site knows, what changed last first."""
        rows = self.ledger.query("SELECT id FROM sample ORDER BY sequence DESC")
        return [found for row in rows if (found := self.find(str(row["id"]))) is not None]

    def summary(self, sample: Sample) -> SampleSummary:
        """One line."""
        return SampleSummary(**self.fields(sample))

    def fields(self, sample: Sample) -> dict[str, Any]:
        """What a summary says."""
        names = ("id", "label", "charter", "team", "holder", "to", "state", "parents", "children", "since", "changed")
        told = {name: getattr(sample, name) for name in names}
        return told | {"told_by": sample.maker, "place": sample.place if sample.holder == self.site else ""}

    async def write(self, *writes: Write) -> None:
        """Record, all or nothing, and send what is to be sent.

        Raises:
            Conflict: somebody else wrote meanwhile.
        """
        self.channels.posted(await self.ledger.append(*writes))


def check_person(who: Session, what: str) -> None:
    """See that somebody is no agent.

    Raises:
        Refused: it is one.
    """
    if who.agent:
        raise Refused(what, ("people_only",))


def entry_of(
    sample: Sample, type: str, facts: Mapping[str, Any], body: Mapping[str, Any], actor: str, **new: str
) -> Write:
    """An entry about a sample that was read; `new` is the state and holder that follow, where they change."""
    follows = {"state": sample.state.value, "holder": sample.holder} | new
    said = {name: text for name, text in body.items() if text != ""}
    draft = Draft(type, dict(facts) | follows | {"team": sample.team}, said or None)
    return Write(sample.stream, sample.position, (draft,), charter=sample.charter, actor=actor)


def checked_name(name: str, site: str) -> str:
    """The identity of a sample that a site makes.

    Raises:
        Invalid: not a name.
    """
    if not NAME.fullmatch(name):
        raise Invalid(f"sample {name[:80]!r}", "is no name of a sample", "letters, digits, dots, dashes; e.g. film-17")
    return f"{site}/{name}"


def checked_text(what: str, text: str, longest: int = LONGEST_NOTE) -> str:
    """What a person wrote.

    Raises:
        Invalid: longer than it may be.
    """
    if len(text) > longest:
        raise Invalid(what, f"has {len(text)} characters, and {longest} is the most")
    return text


def check_new(found: Sample | None, sample: str) -> None:
    """See that a name is free.

    Raises:
        Conflict: it is not.
    """
    if found is not None:
        raise Conflict(f"sample {sample}", "is there already", "choose another name")

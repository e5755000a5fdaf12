"""The samples that a site's ledger knows, and the one way in which entries about them are written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError

from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.core.identifiers import SampleName
from yosegi.exchange import Channels
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Write
from yosegi.services.authorization.service import Authorizer
from yosegi.services.samples.entries import PREFIX, Sample
from yosegi.services.samples.records import SampleRecords
from yosegi.services.samples.schemas import SampleSummary
from yosegi.trust.samples import LONGEST_NOTE

_NAME: TypeAdapter[str] = TypeAdapter(SampleName)
MOST_LISTED = 200
"""Samples of a list: each is folded for it, in about a third of a millisecond."""


@dataclass
class SampleRepository:
    """Reads and writes samples of one site.

    Args:
        lock: held from reading a sample to writing what was decided of it, by people's acts and peers' words alike.
    """

    records: SampleRecords
    channels: Channels
    authorizer: Authorizer
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def find(self, sample: str) -> Sample | None:
        """A sample; None if this site knows nothing of it."""
        return self.records.find(sample)

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

    def latest(self, who: Session, *, team: str, state: str, holder: str, destination: str = "") -> list[Sample]:
        """The `MOST_LISTED` that changed last and somebody may see; of what is named alone."""
        asked = {"team": team, "state": state, "holder": holder, "destination": destination}
        wanted = {name: value for name, value in asked.items() if value}
        where = f" WHERE {' AND '.join(f'{name} = ?' for name in wanted)}" if wanted else ""
        rows = self.records.ledger.query(
            f"SELECT id, charter, team FROM sample{where} ORDER BY sequence DESC", (*wanted.values(),)
        )
        teams = {(row["charter"], row["team"]) for row in rows}
        seen = {one for one in teams if self.authorizer.may_see(*one, who)}
        ids = (str(row["id"]) for row in rows if (row["charter"], row["team"]) in seen)
        return [found for one in islice(ids, MOST_LISTED) if (found := self.find(one)) is not None]

    def now(self, sample: str) -> SampleSummary:
        """How a sample stands after what was just written of it.

        Raises:
            NotFound: this site knows nothing of it.
        """
        if (found := self.find(sample)) is None:
            raise NotFound("sample", sample)
        return self.summary(found)

    def summary(self, sample: Sample) -> SampleSummary:
        """One line."""
        return SampleSummary(**self.fields(sample))

    def fields(self, sample: Sample) -> dict[str, Any]:
        """What a summary says."""
        names = ("id", "label", "charter", "team", "holder", "to", "state", "parents", "children", "since", "changed",
                 "task", "campaign", "destination")  # fmt: skip
        told = {name: getattr(sample, name) for name in names}
        return told | {"told_by": sample.maker, "place": sample.place if sample.holder == self.records.site else ""}

    async def write(self, *writes: Write) -> None:
        """Record, all or nothing, and send what is to be sent: with it goes what askers for a shipment are told.

        Raises:
            Conflict: somebody else wrote meanwhile.
        """
        self.channels.posted(await self.records.ledger.append(*map(self._told, writes)))

    def _told(self, write: Write) -> Write:
        found = self.find(write.stream.removeprefix(PREFIX))
        return write if found is None else self.records.told(write, found)


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
    try:
        _NAME.validate_python(name)
    except ValidationError:
        todo = "letters, digits, dots, dashes; e.g. film-17"
        raise Invalid(f"sample {name[:80]!r}", "is no name of a sample", todo) from None
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

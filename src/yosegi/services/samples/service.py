"""Samples as people at one site speak of them: made, moved, split, pooled, used up, lost, found and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yosegi.core.errors import Invalid, NotFound, Refused
from yosegi.governance.charter.registry import Registry
from yosegi.governance.charter.statement import Listens
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Entry, Write
from yosegi.services.authorization.service import Authorizer
from yosegi.services.samples.custody import takes_part
from yosegi.services.samples.entries import (
    CHANGES,
    GIVEN,
    POOLED,
    RECEIVED,
    REGISTERED,
    SPLIT,
    WORDS_OF_OTHERS,
    sample_stream,
)
from yosegi.services.samples.label import encoded, label_svg
from yosegi.services.samples.repository import (
    SampleRepository,
    check_new,
    check_person,
    checked_name,
    checked_text,
    entry_of,
)
from yosegi.services.samples.schemas import SampleDetail, SampleEvent, SampleLabel, SampleParts, SampleSummary
from yosegi.services.samples.states import SampleChange, SampleState
from yosegi.trust.envelope import Envelope
from yosegi.trust.samples import LONGEST_LABEL, MOST_PARENTS, SampleGiven, SampleReceived


@dataclass
class SampleService:
    """The samples of one site."""

    site: str
    registry: Registry
    authorizer: Authorizer
    samples: SampleRepository

    # -- looking ------------------------------------------------------------------------------------------------------

    def listing(
        self, who: Session, *, team: str = "", state: SampleState | None = None, holder: str = ""
    ) -> tuple[SampleSummary, ...]:
        """The 200 samples that changed last and somebody may see; of a team, in a state or at a site alone."""
        found = self.samples.latest(who, team=team, state=state.value if state else "", holder=holder)
        return tuple(map(self.samples.summary, found))

    def show(self, sample: str, who: Session) -> SampleDetail:
        """A sample's whole life over this ledger, with the other sides' signed words.

        Raises:
            NotFound: there is none, or it is another team's.
        """
        found = self.samples.seen(sample, who)
        entries = self.samples.records.ledger.read(found.stream)
        return SampleDetail(**self.samples.fields(found), events=tuple(_event(entry, self.site) for entry in entries))

    def label(self, sample: str, who: Session) -> SampleLabel:
        """The label of a sample; its code leads to its page here, if this site can be reached by others.

        Raises:
            NotFound: there is none, or it is another team's.
        """
        found = self.samples.summary(self.samples.seen(sample, who))
        stated = self.registry.federation(found.charter).roster.statements.get(self.site)
        address = stated.reach.url if stated is not None and isinstance(stated.reach, Listens) else ""
        return SampleLabel(sample=found.id, encodes=encoded(found, address), svg=label_svg(found, address))

    # -- acting -------------------------------------------------------------------------------------------------------

    async def register(
        self, name: str, who: Session, *, charter: str, team: str, label: str = "", place: str = ""
    ) -> SampleSummary:
        """Say that a sample was made here.

        Raises:
            Refused: an agent, or somebody who is neither of the team nor runs this site.
            NotFound: no such charter or team, or this site is none of the team's.
            Conflict: there is one of that name.
            Invalid: not a name, or too long a text.
        """
        check_person(who, "registering a sample")
        if charter not in (charters := self.registry.charters()):
            raise NotFound("charter", charter, charters)
        if not self.authorizer.may_see(charter, team, who):
            raise Refused("registering a sample", ("not_in_team",))
        roster = self.registry.federation(charter).roster.charter
        if not takes_part(roster, team, self.site):
            raise NotFound(f"team of {self.site}", team)
        sample = checked_name(name, self.site)
        async with self.samples.lock:
            check_new(self.samples.find(sample), sample)
            await self.samples.write(self._made(sample, charter, team, label, place, (), who))
        return self.samples.now(sample)

    async def change(
        self, sample: str, change: SampleChange, who: Session, *, why: str = "", place: str | None = None
    ) -> SampleSummary:
        """Say that a sample was moved, reserved, released, used up, lost or set aside.

        Raises:
            NotFound: there is none, or it is another team's.
            Refused: an agent.
            Conflict: this site does not hold it, or it is in no state for that.
            Invalid: too long a text.
        """
        async with self.samples.lock:
            found = self.samples.acted_on(sample, who)
            follows = found.check(change, self.site)
            if change == "move" and not place:
                raise Invalid(f"moving {sample}", "no place is named", "say where it is now")
            body = {"note": checked_text("the reason", why)}
            if place is not None:
                body["place"] = checked_text("the place", place, LONGEST_LABEL)
            await self.samples.write(entry_of(found, CHANGES[change], {}, body, who.person, state=follows.value))
        return self.samples.now(sample)

    async def split(self, sample: str, names: Sequence[str], who: Session) -> SampleParts:
        """Say that a sample was split into others, which are this site's; there is nothing left of it.

        Raises:
            NotFound, Refused, Conflict: as `change`.
            Conflict: there is one of such a name.
            Invalid: fewer than two names, more than 64, or the same twice.
        """
        parts = [checked_name(name, self.site) for name in names]
        if not 2 <= len(set(parts)) == len(parts) <= MOST_PARENTS:
            raise Invalid(f"splitting {sample}", f"2 to {MOST_PARENTS} different names are needed for its parts")
        async with self.samples.lock:
            found = self.samples.acted_on(sample, who)
            follows = found.check("split", self.site)
            for part in parts:
                check_new(self.samples.find(part), part)
            made = [
                self._made(part, found.charter, found.team, found.label, found.place, (sample,), who) for part in parts
            ]
            gone = entry_of(found, SPLIT, {"children": parts}, {}, who.person, state=follows.value)
            await self.samples.write(gone, *made)
        return SampleParts(sample=sample, parts=tuple(self.samples.now(part) for part in parts))

    async def pool(
        self, samples: Sequence[str], name: str, who: Session, *, label: str = "", place: str = ""
    ) -> SampleSummary:
        """Say that some samples were put together into one, which is this site's.

        Raises:
            NotFound, Refused, Conflict: as `change`, for each.
            Conflict: there is one of that name.
            Invalid: fewer than two, more than 64, the same twice, or of different teams.
        """
        if not 2 <= len(set(samples)) == len(samples) <= MOST_PARENTS:
            raise Invalid("pooling", f"2 to {MOST_PARENTS} different samples are needed")
        pooled = checked_name(name, self.site)
        async with self.samples.lock:
            check_new(self.samples.find(pooled), pooled)
            found = [self.samples.acted_on(one, who) for one in samples]
            (charter, team), *others = {(one.charter, one.team) for one in found}
            if others:
                raise Invalid("pooling", "the samples are of different teams or charters")
            gone = [
                entry_of(one, POOLED, {"children": [pooled]}, {}, who.person,
                         state=one.check("pool", self.site).value)
                for one in found
            ]  # fmt: skip
            await self.samples.write(*gone, self._made(pooled, charter, team, label, place, samples, who))
        return self.samples.now(pooled)

    # -- parts --------------------------------------------------------------------------------------------------------

    def _made(
        self, sample: str, charter: str, team: str, label: str, place: str, parents: Sequence[str], who: Session
    ) -> Write:
        facts = {
            "team": team, "parents": list(parents), "holder": self.site, "state": SampleState.AVAILABLE.value,
        }  # fmt: skip
        texts = {
            "label": checked_text("the label", label, LONGEST_LABEL),
            "place": checked_text("the place", place, LONGEST_LABEL),
        }
        draft = Draft(REGISTERED, facts, {key: text for key, text in texts.items() if text} or None)
        return Write(sample_stream(sample), 0, (draft,), charter=charter, actor=who.person)


def _event(entry: Entry, site: str) -> SampleEvent:
    """One entry as people read it; where it holds a signed word, whose and what it says."""
    facts, body = entry.facts, entry.body or {}
    word = _word(entry)
    return SampleEvent(
        sequence=entry.sequence,
        time=entry.time,
        type=entry.type,
        actor=entry.header.actor,
        state=SampleState(facts["state"]),
        holder=str(facts["holder"]),
        peer=next((str(facts[name]) for name in ("from", "to") if facts.get(name, site) != site), ""),
        condition=facts.get("condition", "") if word is None else word.condition,
        place=str(body.get("place", "")),
        note=str(body.get("note", "")) if word is None else word.note,
        signed_by="" if word is None else word.sender,
        document=body["document"] if word is not None else None,
    )


def _word(entry: Entry) -> SampleGiven | SampleReceived | None:
    """The signed word in an entry: verified when it came, or signed here."""
    if entry.type not in (GIVEN, RECEIVED, *WORDS_OF_OTHERS) or "document" not in (entry.body or {}):
        return None
    plain = (entry.body or {})["document"]
    kind = SampleGiven if Envelope.parsed(plain).payload_type in SampleGiven.payload_types else SampleReceived
    return kind.recorded(plain)

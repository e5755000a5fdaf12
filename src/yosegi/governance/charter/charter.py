"""The charter: the signed document that makes sites a federation, and the rule by which it changes.

The rule has two levels: k members, each by m of its own n governance keys, and some from every country. Many keys of
one member count once. A flat threshold of keys, as TUF's root has it, would accept one member's three for a threshold
of three; TUF's checks of version, chain, expiry and rollback are kept (TUF specification 1.0.33, section 5.3).
"""

from __future__ import annotations

import functools
import ipaddress
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from yosegi.core.clock import timestamp
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CharterId, Digest, PersonId, SiteId, TeamId, home_of
from yosegi.core.member_kinds import MemberKind
from yosegi.core.values import Value
from yosegi.trust.document import SKEW, Document, Moment
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.keys import Algorithm, PublicKey, by_id

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _network(text: str) -> str:
    return str(ipaddress.ip_network(text))


class Member(Value):
    """A site of the federation.

    Args:
        id: its short name.
        name: the institution's name, for people.
        kind: what sort of institution it is.
        country: where it answers to the law.
        keys: its governance keys, kept offline.
        needed: how many of them (of each algorithm) must sign for the member to have signed.
        hosted_by: the member whose site its people use, if it has no site of its own.
    """

    id: SiteId
    name: Title
    kind: MemberKind
    country: Country
    keys: tuple[PublicKey, ...] = Field(min_length=1, max_length=32)
    needed: int = Field(default=1, ge=1)
    hosted_by: SiteId | None = None

    @model_validator(mode="after")
    def _can_sign(self) -> Self:
        if self.needed > sum(key.algorithm == "ed25519" for key in self.keys):
            raise ValueError(f"{self.id} needs {self.needed} keys to sign and has fewer")
        return self

    def signed(self, key_ids: Collection[str], algorithms: Collection[Algorithm]) -> bool:
        """Whether enough of its own keys, of each of the algorithms, are among those that signed."""
        return self.have_signed(key_ids, algorithms) >= self.needed

    def have_signed(self, key_ids: Iterable[str], algorithms: Iterable[Algorithm]) -> int:
        """How many of its keys are among these, of the algorithm of which fewest are: what `needed` is held against."""
        named = set(key_ids)
        return min(self._count(named, algorithm) for algorithm in algorithms)

    def _count(self, key_ids: Collection[str], algorithm: Algorithm) -> int:
        return sum(key.algorithm == algorithm and key.key_id in key_ids for key in self.keys)


class Team(Value):
    """People of several institutions who work on one thing.

    Args:
        id: its short name.
        title: for people.
        lead: the institution that leads it.
        sites: the institutions in it.
        people: its members, as roles or accounts at their home sites (`pi@argonne`).
        focus_area: identifier of a focus area of the charter, or empty.
        challenges: identifiers of the challenges it works on; none, if none is named.
    """

    id: TeamId
    title: Title
    lead: SiteId
    sites: tuple[SiteId, ...] = Field(min_length=1)
    people: tuple[PersonId, ...] = ()
    focus_area: str = ""
    challenges: tuple[TeamId, ...] | None = Field(default=None, max_length=100)


class Named(Value):
    """A focus area, or a challenge within one."""

    id: TeamId
    title: Title
    focus_area: str = ""


class Threshold(Value):
    """Who must sign a change.

    Args:
        members: at least so many members.
        per_country: at least so many of every country in the charter.
    """

    members: int = Field(ge=1)
    per_country: int = Field(default=1, ge=0)


class Charter(Document):
    """What the members agreed on. Its digest names it; the next version names its digest.

    Args:
        id: which charter; everything signed under it names this.
        version: 1, 2, 3 …
        previous: digest of the version before; none for the first.
        title: for people.
        issued: when this version was proposed.
        expires: from when on nothing is believed under it.
        threshold: who must sign a change.
        members: the sites.
        teams: who works together.
        focus_areas: fields of science it is for.
        challenges: national challenges it answers.
        post_quantum: whether members must sign with ML-DSA-65 beside Ed25519.
        demonstration: whether it stands on one machine, so that loopback addresses are allowed.
        networks: private networks, as CIDR, in which members may be reached.
    """

    kind: ClassVar[str] = "charter"

    id: CharterId
    version: int = Field(ge=1, le=10**6)
    previous: Digest | None = None
    title: Title
    issued: Moment
    expires: Moment
    threshold: Threshold
    members: tuple[Member, ...] = Field(min_length=1, max_length=1000)
    teams: tuple[Team, ...] = ()
    focus_areas: tuple[Named, ...] = ()
    challenges: tuple[Named, ...] = ()
    post_quantum: bool = False
    demonstration: bool = False
    networks: tuple[Annotated[str, AfterValidator(_network)], ...] = ()

    @property
    def fingerprint(self) -> str:
        """The first 80 bits of its digest in groups of four, to be read aloud when a first charter is adopted."""
        digits = self.digest.removeprefix("sha256:")
        return " ".join(digits[start : start + 4] for start in range(0, 20, 4))

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """What a member must sign with."""
        return ("ed25519", "ml-dsa-65") if self.post_quantum else ("ed25519",)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        _no_repeats("member", [member.id for member in self.members])
        # A key that belonged to two members would let one of them count twice.
        _no_repeats("governance key", [key.key_id for member in self.members for key in member.keys])
        for kind, things in (("team", self.teams), ("focus area", self.focus_areas), ("challenge", self.challenges)):
            _no_repeats(kind, [thing.id for thing in things])
        if (self.version == 1) != (self.previous is None):
            raise ValueError("the first version names no previous one, and every other does")
        if self.expires <= self.issued:
            raise ValueError("expires before it is issued")
        self._can_be_changed()
        self._hosts_have_sites()
        self._teams_are_of_members()
        return self

    def _hosts_have_sites(self) -> None:
        for member in self.members:
            if member.hosted_by is None:
                continue
            host = next((other for other in self.members if other.id == member.hosted_by), None)
            if host is None or host.id == member.id or host.hosted_by is not None:
                raise ValueError(f"{member.id} is to be hosted by {member.hosted_by}, which has no site in the charter")

    def _can_be_changed(self) -> None:
        countries = Counter(member.country for member in self.members)
        if self.threshold.members > len(self.members) or self.threshold.per_country > min(countries.values()):
            country, fewest = min(countries.items(), key=lambda item: item[1])
            raise ValueError(
                f"its threshold can never be reached by its own members: {self.threshold.members} have to sign, "
                f"{self.threshold.per_country} of each country, and there are {len(self.members)}, "
                f"{fewest} of {country}; write another `threshold`"
            )
        for member in self.members:
            if not member.signed([key.key_id for key in member.keys], self.algorithms):
                raise ValueError(f"{member.id} has too few keys for the algorithms {', '.join(self.algorithms)}")

    def _teams_are_of_members(self) -> None:
        known, areas = {member.id for member in self.members}, {area.id for area in self.focus_areas}
        for team in self.teams:
            for site in (team.lead, *team.sites, *(home_of(person) for person in team.people)):
                if site not in known:
                    raise ValueError(f"team {team.id} names {site}, which is no member")
        self._teams_work_on_its_challenges()
        things: tuple[Team | Named, ...] = (*self.teams, *self.challenges)
        for thing in things:
            if thing.focus_area and thing.focus_area not in areas:
                raise ValueError(f"{thing.id} names the focus area {thing.focus_area}, which is not in the charter")

    def _teams_work_on_its_challenges(self) -> None:
        known = {challenge.id for challenge in self.challenges}
        for team in self.teams:
            if unknown := sorted(set(team.challenges or ()) - known):
                raise ValueError(f"team {team.id} works on the challenge {unknown[0]}, which is not in the charter")
            if len(set(team.challenges or ())) != len(team.challenges or ()):
                raise ValueError(f"team {team.id} names a challenge more than once")

    def member(self, site: str) -> Member | None:
        """The member of that id, if there is one."""
        return self._by_id.get(site)

    @functools.cached_property
    def _by_id(self) -> Mapping[str, Member]:
        return {member.id: member for member in self.members}

    def host_of(self, site: str) -> str | None:
        """The member whose site a member's people use; none, if it has its own or is no member."""
        found = self.member(site)
        return None if found is None else found.hosted_by

    def hosted(self, host: str) -> tuple[str, ...]:
        """The members whose people use a member's site."""
        return tuple(member.id for member in self.members if member.hosted_by == host)

    def team(self, team: str) -> Team | None:
        """The team of that id, if there is one."""
        return next((found for found in self.teams if found.id == team), None)

    def challenges_of(self, team: str) -> tuple[str, ...]:
        """The challenges a team works on; none, if there is no such team."""
        found = self.team(team)
        return () if found is None else found.challenges or ()

    def teams_on(self, challenge: str) -> tuple[str, ...]:
        """The teams that work on a challenge."""
        return tuple(team.id for team in self.teams if challenge in (team.challenges or ()))

    @property
    def keys(self) -> dict[str, PublicKey]:
        """Every governance key, by key id."""
        return by_id(key for member in self.members for key in member.keys)

    def check_alive(self, now: datetime) -> None:
        """Refuse a charter that has ended.

        Raises:
            Untrusted: `charter_expired`.
        """
        if now > self.expires + SKEW:
            raise Untrusted(f"charter {self.id}", "charter_expired", charter=self.id, until=timestamp(self.expires))

    def check_signed(self, key_ids: Collection[str]) -> None:
        """Hold the keys that signed against this charter's rule.

        Raises:
            Untrusted: `charter_too_few` or `charter_country_missing`.
        """
        signed = [member for member in self.members if member.signed(key_ids, self.algorithms)]
        what = f"charter {self.id}"
        if len(signed) < self.threshold.members:
            raise Untrusted(what, "charter_too_few", have=len(signed), need=self.threshold.members)
        by_country = Counter(member.country for member in signed)
        for country in sorted({member.country for member in self.members}):
            if by_country[country] < self.threshold.per_country:
                need = self.threshold.per_country
                raise Untrusted(what, "charter_country_missing", country=country, have=by_country[country], need=need)


def accept(current: Charter | None, envelope: Envelope, now: datetime) -> Charter:
    """The charter in an envelope, if it may be believed after the current one.

    The first charter a site holds is trusted for its fingerprint, which people compare aloud; it must still satisfy
    its own rule. Every later one must be signed under the rule of the one before *and* its own.

    Args:
        current: the version in force here, or none.
        envelope: the proposed one, with all its signatures.
        now: the moment to judge by.

    Raises:
        Untrusted: another charter, a version that is older, different under the same number or not the next one,
            a signature that does not count, too few members or a country without any, issued in the future, or
            ended already.
        Invalid: signed, but not a charter.
    """
    accepted = _succeed(current, envelope, now)
    accepted.check_alive(now)
    return accepted


def follow(current: Charter | None, envelopes: Iterable[Envelope], now: datetime) -> Charter:
    """The last of several versions in order, for a site that was away.

    Versions in between may have ended: what counts is whether the last one is in force (TUF specification, 5.3.10).

    Args:
        current: the version known here, or none.
        envelopes: the versions after it, in order.
        now: the moment to judge by.

    Raises:
        Untrusted: any of them may not be believed; see `accept`.
        Invalid: one is not a charter, or there is none at all.
    """
    for envelope in envelopes:
        current = _succeed(current, envelope, now)
    if current is None:
        raise Invalid("a chain of charters", "has no charter in it")
    current.check_alive(now)
    return current


def _succeed(current: Charter | None, envelope: Envelope, now: datetime) -> Charter:
    proposed = Charter.peek(envelope)
    if current is not None and envelope.payload == current.to_bytes():
        # Byte for byte what is believed already. Some who signed it may have left with it, so their keys are unknown.
        return current
    keys = proposed.keys | (current.keys if current else {})
    payload = envelope.verify(keys, payload_type=Charter.payload_type)
    if proposed.to_bytes() != payload:
        raise Invalid("a charter", "not in canonical form, so its digest would not be one", "sign it with yosegi")
    if current is not None:
        _check_succession(current, proposed)
    key_ids = {signature.key_id for signature in envelope.signatures}
    for rule in (current, proposed):
        if rule is not None:
            rule.check_signed(key_ids)
    proposed.check_in_force(now)
    return proposed


def _check_succession(current: Charter, proposed: Charter) -> None:
    what = f"charter {proposed.id}"
    if proposed.id != current.id:
        raise Untrusted(what, "wrong_charter", found=proposed.id, expected=current.id)
    if proposed.version < current.version:
        raise Untrusted(what, "charter_rolled_back", found=proposed.version, current=current.version)
    if proposed.version == current.version:
        raise Untrusted(what, "charter_forked", found=proposed.version)
    if proposed.version != current.version + 1 or proposed.previous != current.digest:
        raise Untrusted(what, "charter_gap", found=proposed.version, previous=proposed.previous)


def _no_repeats(kind: str, names: list[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"{kind} {repeated[0]} is there more than once")

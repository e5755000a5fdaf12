"""The directory: sites, teams and people that policy knows, and the slice of them that one question touches.

A decision is made over the entities the question names and no others. So its cost does not grow with the federation,
the record of it holds all it depended on, and a rule that reaches for anything else fails, which is a refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from yosegi.core.errors import Invalid
from yosegi.core.identifiers import home_of
from yosegi.governance.charter.charter import Charter
from yosegi.governance.policy.question import Question


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is known.

    Args:
        charter: identifier of the charter.
        sites: country and kind of each site.
        teams: lead and focus area of each team.
        people: the teams of each person.
        hosts: the site that each member without a site of its own is hosted by.
    """

    charter: str
    sites: Mapping[str, tuple[str, str]]
    teams: Mapping[str, tuple[str, str]]
    people: Mapping[str, frozenset[str]]
    hosts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, charter: Charter, site: str = "", groups: Mapping[str, Iterable[str]] | None = None) -> Directory:
        """What a charter says, and the groups of one site's own staff for its house agreements.

        Args:
            charter: the charter in force.
            site: the site whose groups these are.
            groups: people of each group; a group is named like a team.

        Raises:
            Invalid: a group with a team's name, or with somebody from elsewhere in it.
        """
        sites = {member.id: (member.country, member.kind) for member in charter.members}
        teams = {team.id: (team.lead, team.focus_area) for team in charter.teams}
        people: dict[str, set[str]] = {}
        for team in charter.teams:
            for person in team.people:
                people.setdefault(person, set()).add(team.id)
        for group, staff in (groups or {}).items():
            if group in teams:
                raise Invalid(f"group {group}", "is the name of a team of the charter", "give it another name")
            teams[group] = (site, "")
            for person in staff:
                if home_of(person) != site:
                    raise Invalid(f"group {group}", f"{person} is not of {site}", "a group is of a site's own staff")
                people.setdefault(person, set()).add(group)
        hosts = {member.id: member.hosted_by for member in charter.members if member.hosted_by is not None}
        members = {person: frozenset(member_of) for person, member_of in people.items()}
        return cls(charter.id, sites, teams, members, hosts)

    def homes(self, site: str) -> frozenset[str]:
        """The members whose people a site vouches for: itself, and those it hosts."""
        return frozenset({site, *(member for member, host in self.hosts.items() if host == site)})

    def slice(self, question: Question) -> list[dict[str, Any]]:
        """The entities one question touches, in Cedar's JSON form; what is not known is not in it."""
        teams = {question.team} | self.people.get(question.person, frozenset())
        known_teams = sorted(team for team in teams if team in self.teams)
        sites = {question.home, question.capability.owner, question.peer or question.home}
        sites |= {self.teams[team][0] for team in known_teams}
        sites |= {host for site in list(sites) if (host := self.hosts.get(site)) is not None}
        entities = [self._site(site) for site in sorted(sites) if site in self.sites]
        entities += [self._team(team) for team in known_teams]
        if question.person in self.people:
            parents = [_uid("Team", team) for team in sorted(self.people[question.person])]
            home = {"home": _ref("Site", home_of(question.person))}
            entities.append({"uid": _uid("Person", question.person), "attrs": home, "parents": parents})
        entities.append(_capability(question))
        return entities

    def agrees(self, question: Question, entities: Iterable[Mapping[str, Any]]) -> bool:
        """Whether recorded entities are what this directory knows of a question, a site's own groups aside.

        Those stand in no charter, so nothing can be said of them: they and who is in them are passed over.
        """
        told = []
        for entity in entities:
            kind, name = entity["uid"]["type"], entity["uid"]["id"]
            parents = [one for one in entity["parents"] if one["type"] != "Team" or one["id"] in self.teams]
            stranger = kind == "Person" and name not in self.people and not parents
            if not stranger and (kind != "Team" or name in self.teams):
                told.append({**entity, "parents": parents})
        return told == self.slice(question)

    def _site(self, site: str) -> dict[str, Any]:
        country, kind = self.sites[site]
        attrs: dict[str, Any] = {"country": country, "kind": kind}
        if site in self.hosts:
            attrs["host"] = _ref("Site", self.hosts[site])
        return {"uid": _uid("Site", site), "attrs": attrs, "parents": []}

    def _team(self, team: str) -> dict[str, Any]:
        lead, focus_area = self.teams[team]
        attrs = {"lead": _ref("Site", lead), "focus_area": focus_area}
        return {"uid": _uid("Team", team), "attrs": attrs, "parents": []}


def _capability(question: Question) -> dict[str, Any]:
    facts = question.capability
    attrs = facts.model_dump(mode="json", exclude={"conduct"}) | {"owner": _ref("Site", facts.owner)}
    return {"uid": _uid("Capability", facts.ref), "attrs": attrs, "parents": []}


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": _uid(kind, name)}

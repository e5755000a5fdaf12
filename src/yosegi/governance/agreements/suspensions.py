"""Suspensions: what a site's officer has barred here, at once and until it is lifted, whatever agreements say.

Each becomes a forbid among the site's policies, so that it stands in every decision it made and can be decided again.
Stopping is never forbidden. A suspended agreement permits nothing, and what another agreement permits stays.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import model_validator

from yosegi.core.errors import Invalid
from yosegi.core.identifiers import home_of
from yosegi.core.values import Value
from yosegi.ledger import Draft, Entry, Ledger
from yosegi.trust.document import Moment

SUSPENDED, LIFTED = "incident.suspended", "incident.lifted"
STREAM = "incident/suspensions"

Barred = Literal["site", "person", "agent", "team", "agreement", "capability"]

_CONDITIONS: Mapping[Barred, str] = {
    "site": 'principal.home == Site::"{0}" || resource.owner == Site::"{0}"'
    ' || (context has peer && context.peer == Site::"{0}")',
    "person": 'principal == Person::"{0}"',
    "agent": 'context has agent && context.agent == "{0}"',
    "team": 'context.team == Team::"{0}"',
    "capability": 'resource.ref == "{0}"',
}
_FORMS: Mapping[Barred, str] = {
    "site": r"[a-z][a-z0-9_-]*",
    "person": r"[a-z][a-z0-9_-]*@[a-z][a-z0-9_-]*",
    "agent": r"[A-Za-z0-9][A-Za-z0-9._:@/-]*",
    "team": r"[a-z][a-z0-9_-]*",
    "agreement": r"[a-z][a-z0-9-]*",
    "capability": r"[a-z][a-z0-9_-]*/[a-z0-9._-]+@[1-9][0-9]*",
}

_EXAMPLES: Mapping[Barred, str] = {
    "site": "riken",
    "person": "postdoc@riken",
    "agent": "helper",
    "team": "alloys",
    "agreement": "alloys-2026",
    "capability": "riken/toy.make@1",
}


class Suspension(Value):
    """One thing barred at this site.

    Args:
        kind: what sort of thing.
        name: which one: `riken`, `pi@riken`, `riken/toy.make@1` …
        charter: under which charter; under every one, if none is named.
        since: when it was barred.
        by: who barred it.
        why: for people.
    """

    kind: Barred
    name: str
    charter: str = ""
    since: Moment
    by: str
    why: str = ""

    @model_validator(mode="after")
    def _is_named(self) -> Suspension:
        if len(self.name) > 121 or not re.fullmatch(_FORMS[self.kind], self.name):
            raise ValueError(f"{self.name!r} is not the name of a {self.kind}, as {_EXAMPLES[self.kind]} is")
        return self

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about: a thing is barred once."""
        return (self.kind, self.name, self.charter)

    def applies(self, charter: str) -> bool:
        """Whether it counts under a charter."""
        return self.charter in ("", charter)

    def to_cedar(self) -> str:
        """The forbid; nothing for an agreement, whose permit is left out instead."""
        if self.kind == "agreement":
            return ""
        number = hashlib.sha256("\n".join(self.key).encode()).hexdigest()[:12]
        return (
            f'@id("yosegi-suspended-{number}")\n@code("suspended")\n@kind("{self.kind}")\n@name("{self.name}")\n'
            'forbid (\n  principal,\n  action in [Action::"request", Action::"accept", Action::"dispatch",'
            ' Action::"release", Action::"approve", Action::"read"],\n  resource\n)\n'
            f"when {{ {_CONDITIONS[self.kind].format(self.name)} }};\n"
        )


def suspended(suspension: Suspension) -> Draft:
    """The entry by which something is barred."""
    facts = {"kind": suspension.kind, "name": suspension.name, "charter": suspension.charter}
    return Draft(SUSPENDED, facts, {"suspension": suspension.model_dump(mode="json")})


def lifted(suspension: Suspension, why: str) -> Draft:
    """The entry by which it is barred no more."""
    facts = {"kind": suspension.kind, "name": suspension.name, "charter": suspension.charter}
    return Draft(LIFTED, facts, {"why": why})


def in_force(entries: Iterable[Entry]) -> tuple[Suspension, ...]:
    """What is barred after these entries of the stream, sorted."""
    found: dict[tuple[str, str, str], Suspension] = {}
    for entry in entries:
        key = (entry.facts["kind"], entry.facts["name"], entry.facts["charter"])
        if entry.type == SUSPENDED:
            found[key] = Suspension.read(_body(entry)["suspension"])
        elif entry.type == LIFTED:
            found.pop(key, None)
    return tuple(found[key] for key in sorted(found))


class SuspensionRegister:
    """What is barred at a site now, as its ledger says.

    Args:
        ledger: the site's; read at once.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.in_force: tuple[Suspension, ...] = ()
        self.reload()

    def reload(self) -> None:
        """Read again what was recorded."""
        self.in_force = in_force(self._ledger.read(STREAM))

    def bars(self, charter: str, peer: str) -> bool:
        """Whether nothing is exchanged with a peer under a charter."""
        return any(s.kind == "site" and s.name == peer and s.applies(charter) for s in self.in_force)

    def bars_person(self, person: str, agent: str, here: str) -> bool:
        """Whether a person, their agent or their institution is barred from a site altogether, under every charter.

        The site's own people are not barred with the site `here`: somebody must be able to lift it.
        """
        home = home_of(person)
        barred = {("person", person), ("agent", agent), ("site", home if home != here else "")}
        return any(not s.charter and (s.kind, s.name) in barred for s in self.in_force)


def _body(entry: Entry) -> dict[str, Any]:
    if entry.body is None:
        raise Invalid(repr(entry), "its body is missing", "a suspension's body is never erased")
    return entry.body

"""Cedar behind `Policy.decide`: what is asked of it, how it is asked, and what its answers mean.

Each agreement links the program's one template once, and the question is put to Cedar once for each agreement that has
the team and the capability: under that agreement, with its link and no other's. So the name of the link is the name of
the agreement, and what stands in a bundle of policies is the template, the links and the terms, all as data.
"""

from __future__ import annotations

import bisect
import functools
import importlib.metadata
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import cedarpy
from pydantic_core import to_json

from yosegi.core import canonical
from yosegi.core.amounts import Unit
from yosegi.core.contract import SENSITIVITIES
from yosegi.core.errors import Invalid
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.identifiers import home_of
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.agreements.labels import why_not_onward
from yosegi.governance.policy.decision import Note
from yosegi.governance.policy.question import Question
from yosegi.governance.policy.rules import Rule, parse, read_schema

CEDAR = f"cedarpy {importlib.metadata.version('cedarpy')}"
_REMEMBERED = 4096
OWN = "yosegi's own rules"
"""Where the program's own rules stand in a bundle: the one text that may hold a template."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one question touches: the entities, the same as Cedar has them, and the agreements it may be asked under."""

    known: list[dict[str, Any]]
    handle: cedarpy.Entities
    agreements: tuple[str, ...]


class CedarEngine:
    """Policies ready to judge: Cedar's parsed sets, and what each refusal has to say.

    Args:
        bundle: the bytes that were published; all the rest follows from them.
        held: the same, parsed: `site`, `charter`, `schema`, `texts` of policies by where they come from, the
            `agreements` in force, the `links` of those that were not suspended, and their `terms` as entities. Where
            there are no links the bundle was made when each agreement was a permit among the texts.
        rules: the policies in those texts.
    """

    def __init__(self, bundle: bytes, held: Mapping[str, Any], rules: Iterable[Rule]) -> None:
        self.bundle, self.digest = bundle, canonical.digest(bundle)
        self.site, self._charter = str(held["site"]), str(held["charter"])
        self._schema = read_schema("the schema in a bundle", held["schema"])
        self._rules = {rule.id: rule for rule in rules}
        self.all = tuple(Agreement.read(data) for data in held["agreements"])
        self.agreements: dict[str, list[Agreement]] = {}
        for agreement in self.all:
            for team in agreement.for_teams:
                self.agreements.setdefault(team, []).append(agreement)
        self._suspended = frozenset(held.get("suspended", ()))
        self._texts: dict[str, str] = dict(held["texts"])
        self._links: dict[str, dict[str, Any]] | None = None
        self._terms: dict[str, dict[str, Any]] = {}
        if "links" in held:
            self._links = {str(link["new_id"]): dict(link) for link in held["links"]}
            self._terms = {str(entity["uid"]["id"]): dict(entity) for entity in held["terms"]}
            if not len(held["links"]) == len(self._links) == len(self._links.keys() & self._terms.keys()):
                raise ValueError("each agreement has one link, and its terms")
        self._sets: dict[str, cedarpy.PolicySet] = {}
        self._parsed = FifoCache[tuple[str, ...], cedarpy.Entities](256)
        self._recorded = FifoCache[tuple[str, str, str], Slice](256)
        self.permitted = FifoCache[object, str](_REMEMBERED)

    @classmethod
    def read(cls, bundle: bytes) -> Self:
        """From a bundle as it was kept.

        Raises:
            Invalid: not a bundle of policies.
        """
        held = canonical.loads(bundle, what="a bundle of policies", max_bytes=64 * 2**20)
        try:
            rules = [r for where, text in held["texts"].items() for r in parse(where, text, templates=where == OWN)]
            return cls(bundle, held, rules)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Invalid("a bundle of policies", f"not of its form ({error!r})") from None

    def check_links(self) -> None:
        """See that every link can be made and every agreement's terms fit the schema, before anything is published.

        Raises:
            Invalid: a name that is taken, or terms that cannot be judged.
        """
        try:
            self._base.with_linked_batch(list((self._links or {}).values()))
            self._entities(self._terms.values())
        except ValueError as error:
            why = " ".join(str(error).split())
            raise Invalid("the agreements", f"do not become policies ({why})", "rename or correct the one") from None

    def period(self, now: datetime) -> int:
        """What a moment has in common with all that get the same answer to a question that is alike but for `now`.

        Agreements begin and end at whole seconds; a rule of the site's own that speaks of time may tell any two apart.
        """
        second = int(now.timestamp())
        return bisect.bisect_right(self._edges, second) if self._edges is not None else second

    @functools.cached_property
    def _edges(self) -> list[int] | None:
        """When an agreement begins or ends; None where other policies speak of time."""
        own = (text for where, text in self._texts.items() if where != OWN and not where.startswith("agreement "))
        if any("now" in text for text in own):
            return None
        return sorted(int(edge.timestamp()) for one in self.all for edge in (one.valid_from, one.valid_until))

    def slice(self, question: Question, known: list[dict[str, Any]]) -> Slice:
        """What a question touches, from what the directory knows of it: the agreements it may be asked under join in.

        Raises:
            ValueError: it does not fit the schema.
        """
        under = self._under(question)
        groups = [{"type": "Agreement", "id": name} for name in under]
        grouped = (_uid("Team", question.team), _uid("Capability", question.capability.ref))
        entities = [e | {"parents": [*e["parents"], *groups]} if e["uid"] in grouped else e for e in known]
        return Slice(
            known, self._with_terms(under).with_added_json_str(to_json(entities).decode(), self._schema), under
        )

    def _with_terms(self, agreements: tuple[str, ...]) -> cedarpy.Entities:
        """The terms of some agreements, parsed; they are longer than the rest of a slice, and the same for many."""
        found = self._parsed.get(agreements)
        if found is None:
            found = self._entities([self._terms[name] for name in agreements])
            self._parsed.put(agreements, found)
        return found

    def recorded(self, question: Question, text: str) -> Slice:
        """The same from a record; few are behind many decisions, and each is read once.

        Raises:
            ValueError: it does not fit the schema.
        """
        key = (text, question.team, question.capability.ref)
        found = self._recorded.get(key)
        if found is None:
            found = self.slice(question, json.loads(text))
            self._recorded.put(key, found)
        return found

    def _entities(self, entities: Iterable[Mapping[str, Any]]) -> cedarpy.Entities:
        return cedarpy.Entities.from_json_str(to_json(list(entities)).decode(), self._schema)

    def _under(self, question: Question) -> tuple[str, ...]:
        """The agreements in force that have the team and the capability."""
        if self._links is None:
            return ()
        mine, ref = self.agreements.get(question.team, ()), question.capability.ref
        return tuple(agreement.name for agreement in mine if agreement.name in self._links and agreement.covers(ref))

    def answer(self, question: Question, found: Slice) -> tuple[Note, ...] | str:
        """What Cedar says; and, where it permits, whether the sources of what was learned let it go on to the owner."""
        said = self._judge(question, found)
        if question.learned is None or not isinstance(said, str):
            return said
        owner, purpose = question.capability.owner, question.purpose
        return why_not_onward(question.learned, owner, self.all, purpose=purpose, now=question.now) or said

    def _judge(self, question: Question, found: Slice) -> tuple[Note, ...] | str:
        """Why not; or the names of the agreements that permit it, separated by spaces."""
        if unknown := list(_unknown(question, found.known, self._charter)):
            return tuple(unknown)
        permitting: set[str] = set()
        forbidding: set[str] = set()
        asked: tuple[str | None, ...] = found.agreements or (None,)
        for name in asked:
            try:
                allowed, names = self._ask(question, found.handle, name)
            except ValueError as error:
                return (Note(code="policy_error", fields={"detail": _short(str(error))}),)
            (permitting if allowed else forbidding).update(names)
        if permitting:
            return " ".join(sorted(permitting))
        return tuple(self._forbidden(name) for name in sorted(forbidding)) or self._nothing_permits(question, found)

    def _ask(self, question: Question, handle: cedarpy.Entities, agreement: str | None) -> tuple[bool, list[str]]:
        """Cedar's answer under one agreement, or under none, and the policies it rests on.

        Raises:
            ValueError: any policy erred, or there is no decision: neither is ever taken for an answer.
        """
        context = _circumstances(question)
        if agreement is not None:
            context["agreement"] = {"__entity": _uid("Agreement", agreement)}
        request = {
            "principal": _uid("Person", question.person),
            "action": _uid("Action", question.action),
            "resource": _uid("Capability", question.capability.ref),
            "context": context,
        }
        result = cedarpy.is_authorized(request, self._set_for(question.team, agreement), handle, self._schema)
        if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
            raise ValueError("; ".join(result.diagnostics.errors) or "no decision")
        # A link has the agreement's name. Cedar numbers what stands in the text; there the `@id` is each one's name.
        names = result.diagnostics.id_annotations_by_reason | ({agreement: agreement} if agreement else {})
        reasons = [names[reason] for reason in result.diagnostics.reasons]
        return result.decision is cedarpy.Decision.Allow and bool(reasons), reasons

    def _set_for(self, team: str, agreement: str | None) -> cedarpy.PolicySet:
        """The policies that can matter: everything that is no agreement, and the one agreement's link."""
        if self._links is None:
            return self._permits_of(team)
        if agreement is None:
            return self._base
        if agreement not in self._sets:
            self._sets[agreement] = self._base.with_linked(**self._links[agreement])
        return self._sets[agreement]

    @functools.cached_property
    def _base(self) -> cedarpy.PolicySet:
        return _policy_set("\n".join(self._texts.values()))

    def _permits_of(self, team: str) -> cedarpy.PolicySet:
        """The policies in a bundle of before there were links: a team's own agreements' permits, and all the rest."""
        if team not in self._sets:
            mine = {
                f"agreement {agreement.name}"
                for agreement in self.agreements.get(team, ())
                if agreement.name not in self._suspended
            }
            chosen = (
                text for where, text in self._texts.items() if not where.startswith("agreement ") or where in mine
            )
            self._sets[team] = cedarpy.PolicySet.from_str("\n".join(chosen))
        return self._sets[team]

    def _forbidden(self, name: str) -> Note:
        notes = self._rules[name].annotations
        if "code" in notes:
            named = {"site": self.site, "kind": notes["kind"], "name": notes["name"]} if "kind" in notes else {}
            return Note(code=notes["code"], fields={"rule": name} | named)
        fields = {"rule": name, "site": self.site, "text": notes.get("reason", ""), "contact": f"operator@{self.site}"}
        fields |= {
            key: notes[source]
            for key, source in (("text_ja", "reason_ja"), ("contact", "contact"))
            if notes.get(source)
        }
        return Note(code="local_rule", fields=fields)

    def _nothing_permits(self, question: Question, found: Slice) -> tuple[Note, ...]:
        """Which agreement comes nearest, and what it lacks."""
        results_go_to = [_uid("Site", site) for site in (question.home, question.host) if site is not None]
        facts: dict[str, object] = {
            "capability": question.capability.ref,
            "export_class": question.capability.export_class,
            "home": question.home,
            "voucher": question.host or question.home,
            "purpose": question.purpose,
            "sensitivity": question.sensitivity,
            "conduct": question.conduct,
            "agent": question.agent,
            "model": question.model,
            "clearances": question.clearances or (),
            "now": question.now,
            "countries": tuple(e["attrs"]["country"] for e in found.known if e["uid"] in results_go_to),
        }
        missed = [miss for a in self.agreements.get(question.team, []) if (miss := self._miss(a, facts)) is not None]
        near = [miss for miss in missed if miss[0] != "capability_not_covered"] or missed
        if not near:
            return (Note(code="no_agreement", fields={"team": question.team}),)
        return tuple(Note(code=code, fields=fields) for code, fields in near)

    def _miss(self, agreement: Agreement, facts: Mapping[str, object]) -> tuple[str, dict[str, str]] | None:
        """What an agreement lacks; one that lacks nothing was suspended, or did not permit for another reason."""
        missed = agreement.why_not(facts)
        if missed is None and agreement.name in self._suspended:
            return "suspended", {"kind": "agreement", "name": agreement.name, "site": self.site}
        return missed


# Sets are never changed, only linked into others, and engines that differ in their agreements alone share one.
@functools.lru_cache(maxsize=16)
def _policy_set(text: str) -> cedarpy.PolicySet:
    # From text, not from Cedar's JSON: that form may be nested no deeper than some sixty operators.
    return cedarpy.PolicySet.from_str(text)


def _unknown(question: Question, known: list[dict[str, Any]], charter: str) -> Iterable[Note]:
    """What about the question no policy need be asked about: somebody unknown, or terms that contradict the facts."""
    names = {(entity["uid"]["type"], entity["uid"]["id"]): entity for entity in known}
    if question.charter != charter:
        yield Note(code="wrong_charter", fields={"found": question.charter, "expected": charter})
    if home_of(question.person) != question.home:
        yield Note(code="home_does_not_vouch", fields={"home": question.home, "person": question.person})
    for site in dict.fromkeys((question.home, question.capability.owner, question.peer or question.home)):
        if ("Site", site) not in names:
            yield Note(code="unknown_site", fields={"site": site})
    yield from _unhosted(question, names.get(("Site", question.home)))
    if ("Team", question.team) not in names:
        yield Note(code="unknown_team", fields={"team": question.team})
    person = names.get(("Person", question.person))
    if person is None:
        yield Note(code="unknown_person", fields={"person": question.person})
    elif {"type": "Team", "id": question.team} not in person["parents"]:
        yield Note(code="not_in_team", fields={"person": question.person, "team": question.team})
    yield from _contradictions(question)


def _unhosted(question: Question, home: dict[str, Any] | None) -> Iterable[Note]:
    """Whether the charter says of the institution's site what the question says: its own, or whose."""
    if home is None:
        return
    host = home["attrs"].get("host", {}).get("__entity", {}).get("id")
    if question.host is not None and question.host != host:
        named = {"host": question.host, "institution": question.home, "person": question.person}
        yield Note(code="not_hosted_here", fields=named)
    elif question.host != host:
        yield Note(code="home_is_hosted", fields={"institution": question.home, "host": str(host)})


def _contradictions(question: Question) -> Iterable[Note]:
    capability = question.capability
    if SENSITIVITIES.index(question.sensitivity) < SENSITIVITIES.index(capability.sensitivity):
        yield Note(code="label_too_low", fields={"asked": question.sensitivity, "least": capability.sensitivity})
    if question.conduct not in capability.conduct:
        offered = ", ".join(capability.conduct)
        yield Note(code="conduct_not_offered", fields={"asked": question.conduct, "offered": offered})


def _circumstances(question: Question) -> dict[str, Any]:
    context: dict[str, Any] = {
        "charter": question.charter,
        "team": {"__entity": {"type": "Team", "id": question.team}},
        "purpose": question.purpose,
        "conduct": question.conduct,
        "sensitivity": question.sensitivity,
        "approved": question.approved,
        "amounts": {unit.value: question.amounts[unit] for unit in Unit},
        "now": int(question.now.timestamp()),
    }
    if question.agent is not None:
        context["agent"] = question.agent
    if question.mandate is not None:
        context["mandate"] = question.mandate
    if question.model is not None:
        context["model"] = question.model
    if question.clearances:
        context["clearances"] = sorted(set(question.clearances))
    if question.peer is not None:
        context["peer"] = {"__entity": {"type": "Site", "id": question.peer}}
    return context


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _short(detail: str) -> str:
    return " ".join(detail.split())[:300]

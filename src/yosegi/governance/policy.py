"""The one door: every permission in a site is an answer of `Policy.decide`.

Cedar fails open: a forbid that errors is skipped, an entity nobody knows passes a broad permit, and a question that
does not fit the schema gets no decision at all. So this door always passes the schema, requires that everyone named is
known, treats any error as a refusal, takes permits from signed agreements alone (one each, under its name), and
publishes only validated policies with unique ids.
"""

from __future__ import annotations

import functools
import importlib.metadata
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import cedarpy

from yosegi.core import canonical
from yosegi.core.amounts import Unit
from yosegi.core.contract import SENSITIVITIES
from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.ids import home_of
from yosegi.core.recent import Recent
from yosegi.governance.agreement import Agreement
from yosegi.governance.decision import Decision, Note
from yosegi.governance.directory import Directory
from yosegi.governance.labels import why_not_onward
from yosegi.governance.question import Question
from yosegi.governance.rules import (
    BUILTIN_TEXT,
    SCHEMA_TEXT,
    Rule,
    check_unique,
    check_valid,
    entities_named,
    local_rules,
    parse,
    permit_of,
    read_schema,
)
from yosegi.governance.suspensions import Suspension

CEDAR = f"cedarpy {importlib.metadata.version('cedarpy')}"
_REMEMBERED = 4096
SUSPENSIONS = "suspensions"


class Engine:
    """Policies ready to judge: Cedar's parsed set, and what each refusal has to say.

    Args:
        bundle: the bytes that were published; all the rest follows from them.
        held: the same, parsed: `site`, `charter`, `schema`, `texts` of policies by where they come from, and the
            `agreements` some of them were compiled from.
        rules: the policies in those texts.
    """

    def __init__(self, bundle: bytes, held: Mapping[str, Any], rules: Iterable[Rule]) -> None:
        self.bundle, self.digest = bundle, canonical.digest(bundle)
        self.site, self._charter = str(held["site"]), str(held["charter"])
        self._schema = read_schema("the schema in a bundle", held["schema"])
        self._rules = {rule.id: rule for rule in rules}
        self.agreements: dict[str, list[Agreement]] = {}
        for data in held["agreements"]:
            agreement = Agreement.read(data)
            self.agreements.setdefault(agreement.team, []).append(agreement)
        self._suspended = frozenset(held.get("suspended", ()))
        self._texts: dict[str, str] = dict(held["texts"])
        self._sets: dict[str, cedarpy.PolicySet] = {}
        self._recorded = Recent[str, tuple[list[dict[str, Any]], cedarpy.Entities]](256)

    @classmethod
    def read(cls, bundle: bytes) -> Self:
        """From a bundle as it was kept.

        Raises:
            Invalid: not a bundle of policies.
        """
        held = canonical.loads(bundle, what="a bundle of policies", max_bytes=64 * 2**20)
        try:
            rules = [rule for where, text in held["texts"].items() for rule in parse(where, text)]
            return cls(bundle, held, rules)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Invalid("a bundle of policies", f"not of its form ({error!r})") from None

    def entities(self, text: str) -> cedarpy.Entities:
        """Entities parsed and held against the schema.

        Raises:
            ValueError: they do not fit it.
        """
        return cedarpy.Entities.from_json_str(text, self._schema)

    def slice_of(self, text: str) -> tuple[list[dict[str, Any]], cedarpy.Entities]:
        """Recorded entities, in JSON and as Cedar has them; few are behind many decisions, and each is read once.

        Raises:
            ValueError: they do not fit the schema.
        """
        found = self._recorded.get(text)
        if found is None:
            found = json.loads(text), self.entities(text)
            self._recorded.put(text, found)
        return found

    def judge(
        self, question: Question, known: list[dict[str, Any]], handle: cedarpy.Entities
    ) -> tuple[Note, ...] | str:
        """Why not; or the names of the agreements that permit it, separated by spaces."""
        if unknown := list(_unknown(question, known, self._charter)):
            return tuple(unknown)
        request = {
            "principal": {"type": "Person", "id": question.person},
            "action": {"type": "Action", "id": question.action},
            "resource": {"type": "Capability", "id": question.capability.ref},
            "context": _circumstances(question),
        }
        try:
            result = cedarpy.is_authorized(request, self._set_for(question.team), handle, self._schema)
        except ValueError as error:
            return (Note(code="policy_error", fields={"detail": _short(str(error))}),)
        if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
            detail = _short("; ".join(result.diagnostics.errors) or "no decision")
            return (Note(code="policy_error", fields={"detail": detail}),)
        # Cedar numbers policies as they stand in the text; the `@id` is each one's name.
        names = result.diagnostics.id_annotations_by_reason
        reasons = sorted(names[number] for number in result.diagnostics.reasons)
        if result.decision is cedarpy.Decision.Allow and reasons:
            return " ".join(reasons)
        return tuple(self._forbidden(name) for name in reasons) or self._nothing_permits(question, known)

    def answer(
        self, question: Question, known: list[dict[str, Any]], handle: cedarpy.Entities
    ) -> tuple[Note, ...] | str:
        """What Cedar says; and, where it permits, whether the sources of what was learned let it go on to the owner."""
        said = self.judge(question, known, handle)
        if question.learned is None or not isinstance(said, str):
            return said
        agreements = [agreement for found in self.agreements.values() for agreement in found]
        owner, purpose = question.capability.owner, question.purpose
        return why_not_onward(question.learned, owner, agreements, purpose=purpose, now=question.now) or said

    def _set_for(self, team: str) -> cedarpy.PolicySet:
        """The policies that can matter to a team: its own agreements' permits, and everything that is no agreement."""
        if team not in self._sets:
            mine = {
                f"agreement {agreement.name}"
                for agreement in self.agreements.get(team, ())
                if agreement.name not in self._suspended
            }
            chosen = (
                text for where, text in self._texts.items() if not where.startswith("agreement ") or where in mine
            )
            # From text, not from Cedar's JSON: that form may be nested no deeper than some sixty operators.
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

    def _nothing_permits(self, question: Question, known: list[dict[str, Any]]) -> tuple[Note, ...]:
        """Which agreement comes nearest, and what it lacks."""
        home = {"type": "Site", "id": question.home}
        facts: dict[str, object] = {
            "capability": question.capability.ref,
            "export_class": question.capability.export_class,
            "home": question.home,
            "purpose": question.purpose,
            "sensitivity": question.sensitivity,
            "conduct": question.conduct,
            "agent": question.agent,
            "model": question.model,
            "clearances": question.clearances or (),
            "now": question.now,
            "country": next((e["attrs"]["country"] for e in known if e["uid"] == home), None),
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


@dataclass(frozen=True)
class Policy:
    """All that a site decides by, under one charter. Immutable: a change makes another.

    Args:
        engine: the policies.
        directory: who is known.
        warnings: what a person should look at before these policies are published.
        suspensions: what is barred here under this charter.
    """

    engine: Engine
    directory: Directory
    warnings: tuple[str, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    _slices: dict[object, tuple[str, str, list[dict[str, Any]], cedarpy.Entities]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _permitted: Recent[object, str] = field(default_factory=lambda: Recent(_REMEMBERED), repr=False, compare=False)

    @classmethod
    def build(
        cls,
        site: str,
        directory: Directory,
        agreements: Iterable[Agreement] = (),
        rules: Mapping[str, str] | None = None,
        suspensions: Iterable[Suspension] = (),
    ) -> Self:
        """Validated policies of one site.

        Args:
            site: whose policy it is.
            directory: who is known under the charter.
            agreements: signed agreements this site is a party to, verified before.
            rules: the site's own forbids: Cedar text by file name.
            suspensions: what the site's officers have barred under this charter.

        Raises:
            Invalid: an agreement of another charter or of parties this site is not among; an id used twice; a local
                permit; or a policy that does not fit the schema.
        """
        agreements = sorted(agreements, key=lambda agreement: agreement.name)
        for agreement in agreements:
            _check_party(site, directory, agreement)
        for one, other in itertools.pairwise(agreements):
            if one.name == other.name:
                raise Invalid(f"agreement {one.name}", "two of that name are to be in force", "keep the newer version")
        gone = {a.name: why for a in agreements if (why := _lost_its_ground(directory, a))}
        agreements = [agreement for agreement in agreements if agreement.name not in gone]
        barred = tuple(suspension for suspension in suspensions if suspension.applies(directory.charter))
        held_back = sorted(suspension.name for suspension in barred if suspension.kind == "agreement")
        local = [rule for where, text in sorted((rules or {}).items()) for rule in local_rules(where, text)]
        permits = {
            f"agreement {agreement.name}": agreement.to_cedar()
            for agreement in agreements
            if agreement.name not in held_back
        }
        forbids = "\n".join(text for suspension in barred if (text := suspension.to_cedar()))
        texts = {"yosegi's own rules": BUILTIN_TEXT, **permits}
        texts |= {SUSPENSIONS: forbids} if forbids else {}
        texts |= {f"rules/{where}": text for where, text in sorted((rules or {}).items())}
        policies = [
            *parse("yosegi's own rules", BUILTIN_TEXT),
            *(permit_of(where, text, where.removeprefix("agreement ")) for where, text in permits.items()),
            *(parse(SUSPENSIONS, forbids) if forbids else ()),
            *local,
        ]
        check_unique(policies)
        check_valid(texts, read_schema("the schema", SCHEMA_TEXT))
        held = {
            "site": site,
            "charter": directory.charter,
            "schema": SCHEMA_TEXT,
            "texts": texts,
            "agreements": [agreement.model_dump(mode="json", exclude_none=True) for agreement in agreements],
        }
        held |= {"suspended": held_back} if held_back else {}
        warnings = (*gone.values(), *_strangers(local, directory))
        return cls(Engine(canonical.dumps(held), held, policies), directory, warnings, barred)

    @property
    def digest(self) -> str:
        """Digest of the bundle: the policies in force, to the byte."""
        return self.engine.digest

    @property
    def bundle(self) -> bytes:
        """The bundle, to be kept once per digest so that decisions can be made again."""
        return self.engine.bundle

    @property
    def agreements(self) -> tuple[Agreement, ...]:
        """The agreements in force."""
        return tuple(agreement for found in self.engine.agreements.values() for agreement in found)

    @property
    def rules(self) -> Mapping[str, str]:
        """The site's own forbids, as Cedar text by file name."""
        texts: dict[str, str] = json.loads(self.bundle)["texts"]
        return {where.removeprefix("rules/"): text for where, text in texts.items() if where.startswith("rules/")}

    def decide(self, question: Question) -> Decision:
        """The answer. Never raises for anything a question holds: what cannot be judged is refused."""
        key = (question.person, question.team, question.home, question.peer, question.capability)
        if (found := self._slices.get(key)) is None:
            if len(self._slices) >= _REMEMBERED:
                self._slices.clear()
            known = self.directory.slice(question)
            text = canonical.dumps(known).decode()
            found = self._slices[key] = (text, canonical.digest(text.encode()), known, self.engine.entities(text))
        text, digest, known, handle = found
        # Cedar is told whole seconds: what it permitted in this one, it would permit again. A refusal is always asked
        # for, since what it has to say may hang on the instant.
        same = (*(value for name, value in question if name != "now"), int(question.now.timestamp()))
        permitted = self._permitted.get(same)
        answer = self.engine.answer(question, known, handle) if permitted is None else permitted
        if isinstance(answer, str):
            self._permitted.put(same, answer)
        return _decision(self.engine, question, text, digest, answer)


def redecide(record: Decision, bundle: bytes) -> Decision:
    """Make a recorded decision again, from the record and the bundle of policies it names.

    Raises:
        Corrupt: the bundle or the recorded entities are not those of the decision.
    """
    if canonical.digest(bundle) != record.policies_digest:
        raise Corrupt("a recorded decision", f"the policies are not {record.policies_digest}", "find the right bundle")
    if canonical.digest(record.entities.encode()) != record.entities_digest:
        raise Corrupt("a recorded decision", "its entities do not match their digest", "compare it with the peer's")
    engine = _engine(bundle)
    answer = engine.answer(record.question, *engine.slice_of(record.entities))
    return _decision(engine, record.question, record.entities, record.entities_digest, answer)


@functools.lru_cache(maxsize=4)
def _engine(bundle: bytes) -> Engine:
    """An engine, kept for the decisions of one ledger that rest on the same policies."""
    return Engine.read(bundle)


def _decision(engine: Engine, question: Question, text: str, digest: str, answer: tuple[Note, ...] | str) -> Decision:
    allow = isinstance(answer, str)
    notes = () if isinstance(answer, str) else answer
    return Decision(
        allow=allow,
        reasons=tuple(answer.split()) if isinstance(answer, str) else tuple(note.code for note in notes),
        notes=notes,
        question=question,
        entities=text,
        policies_digest=engine.digest,
        entities_digest=digest,
        cedar=CEDAR,
    )


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
    if ("Team", question.team) not in names:
        yield Note(code="unknown_team", fields={"team": question.team})
    person = names.get(("Person", question.person))
    if person is None:
        yield Note(code="unknown_person", fields={"person": question.person})
    elif {"type": "Team", "id": question.team} not in person["parents"]:
        yield Note(code="not_in_team", fields={"person": question.person, "team": question.team})
    yield from _contradictions(question)


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


def _check_party(site: str, directory: Directory, agreement: Agreement) -> None:
    what = f"agreement {agreement.name}"
    if agreement.charter != directory.charter:
        raise Invalid(what, f"is of the charter {agreement.charter}, not {directory.charter}")
    if site not in agreement.parties:
        raise Invalid(what, f"{site} is not a party to it", "only its parties put it in force")


def _lost_its_ground(directory: Directory, agreement: Agreement) -> str:
    """Why an agreement is left out, or the empty text: a later charter may have dropped its team or a party."""
    missing = [party for party in agreement.parties if party not in directory.sites]
    missing += [agreement.team] if agreement.team not in directory.teams else []
    if not missing:
        return ""
    return (
        f"agreement {agreement.name} is not in force: {', '.join(missing)} no longer in the charter {directory.charter}"
    )


def _strangers(rules: list[Rule], directory: Directory) -> tuple[str, ...]:
    """Sites, teams and people that local rules name and nobody knows: a misspelt forbid forbids nothing."""
    known: dict[str, Mapping[str, Any]] = {"Site": directory.sites, "Team": directory.teams, "Person": directory.people}
    return tuple(
        f"{rule.where}, rule {rule.id} names the {kind.lower()} {name!r}, which is not known"
        for rule in rules
        for kind, name in sorted(entities_named(rule.policy))
        if kind in known and name not in known[kind]
    )


def _short(detail: str) -> str:
    return " ".join(detail.split())[:300]

"""Policy decisions: every permission in a site is an answer of `Policy.decide`, and of nothing else.

Cedar fails open: a forbid that errors is skipped, an entity nobody knows passes a broad permit, and a question that
does not fit the schema gets no decision at all. So `decide` always passes the schema, requires that everyone named is
known, treats any error as a refusal, takes permits from signed agreements alone (one each, under its name), and
publishes only validated policies with unique ids.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from yosegi.core import canonical
from yosegi.core.errors import Corrupt, Invalid
from yosegi.core.fifo_cache import FifoCache
from yosegi.governance.agreements.agreement import TEMPLATE, Agreement
from yosegi.governance.agreements.suspensions import Suspension
from yosegi.governance.policy.cedar import CEDAR, OWN, CedarEngine, Slice
from yosegi.governance.policy.decision import Decision, Note
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.question import Question
from yosegi.governance.policy.rules import (
    BUILTIN_TEXT,
    SCHEMA_TEXT,
    Rule,
    check_unique,
    check_valid,
    entities_named,
    local_rules,
    parse,
    read_schema,
)

_REMEMBERED = 4096
SUSPENSIONS = "suspensions"
POLICY = "policy.published"
"""The entry that records the policies of a site when they come into force."""
STOP = "yosegi-stop"
"""The program's own permit: stopping is never gated."""


@dataclass(frozen=True)
class Policy:
    """All that a site decides by, under one charter. Immutable: a change makes another.

    Args:
        engine: the policies.
        directory: who is known.
        warnings: what a person should look at before these policies are published.
        suspensions: what is barred here under this charter.
    """

    engine: CedarEngine
    directory: Directory
    warnings: tuple[str, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    _slices: dict[object, tuple[str, str, Slice]] = field(default_factory=dict, repr=False, compare=False)
    _permitted: FifoCache[object, str] = field(
        default_factory=lambda: FifoCache(_REMEMBERED), repr=False, compare=False
    )

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
            agreements: signed agreements to which this site, or a member it hosts, is a party; verified before.
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
        linked = [agreement for agreement in agreements if agreement.name not in held_back]
        forbids = "\n".join(text for suspension in barred if (text := suspension.to_cedar()))
        texts = {OWN: BUILTIN_TEXT} | ({SUSPENSIONS: forbids} if forbids else {})
        texts |= {f"rules/{where}": text for where, text in sorted((rules or {}).items())}
        own = parse(OWN, BUILTIN_TEXT, templates=True)
        policies = [*own, *(parse(SUSPENSIONS, forbids) if forbids else ()), *local]
        template = next(rule for rule in own if rule.id == TEMPLATE)
        links = [Rule(agreement.name, template.policy, f"agreement {agreement.name}") for agreement in linked]
        check_unique([*links, *policies])
        check_valid(texts, read_schema("the schema", SCHEMA_TEXT))
        held = {
            "site": site,
            "charter": directory.charter,
            "schema": SCHEMA_TEXT,
            "texts": texts,
            "agreements": [agreement.model_dump(mode="json", exclude_none=True) for agreement in agreements],
            "links": [agreement.link for agreement in linked],
            "terms": [agreement.to_cedar() for agreement in linked],
        }
        held |= {"suspended": held_back} if held_back else {}
        engine = CedarEngine(canonical.dumps(held), held, policies)
        engine.check_links()
        fewer = (
            f"agreement {agreement.name} names the team {team}, which is not in the charter {directory.charter}"
            for agreement in agreements
            for team in _gone_teams(directory, agreement)
        )
        warnings = (*gone.values(), *fewer, *_strangers(local, directory))
        return cls(engine, directory, warnings, barred)

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
        return self.engine.all

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
            touched = self.engine.slice(question, known)
            found = self._slices[key] = (text, canonical.digest(text.encode()), touched)
        text, digest, touched = found
        # Cedar is told whole seconds: what it permitted in this one, it would permit again. A refusal is always asked
        # for, since what it has to say may hang on the instant.
        same = (question.but_for_now, int(question.now.timestamp()))
        permitted = self._permitted.get(same)
        answer = self.engine.answer(question, touched) if permitted is None else permitted
        if isinstance(answer, str):
            self._permitted.put(same, answer)
        return _decision(self.engine, question, text, digest, answer)


def redecide(record: Decision, bundle: bytes) -> Decision:
    """Make a recorded decision again, from the record and the bundle of policies it names.

    Raises:
        Corrupt: the bundle or the recorded entities are not those of the decision.
        Invalid: they are, and are nothing that can be judged by.
    """
    if canonical.digest(bundle) != record.policies_digest:
        raise Corrupt("a recorded decision", f"the policies are not {record.policies_digest}", "find the right bundle")
    if canonical.digest(record.entities.encode()) != record.entities_digest:
        raise Corrupt("a recorded decision", "its entities do not match their digest", "compare it with the peer's")
    engine = _engine(bundle)
    answer = _asked_again(engine, record.question, record.entities)
    return _decision(engine, record.question, record.entities, record.entities_digest, answer)


def decide_again(question: Question, entities: str, bundle: bytes) -> tuple[bool, tuple[str, ...]]:
    """The answer to a question over recorded entities, and its reasons: of another site's decision, told in short.

    Raises:
        Invalid: not a bundle of policies, or the entities do not fit it.
    """
    answer = _asked_again(_engine(bundle), question, entities)
    return (True, tuple(answer.split())) if isinstance(answer, str) else (False, tuple(note.code for note in answer))


def _asked_again(engine: CedarEngine, question: Question, entities: str) -> tuple[Note, ...] | str:
    """What an engine answers over recorded entities.

    Of a campaign's thousands of questions most are alike but for the moment, and Cedar is asked each once. A refusal is
    always asked for, as in `decide`.
    """
    same = (entities, engine.period(question.now), question.but_for_now)
    if (permitted := engine.permitted.get(same)) is not None:
        return permitted
    try:
        touched = engine.recorded(question, entities)
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("a recorded decision", f"its entities do not fit its policies ({error!r})") from None
    answer = engine.answer(question, touched)
    if isinstance(answer, str):
        engine.permitted.put(same, answer)
    return answer


def check_signed(bundle: bytes, signed: Collection[str]) -> None:
    """See that a bundle of policies permits by signed agreements alone, and by the terms that were signed.

    Whether its terms say the same can be seen where they were compiled for the schema that this version knows.

    Args:
        bundle: as it was published.
        signed: digests of agreements that their parties signed.

    Raises:
        Invalid: an agreement that nobody signed, a permit or a link of something else, or other terms than were agreed.
    """
    held: dict[str, Any] = json.loads(bundle)
    agreements = {value["name"]: Agreement.read(value) for value in held["agreements"]}
    for name, agreement in agreements.items():
        if agreement.digest not in signed:
            raise Invalid("its policies", f"the agreement {name} is in them as nobody signed it")
    for where, text in held["texts"].items():
        for rule in parse(where, text, templates=where == OWN):
            if rule.effect == "permit" and not _may_permit(rule, agreements.get(rule.id)):
                raise Invalid("its policies", f"{where} permits by itself ({rule.id}), and only agreements permit")
    terms = {entity["uid"]["id"]: entity for entity in held.get("terms", ())}
    for link in held.get("links", ()):
        linked = agreements.get(link["new_id"])
        if linked is None or link != linked.link:
            raise Invalid("its policies", f"they link {link['new_id']}, which is no agreement in them")
        if held["schema"] == SCHEMA_TEXT and terms.get(linked.name) != linked.to_cedar():
            raise Invalid("its policies", f"the agreement {linked.name} has other terms in them than were signed")


def _may_permit(rule: Rule, agreement: Agreement | None) -> bool:
    """Whether a permit among the texts is the program's own, or that of an agreement of before there were links."""
    if rule.where == OWN:
        return rule.id in (STOP, TEMPLATE)
    return agreement is not None and rule.annotations.get("agreement") == agreement.digest


@functools.lru_cache(maxsize=16)
def _engine(bundle: bytes) -> CedarEngine:
    """An engine, kept for the decisions of one ledger that rest on the same policies."""
    return CedarEngine.read(bundle)


def _decision(
    engine: CedarEngine, question: Question, text: str, digest: str, answer: tuple[Note, ...] | str
) -> Decision:
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


def _check_party(site: str, directory: Directory, agreement: Agreement) -> None:
    what = f"agreement {agreement.name}"
    if agreement.charter != directory.charter:
        raise Invalid(what, f"is of the charter {agreement.charter}, not {directory.charter}")
    if not directory.homes(site) & set(agreement.parties):
        raise Invalid(what, f"{site} is not a party to it", "only its parties put it in force")


def _lost_its_ground(directory: Directory, agreement: Agreement) -> str:
    """Why an agreement is left out, or the empty text: a later charter may have dropped a party, or all its teams."""
    missing = [party for party in agreement.parties if party not in directory.sites]
    teams = _gone_teams(directory, agreement)
    missing += teams if len(teams) == len(agreement.for_teams) else []
    if not missing:
        return ""
    return (
        f"agreement {agreement.name} is not in force: {', '.join(missing)} no longer in the charter {directory.charter}"
    )


def _gone_teams(directory: Directory, agreement: Agreement) -> list[str]:
    return [team for team in agreement.for_teams if team not in directory.teams]


def _strangers(rules: list[Rule], directory: Directory) -> tuple[str, ...]:
    """Sites, teams and people that local rules name and nobody knows: a misspelt forbid forbids nothing."""
    known: dict[str, Mapping[str, Any]] = {"Site": directory.sites, "Team": directory.teams, "Person": directory.people}
    return tuple(
        f"{rule.where}, rule {rule.id} names the {kind.lower()} {name!r}, which is not known"
        for rule in rules
        for kind, name in sorted(entities_named(rule.policy))
        if kind in known and name not in known[kind]
    )

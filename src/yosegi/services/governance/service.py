"""What officers and members ask of a site about its charters, agreements and policies, whether or not it is running.

Every answer is a value: the pages, the API and the command line show the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field

from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import SENSITIVITIES
from yosegi.core.errors import Invalid, NotFound, Refused
from yosegi.core.identifiers import home_of, split_capability
from yosegi.core.values import Value
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.agreements.suspensions import Barred
from yosegi.governance.charter.registry import Registry
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.policy import Policy
from yosegi.governance.policy.question import Question
from yosegi.governance.policy.what_if import Expectation, access, what_if
from yosegi.identity.accounts import Session
from yosegi.services.authorization.roles import check_operator
from yosegi.services.authorization.service import Authorizer
from yosegi.services.capabilities.service import CapabilityCatalogue, Listing
from yosegi.services.governance.details import (
    agreement_detail,
    charter_detail,
    owner_answer,
    policy_answer,
    suspension_detail,
)
from yosegi.services.governance.publisher import DocumentPublisher
from yosegi.services.governance.renewal import ends_soon
from yosegi.services.governance.schemas import (
    AccessLine,
    AgreementDetail,
    CharterDetail,
    DocumentPublished,
    OwnerAnswer,
    PolicyAnswer,
    PolicyWarnings,
    SuspensionDetail,
    WhatIfAnswer,
)
from yosegi.services.preflight.service import PreflightService
from yosegi.trust.envelope import Envelope

Name = Annotated[str, Field(max_length=130)]
SEEN = timedelta(minutes=10)
"""How old an owner's answer in a catalogue may be."""


class PolicyQuery(Value):
    """A question put to policy before anybody acts. What is left out is filled in: the one charter, the one team.

    Args:
        capability: what would be used, `site/name@version`.
        person: who would use it; who asks, if nobody is named.
        action: the step; `request` for another site's capability and `accept` for one's own, if none is named.
    """

    capability: Name
    person: Name = ""
    team: Name = ""
    charter: Name = ""
    purpose: Name = "research"
    action: Name = ""
    conduct: Name = "run"
    sensitivity: Name = "public"
    agent: Name | None = None
    model: Name | None = None
    approved: bool = False


@dataclass
class GovernanceService:
    """Governance as people ask for it."""

    site: str
    clock: Clock
    registry: Registry
    authorizer: Authorizer
    catalogue: CapabilityCatalogue
    publisher: DocumentPublisher
    preflight: PreflightService
    formats: frozenset[str]

    # -- documents ------------------------------------------------------------------------------------------------

    async def publish(self, document: Mapping[str, Any], who: Session) -> DocumentPublished:
        """Put a signed charter, statement or agreement in force and pass it on.

        Raises:
            Refused: not an operator or officer.
            Untrusted, Invalid: it may not be believed or published.
        """
        check_operator(who, "publishing a document")
        envelope = Envelope.read(dict(document), what="the document")
        charter = await self.publisher.publish(envelope, who.person)
        kind = envelope.payload_type.removeprefix("application/vnd.yosegi.").partition(".")[0]
        return DocumentPublished(charter=charter, kind=kind, digest=envelope.payload_digest)

    def charters(self) -> tuple[CharterDetail, ...]:
        """Every charter this site lives in, with its members and whose statement is in force."""
        return tuple(self.charter(name) for name in self.registry.charters())

    def charter(self, name: str) -> CharterDetail:
        """One charter as this site knows it.

        Raises:
            NotFound: the site does not live in it.
        """
        self._known(name)
        roster, now = self.registry.federation(name).roster, self.clock.now()
        charter = roster.charter
        stated = {site: timestamp(s.not_after) for site, s in roster.statements.items() if s.not_after > now}
        return charter_detail(
            charter,
            alive=now < charter.expires,
            statements={member.id: stated.get(member.id, "") for member in charter.members},
            identity_providers={site: s.identity_provider or "" for site, s in roster.statements.items()},
            warnings=(*self.authorizer.policy(name).warnings, *self._unstated(name)),
        )

    def _unstated(self, charter: str) -> list[str]:
        """Whether this site's own statement is in force, for how long, and lists what the running site speaks."""
        roster = self.registry.federation(charter).roster
        stated = roster.statements.get(self.site)
        if stated is None and roster.charter.member(self.site) is not None:
            todo = f"have its governance keys sign one: yosegi charter state {charter}"
            return [f"no statement of {self.site} is in force under {charter}, so members hear nothing from it: {todo}"]
        if stated is None:
            return []
        warnings = [warning] if (warning := ends_soon(stated, roster.charter.expires, self.clock.now())) else []
        # Where it lists less than is spoken, peers go on in the older form.
        if stated.formats and (new := self.formats - set(stated.formats)):
            todo = "have its governance keys sign a new one: yosegi charter state"
            warnings.append(f"the statement of {self.site} does not list {len(new)} formats that it speaks now: {todo}")
        return warnings

    def documents(self, name: str) -> tuple[Envelope, ...]:
        """Every document accepted under a charter, as it was signed.

        Raises:
            NotFound: the site does not live in it.
        """
        self._known(name)
        return tuple(self.registry.documents(name))

    def agreements(self, charter: str = "") -> tuple[AgreementDetail, ...]:
        """The agreements this site is a party to, in force or not."""
        return tuple(
            agreement_detail(agreement, self._is_in_force(agreement))
            for name in ([charter] if charter else self.registry.charters())
            for agreement in sorted(self.authorizer.agreements(name), key=lambda a: a.name)
        )

    def _is_in_force(self, agreement: Agreement) -> bool:
        """Whether it is within its dates, the charter in force has its parties, and it is not suspended here."""
        policy = self.authorizer.policy(agreement.charter)
        barred = {suspension.name for suspension in policy.suspensions if suspension.kind == "agreement"}
        standing = {linked.name for linked in policy.agreements} - barred
        return agreement.name in standing and agreement.in_force(self.clock.now())

    # -- policy -----------------------------------------------------------------------------------------------------

    async def explain(self, asking: PolicyQuery, who: Session) -> PolicyAnswer:
        """What this site's policy would answer, and what the owner says it would, and why not in words.

        Raises:
            Refused: asking about somebody else, without being an operator or officer.
            NotFound: a capability, charter or team that is not known.
        """
        policy, question = self._question(asking, who)
        return policy_answer(policy.decide(question), await self._owners(question))

    async def what_if(
        self,
        asking: PolicyQuery,
        who: Session,
        *,
        add: Sequence[Mapping[str, Any]] = (),
        without: Sequence[str] = (),
        rules: Mapping[str, str] | None = None,
    ) -> WhatIfAnswer:
        """What both would answer if agreements were added or dropped, or this site had other rules. Nothing is changed.

        Raises:
            Invalid: what results could not be published.
        """
        policy, question = self._question(asking, who)
        known = {agreement.name for agreement in policy.agreements}
        if missing := sorted(set(without) - known):
            raise NotFound("agreement", missing[0], tuple(sorted(known)))
        agreements = [Agreement.read(dict(item), what="an agreement to add") for item in add]
        now = policy.decide(question)
        then = what_if(policy, question, add=agreements, without=without, rules=rules)
        theirs = [a.model_dump(mode="json", exclude_none=True) for a in agreements if question.peer in a.parties]
        owner_now, owner_then = await asyncio.gather(
            self._owners(question), self._owners(question, tuple(theirs), tuple(without))
        )
        return WhatIfAnswer(
            now=policy_answer(now, owner_now), then=policy_answer(then, owner_then), changes=not now.same_as(then)
        )

    async def _owners(
        self, question: Question, add: tuple[dict[str, Any], ...] = (), without: tuple[str, ...] = ()
    ) -> OwnerAnswer | None:
        """What the owner says it would do, if that is another site."""
        if question.action != "request":
            return None
        asked = _would_you(question, (question.capability.ref,), add, without)
        seen = await self.preflight.ask(question.charter, question.capability.owner, asked)
        return owner_answer(question.capability.ref, seen)

    async def access(self, who: Session, person: str = "", purpose: str = "") -> tuple[AccessLine, ...]:
        """For each team of a person, everything that is known here: whether they may use it and why not.

        Args:
            who: who asks.
            person: about whom; who asks, if nobody is named.
            purpose: what for; the agreements' own first purpose, if none is named.

        Raises:
            Refused: asking about somebody else, without being an operator or officer.
        """
        person = self._about(person, who)
        decided: list[tuple[Decision, Listing]] = []
        for charter in self.registry.charters():
            policy = self.authorizer.policy(charter)
            listings = {line.ref: line for line in self.catalogue.listings(charter)}
            for team in sorted(policy.directory.people.get(person, ())):
                wanted = purpose or _purpose(policy, team)
                facts, attested = self.catalogue.facts(charter).values(), self.authorizer.attested(person)
                now = self.clock.now()
                for decision in access(policy, person, team, facts, now=now, purpose=wanted, clearances=attested):
                    decided.append((decision, listings[decision.question.capability.ref]))
        seen = await self._seen([decision.question for decision, _ in decided])
        return tuple(
            AccessLine(
                **dict(policy_answer(decision, said)),
                title=line.contract.title,
                kind=line.contract.kind,
                told_by=decision.question.capability.owner,
                windows=line.status.why,
            )
            for (decision, line), said in zip(decided, seen, strict=True)
        )

    async def _seen(self, questions: Sequence[Question]) -> list[OwnerAnswer | None]:
        """What owners say to each of these: each is asked once for all that is alike but for the capability."""
        together: dict[tuple[object, ...], list[Question]] = {}
        for question in questions:
            owner = question.capability.owner
            if owner != self.site:
                together.setdefault((question.charter, owner, question.team, question.conduct), []).append(question)
        asked = [_would_you(some[0], tuple(sorted(q.capability.ref for q in some))) for some in together.values()]
        answers = await asyncio.gather(
            *(
                self.preflight.ask(some[0].charter, some[0].capability.owner, one, SEEN)
                for some, one in zip(together.values(), asked, strict=True)
            )
        )
        found = {id(q): seen for some, seen in zip(together.values(), answers, strict=True) for q in some}
        told = ((q, found.get(id(q))) for q in questions)
        return [None if seen is None else owner_answer(q.capability.ref, seen) for q, seen in told]

    async def reload(
        self, rules: Mapping[str, str], table: Sequence[Mapping[str, Any]], who: Session
    ) -> PolicyWarnings:
        """Take other rules of the site's own, and another table of expectations; what to look at, if anything.

        Raises:
            Refused: not an operator or officer.
            Invalid: they may not be published; what is in force stays.
        """
        check_operator(who, "publishing rules")
        await self.authorizer.reload(rules, [Expectation.read(dict(row), what="a row of the table") for row in table])
        policies = (self.authorizer.policy(name) for name in self.registry.charters())
        return PolicyWarnings(warnings=tuple(warning for policy in policies for warning in policy.warnings))

    def _question(self, asking: PolicyQuery, who: Session) -> tuple[Policy, Question]:
        person = self._about(asking.person, who)
        charter = self._one_charter(asking.charter)
        policy = self.authorizer.policy(charter)
        facts = self.catalogue.facts(charter)
        if asking.capability not in facts:
            raise NotFound("capability", asking.capability, tuple(facts))
        owner, _ = split_capability(asking.capability)
        mine, home = owner == self.site, home_of(person)
        host = policy.directory.hosts.get(home)
        fields = asking.model_dump(exclude={"person", "team", "charter", "action", "capability"}, exclude_none=True)
        if who.agent and person == who.person:
            # An agent that asks is told of its own right, which is less than its member's.
            fields = {"agent": who.agent} | fields
        question = fields | {
            "action": asking.action or ("accept" if mine else "request"),
            "person": person,
            "home": home,
            "host": host,
            "team": asking.team or _one_team(policy, person),
            "charter": charter,
            "capability": facts[asking.capability].model_dump(mode="json"),
            "sensitivity": max(asking.sensitivity, facts[asking.capability].sensitivity, key=_strictness),
            "peer": (host or home) if mine else owner,
            "clearances": self.authorizer.attested(person),
            "now": timestamp(self.clock.now()),
        }
        return policy, Question.read(question, what="the question")

    def _about(self, person: str, who: Session) -> str:
        if person and person != who.person and not who.runs_the_site:
            raise Refused(f"asking about {person}", ("not_on_behalf_of_others",))
        return person or who.person

    def _one_charter(self, charter: str) -> str:
        known = self.registry.charters()
        if charter:
            return self._known(charter)
        if len(known) != 1:
            raise Invalid("the question", f"this site lives in {len(known)} charters", "name one")
        return known[0]

    def _known(self, charter: str) -> str:
        if charter not in self.registry.charters():
            raise NotFound("charter", charter, self.registry.charters())
        return charter

    # -- suspensions ------------------------------------------------------------------------------------------------

    def suspensions(self) -> tuple[SuspensionDetail, ...]:
        """What is barred here."""
        return tuple(suspension_detail(suspension) for suspension in self.publisher.suspensions())

    async def suspend(self, kind: Barred, name: str, who: Session, why: str, charter: str = "") -> SuspensionDetail:
        """Bar a site, person, agent, team, agreement or capability here, at once.

        Raises:
            Refused: not an operator or officer.
            Invalid: not a name of that kind.
        """
        check_operator(who, f"suspending {name}")
        return suspension_detail(await self.publisher.suspend(kind, name, who.person, why, charter))

    async def lift(self, kind: Barred, name: str, who: Session, why: str, charter: str = "") -> SuspensionDetail:
        """Bar it no more.

        Raises:
            Refused: not an operator or officer.
            NotFound: it is not barred.
        """
        check_operator(who, f"lifting the suspension of {name}")
        return suspension_detail(await self.publisher.lift(kind, name, who.person, why, charter))


def _would_you(
    question: Question, refs: tuple[str, ...], add: tuple[dict[str, Any], ...] = (), without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A question to this site's policy as one to the owner's."""
    return {
        "team": question.team,
        "on_behalf_of": question.person,
        "agent": question.agent,
        "purpose": question.purpose,
        "conduct": question.conduct,
        "sensitivity": question.sensitivity if len(refs) == 1 else "public",
        "model": question.model,
        "clearances": question.clearances,
        "capabilities": refs,
        "add": add or None,
        "without": without or None,
    }


def _purpose(policy: Policy, team: str) -> str:
    return next((a.purposes[0] for a in policy.engine.agreements.get(team, ())), "research")


def _one_team(policy: Policy, person: str) -> str:
    teams = sorted(policy.directory.people.get(person, ()))
    if len(teams) != 1:
        raise Invalid("the question", f"{person} is in {len(teams)} teams", "name one")
    return teams[0]


def _strictness(sensitivity: str) -> int:
    """Above all where it is none: the question's own form then refuses it."""
    return next((n for n, known in enumerate(SENSITIVITIES) if known == sensitivity), len(SENSITIVITIES))

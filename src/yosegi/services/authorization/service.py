"""Authorization at a running site: puts each question to policy together, from a request and a contract."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from yosegi.core import canonical
from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import Contract, strictest
from yosegi.core.errors import Invalid, NotFound
from yosegi.core.fifo_cache import FifoCache
from yosegi.core.identifiers import home_of
from yosegi.core.object import ObjectRef
from yosegi.core.states import Effect
from yosegi.data import known
from yosegi.exchange.request_draft import AuthorizedRequest, RequestDraft
from yosegi.execution.tasks import Task, task_stream
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.agreements.label import Label
from yosegi.governance.agreements.labels import combined
from yosegi.governance.agreements.suspensions import SuspensionRegister
from yosegi.governance.charter.registry import CharterRecord, Registry
from yosegi.governance.grants.grant import GrantExceeded, held, refunded, settled
from yosegi.governance.mandates.approvals import is_approved
from yosegi.governance.mandates.delegation import Delegation
from yosegi.governance.mandates.mandate import MandateRefused
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.disclosure import extract, hidden
from yosegi.governance.policy.policy import POLICY, Policy
from yosegi.governance.policy.question import Action, CapabilityFacts, Question, vouching
from yosegi.governance.policy.what_if import Expectation, check_expectations
from yosegi.identity.accounts import Session
from yosegi.ledger import Draft, Entry, Ledger, Write
from yosegi.trust.messages import AuthorizationQuery, DisclosedPolicies, Request
from yosegi.trust.reservations import ReservationAsked

log = logging.getLogger("yosegi.authorization")


@dataclass
class Authorizer:
    """The policies of one site, one per charter, built from what the registry holds now.

    Args:
        rules: the site's own forbids, Cedar text by file name.
        clearances: the site's own people by clearance, which it attests to owners.
        groups: the site's own staff by group, for house agreements.
        expectations: the site's table of (who, what, expected), which policies must fulfil to be published.
        capabilities: what is known under a charter, by reference.
        shows: whether those whom a decision of this owner concerns may see the policies it rests on.
    """

    site: str
    ledger: Ledger
    clock: Clock
    registry: Registry
    delegation: Delegation
    rules: Mapping[str, str]
    suspensions: SuspensionRegister
    capabilities: Callable[[str], Mapping[str, CapabilityFacts]]
    groups: Mapping[str, Iterable[str]] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    clearances: Mapping[str, Iterable[str]] = field(default_factory=dict)
    shows: bool = False
    _policies: dict[str, Policy] = field(default_factory=dict)
    _extracts: FifoCache[tuple[str, str, str, str | None], tuple[bytes, str, bool]] = field(
        default_factory=lambda: FifoCache(256)
    )

    async def start(self) -> None:
        """Put in force what was known when the site ended, or has changed on the disk since.

        Raises:
            Invalid: a rule or agreement that may not be published; or the site's own rules changed, and its table of
                expectations gets another answer. Where only time has passed, that is a doubt in the log.
        """
        for charter in self.registry.charters():
            before = self.ledger.read(f"policy/{charter}")
            known = _rules_in(before[-1]) if before else self.rules
            policy = None
            try:
                policy = self.foresee(charter, self.registry.federation(charter))
            except Invalid as error:
                if known != self.rules:
                    raise
                log.warning("policy under %s: %s", charter, error)
            await self._publish(charter, policy or self._build(self.registry.federation(charter)))

    async def publish(self, charter: str) -> Policy:
        """Build and validate the policy under a charter, and record its bundle once per digest.

        Raises:
            Invalid: a rule or agreement that may not be published; the policy in force stays.
        """
        return await self._publish(charter, self._build(self.registry.federation(charter)))

    async def _publish(self, charter: str, policy: Policy) -> Policy:
        stream = f"policy/{charter}"
        before = self.ledger.read(stream)
        if not before or before[-1].facts["digest"] != policy.digest:
            draft = Draft(POLICY, {"digest": policy.digest}, policy.bundle)
            await self.ledger.append(Write(stream, None, (draft,), charter=charter, actor=self.site))
        self._policies[charter] = policy
        return policy

    def foresee(self, charter: str, federation: CharterRecord, rules: Mapping[str, str] | None = None) -> Policy:
        """The policy that would follow, held against the table of expectations; nothing is changed.

        Raises:
            Invalid: it may not be published, or a row of the table would get another answer.
        """
        policy = self._build(federation, rules)
        check_expectations(policy, self._expected(charter), self.capabilities(charter), self.clock.now())
        return policy

    def _expected(self, charter: str) -> list[Expectation]:
        """The rows of the table that concern a charter; what a peer has not offered yet is asked about later."""
        known, own = self.capabilities(charter), f"{self.site}/"
        rows = [row for row in self.expectations if row.charter in ("", charter)]
        return [row for row in rows if row.what in known or row.what.startswith(own)]

    def _build(self, federation: CharterRecord, rules: Mapping[str, str] | None = None) -> Policy:
        directory = Directory.of(federation.roster.charter, self.site, self.groups)
        now, homes = self.clock.now(), directory.homes(self.site)
        agreements = [a for a in federation.agreements.values() if homes & set(a.parties) and now < a.valid_until]
        return Policy.build(
            self.site, directory, agreements, self.rules if rules is None else rules, self.suspensions.in_force
        )

    async def reload(self, rules: Mapping[str, str], expectations: Sequence[Expectation]) -> None:
        """Take other rules of the site's own, and another table; in force at once under every charter, or not at all.

        Raises:
            Invalid: they may not be published, or the table gets another answer; what is in force stays.
        """
        before = self.expectations
        self.expectations = tuple(expectations)
        try:
            for charter in self.registry.charters():
                self.foresee(charter, self.registry.federation(charter), rules)
        except Invalid:
            self.expectations = before
            raise
        self.rules = dict(rules)
        for charter in self.registry.charters():
            await self.publish(charter)

    def expect(self, expectations: Iterable[Expectation]) -> None:
        """Hold policies that are published from now on against this table."""
        self.expectations = tuple(expectations)

    def policy(self, charter: str) -> Policy:
        """The policy in force.

        Raises:
            NotFound: none was published under that charter.
        """
        if charter not in self._policies:
            raise NotFound("policy for charter", charter, tuple(self._policies))
        return self._policies[charter]

    def in_team(self, charter: str, team: str, person: str) -> bool:
        """Whether a person belongs to a team under a charter, or to a group of this site's own."""
        policy = self._policies.get(charter)
        return policy is not None and team in policy.directory.people.get(person, ())

    def teams_of(self, person: str) -> frozenset[str]:
        """Every team, under any charter, that a person belongs to."""
        return frozenset().union(*(p.directory.people.get(person, ()) for p in self._policies.values()))

    def decide(self, action: Action, request: Request, contract: Contract, objects: Iterable[ObjectRef]) -> Decision:
        """The owner's decision on a request of another site, or of its own; `objects` are those among its inputs."""
        approved = needs_approval(request, contract) and self.is_approved(request, contract)
        question = self._question(action, request, contract, approved=approved, objects=objects)
        return self.policy(request.charter).decide(question)

    def shown(self, decision: Decision) -> DisclosedPolicies | None:
        """What of the policies that a decision of this owner rests on is shown to the home site; None if nothing is.

        Nothing is shown of a refusal that other sites' agreements with the same team had a part in.
        """
        question = decision.question
        if not self.shows:
            return None
        part, digest, hidden = self._part(decision.policies_digest, question)
        if hidden and not decision.allow:
            return None
        size = len(decision.entities.encode())
        return DisclosedPolicies(policies=digest, policies_bytes=len(part), entities_bytes=size)

    def extract(self, policies: str, question: Question) -> bytes | None:
        """The part of policies that concerns whom a question is about; None if they were never published here."""
        try:
            return self._part(policies, question)[0]
        except NotFound:
            return None

    def _part(self, policies: str, question: Question) -> tuple[bytes, str, bool]:
        team, home = question.team, question.home
        key = (policies, team, home, question.host)
        found = self._extracts.get(key)
        if found is None:
            bundle = self._published(question.charter, policies)
            part = extract(bundle, team, home, question.host)
            found = part, canonical.digest(part), hidden(bundle, team, home)
            self._extracts.put(key, found)
        return found

    def _published(self, charter: str, digest: str) -> bytes:
        in_force = self._policies.get(charter)
        if in_force is not None and in_force.digest == digest:
            return in_force.bundle
        for entry in self.ledger.read(f"policy/{charter}"):
            if entry.facts["digest"] == digest and entry.body_bytes is not None:
                return entry.body_bytes
        raise NotFound("policies", digest)

    def attested(self, person: str) -> tuple[str, ...] | None:
        """The clearances that this site attests of one of its people; None where there are none."""
        if not self.vouches(person):
            return None
        return tuple(sorted(name for name, people in self.clearances.items() if person in people)) or None

    def vouches(self, person: str) -> bool:
        """Whether this site vouches for somebody: of its own people, or of a member that a charter has it host."""
        home = home_of(person)
        return home == self.site or any(self.registry.hosts(charter, home) for charter in self.registry.charters())

    def may_sign_in(self, person: str) -> bool:
        """Whether somebody with an account here may sign in: whom this site vouches for, and visitors.

        A visitor is of a member that runs a site, and asks for nothing here: only through that site. People of a
        member that has none are let in where it is hosted, and no longer than that.
        """
        return self.vouches(person) or any(
            self.registry.federation(charter).roster.is_stated(home_of(person), self.clock.now())
            for charter in self.registry.charters()
        )

    def refuses(self, person: str, agent: str = "") -> str:
        """The reason code for which a person, or their agent, may not be here now; empty if they may."""
        if self.suspensions.bars_person(person, agent, self.site):
            return "person_suspended"
        return "" if self.may_sign_in(person) else "institution_not_hosted"

    def may_see(self, charter: str, team: str, who: Session) -> bool:
        """Whether somebody may look at a team's work here: its people may, and those who run the site.

        An agent sees the work of the team that its mandate is for, and of no other team of its member.
        """
        return who.runs_the_site or self.belongs(charter, team, who)

    def belongs(self, charter: str, team: str, who: Session) -> bool:
        """Whether somebody belongs to a team under a charter; an agent, whether its mandate is for that team too."""
        if who.agent and self.mandated_team(who) != (charter, team):
            return False
        return self.in_team(charter, team, who.person)

    def mandated_team(self, who: Session) -> tuple[str, str]:
        """Charter and team of the mandate that an agent acts under; empty if there is none of that name."""
        try:
            mandate = self.delegation.get(who.mandate)
        except MandateRefused:
            return "", ""
        return mandate.charter, mandate.team

    def authorize(self, request: RequestDraft) -> AuthorizedRequest:
        """The home site's decision: may its member, or the agent whose mandate is named, ask an owner for this?

        Each object is named by the strictest label that is known of it here: who names it may leave nothing out.
        """
        request = request.with_labels({name: self._label(ref) for name, ref in request.objects.items()})
        label = combined([request.learned, *(label_of(ref) for ref in request.objects.values())])
        return AuthorizedRequest(request, self._decide_request(request, label))

    def may_show(self, request: RequestDraft, endpoint: str) -> Decision:
        """Whether a language model's endpoint may see what a request rests on: as agreements say, before it is sent."""
        return self._decide_request(request, request.learned, model=endpoint)

    def _decide_request(self, request: RequestDraft, label: Label, model: str | None = None) -> Decision:
        learned = label if label.sources else None
        question = self._question("request", request, request.contract, learned=learned, model=model)
        return self.policy(request.charter).decide(question)

    def _label(self, ref: ObjectRef) -> ObjectRef:
        return ref.with_label_of(*(one.ref for one in known(self.ledger, "digest = ?", ref.sha256)))

    def decide_approval(self, person: str, request: Request, contract: Contract) -> Decision:
        """May this person approve the request: as an approver its agreement names, or one of a house agreement?

        The site's own staff may approve in a group of theirs, where a house agreement names them.
        """
        question = Question(
            action="approve",
            person=person,
            home=home_of(person),
            host=self.registry.federation(request.charter).roster.charter.host_of(home_of(person)),
            team=request.team,
            charter=request.charter,
            capability=CapabilityFacts.of(self.site, contract),
            conduct=request.how_far,
            sensitivity=strictest(contract.sensitivity, request.sensitivity),
            purpose=request.purpose,
            amounts=contract.cost,
            mandate=request.mandate,
            peer=request.sender,
            now=self.clock.now(),
        )
        policy = self.policy(request.charter)
        first = policy.decide(question)
        groups = [group for group, staff in self.groups.items() if person in staff]
        others = (policy.decide(question.model_copy(update={"team": group})) for group in groups)
        return first if first.allow else next((other for other in others if other.allow), first)

    def decide_reservation(
        self, charter: str, team: str, person: str, purpose: str, contract: Contract, amounts: Amounts
    ) -> Decision:
        """May this person book, for a team, an instrument that a capability uses, at that cost?"""
        question = Question.stated(
            "the booking",
            action="accept",
            person=person,
            agent=None,
            home=home_of(person),
            host=self.registry.federation(charter).roster.charter.host_of(home_of(person)),
            team=team,
            charter=charter,
            capability=CapabilityFacts.of(self.site, contract),
            conduct="run",
            sensitivity=contract.sensitivity,
            purpose=purpose,
            amounts=amounts,
            clearances=self.attested(person),
            peer=home_of(person),
            now=self.clock.now(),
        )
        return self.policy(charter).decide(question)

    def decide_asked_reservation(
        self, action: Literal["request", "accept"], asked: ReservationAsked, contract: Contract, amounts: Amounts
    ) -> Decision:
        """May the person have it for whom one site asks another for a reservation? The home's word, or the owner's.

        Args:
            action: `request` at the home site, `accept` at the owner.
            asked: what is asked, made by the home site.
            contract: of the capability that it names, which uses the instrument.
            amounts: what it costs at most.
        """
        home, host = vouching(asked.on_behalf_of, asked.sender)
        question = Question(
            action=action, person=asked.on_behalf_of, agent=None, home=home, host=host, team=asked.team,
            charter=asked.charter, capability=CapabilityFacts.of(asked.to, contract), conduct="run",
            sensitivity=contract.sensitivity, purpose=asked.purpose, amounts=amounts, clearances=asked.clearances,
            peer=asked.to if action == "request" else asked.sender, now=self.clock.now(),
        )  # fmt: skip
        return self.policy(asked.charter).decide(question)

    def hold_reservation(self, charter: str, team: str, reservation: str, cost: Amounts) -> tuple[str, Write]:
        """The grant that pays for a reservation, and the write that holds its cost.

        Raises:
            GrantExceeded: none of the team covers it.
        """
        grant = self._grant_for(charter, team, cost)
        draft = held(grant, team, reservation, cost)
        return grant, Write(f"grant/{grant}", None, (draft,), charter=charter, actor=self.site)

    def is_approved(self, request: Request, contract: Contract) -> bool:
        """Whether a person's approval of exactly this is at hand, or was used when it started."""
        stream = task_stream(request.sender, request.key)
        return is_approved(self.ledger.query, request.digest, contract.digest, self.clock.now(), stream)

    def preflight_answer(self, asked: AuthorizationQuery, contract: Contract) -> tuple[Question, ...]:
        """What this owner would ask its policy about a request, step by step; approved where it has to be."""
        actions: tuple[Action, ...] = ("accept",) if asked.conduct == "suggest" else ("accept", "dispatch", "release")
        return tuple(
            self._question(action, asked, contract, model=asked.model, approved=action == "dispatch")
            for action in actions
        )

    def _question(
        self,
        action: Action,
        asked: Request | RequestDraft | AuthorizationQuery,
        contract: Contract,
        *,
        approved: bool = False,
        learned: Label | None = None,
        model: str | None = None,
        objects: Iterable[ObjectRef] = (),
    ) -> Question:
        if isinstance(asked, RequestDraft):
            sender, owner, agent = self.site, asked.owner, self.delegation.agent_of(asked.mandate)
        else:
            sender, owner, agent = asked.sender, self.site, asked.agent
        home, host = vouching(asked.on_behalf_of, sender)
        return Question.stated(
            "the request",
            action=action,
            person=asked.on_behalf_of,
            agent=agent,
            home=home,
            host=host,
            team=asked.team,
            charter=asked.charter,
            capability=CapabilityFacts.of(owner, contract),
            conduct=asked.conduct or "run",
            sensitivity=strictest(contract.sensitivity, asked.sensitivity, *(ref.sensitivity for ref in objects)),
            purpose=asked.purpose,
            amounts=contract.cost,
            approved=approved,
            mandate=None if isinstance(asked, AuthorizationQuery) else asked.mandate,
            clearances=asked.clearances,
            learned=learned,
            model=model,
            peer=owner if sender == self.site else sender,
            now=self.clock.now(),
        )

    def hold(self, request: Request, cost: Amounts, task: str) -> Write | None:
        """The write that holds a cost from one of the team's grants; None where nothing is to be held.

        Raises:
            GrantExceeded: no grant of the team covers it now. Whether one still does when the write is made is
                checked again in its transaction.
        """
        if not cost:
            return None
        grant = self._grant_for(request.charter, request.team, cost)
        draft = held(grant, request.team, task, cost)
        return Write(f"grant/{grant}", None, (draft,), charter=request.charter, actor=self.site)

    def check_grant(self, charter: str, team: str, cost: Amounts) -> None:
        """See that one of a team's grants covers a cost now.

        Raises:
            GrantExceeded: none does.
        """
        if cost:
            self._grant_for(charter, team, cost)

    def _grant_for(self, charter: str, team: str, cost: Amounts) -> str:
        now = timestamp(self.clock.now())
        grants = self.ledger.query("SELECT id FROM grants WHERE charter = ? AND team = ? ORDER BY id", (charter, team))
        short: GrantExceeded | None = None
        for grant in (str(row["id"]) for row in grants):
            free = self.ledger.query(
                "SELECT unit, SUM(amount - held - spent) AS free FROM grant_tranches WHERE grant_id = ?"
                " AND locked = 0 AND starts <= ? AND ends > ? GROUP BY unit",
                (grant, now, now),
            )
            left = Amounts({row["unit"]: row["free"] for row in free})
            if left.covers(cost):
                return grant
            unit = next(unit for unit in cost if cost[unit] > left[unit])
            short = short or GrantExceeded(grant, unit, cost[unit], left[unit])
        unit = next(iter(cost))
        raise short or GrantExceeded(f"of {team}", unit, cost[unit], 0)

    def settle(self, task: Task, effect: Effect, charged: Amounts) -> Write | None:
        """The write that ends what a task held, by its effect; None where nothing was held."""
        if not task.grant:
            return None
        if effect is Effect.NONE:
            draft = refunded(task.grant, task.stream, "no effect")
        else:
            draft = settled(task.grant, task.stream, "done", charged)
        return Write(f"grant/{task.grant}", None, (draft,), charter=task.asked().charter, actor=self.site)

    def agreements(self, charter: str) -> list[Agreement]:
        """Agreements to which this site, or a member it hosts, is a party."""
        federation = self.registry.federation(charter)
        homes = {self.site, *federation.roster.charter.hosted(self.site)}
        return [a for a in federation.agreements.values() if homes & set(a.parties)]


def label_of(ref: ObjectRef) -> Label:
    """The label that a reference carries."""
    return Label(sensitivity=ref.sensitivity, export_classes=ref.export_classes, sources=ref.sources)


def _rules_in(entry: Entry) -> dict[str, str]:
    """The site's own rules in a published bundle."""
    texts: dict[str, str] = (entry.body or {}).get("texts", {})
    return {where.removeprefix("rules/"): text for where, text in texts.items() if where.startswith("rules/")}


def needs_approval(request: Request, contract: Contract) -> bool:
    """Whether nothing may start before a person has approved it."""
    return contract.approval or request.how_far == "approve"

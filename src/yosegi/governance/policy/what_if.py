"""Answers before anyone asks: what a person may use and why not the rest, and what would change if.

And the table of expectations that policies are held against before they are published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from pydantic import Field

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Conduct, Sensitivity, strictest
from yosegi.core.errors import Invalid
from yosegi.core.identifiers import CapabilityRef, PersonId, TeamId, home_of
from yosegi.core.values import Value
from yosegi.governance.agreements.agreement import Agreement
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.directory import Directory
from yosegi.governance.policy.policy import Policy
from yosegi.governance.policy.question import Action, CapabilityFacts, Question


class Expectation(Value):
    """One row of the table that policies are tested by when they are published: who, what, and the answer expected.

    Args:
        who: the member.
        team: in which team.
        what: the capability.
        action: the step.
        purpose: what for.
        agent: the program that acts, if one does.
        conduct: how far.
        sensitivity: of what goes in; at least the capability's own label is asked with.
        amounts: the most it may cost, in milli-units.
        approved: whether a person approved it.
        allow: the answer expected.
        reason: a reason that must be among those given, if one is named.
        charter: the charter it is asked under; every one, if none is named.
    """

    who: PersonId
    team: TeamId
    what: CapabilityRef
    action: Action = "accept"
    purpose: str = "research"
    agent: str | None = None
    conduct: Conduct = "run"
    sensitivity: Sensitivity = "public"
    amounts: Amounts = Field(default_factory=Amounts)
    approved: bool = False
    allow: bool
    reason: str = ""
    charter: str = ""

    def question(self, facts: CapabilityFacts, directory: Directory, now: datetime) -> Question:
        """The row as a question."""
        home = home_of(self.who)
        return Question.stated(
            "the row",
            action=self.action,
            person=self.who,
            agent=self.agent,
            home=home,
            host=directory.hosts.get(home),
            team=self.team,
            charter=directory.charter,
            capability=facts,
            conduct=self.conduct,
            sensitivity=strictest(self.sensitivity, facts.sensitivity),
            purpose=self.purpose,
            amounts=self.amounts,
            approved=self.approved,
            now=now,
        )


def check_expectations(
    policy: Policy, table: Iterable[Expectation], capabilities: Mapping[str, CapabilityFacts], now: datetime
) -> None:
    """Hold policies against the table of what their authors expect.

    Raises:
        Invalid: names the first row that gets another answer, with the answer it gets.
    """
    for number, row in enumerate(table, 1):
        what = f"row {number} of the policy table ({row.who}, {row.action} {row.what})"
        if row.what not in capabilities:
            raise Invalid(what, "no such capability is known here", "name one of this site's, or a peer's offer")
        decision = policy.decide(row.question(capabilities[row.what], policy.directory, now))
        if decision.allow != row.allow or (row.reason and row.reason not in decision.reasons):
            wanted = ("allowed" if row.allow else "refused") + (f" for {row.reason}" if row.reason else "")
            found = "allowed" if decision.allow else "refused"
            why = ", ".join(decision.reasons)
            raise Invalid(what, f"is to be {wanted}, and is {found} ({why})", "correct the policies or the table")


def access(
    policy: Policy,
    person: str,
    team: str,
    capabilities: Iterable[CapabilityFacts],
    *,
    now: datetime,
    purpose: str = "research",
    action: Action = "request",
    clearances: tuple[str, ...] | None = None,
) -> list[Decision]:
    """For each capability, whether a member, with what is attested of them, may use it and why not."""
    return [
        policy.decide(
            Question.stated(
                "the question",
                action=action,
                person=person,
                home=home_of(person),
                host=policy.directory.hosts.get(home_of(person)),
                team=team,
                charter=policy.directory.charter,
                capability=facts,
                conduct="run" if "run" in facts.conduct else facts.conduct[-1],
                sensitivity=facts.sensitivity,
                purpose=purpose,
                clearances=clearances,
                now=now,
            )
        )
        for facts in capabilities
    ]


def what_if(
    policy: Policy,
    question: Question,
    *,
    add: Iterable[Agreement] = (),
    without: Collection[str] = (),
    rules: Mapping[str, str] | None = None,
) -> Decision:
    """The answer if agreements were added or dropped (by name), or the site had other rules. Nothing is changed.

    Raises:
        Invalid: what results could not be published.
    """
    return changed(policy, add=add, without=without, rules=rules).decide(question)


def changed(
    policy: Policy,
    *,
    add: Iterable[Agreement] = (),
    without: Collection[str] = (),
    rules: Mapping[str, str] | None = None,
) -> Policy:
    """Policies as they would be if agreements were added or dropped (by name), or the site had other rules.

    Raises:
        Invalid: they could not be published.
    """
    added = list(add)
    replaced = {*without, *(agreement.name for agreement in added)}
    kept = [agreement for agreement in policy.agreements if agreement.name not in replaced]
    return Policy.build(
        policy.engine.site,
        policy.directory,
        [*kept, *added],
        policy.rules if rules is None else rules,
        policy.suspensions,
    )

"""A question put to policy: who wants to do what with which capability, under which circumstances."""

from __future__ import annotations

import operator
from typing import Literal, Self

from pydantic import Field

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Conduct, Contract, EffectClass, Kind, Sensitivity
from yosegi.core.identifiers import (
    CapabilityRef,
    CharterId,
    Clearance,
    Digest,
    Key,
    PersonId,
    SiteId,
    TeamId,
    home_of,
    split_capability,
)
from yosegi.core.values import Value
from yosegi.governance.agreements.label import Label
from yosegi.trust.document import Moment

Action = Literal["request", "accept", "dispatch", "release", "approve", "read", "stop"]
"""The home site decides on `request`; the owner on `accept`, again on `dispatch`, and on `release` of the result."""


class CapabilityFacts(Value):
    """What policy may know of a capability: the terms of its contract, and which contract that is."""

    ref: CapabilityRef
    contract: Digest
    kind: Kind
    effect: EffectClass = Field(strict=False)
    sensitivity: Sensitivity
    export_class: str = Field(max_length=200)
    simulated: bool
    approval: bool
    conduct: tuple[Conduct, ...]

    @classmethod
    def of(cls, site: str, contract: Contract) -> Self:
        """The facts of a site's contract."""
        return cls(
            ref=f"{site}/{contract.name}",
            contract=contract.digest,
            kind=contract.kind,
            effect=contract.effect,
            sensitivity=contract.sensitivity,
            export_class=contract.export_class,
            simulated=contract.simulated,
            approval=contract.approval,
            conduct=contract.conduct,
        )

    @property
    def owner(self) -> str:
        """The site that owns it."""
        return split_capability(self.ref)[0]


def vouching(person: str, sender: str) -> tuple[str, str | None]:
    """Who vouches for a person for whom a site asks: `home` and `host` of the question. Whether it may, policy says."""
    home = home_of(person)
    return home, None if sender == home else sender


class Question(Value):
    """One question to `decide()`; with the policies and entities it holds all that the answer depends on.

    Args:
        action: the step of the task's life.
        person: the member on whose behalf.
        agent: the program that acts for the member, if one does.
        home: the member's institution, which vouches for them.
        host: the site that vouches for them in its place, if the institution has none of its own.
        team: in which team the member acts; a grant of that team pays.
        charter: under which charter.
        capability: what is to be used.
        conduct: suggest, run after approval, or run.
        sensitivity: the strictest label of what goes in or comes out.
        purpose: what for.
        amounts: the most it may cost.
        approved: whether a person's approval of exactly this request is at hand.
        mandate: the mandate under which it is asked, if one is.
        peer: the other site of the exchange.
        model: the language model's endpoint that would see it, if one would.
        clearances: what the home site attests of the member; neither nationality nor any other ground.
        learned: at the home site, the label of everything that went into what is asked: each of its sources must have
            agreed that it goes on to the owner.
        now: when it is asked.
    """

    action: Action
    person: PersonId
    agent: str | None = Field(default=None, max_length=120)
    home: SiteId
    team: TeamId
    charter: CharterId
    capability: CapabilityFacts
    conduct: Conduct = "run"
    sensitivity: Sensitivity = "team"
    purpose: str = Field(max_length=200)
    amounts: Amounts = Amounts()
    approved: bool = False
    mandate: Key | None = None
    peer: SiteId | None = None
    model: str | None = Field(default=None, max_length=120)
    clearances: tuple[Clearance, ...] | None = Field(default=None, max_length=32)
    learned: Label | None = None
    host: SiteId | None = None
    now: Moment

    @property
    def but_for_now(self) -> tuple[object, ...]:
        """Everything it asks but for the moment: what is alike in this differs in nothing that policies may see."""
        return _ALIKE(self)


_ALIKE = operator.attrgetter(*(name for name in Question.model_fields if name != "now"))

"""Mandates: signed records under which a campaign or an agent may act for weeks, without a long-lived token.

While a mandate lives, the home site mints tokens of ten minutes under it. When it is cancelled it mints none: nothing
new starts within a minute where links are up, and within ten where they are down. What runs is not touched by a
partition; it follows its contract's `on_revoked` when the cancellation arrives.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from yosegi.core.amounts import Amounts
from yosegi.core.contract import SENSITIVITIES, Conduct, Sensitivity
from yosegi.core.errors import YosegiError
from yosegi.core.identifiers import CharterId, Key, PersonId, SiteId, TeamId, home_of
from yosegi.core.reasons import explain
from yosegi.core.values import Value
from yosegi.governance.agreements.agreement import Purpose, Selector
from yosegi.trust.document import SKEW, Document, Moment
from yosegi.trust.keys import PublicKey
from yosegi.trust.token import LONGEST as LONGEST_TOKEN
from yosegi.trust.token import Token

DEEPEST = 2
"""An agent may have sub-agents, and they none."""

LONGEST = timedelta(days=366)
TOKEN_LIFE = LONGEST_TOKEN - SKEW
"""So that even where the owner's clock is behind, nothing starts later than ten minutes after it was minted."""


class MandateRefused(YosegiError):
    """Something a mandate does not allow.

    Args:
        mandate: which mandate.
        reason: a reason code.
        fields: what the reason's sentence names.
    """

    code = "mandate_refused"

    def __init__(self, mandate: str, reason: str, **fields: Any) -> None:
        self.mandate, self.reason, self.fields = mandate, reason, fields
        super().__init__(f"mandate {mandate}: {explain(reason, 'en', mandate=mandate, **fields)}")


class Right(Value):
    """What may be done under a mandate. It adds nothing: policy decides every use as well.

    Args:
        capabilities: which.
        purposes: what for.
        conduct: how far.
        highest_sensitivity: of anything that goes in or comes out.
        budget: the most that may be spent in all.
        bounded: whether a unit that the budget does not name may not be spent at all; if not, the owners' grants alone
            bound it, as for a member's own campaign that states no budget.
        calls: the most calls of tools that an agent may make in all; not bounded if it says nothing.
        tasks: the most tasks that may be asked in all, campaigns' steps among them; not bounded if it says nothing.
    """

    capabilities: tuple[Selector, ...] = Field(min_length=1, max_length=200)
    purposes: tuple[Purpose, ...] = Field(min_length=1)
    conduct: tuple[Conduct, ...] = ("suggest", "approve", "run")
    highest_sensitivity: Sensitivity = "team"
    budget: Amounts = Amounts()
    bounded: bool = True
    calls: int | None = Field(default=None, ge=1, le=10**9)
    tasks: int | None = Field(default=None, ge=1, le=10**9)

    @property
    def furthest(self) -> Conduct | None:
        """How far it goes at most; None if nothing may be asked for."""
        return next((one for one in ("run", "approve", "suggest") if one in self.conduct), None)

    def covers(self, ref: str) -> bool:
        """Whether it names a capability."""
        return any(_reaches(selector, ref) for selector in self.capabilities)

    def names(self, owner: str) -> bool:
        """Whether any capability of a site is among its."""
        return any(selector.partition("/")[0] == owner for selector in self.capabilities)

    def wider_than(self, other: Right) -> str:
        """In which respect this right exceeds another, or the empty text if it is a subset of it."""
        if not all(any(_within(mine, theirs) for theirs in other.capabilities) for mine in self.capabilities):
            return "capabilities"
        if not set(self.purposes) <= set(other.purposes):
            return "purposes"
        if not set(self.conduct) <= set(other.conduct):
            return "conduct"
        if SENSITIVITIES.index(self.highest_sensitivity) > SENSITIVITIES.index(other.highest_sensitivity):
            return "highest_sensitivity"
        for respect, mine, theirs in (("calls", self.calls, other.calls), ("tasks", self.tasks, other.tasks)):
            if theirs is not None and (mine is None or mine > theirs):
                return respect
        return "" if self._spends_within(other) else "budget"

    def _spends_within(self, other: Right) -> bool:
        if other.bounded:
            return self.bounded and other.budget.covers(self.budget)
        named = (self.bounded or unit in self.budget for unit in other.budget)
        return all(named) and all(self.budget[unit] <= other.budget[unit] for unit in other.budget)


class Mandate(Document):
    """That a campaign, or an agent, may act for a member until a time.

    Args:
        charter: under which charter.
        id: its name at the home site.
        home: the site that vouches for the member and signs.
        institution: the member's own institution, where that has no site and the home site hosts it.
        person: the member acted for.
        team: in which team.
        campaign: the campaign it is for, if it is for one.
        agent: the agent's name, if an agent acts.
        agent_key: the agent's own key; its tokens are bound to it.
        parent: the mandate this one was cut from; its right is a subset.
        depth: 0 for a campaign's or person's own, 1 for an agent, 2 for a sub-agent.
        right: what may be done.
        issued: when.
        not_after: until when.
    """

    kind: ClassVar[str] = "mandate"

    charter: CharterId
    id: Key
    home: SiteId
    person: PersonId
    team: TeamId
    campaign: Key | None = None
    agent: Key | None = None
    agent_key: PublicKey | None = None
    parent: Key | None = None
    depth: int = Field(default=0, ge=0, le=DEEPEST)
    right: Right
    issued: Moment
    not_after: Moment
    institution: SiteId | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if home_of(self.person) != (self.institution or self.home):
            raise ValueError(f"{self.home} cannot vouch for {self.person}")
        if not timedelta() < self.not_after - self.issued <= LONGEST:
            raise ValueError(f"lives at most {LONGEST.days} days")
        if (self.agent is None) != (self.agent_key is None):
            raise ValueError("an agent has a name and a key of its own")
        if (self.depth > 0) != (self.agent is not None) or (self.depth > 1 and self.parent is None):
            raise ValueError("an agent's mandate has depth 1, a sub-agent's depth 2 and a parent")
        return self

    def check_cut_from(self, parent: Mandate) -> None:
        """Hold a sub-agent's mandate against the one it was cut from.

        Raises:
            MandateRefused: another parent, person, team or charter, a later end, too deep, or a wider right.
        """
        if self.parent != parent.id or self.depth != parent.depth + 1:
            raise MandateRefused(self.id, "mandate_of_another_parent", parent=parent.id)
        if (self.charter, self.home, self.person, self.team) != (
            parent.charter,
            parent.home,
            parent.person,
            parent.team,
        ):
            raise MandateRefused(self.id, "mandate_for_another", person=parent.person)
        if self.not_after > parent.not_after:
            raise MandateRefused(self.id, "mandate_wider", respect="not_after", parent=parent.id)
        if respect := self.right.wider_than(parent.right):
            raise MandateRefused(self.id, "mandate_wider", respect=respect, parent=parent.id)

    def check_use(self, capability: str, purpose: str, conduct: Conduct, sensitivity: Sensitivity) -> None:
        """Hold one use against the right.

        Raises:
            MandateRefused: names the respect in which it is outside.
        """
        highest = SENSITIVITIES.index(self.right.highest_sensitivity)
        for respect, holds in (
            ("capabilities", self.right.covers(capability)),
            ("purposes", purpose in self.right.purposes),
            ("conduct", conduct in self.right.conduct),
            ("highest_sensitivity", SENSITIVITIES.index(sensitivity) <= highest),
        ):
            if not holds:
                raise MandateRefused(self.id, "outside_mandate", respect=respect)

    def check_alive(self, now: datetime) -> None:
        """Refuse a mandate after its end. Here no skew is granted: home and clock are one site's own.

        One that was issued later than now was given while this site's clock was ahead: it stands, until the day that
        it names, so that nobody need give it again once the clock is right. What is minted under it counts from now.

        Raises:
            MandateRefused: `mandate_ended`.
        """
        if now >= self.not_after:
            raise MandateRefused(self.id, "mandate_ended", until=f"{self.not_after:%Y-%m-%d %H:%M}")

    def mint(self, audience: str, holder: PublicKey, now: datetime, *, site: PublicKey | None = None) -> Token:
        """A token under the mandate, for one other site. Who calls this has seen that it is not cancelled.

        Args:
            audience: the site it is for.
            holder: the key that must sign each use: the agent's own.
            now: the moment.
            site: the home site's own key, where it asks in the agent's name, as it does in a campaign.

        Raises:
            MandateRefused: it has ended, or the holder is not the agent it names.
        """
        self.check_alive(now)
        if self.agent_key is not None and holder not in (self.agent_key, site):
            raise MandateRefused(self.id, "token_for_another_key", agent=self.agent)
        return Token(
            charter=self.charter,
            issuer=self.home,
            audience=audience,
            person=self.person,
            team=self.team,
            agent=self.agent,
            mandate=self.id,
            holder=holder,
            issued=now,
            not_after=min(now + TOKEN_LIFE, self.not_after),
            institution=self.institution,
        )


def _reaches(selector: str, ref: str) -> bool:
    return ref.startswith(selector[:-1]) if selector.endswith("*") else ref == selector


def _within(narrow: str, wide: str) -> bool:
    """Whether every capability that one selector selects is selected by the other."""
    return _reaches(wide, narrow.removesuffix("*")) if wide.endswith("*") else narrow == wide

"""Mandates at their home site: given and cut by people, cancelled at once, and told to the owners that hold work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from yosegi.campaign import CampaignSpec
from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock, timestamp
from yosegi.core.contract import Contract, strictest
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.core.events import Events
from yosegi.core.field_faults import first_fault
from yosegi.core.identifiers import derived_key, home_of
from yosegi.exchange import Channels, Received, sending
from yosegi.governance.charter.registry import Registry
from yosegi.governance.events import MandateEnded
from yosegi.governance.mandates import view
from yosegi.governance.mandates.delegation import Delegation, refused
from yosegi.governance.mandates.mandate import Mandate, MandateRefused, Right
from yosegi.governance.policy.explanation import explained
from yosegi.identity.accounts import Session
from yosegi.identity.authentication import Authenticator
from yosegi.ledger import Ledger, Write
from yosegi.services.delegation.schemas import AgentDetail, MandateDetail
from yosegi.trust.explanation import Explanation
from yosegi.trust.keys import PublicKey
from yosegi.trust.messages import Renewal, Revocation
from yosegi.trust.signer import Signer

Withdraw = Callable[[str, str, str, str], Awaitable[None]]
LIFETIME = timedelta(days=7)
TOLD = "mandate.told"


@dataclass(frozen=True, slots=True)
class MandateDraft:
    """What a person or an agent asks for in a mandate; its site adds where and when it is given.

    Args:
        lifetime: from when it is given until it ends.
        agent: that is to act under it, with its key; None for a person's own.
        parent: the mandate that it is cut from, if any.
    """

    id: str
    charter: str
    team: str
    person: str
    right: Right
    lifetime: timedelta
    agent: str | None = None
    agent_key: PublicKey | None = None
    parent: str | None = None


@dataclass
class MandateService:
    """What people and agents do with mandates at one site, and what its peers are told of them.

    Args:
        events: told `MandateEnded`.
        withdraw: takes a request back from an owner that knows nothing of mandates.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    registry: Registry
    delegation: Delegation
    channels: Channels
    authenticator: Authenticator
    withdraw: Withdraw
    events: Events

    # -- giving ---------------------------------------------------------------------------------------------------

    async def give(self, mandate: Mandate, who: Session) -> Mandate:
        """Give a mandate: a person for themselves; an agent only cuts one from its own.

        Raises:
            NotFound: a charter that this site does not live in, or a team that is not in it.
            Refused: for somebody else or of an institution that this site does not host, wider or longer than what it
                is cut from, a name taken, or a key that is a person's.
        """
        what = f"mandate {mandate.id}"
        self._check_team(mandate.charter, mandate.team)
        if mandate.person != who.person:
            raise Refused(what, ("not_on_behalf_of_others",))
        if mandate.institution is not None and not self.delegation.hosts(mandate.charter, mandate.institution):
            raise Refused(what, ("institution_not_hosted",))
        if who.agent and mandate.parent != who.mandate:
            raise Refused(what, ("mandate_of_another_parent",))
        if mandate.agent_key is not None and self._is_a_persons(mandate.agent_key):
            raise Refused(what, ("key_of_a_person",))
        try:
            if mandate.parent is not None:
                mandate.check_cut_from(self.delegation.living(mandate.parent))
            await self.ledger.append(self.delegation.give(mandate, who.person))
        except MandateRefused as error:
            raise Refused(what, (error.reason,)) from None
        except Conflict:
            raise Refused(what, ("mandate_repeated",)) from None
        return mandate

    def _check_team(self, charter: str, team: str) -> None:
        """See that there is such a team: a mandate for another would look good, and allow nothing."""
        if charter not in self.registry.charters():
            raise NotFound("charter", charter, self.registry.charters())
        known = self.registry.federation(charter).roster.charter
        if known.team(team) is None:
            raise NotFound(f"team of {charter}", team, tuple(one.id for one in known.teams))

    def _is_a_persons(self, key: PublicKey) -> bool:
        return any(key in account.keys for account in self.authenticator.accounts.values())

    def build_mandate(self, draft: MandateDraft) -> Mandate:
        """A mandate from what is asked for.

        Raises:
            Invalid: its terms do not hold together.
            Refused: it is to be cut from one that is over or unknown.
        """
        what, now, institution = f"mandate {draft.id}", self.clock.now(), home_of(draft.person)
        depth = 0 if draft.agent is None else 1
        if draft.parent is not None:
            try:
                depth = self.delegation.living(draft.parent).depth + 1
            except MandateRefused as error:
                raise Refused(what, (error.reason,)) from None
        try:
            return Mandate(
                charter=draft.charter,
                id=draft.id,
                home=self.site,
                institution=None if institution == self.site else institution,
                person=draft.person,
                team=draft.team,
                agent=draft.agent,
                agent_key=draft.agent_key,
                parent=draft.parent,
                depth=depth,
                right=draft.right,
                issued=now,
                not_after=now + draft.lifetime,
            )
        except ValidationError as error:
            fault = first_fault(error)
            raise Invalid(what, str(fault) if fault.path else fault.why) from None

    def check_campaign(self, mandate: str, spec: CampaignSpec, contracts: Mapping[str, Contract], who: Session) -> None:
        """See that a campaign stays within the mandate it is to act under, and that it is the caller's to use.

        Raises:
            Refused: a mandate that is over, unknown, of another member, agent, team or campaign, or too narrow.
        """
        found = self.check_holder(mandate, who)
        try:
            same = (found.charter, found.person, found.team) == (spec.charter, spec.on_behalf_of, spec.team)
            if not same or found.campaign not in (None, spec.name):
                raise MandateRefused(mandate, "mandate_for_another", person=who.person)
            for ref, contract in contracts.items():
                found.check_use(ref, spec.purpose, spec.conduct, strictest("team", contract.sensitivity))
        except MandateRefused as error:
            raise Refused(f"campaign {spec.name} under the mandate {mandate}", (error.reason,)) from None

    def check_holder(self, mandate: str, who: Session) -> Mandate:
        """The mandate, if it stands and is the caller's: an agent's own or cut from it; a person's own, of no agent.

        Raises:
            Refused: it is over, unknown, or somebody else's.
        """
        try:
            found = self.delegation.living(mandate)
            acting = set(view.cut_from(self.ledger.query, who.mandate)) if who.agent else {mandate}
            if mandate not in acting or bool(found.agent) != bool(who.agent) or found.person != who.person:
                raise MandateRefused(mandate, "mandate_for_another", person=who.person)
        except MandateRefused as error:
            raise Refused(f"acting under the mandate {mandate}", (error.reason,)) from None
        return found

    def acting_under(self, who: Session) -> Mandate | None:
        """The mandate that a program acts under while it is signed in; None for a person.

        Raises:
            Refused: it is over.
        """
        return self.check_holder(who.mandate, who) if who.agent else None

    def held_by(self, who: Session) -> frozenset[str]:
        """The mandate of a program and all that it cut from it; none for a person."""
        return frozenset(view.cut_from(self.ledger.query, who.mandate)) if who.agent else frozenset()

    # -- ending ---------------------------------------------------------------------------------------------------

    async def cancel(self, mandate: str, why: str, who: Session) -> MandateDetail:
        """End a mandate and all that was cut from it, and tell every owner that holds work under them.

        The member, the agent that holds it, and this site's operators may: ending is never harder than beginning.

        Raises:
            NotFound: no such mandate.
            Refused: somebody else's.
        """
        found = self._get(mandate)
        mine = found.person == who.person
        if who.agent:
            mine = mandate in view.cut_from(self.ledger.query, who.mandate)
        if not mine and (who.agent or not who.runs_the_site):
            raise Refused(f"cancelling mandate {mandate}", ("not_on_behalf_of_others",))
        writes = [self.delegation.cancel(mandate, why, who.person)]
        for name in view.cut_from(self.ledger.query, mandate):
            reason = explained("mandate_cancelled", mandate=name, contact=found.person)
            holders = self.ledger.query(
                "SELECT DISTINCT charter, owner FROM request WHERE open = 1 AND mandate = ?", (name,)
            )
            writes += [
                self._telling(row["charter"], row["owner"], name, reason, who.person)
                for row in holders
                if self.registry.version_for(row["charter"], row["owner"], Revocation)
            ]
        self.channels.posted(await self.ledger.append(*writes))
        for name in view.cut_from(self.ledger.query, mandate):
            await self._withdraw(name, why, who.person)
        self.events.publish(MandateEnded(mandate))
        return self.show(mandate)

    async def _withdraw(self, mandate: str, why: str, by: str) -> None:
        """Take back, one by one, what owners hold that know nothing of mandates."""
        sql = "SELECT charter, owner, key FROM request WHERE open = 1 AND mandate = ?"
        for row in self.ledger.query(sql, (mandate,)):
            if not self.registry.version_for(row["charter"], row["owner"], Revocation):
                await self.withdraw(row["owner"], row["key"], why, by)

    def _telling(self, charter: str, owner: str, mandate: str, reason: Explanation, by: str) -> Write:
        now = self.clock.now()
        document = Revocation(
            charter=charter,
            sender=self.site,
            to=owner,
            key=derived_key("revocation", self.site, owner, mandate),
            issued=now,
            not_after=now + LIFETIME,
            mandate=mandate,
            reason=reason,
        )
        # On the topic of tokens, so that none overtakes it.
        draft = sending(TOLD, owner, f"token/{mandate}", document.sign(self.signer), {"mandate": mandate}, {})
        return Write(f"telling/{mandate}", None, (draft,), charter=charter, actor=by)

    async def on_renewal(self, received: Received[Renewal]) -> None:
        """An owner holds work under a mandate, and asks whether it stands: a fresh token, or a revocation.

        Of a mandate that names no capability of its own an owner learns nothing, not even whose it is.

        Raises:
            Untrusted: not of that site, or not for this one.
        """
        write = self._answer(received.charter, received.sender, received.document.mandate)
        self.channels.posted(await self.ledger.append(write))

    def _answer(self, charter: str, owner: str, mandate: str) -> Write:
        try:
            found = self.delegation.living(mandate)
            if found.charter != charter or not found.right.names(owner):
                raise MandateRefused(mandate, "mandate_unknown")
            token = self.delegation.token(mandate, owner)
        except MandateRefused as error:
            return self._telling(charter, owner, mandate, refused(error), self.site)
        draft = sending(TOLD, owner, f"token/{mandate}", token, {"mandate": mandate}, {})
        return Write(f"telling/{mandate}", None, (draft,), charter=charter, actor=self.site)

    def acts_under(self, mandate: str, who: Session) -> bool:
        """Whether what runs under a mandate runs under an agent's own: that one, or one that was cut from it."""
        return bool(mandate and who.mandate) and mandate in view.cut_from(self.ledger.query, who.mandate)

    # -- looking --------------------------------------------------------------------------------------------------

    def seen_by(self, who: Session, person: str = "", over: int = 10**6) -> tuple[MandateDetail, ...]:
        """The mandates that somebody may look at, the newest first: their own, and all for those who run the site.

        Args:
            who: who looks.
            person: of this member alone, if one is named.
            over: at most so many that stand no more, the newest.
        """
        runs_it = who.runs_the_site
        whose = person if runs_it or person in ("", who.person) else None
        if whose is None:
            return ()
        of = whose or ("" if runs_it else who.person)
        condition, values = ("WHERE person = ?", (of,)) if of else ("", ())
        columns, now = "id, cancelled, not_after", timestamp(self.clock.now())
        rows = self.ledger.query(f"SELECT {columns} FROM mandates {condition} ORDER BY issued DESC, id", values)
        ended = [row["id"] for row in rows if row["cancelled"] or row["not_after"] <= now]
        left_out, asked = set(ended[over:]), self._asked()
        return tuple(self._detail(self.delegation.get(row["id"]), asked) for row in rows if row["id"] not in left_out)

    def agents(self, seen: Iterable[MandateDetail]) -> tuple[AgentDetail, ...]:
        """The agents among these: for whom each acts, under what, and when it was last heard of; the latest first."""
        found: dict[tuple[str, str], list[MandateDetail]] = {}
        for one in seen:
            if one.agent:
                found.setdefault((one.person, one.agent), []).append(one)
        lines = [
            AgentDetail(
                agent=agent,
                person=person,
                stands=any(one.stands for one in mandates),
                last_use=max(one.last_use for one in mandates),
                mandates=tuple(one.id for one in mandates if one.stands) or (mandates[0].id,),
                parent=mandates[0].parent,
                keys=tuple(sorted({one.agent_key for one in mandates if one.stands})),
            )
            for (person, agent), mandates in found.items()
        ]
        return tuple(sorted(lines, key=lambda line: (line.stands, line.last_use), reverse=True))

    def _asked(self) -> dict[str, int]:
        """The last entry of a request under each mandate, by its sequence."""
        rows = self.ledger.query("SELECT mandate, MAX(last) AS last FROM request WHERE mandate != '' GROUP BY mandate")
        return {row["mandate"]: int(row["last"]) for row in rows}

    def _last_use(self, mandate: Mandate, asked: Mapping[str, int]) -> str:
        """When something was last asked, or answered, under a mandate, or its agent last called; empty if never."""
        at = self.ledger.entry(asked[mandate.id]).time if mandate.id in asked else ""
        called = self.authenticator.called.get((mandate.person, mandate.id)) if mandate.agent else None
        return max(at, "" if called is None else timestamp(called))

    def show(self, mandate: str, who: Session | None = None) -> MandateDetail:
        """One mandate: its terms, what is left of it, whether it stands, and when it was last used.

        Raises:
            NotFound: no such mandate, or none that somebody may look at.
        """
        found = self._get(mandate)
        if who is not None and not who.runs_the_site and found.person != who.person:
            raise NotFound("mandate", mandate)
        return self._detail(found, self._asked())

    def _detail(self, found: Mandate, asked: Mapping[str, int]) -> MandateDetail:
        mandate = found.id
        over = self.delegation.over(mandate)
        left = view.left_of(self.ledger.query, mandate)
        return MandateDetail(
            id=found.id,
            charter=found.charter,
            person=found.person,
            team=found.team,
            campaign=found.campaign or "",
            agent=found.agent or "",
            agent_key=found.agent_key.fingerprint if found.agent_key else "",
            parent=found.parent or "",
            depth=found.depth,
            capabilities=tuple(found.right.capabilities),
            purposes=tuple(found.right.purposes),
            conduct=tuple(found.right.conduct),
            highest_sensitivity=found.right.highest_sensitivity,
            budget=found.right.budget.decimals(),
            bounded=found.right.bounded,
            left=Amounts(left).decimals(),
            calls=found.right.calls,
            tasks=found.right.tasks,
            tasks_left=view.tasks_left(self.ledger.query, mandate),
            issued=timestamp(found.issued),
            not_after=timestamp(found.not_after),
            last_use=self._last_use(found, asked),
            stands=over is None,
            why=over,
        )

    def _get(self, mandate: str) -> Mandate:
        try:
            return self.delegation.get(mandate)
        except MandateRefused:
            raise NotFound("mandate", mandate, tuple(row["id"] for row in self._some())) from None

    def _some(self) -> list[dict[str, Any]]:
        return self.ledger.query("SELECT id FROM mandates ORDER BY issued DESC LIMIT 8")

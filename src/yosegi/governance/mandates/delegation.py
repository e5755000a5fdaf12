"""The home site's side of mandates: who acts for whom, within what, and the tokens that tell owners so.

A token is minted for one owner and shared by all requests of some minutes. None is minted once a mandate is over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from yosegi.core.amounts import Amounts
from yosegi.core.clock import Clock
from yosegi.governance.mandates import view
from yosegi.governance.mandates.mandate import Mandate, MandateRefused
from yosegi.governance.policy.explanation import explained
from yosegi.governance.policy.question import Question
from yosegi.ledger import Draft, Ledger, Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.explanation import Explanation
from yosegi.trust.keys import PublicKey
from yosegi.trust.signer import Signer


def mandate_stream(mandate: str) -> str:
    """The stream of a mandate."""
    return f"mandate/{mandate}"


def refused(error: MandateRefused) -> Explanation:
    """Why a mandate does not allow something, in words."""
    fields = {name: str(value) for name, value in error.fields.items()}
    return explained(error.reason, **({"mandate": error.mandate} | fields))


@dataclass
class Delegation:
    """The mandates that one home site has given.

    Args:
        hosts: whether a charter has this site host an institution, now.
    """

    site: str
    ledger: Ledger
    signer: Signer
    clock: Clock
    hosts: Callable[[str, str], bool]
    _known: dict[str, Mandate] = field(default_factory=dict)
    _tokens: dict[tuple[str, str], tuple[datetime, datetime, Envelope]] = field(default_factory=dict)

    def keys_of_agent(self, person: str, agent: str) -> dict[str, PublicKey]:
        """The key of a member's agent under each of its living mandates, the newest first."""
        rows = self.ledger.query(
            "SELECT id FROM mandates WHERE person = ? AND agent = ? AND cancelled = 0 ORDER BY issued DESC",
            (person, agent),
        )
        living = [self.get(row["id"]) for row in rows if self.over(row["id"]) is None]
        return {found.id: found.agent_key for found in living if found.agent_key is not None}

    def give(self, mandate: Mandate, by: str) -> Write:
        """The write by which a mandate begins, signed by this site, which vouches for the member."""
        draft = view.granted(mandate, mandate.sign(self.signer).to_bytes())
        return Write(
            mandate_stream(mandate.id), 0, (draft,), charter=mandate.charter, actor=by, on_behalf_of=mandate.person
        )

    def cancel(self, mandate: str, why: str, by: str) -> Write:
        """The write by which a mandate, and all that was cut from it, is over."""
        found = self.get(mandate)
        draft = view.cancelled(mandate, why)
        return Write(
            mandate_stream(mandate), None, (draft,), charter=found.charter, actor=by, on_behalf_of=found.person
        )

    def get(self, mandate: str) -> Mandate:
        """A mandate, whether or not it lives.

        Raises:
            MandateRefused: `mandate_unknown`.
        """
        if mandate not in self._known:
            self._known[mandate] = view.mandate_of(self.ledger.query, mandate)
        return self._known[mandate]

    def cut_from(self, mandate: str) -> list[str]:
        """A mandate and all that were cut from it, however deep."""
        return view.cut_from(self.ledger.query, mandate)

    def living(self, mandate: str) -> Mandate:
        """A mandate that lives, as does each that it was cut from.

        Raises:
            MandateRefused: `mandate_unknown`, `mandate_cancelled` or `mandate_ended`; `not_hosted_here` once its
                member's institution is hosted here no more.
        """
        first, now = self.get(mandate), self.clock.now()
        found: Mandate | None = first
        while found is not None:
            if self.ledger.query("SELECT 1 FROM mandates WHERE id = ? AND cancelled = 1", (found.id,)):
                raise MandateRefused(found.id, "mandate_cancelled")
            found.check_alive(now)
            if found.institution is not None and not self.hosts(found.charter, found.institution):
                named = {"host": self.site, "institution": found.institution, "person": found.person}
                raise MandateRefused(found.id, "not_hosted_here", **named)
            found = self.get(found.parent) if found.parent is not None else None
        return first

    def over(self, mandate: str) -> Explanation | None:
        """Why nothing more may be done under a mandate; None while it lives."""
        try:
            self.living(mandate)
        except MandateRefused as error:
            return refused(error)
        return None

    def agent_of(self, mandate: str | None) -> str | None:
        """The agent that acts under a mandate, if one does; of a mandate that is unknown, `why_not` tells."""
        try:
            return self.get(mandate).agent if mandate else None
        except MandateRefused:
            return None

    def why_not(self, question: Question) -> Explanation | None:
        """Why the mandate named in a question does not reach so far; None where it does, or none is named."""
        if question.mandate is None:
            return explained("mandate_missing", agent=question.agent) if question.agent else None
        try:
            mandate = self.living(question.mandate)
            if (mandate.charter, mandate.person, mandate.team) != (question.charter, question.person, question.team):
                raise MandateRefused(mandate.id, "mandate_for_another", person=question.person)
            mandate.check_use(question.capability.ref, question.purpose, question.conduct, question.sensitivity)
            view.check_tasks(self.ledger.query, mandate)
            if question.conduct != "suggest":
                view.check_budget(self.ledger.query, mandate, question.amounts)
        except MandateRefused as error:
            return refused(error)
        return None

    def token(self, mandate: str, audience: str) -> Envelope:
        """A token for one owner, fresh for at least half of its life.

        Raises:
            MandateRefused: the mandate is over.
        """
        found, now = self.living(mandate), self.clock.now()
        minted, renew, envelope = self._tokens.get((mandate, audience), (now, now, None))
        # A clock that was ahead for a while went back: what was minted then is of an hour that has not come yet.
        if envelope is None or not minted <= now < renew:
            if len(self._tokens) > 10_000:
                self._tokens.clear()
            holder = self.signer.public
            token = found.mint(audience, holder, now, site=holder)
            envelope = token.sign(self.signer)
            self._tokens[mandate, audience] = (now, now + (token.not_after - now) / 2, envelope)
        return envelope

    def hold(self, question: Question, task: str) -> Write | None:
        """The write that sets a cost aside in the mandate's budget; None where nothing is to be set aside."""
        if question.mandate is None or not question.amounts or question.conduct == "suggest":
            return None
        draft = view.held(question.mandate, task, question.amounts)
        return self._entry(question.mandate, draft)

    def settle(self, task: str, charged: Amounts) -> Write | None:
        """The write that ends a hold at actual cost; None where nothing is held."""
        found = view.holder_of(self.ledger.query, task)
        if found is None:
            return None
        mandate, kept = found
        # An owner that charges more than was agreed does not make the books of this site stand still.
        return self._entry(mandate, view.settled(mandate, task, charged.at_most(kept)))

    def _entry(self, mandate: str, draft: Draft) -> Write:
        found = self.get(mandate)
        return Write(
            mandate_stream(mandate), None, (draft,), charter=found.charter, actor=self.site, on_behalf_of=found.person
        )

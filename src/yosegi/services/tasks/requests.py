"""One task asked by a person, or by an agent for one, without a campaign."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yosegi.core.contract import Conduct, Contract, Sensitivity
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused
from yosegi.core.identifiers import split_capability
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.requests import Asked, Requests
from yosegi.governance.mandates.mandate import MandateRefused
from yosegi.identity.accounts import Session
from yosegi.services.authorization.service import Authorizer
from yosegi.services.delegation.service import MandateService
from yosegi.services.tasks.schemas import RequestDetail, RequestSummary

LONGEST_KEY = 128
"""Characters."""
MOST_LOOKED_AT = 2000
"""Of the latest requests, for a list; a site has ever more of them."""


@dataclass
class TaskRequests:
    """Asks owners for single tasks.

    Args:
        contract_of: the contract of a capability as last offered to this site; raises NotFound.
    """

    requests: Requests
    authorizer: Authorizer
    mandates: MandateService
    contract_of: Callable[[str, str], Contract]

    async def ask(
        self,
        who: Session,
        *,
        key: str,
        charter: str,
        team: str,
        capability: str,
        inputs: dict[str, Any],
        purpose: str,
        conduct: Conduct = "run",
        sensitivity: Sensitivity = "team",
        mandate: str = "",
    ) -> RequestDetail:
        """Ask for one task; the same key again asks nothing new.

        Raises:
            NotFound: a charter this site does not live in, or a capability nobody offers it there.
            Refused: a mandate that is not the caller's to use.
            Conflict: the key was used before with another content.
        """
        charters = self.authorizer.registry.charters()
        if charter not in charters:
            raise NotFound("charter", charter, charters)
        contract = self.contract_of(charter, capability)
        under = mandate or who.mandate
        if under:
            self.mandates.check_holder(under, who)
        request = RequestDraft(
            charter=charter,
            key=key,
            team=team,
            on_behalf_of=who.person,
            purpose=purpose,
            capability=capability,
            contract=contract,
            inputs=inputs,
            sensitivity=sensitivity,
            conduct=None if conduct == "run" else conduct,
            mandate=under or None,
            clearances=self.authorizer.attested(who.person),
        )
        try:
            asked = await self.requests.ask(self.authorizer.authorize(request))
        except MandateRefused as error:
            raise Refused(f"asking for {capability}", (error.reason,)) from None
        return self._detail(asked, split_capability(capability)[0], key)

    def list_for(self, who: Session, limit: int = 100) -> tuple[RequestSummary, ...]:
        """What was asked of other sites and may be seen by somebody, by campaigns too, the latest first.

        A program sees what was asked under its own mandate, or one that was cut from it.
        """
        under = self.mandates.held_by(who)
        found = []
        columns = "stream, owner, key, campaign, mandate"
        query = f"SELECT {columns} FROM request ORDER BY last DESC LIMIT ?"
        rows = self.requests.ledger.query(query, (MOST_LOOKED_AT,))
        for row in rows:
            if who.agent and row["mandate"] not in under:
                continue
            asked = self.requests.find(row["stream"])
            if self._may_see(asked, who):
                found.append(RequestSummary.of(asked, row["owner"], row["key"], row["campaign"], self._home))
            if len(found) == limit:
                break
        return tuple(found)

    def _may_see(self, asked: Asked, who: Session) -> bool:
        """What its home refused, or what was erased, names no team any more: those who run the site see it."""
        if asked.request is None:
            return who.runs_the_site
        return self.authorizer.may_see(asked.request.charter, asked.request.team, who)

    def show(self, owner: str, key: str, who: Session) -> RequestDetail:
        """Where one request stands, as far as this home site knows.

        Raises:
            NotFound: none of that key, or one of another team.
            Invalid: a key that is too long for one.
        """
        if len(key) > LONGEST_KEY:
            raise Invalid("the key", f"longer than {LONGEST_KEY} characters")
        found = self.requests.get(owner, key)
        if found.request is not None and not self.authorizer.may_see(found.request.charter, found.request.team, who):
            raise NotFound("request", f"{owner}/{key}")
        return self._detail(found, owner, key)

    def _detail(self, asked: Asked, owner: str, key: str) -> RequestDetail:
        """A request with the units of its outputs, as far as its contract is still offered here, and its withdrawal."""
        units: dict[str, str] = {}
        if asked.request is not None:
            with contextlib.suppress(NotFound):
                found = self.contract_of(asked.request.charter, asked.request.capability)
                parts = found.outputs.get("properties", {}).items()
                units = {name: str(part["unit"]) for name, part in parts if part.get("unit", "1") not in ("", "1")}
        withdrawing = not asked.state.final and self.requests.cancel_was_asked(owner, key)
        return RequestDetail.of(asked, owner, key, self._home, units, withdrawing)

    async def withdraw(self, owner: str, key: str, who: Session, why: str = "") -> RequestDetail:
        """Ask the owner to take back a request; its report says what became of it. One that has ended stays as it is.

        Whoever sees a request may withdraw it; an agent, what was asked under its own mandate.

        Raises:
            NotFound: none of that key, or one of another team.
            Refused: by an agent, of a request under another's mandate.
            Conflict: it is of a campaign, whose trials are withdrawn.
        """
        found = self.show(owner, key, who)
        if who.agent and found.mandate not in self.mandates.held_by(who):
            raise Refused(f"withdrawing {owner}/{key}", ("mandate_for_another",))
        request = self.requests.get(owner, key).request
        if found.state.final or request is None:
            return found
        if request.campaign:
            todo = f"withdraw its trial: yosegi campaign withdraw {request.campaign}"
            raise Conflict(f"request {owner}/{key}", f"it is of the campaign {request.campaign}", todo)
        if self.requests.cancel_was_asked(owner, key):
            return found  # and sent again by itself until its owner has it
        await self.requests.cancel(owner, key, why or f"withdrawn by {who.agent or who.person}", who.person)
        return self.show(owner, key, who)

    @property
    def _home(self) -> str:
        return self.authorizer.registry.site

"""One task asked by a person, or by an agent for one, without a campaign."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yosegi.core.contract import Conduct, Contract, Sensitivity
from yosegi.core.errors import NotFound, Refused
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.requests import Asked, Requests
from yosegi.governance.mandates.mandate import MandateRefused
from yosegi.identity.accounts import Session
from yosegi.services.authorization.service import Authorizer
from yosegi.services.delegation.service import MandateService


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
    ) -> Asked:
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
            return await self.requests.ask(self.authorizer.authorize(request))
        except MandateRefused as error:
            raise Refused(f"asking for {capability}", (error.reason,)) from None


def asked_full(asked: Asked, owner: str, key: str) -> dict[str, Any]:
    """One request as its home site knows it."""
    outcome = asked.outcome
    return {
        "request": f"{owner}/{key}",
        "told_by": owner,
        "state": str(asked.state),
        "capability": asked.request.capability if asked.request else "",
        "on_behalf_of": asked.request.on_behalf_of if asked.request else "",
        "agent": (asked.request.agent if asked.request else None) or "",
        "mandate": (asked.request.mandate if asked.request else None) or "",
        "outputs": (outcome.outputs if outcome else None) or {},
        "charged": asked.charged.decimals(),
        "sensitivity": asked.sensitivity,
        "simulated": asked.simulated,
        "reasons": [reason.model_dump(mode="json") for reason in asked.reasons],
    }

"""What execution asks of others: of governance, of who delegates, of whoever brings objects; and what is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Contract
from yosegi.core.engine import Engine
from yosegi.core.object import ObjectRef
from yosegi.core.states import Effect
from yosegi.execution.tasks import Task
from yosegi.governance.policy.decision import Decision
from yosegi.governance.policy.question import Action
from yosegi.ledger import Write
from yosegi.trust.envelope import Envelope
from yosegi.trust.explanation import Explanation
from yosegi.trust.messages import DisclosedPolicies, Request


@dataclass(frozen=True, slots=True)
class Published:
    """A capability as it runs here: its contract, the engine that does the work, and how many tasks at once."""

    contract: Contract
    engine: Engine
    slots: int = 1


class AuthorizationPort(Protocol):
    """What an owner asks of governance: decisions, and which grant pays."""

    def decide(self, action: Action, request: Request, contract: Contract, objects: Iterable[ObjectRef]) -> Decision:
        """May this request, with these objects among its inputs, be accepted, dispatched, or its result released?"""
        ...

    def shown(self, decision: Decision) -> DisclosedPolicies | None:
        """What of the policies that a decision rests on is shown to those whom it concerns; None if nothing is."""
        ...

    def hold(self, request: Request, cost: Amounts, task: str) -> Write | None:
        """The write that holds the cost from the team's grant; None where nothing is held.

        Raises:
            GrantExceeded: no grant of the team covers it.
        """
        ...

    def settle(self, task: Task, effect: Effect, charged: Amounts) -> Write | None:
        """The write that ends what was held, by effect; None where nothing was."""
        ...


class DelegationPort(Protocol):
    """What an owner asks about who asks, and what must be there before something starts."""

    def token_error(self, request: Request, envelope: Envelope) -> Explanation | None:
        """Why it is not shown who acts for whom; None where it is."""
        ...

    def token_facts(self, request: Request) -> dict[str, str]:
        """What the first entry of an accepted task says of the token that came with its request."""
        ...

    def lapsed(self, request: Request) -> tuple[Explanation, ...]:
        """What a request stood on and is gone; empty where everything stands."""
        ...

    def pending_reason(self, request: Request, contract: Contract) -> Explanation | None:
        """What must be there before an accepted request may start, e.g. a person's approval; None if nothing lacks."""
        ...

    def use_approval(self, task: Task, contract: Contract) -> Write | None:
        """The write that uses up the approval under which a task starts; None where none is needed."""
        ...


class InputFetcher(Protocol):
    """What an owner asks of whoever brings objects here."""

    def unfit(self, objects: Mapping[str, ObjectRef]) -> Explanation | None:
        """Why objects would never be taken here; None if they would."""
        ...

    def missing(self, request: Request, objects: Mapping[str, ObjectRef]) -> dict[str, ObjectRef]:
        """Those whose bytes this request may not use yet: not here, or here for others alone."""
        ...

    async def bring(self, request: Request, stream: str, objects: Mapping[str, ObjectRef]) -> tuple[Explanation, ...]:
        """Have them here for the request; why they did not come, or nothing if they did."""
        ...


class SamplePort(Protocol):
    """What an owner asks about physical samples among inputs."""

    def not_usable(self, request: Request, contract: Contract) -> tuple[Explanation, ...]:
        """Why a request may not use samples that it names; empty where it may use all of them, or names none."""
        ...


class ClockPort(Protocol):
    """What an owner asks about its own clock."""

    @property
    def seconds_off(self) -> int:
        """By how much it is off, by what peers say; 0 while it may be believed."""
        ...


def recorded(authorizer: AuthorizationPort, decision: Decision) -> dict[str, Any]:
    """What the body of an entry keeps of a decision: all of it, and which part of the policies is shown."""
    shown = authorizer.shown(decision)
    told = {} if shown is None else {"shown": shown.model_dump(mode="json")}
    return {"decision": decision.model_dump(mode="json", exclude_none=True)} | told

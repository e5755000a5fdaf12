"""What an engine's outcome is worth: held against the contract, and charged by its effect."""

from __future__ import annotations

from yosegi.core.amounts import Amounts
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.process.files import labelled
from yosegi.trust.messages import Request


def checked(outcome: Outcome, contract: Contract, request: Request, site: str) -> Outcome:
    """What an engine returned, its objects labelled, held against the contract: rubbish is a failed task."""
    if outcome.result is not Result.VALID:
        return outcome
    try:
        outputs = labelled(outcome.outputs or {}, contract, request, site)
        contract.check_outputs(outputs)
    except (Invalid, ValueError, TypeError) as error:
        return Outcome.failed(outcome.effect, "bad_output", str(error), invalid=True)
    return outcome.model_copy(update={"outputs": outputs})


def charge(held: Amounts, contract: Contract, outcome: Outcome) -> Amounts:
    """Actual cost by effect: nothing where nothing happened, never more than was held."""
    if outcome.effect is Effect.NONE:
        return Amounts()
    spent = contract.cost if outcome.spent is None else outcome.spent
    return Amounts({unit: min(amount, held[unit]) for unit, amount in spent.items()})

"""What an engine's outcome is worth: held against the contract, charged by its effect, and how it ends the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yosegi.core.amounts import Amounts, Unit
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.core.errors import Invalid
from yosegi.core.object import ObjectRef
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import Effect, Result, TaskState
from yosegi.execution.engines.process.files import labelled
from yosegi.execution.tasks import Task


@dataclass(frozen=True, slots=True)
class CheckedOutcome:
    """An outcome that was held against the contract, with the objects among its outputs by name."""

    outcome: Outcome
    objects: Mapping[str, ObjectRef] = field(default_factory=dict)


def checked(outcome: Outcome, contract: Contract, task: Task, site: str) -> CheckedOutcome:
    """What an engine returned, its objects labelled, held against the contract: rubbish is a failed task."""
    if outcome.result is not Result.VALID:
        return CheckedOutcome(outcome)
    try:
        objects = labelled(outcome.outputs or {}, contract, task.asked(), task.objects.values(), site)
        outputs = dict(outcome.outputs or {}) | {name: ref.json() for name, ref in objects.items()}
        contract.check_outputs(outputs)
    except (Invalid, ValueError, TypeError) as error:
        return CheckedOutcome(Outcome.failed(outcome.effect, OutcomeCode.BAD_OUTPUT, str(error), invalid=True))
    return CheckedOutcome(outcome.model_copy(update={"outputs": outputs}), objects)


def charge(held: Amounts, contract: Contract, outcome: Outcome) -> Amounts:
    """Actual cost by effect: nothing where nothing happened, never more than was held."""
    if outcome.effect is Effect.NONE:
        return Amounts()
    spent = contract.cost if outcome.spent is None else outcome.spent
    return spent.at_most(held)


def without_instrument_time(amounts: Amounts) -> Amounts:
    """Amounts but for instrument hours, which a reservation pays for."""
    return Amounts({unit: milli for unit, milli in amounts.items() if unit != Unit.INSTRUMENT_H})


def follows(task: Task, outcome: Outcome) -> TaskState | None:
    """The state that an engine's outcome leads to; None where it changes nothing.

    Cases, in order:
      1. a task that is over stays as it is;
      2. of unknown effect, it is uncertain, and stays so;
      3. what runs and is taken back before it had an effect is cancelled;
      4. anything else ends it.
    """
    if task.state.final:
        return None
    runs = task.state is TaskState.DISPATCHED
    if outcome.effect is Effect.UNKNOWN:
        return TaskState.UNCERTAIN if runs else None
    if runs and outcome.code is OutcomeCode.CANCELLED and outcome.effect is Effect.NONE:
        return TaskState.CANCELLED
    return TaskState.ENDED

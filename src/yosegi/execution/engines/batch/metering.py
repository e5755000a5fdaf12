"""Node and GPU hours as the scheduler counted them; whatever else a task costs stays as capability or contract say."""

from __future__ import annotations

import math

from yosegi.core.amounts import Amounts, Unit
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome
from yosegi.execution.engines.batch.dialect import JobSighting
from yosegi.execution.engines.batch.records import JobUsage

METERED = (Unit.NODE_H.value, Unit.GPU_H.value)


def is_metered(contract: Contract) -> bool:
    """Whether a capability costs something that a scheduler counts."""
    return any(unit in contract.cost for unit in METERED)


def usage_of(sighting: JobSighting) -> JobUsage | None:
    """What the scheduler counted for a job; None while it has not told."""
    if sighting.seconds is None or sighting.started is None:
        return None
    queued = None if sighting.submitted is None else max(0.0, sighting.started - sighting.submitted)
    return JobUsage(
        queued=queued, seconds=sighting.seconds, nodes=sighting.nodes, gpus=sighting.gpus, joules=sighting.joules
    )


def metered(outcome: Outcome, contract: Contract, usage: JobUsage) -> Outcome:
    """The outcome at its actual cost: for each unit that the contract costs and the scheduler counts, what it counted.

    Node hours are nodes times hours, GPU hours are GPUs times hours, each rounded up to a thousandth.
    """
    counted = {Unit.NODE_H.value: usage.nodes, Unit.GPU_H.value: usage.gpus}
    spent = dict(contract.cost if outcome.spent is None else outcome.spent)
    spent |= {u: math.ceil(counted[u] * usage.seconds / 3.6) for u in METERED if u in contract.cost}
    return outcome.model_copy(update={"spent": Amounts(spent)})


def with_energy(outcome: Outcome, usage: JobUsage | None) -> tuple[Outcome, JobUsage | None]:
    """The outcome with the energy that the scheduler measured for its job; as it was where it told none."""
    if usage is None or usage.joules is None:
        return outcome, usage
    return outcome.model_copy(update={"joules": usage.joules}), usage

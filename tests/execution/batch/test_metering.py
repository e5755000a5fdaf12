"""What a job is charged, as the scheduler counted it; expected are hours by hand, in thousandths, rounded up."""

from __future__ import annotations

import pytest

from campaign.labcaps import anneal, gas
from yosegi.core.amounts import Amounts
from yosegi.core.engine import Outcome
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.batch.dialect import JobPhase, JobSighting
from yosegi.execution.engines.batch.metering import is_metered, metered, usage_of, with_energy
from yosegi.execution.engines.batch.records import JobUsage
from yosegi.execution.engines.batch.slurm import accounted

NODES = anneal.contract  # costs node hours alone
BOTH = NODES.model_copy(update={"cost": Amounts({"node_h": 1000, "gpu_h": 1000, "samples": 1000})})
DONE = Outcome(effect=Effect.DONE, result=Result.VALID, outputs={"hardness": 1.0})


def seen(**times: float) -> JobSighting:
    return JobSighting("7", "y" + "a" * 26, JobPhase.ENDED, "COMPLETED", nodes=2, gpus=8, **times)


def test_node_hours_are_nodes_times_hours_and_gpu_hours_gpus_times_hours() -> None:
    usage = JobUsage(seconds=90.0, nodes=2, gpus=8)
    assert metered(DONE, BOTH, usage).spent == Amounts({"node_h": 50, "gpu_h": 200, "samples": 1000})


def test_only_what_the_contract_costs_is_charged() -> None:
    assert metered(DONE, NODES, JobUsage(seconds=90.0, nodes=2, gpus=8)).spent == Amounts({"node_h": 50})


def test_a_part_of_a_thousandth_counts_as_one() -> None:
    assert metered(DONE, NODES, JobUsage(seconds=0.1, nodes=1)).spent == Amounts({"node_h": 1})


def test_what_a_capability_spent_of_other_units_stays() -> None:
    told = DONE.model_copy(update={"spent": Amounts({"node_h": 900, "samples": 3000})})
    spent = metered(told, BOTH, JobUsage(seconds=90.0, nodes=2)).spent
    assert spent == Amounts({"node_h": 50, "samples": 3000})


@pytest.mark.parametrize("times", [{}, {"started": 10.0}, {"ended": 20.0}])
def test_nothing_is_counted_before_the_scheduler_has_told_start_and_end(times: dict[str, float]) -> None:
    assert usage_of(seen(**times)) is None


def test_a_wait_in_the_queue_is_told_and_not_charged() -> None:
    usage = usage_of(seen(submitted=10.0, started=40.0, ended=130.0))
    assert usage == JobUsage(queued=30.0, seconds=90.0, nodes=2, gpus=8)


def test_a_contract_without_node_hours_waits_for_no_scheduler() -> None:
    assert is_metered(NODES)
    assert not is_metered(gas.contract)


@pytest.mark.parametrize(("told", "joules"), [(42000.0, 42000.0), (None, None)])
def test_energy_is_told_where_the_scheduler_tells_it_and_nowhere_else(told: float | None, joules: float | None) -> None:
    usage = usage_of(seen(started=10.0, ended=100.0, **({} if told is None else {"joules": told})))
    outcome, kept = with_energy(DONE, usage)
    assert (outcome.joules, kept) == (joules, usage)


@pytest.mark.parametrize(("field", "joules"), [("1234", 1234.0), ("0", None), ("", None)])
def test_slurms_consumed_energy_is_read_and_nothing_measured_is_nothing(field: str, joules: float | None) -> None:
    """ConsumedEnergyRaw of sacct(1) is in joules; 0 or empty where no energy plugin measures."""
    line = f"7|y|COMPLETED|0:0|100|110|200|2|billing=2,gres/gpu=8|{field}"
    (found,) = (accounted(line, whole=True),)
    assert found is not None
    assert found.joules == joules

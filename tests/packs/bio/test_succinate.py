from __future__ import annotations

from pathlib import Path

import pytest

from yosegi.core.capability import Context, Infeasible
from yosegi.core.errors import Invalid
from yosegi_packs.bio import core, genome

CONTEXT = Context(key="k", seed=1, folder=Path())


@pytest.mark.parametrize("capability", [core, genome])
def test_the_contract_states_units_knockouts_and_that_it_is_simulated(capability):
    contract = capability.contract
    assert contract.simulated
    assert contract.outputs["properties"]["coupled_yield"]["unit"] == "1/h"
    assert contract.inputs["properties"]["oxygen"]["unit"] == "mmol/(g.h)"
    assert len(contract.inputs["properties"]["first"]["enum"]) == 28
    assert contract.fidelity is not None
    assert contract.fidelity.of == "coupled_yield"


def test_both_fidelities_take_and_give_the_same_fields():
    for side in ("inputs", "outputs"):
        assert getattr(core.contract, side)["properties"] == getattr(genome.contract, side)["properties"]


def test_a_task_checks_its_inputs_and_gives_plain_outputs():
    outputs = core.run({"first": "LDH_D", "second": "ALCD2x", "third": "none"}, CONTEXT)
    assert outputs["yield_least"] == pytest.approx(0.888, abs=1e-3)
    assert outputs["coupled_yield"] == pytest.approx(outputs["growth"] * outputs["yield_least"], abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [{"first": "ldhA"}, {"oxygen": 21.0}, {"growth_share": 0.4}, {"temperature": 37}],
)
def test_inputs_outside_the_limits_are_refused(wrong):
    with pytest.raises(Invalid, match=next(iter(wrong))):
        core.run({"first": "none", "second": "none", "third": "none"} | wrong, CONTEXT)


def test_a_dead_strain_is_infeasible_and_not_a_failure():
    with pytest.raises(Infeasible, match="PPC grows by"):
        core.run({"first": "PPC", "second": "none", "third": "none"}, CONTEXT)


def test_the_order_of_knockouts_makes_no_difference():
    assert core("LDH_D", "none", "ALCD2x") == core("ALCD2x", "LDH_D", "LDH_D")


@pytest.mark.slow
def test_the_genome_scale_answer_for_the_published_strain_lies_near_its_measured_yield():
    # E. coli C KJ060 (ldhA, adhE, ackA, focA, pflB deleted) made 1.2 to 1.6 mol succinate from a mol of glucose without
    # oxygen: Jantama et al., Biotechnol. Bioeng. 99:1140 (2008), abstract. The model, with three of the five, must
    # give at the least no more than was measured and at the most no less.
    answer = genome("LDH_D", "ALCD2x", "PFL")
    assert answer.yield_least == pytest.approx(1.2, abs=0.05)
    assert answer.succinate_most / 10 >= 1.2


@pytest.mark.slow
def test_the_core_model_calls_dead_what_the_genome_scale_model_grows():
    with pytest.raises(Infeasible):
        core("GLCpts", "none", "none")
    assert genome("GLCpts", "none", "none").growth > 0.2


@pytest.mark.slow
def test_the_warm_entries_are_the_same_capabilities_with_the_models_read():
    from yosegi_packs.bio import cells, warm

    assert (warm.core, warm.genome) == (core, genome)
    before = cells.load.cache_info().misses
    genome("none", "none", "none")
    assert cells.load.cache_info().misses == before

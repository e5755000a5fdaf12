"""The models that ship with cobra give what was published about them.

Values: [core] Orth, Fleming & Palsson, EcoSal Plus 4 (2010), doi:10.1128/ecosalplus.10.2.1, the model at its default
glucose uptake of 10 mmol/(g·h); [fba] Orth, Thiele & Palsson, Nat. Biotechnol. 28:245 (2010), supplementary tutorial,
examples 0 to 3, on the same model; [ijo] Orth et al., Mol. Syst. Biol. 7:535 (2011) and the entry iJO1366 of the BiGG
database. All are given to four digits, so half of the last digit is the tolerance. Two are confirmed by programs that
share no code with cobra: 0.8739215 and 0.2116629 1/h with and without oxygen in the documentation of COBREXA.jl
("Screening many model variants"), and 0.9823718 1/h of iJO1366 in the tests of cameo (`test_load_model_pickle_path`).
"""

from __future__ import annotations

import socket

import pytest

from yosegi_packs.bio.cells import CORE, GENOME, MIXED_ACID, load
from yosegi_packs.bio.strains import CANDIDATES

LAST_DIGIT = 5e-5


def growth(model, glucose=10.0, oxygen=1000.0, **uptakes):
    with model:
        model.reactions.get_by_id("EX_glc__D_e").lower_bound = -glucose
        model.reactions.get_by_id("EX_o2_e").lower_bound = -oxygen
        for name, most in uptakes.items():
            model.reactions.get_by_id(f"EX_{name}_e").lower_bound = -most
        return model.slim_optimize(error_value=0.0)


def test_the_core_model_grows_as_published_with_oxygen(textbook):
    assert growth(textbook) == pytest.approx(0.8739, abs=LAST_DIGIT)  # [core]


@pytest.mark.parametrize(
    ("glucose", "oxygen", "expected"),
    [(18.5, 1000, 1.6531), (18.5, 0, 0.4706), (10, 0, 0.2117)],  # [fba] example 0; [core] without oxygen
)
def test_the_core_model_grows_as_published_with_and_without_oxygen(textbook, glucose, oxygen, expected):
    assert growth(textbook, glucose, oxygen) == pytest.approx(expected, abs=LAST_DIGIT)


def test_the_core_model_grows_as_published_on_succinate_and_only_with_oxygen(textbook):
    assert growth(textbook, 0, 1000, succ=20) == pytest.approx(0.8401, abs=LAST_DIGIT)  # [fba] example 1
    assert growth(textbook, 0, 0, succ=20) == pytest.approx(0.0, abs=LAST_DIGIT)


def test_the_core_model_yields_seventeen_and_a_half_atp_from_a_glucose(textbook):
    with textbook:
        textbook.reactions.get_by_id("EX_glc__D_e").bounds = (-1, -1)
        textbook.reactions.get_by_id("ATPM").lower_bound = 0
        textbook.objective = "ATPM"
        assert textbook.slim_optimize() == pytest.approx(17.5, abs=1e-6)  # [fba] example 2


def test_malic_enzyme_varies_as_published_on_succinate(textbook):
    with textbook:
        textbook.reactions.get_by_id("EX_glc__D_e").lower_bound = 0
        textbook.reactions.get_by_id("EX_succ_e").lower_bound = -20
        best = textbook.slim_optimize()
        textbook.reactions.get_by_id(CORE.biomass).bounds = (best, best)
        textbook.objective = "ME1"
        assert textbook.slim_optimize() == pytest.approx(6.49, abs=5e-3)  # [fba] example 3


def test_the_core_model_has_the_published_size(textbook):
    assert (len(textbook.reactions), len(textbook.metabolites)) == (95, 72)  # [core]


@pytest.mark.slow
def test_the_genome_scale_model_has_the_published_size_and_growth(ijo1366):
    genes = [gene for gene in ijo1366.genes if gene.id != "s0001"]  # s0001 stands for spontaneous reactions
    assert (len(genes), len(ijo1366.metabolites)) == (1366, 1805)  # [ijo]
    assert growth(ijo1366) == pytest.approx(0.9824, abs=LAST_DIGIT)  # [ijo]


@pytest.mark.slow
def test_every_candidate_is_a_reaction_of_both_models(textbook, ijo1366):
    for candidate in CANDIDATES:
        assert all(r in textbook.reactions for r in CORE.reactions(candidate))
        assert all(r in ijo1366.reactions for r in GENOME.reactions(candidate))


@pytest.mark.slow
def test_a_renamed_reaction_turns_the_same_substrate_into_the_same_product(textbook, ijo1366):
    moved = ("h", "h2o", "q8", "q8h2", "mqn8", "mql8", "2dmmq8", "2dmmql8")  # protons, and the quinone used

    def bones(model, reaction):
        found = model.reactions.get_by_id(reaction).metabolites
        return {(m.id.rsplit("_", 1)[0], n) for m, n in found.items() if m.id.rsplit("_", 1)[0] not in moved}

    for candidate in GENOME.elsewhere:
        for reaction in GENOME.reactions(candidate):
            assert bones(ijo1366, reaction) == bones(textbook, candidate), reaction


def test_mixed_acid_lets_only_the_named_carbon_out():
    model = load(CORE, "mixed-acid")
    out = {
        x.id.removeprefix("EX_").removesuffix("_e")
        for x in model.exchanges
        if x.upper_bound > 0 and any(m.elements.get("C", 0) for m in x.metabolites)
    }
    assert out == set(MIXED_ACID)


def test_closing_other_excretion_leaves_the_wild_type_as_it_was(textbook):
    assert growth(load(CORE, "mixed-acid"), 10, 0) == pytest.approx(growth(textbook, 10, 0), rel=1e-6)


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    load.cache_clear()
    assert growth(load(CORE, "any")) > 0

"""The screen: one linear programme a strain, against the capability that solves three."""

import csv
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from yosegi.core.capability import Context
from yosegi.core.errors import Invalid
from yosegi_packs.bio.balance import Environment
from yosegi_packs.bio.cells import CORE, GENOME, load
from yosegi_packs.bio.screen import screen, tilted_yield
from yosegi_packs.bio.strains import strains
from yosegi_packs.bio.succinate import core

TABLE = Path(__file__).parents[3] / "benchmarks" / "packs" / "bio.csv"


@pytest.fixture(scope="module")
def pairs():
    return screen(largest=2, keep=20)


def test_a_screen_of_pairs_finds_the_classic_first(pairs) -> None:
    # adhE and ldhA: the two that all strains of Jantama et al. (2008) lack.
    assert pairs.strains[0] == "ALCD2x LDH_D"
    assert pairs.coupled_yields == sorted(pairs.coupled_yields, reverse=True)
    assert pairs.screened == 1 + 27 + 27 * 26 // 2


def test_what_is_called_dead_is_dead_in_the_full_table(pairs) -> None:
    # The table was answered by `core`, whose growth is an optimum of its own: three linear programmes a strain.
    with TABLE.open(encoding="utf-8") as file:
        rows = {row["strain"]: row["core_growth"] for row in csv.DictReader(file)}
    dead = sum(rows[" ".join(one) or "wild type"] == "" for one in strains(2))
    assert pairs.dead == dead


def test_one_programme_gives_no_more_than_all_the_growth_forces() -> None:
    # At 95 % of the growth less is forced than at all of it; nothing is forced where nothing was.
    forced = core("ALCD2x", "LDH_D", "none", growth_share=1.0).coupled_yield
    assert tilted_yield(load(CORE), CORE, ("ALCD2x", "LDH_D"), Environment()) == pytest.approx(forced, rel=1e-3)
    assert tilted_yield(load(CORE), CORE, (), Environment()) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.slow
def test_the_genome_scale_programme_ranks_as_the_costly_capability_does() -> None:
    # Forty strains across the committed table of `succinate.genome@1` (cobra's flux variability within 1e-4).
    with TABLE.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["genome_growth"] and row["strain"] != "wild type"]
    rows.sort(key=lambda row: float(row["genome_coupled_yield"]))
    some, model = rows[:: len(rows) // 39], load(GENOME)
    told = [tilted_yield(model, GENOME, tuple(row["strain"].split()), Environment()) for row in some]
    costly = [float(row["genome_coupled_yield"]) for row in some]
    assert spearmanr(told, costly).statistic > 0.8


def test_more_strains_than_the_screen_tells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="keep"):
        screen.run({"keep": 1000}, Context("k", 1, tmp_path))

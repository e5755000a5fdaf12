"""OptKnock's one programme against the exhaustion of all strains, and the costly capability's committed table."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

import pytest

from yosegi.core.capability import Context, Infeasible
from yosegi.core.errors import Invalid
from yosegi_packs.bio.balance import Environment, couple
from yosegi_packs.bio.cells import CORE, load
from yosegi_packs.bio.optknock import designs, optknock
from yosegi_packs.bio.strains import Strain, strains

TABLE = Path(__file__).parents[3] / "benchmarks" / "packs" / "bio.csv"


def forced(strain: Strain) -> float:
    """Least succinate at the largest growth, by flux variability of the one strain, mmol/(g·h); 0 for a dead one."""
    try:
        return couple(load(CORE), CORE, strain, Environment(), 1.0).least
    except Infeasible:
        return 0.0


def test_the_best_pairs_are_those_of_all_pairs_one_by_one() -> None:
    every = {strain: forced(strain) for strain in strains(2)}
    found = list(islice(designs(2), 5))
    # What flux variability finds of each: the bilevel programme promises no more than that, but for its tolerance.
    for strain, value in found:
        assert value == pytest.approx(every[strain], rel=2e-3)
    assert [value for _, value in found] == pytest.approx(sorted(every.values(), reverse=True)[:5], rel=2e-3)


def test_no_strain_comes_twice_and_each_is_no_better_than_the_last() -> None:
    found = list(islice(designs(3), 4))
    assert len({strain for strain, _ in found}) == 4
    values = [value for _, value in found]
    assert values == sorted(values, reverse=True)


def test_the_first_three_hold_the_optimum_of_the_genome_scale_model() -> None:
    # By exhaustion of all 3,304 strains on iJO1366, in the committed table.
    with TABLE.open(encoding="utf-8") as file:
        coupled = {row["strain"]: float(row["genome_coupled_yield"] or 0.0) for row in csv.DictReader(file)}
    assert max(coupled, key=lambda strain: coupled[strain]) in optknock(keep=3).strains


def test_more_strains_than_it_tells_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="keep"):
        optknock.run({"keep": 1000}, Context("k", 1, tmp_path))

"""Usage for the programme office: exact, never mixing units, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io

from governance.ledgers import site
from yosegi.core.amounts import Amounts
from yosegi.governance.grants.balances import grant as grants
from yosegi.governance.grants.grant import Grant, Tranche
from yosegi.governance.grants.usage import Usage, by, to_csv, usage


def award(name: str, team: str, funder: str, **milli: int) -> Grant:
    tranche = Tranche(id="fy26", amounts=Amounts(milli))
    return Grant(id=name, charter="demo", team=team, funder=funder, title="T", tranches=(tranche,))


def entries() -> list:
    return [
        grants.awarded(award("g1", "colour", "nims", samples=10_000, jpy=500_000)),
        grants.awarded(award("g2", "colour", "riken", samples=5_000)),
        grants.held("g1", "colour", "t1", Amounts({"samples": 3_000})),
        grants.settled("g1", "t1", "done", Amounts({"samples": 2_500})),
        grants.held("g2", "colour", "t2", Amounts({"samples": 1_000})),
    ]


def test_sums_are_exact_and_units_stay_apart(tmp_path):
    with site(tmp_path, *entries()) as place:
        rows = usage(place.ledger.query)
    assert by(rows, "team") == [
        {"team": "colour", "unit": "jpy", "awarded": "500", "held": "0", "spent": "0"},
        {"team": "colour", "unit": "samples", "awarded": "15", "held": "1", "spent": "2.5"},
    ]
    assert [row["spent"] for row in by(rows, "funder") if row["unit"] == "samples"] == ["2.5", "0"]


def test_the_table_reads_back_as_it_was_written(tmp_path):
    with site(tmp_path, *entries()) as place:
        rows = usage(place.ledger.query)
    read = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [(row["grant"], row["unit"], row["spent"]) for row in read] == [
        ("g1", "jpy", "0"),
        ("g1", "samples", "2.5"),
        ("g2", "samples", "0"),
    ]
    assert {row["locked"] for row in read} == {"no"}


def test_a_name_that_looks_like_a_formula_stays_text():
    row = Usage("demo", "nims", "colour", "=1+1", "@fy", "samples", 1, 0, 0, False)
    assert "'=1+1,'@fy" in to_csv([row])

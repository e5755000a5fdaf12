"""Grants by command line, at a site that is not running and at one that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.asking import document, refused, told
from cli.test_found_a_federation import Reader, follow
from processes.sites import Town, until

YEARS = """
charter = "pair"
team = "alloys"
funder = "lab-a"
[[tranches]]
fiscal_year = 2027
begins = "october"
contingent = true
amounts = { instrument_h = "40", usd = "1000" }
[[tranches]]
id = "now"
amounts = { instrument_h = "2.5" }
"""


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of two homes that live in one charter."""
    monkeypatch.chdir(tmp_path)
    follow(Reader(tmp_path), until="agreement.toml")
    return tmp_path


def test_a_grant_by_fiscal_years_is_released_by_its_funder_and_shown(pair: Path) -> None:
    (pair / "years.toml").write_text(YEARS)
    made = document("grant", "award", "--home", "lab-b", "years", "--file", "years.toml")
    assert made["left"] == {"instrument_h": "2.5"}
    assert made["locked"] == {"instrument_h": "40", "usd": "1000"}
    dates = {(one["tranche"], one["starts"][:10], one["ends"][:10]) for one in made["tranches"]}
    assert dates == {("fy2027", "2026-10-01", "2027-10-01"), ("now", "", "")}
    told(
        "grant",
        "sign-release",
        "--home",
        "lab-a",
        "lab-b",
        "years",
        "fy2027",
        "--charter",
        "pair",
        "--out",
        "release.json",
    )
    told(
        "grant",
        "sign-release",
        "--home",
        "lab-b",
        "lab-b",
        "years",
        "fy2027",
        "--charter",
        "pair",
        "--out",
        "forged.json",
    )
    refused("grant", "release", "--home", "lab-b", "years", "fy2027", "--document", "forged.json")
    assert (
        document("grant", "release", "--home", "lab-b", "years", "fy2027", "--document", "release.json")["locked"] == {}
    )
    shown = told("grant", "show", "--home", "lab-b")
    assert "fy2027" in shown
    assert "2.5" in shown


def test_the_award_letter_is_attested_by_its_digest(pair: Path) -> None:
    (pair / "years.toml").write_text(YEARS)
    (pair / "letter.pdf").write_bytes(b"%PDF awarded")
    told("grant", "award", "--home", "lab-b", "years", "--file", "years.toml")
    refused("grant", "release", "--home", "lab-b", "years", "fy2027")
    assert (
        document("grant", "release", "--home", "lab-b", "years", "fy2027", "--award-letter", "letter.pdf")["locked"]
        == {}
    )


def test_a_claw_back_takes_what_is_free_and_no_more(pair: Path) -> None:
    told("grant", "award", "--home", "lab-b", "g", "--charter", "pair", "--team", "alloys", "--amount", "samples=10")
    back = ("grant", "claw-back", "--home", "lab-b", "g", "all", "--reason", "less")
    assert "10" in refused(*back, "--amount", "samples=11")
    assert document(*back, "--amount", "samples=4")["left"] == {"samples": "6"}


@pytest.mark.parametrize("options", [(), ("--amount", "samples"), ("--amount", "shells=1"), ("--amount", "samples=x")])
def test_a_grant_that_says_not_how_much_is_refused(pair: Path, options: tuple[str, ...]) -> None:
    refused("grant", "award", "--home", "lab-b", "g", "--charter", "pair", "--team", "alloys", *options)
    assert document("grant", "show", "--home", "lab-b") == []


@pytest.mark.processes
def test_a_running_site_gives_moves_and_tells_its_usage(town: Town) -> None:
    argonne, riken = town.folder / "argonne", town.folder / "riken"
    for home, name in ((argonne, "from"), (riken, "to")):
        told("grant", "award", "--home", home, name, "--charter", "demo", "--team", "toy-team", "--amount", "usd=10")
    done = document(
        "grant", "move", "--home", argonne, "from", "all", "--to", "riken", "--into", "to", "--amount", "usd=4"
    )
    key = done["move"].partition("/")[2]
    assert done["left"] == {"usd": "6"}

    def offered() -> bool:
        return any(move["move"] == key for move in document("grant", "moves", "--home", riken))

    until(offered, "the offer arrives")
    told("grant", "accept", "--home", riken, f"argonne/{key}")
    until(lambda: document("grant", "moves", "--home", argonne)[0]["state"] == "accepted", "the answer comes back")
    assert document("grant", "show", "--home", riken, "to")["left"] == {"usd": "14"}
    rows = document("usage", "--home", riken, "--by", "team", "--by", "campaign")
    assert told("usage", "--home", riken, "--csv", "--by", "team").splitlines()[:1] in (
        [],
        ["team,unit,tasks,held,spent"],
    )
    assert all(row["team"] == "toy-team" for row in rows)

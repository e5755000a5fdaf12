"""A sample's life over two ledgers: told from their files alone, and whatever does not agree is named."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from federation.test_samples import FILM, at, given, made, operator, received, says
from federation.toys import three_sites
from yosegi.ledger import Entry
from yosegi.ledger.snapshot import Snapshot
from yosegi.services.samples.entries import CONFIRMED, GIVEN, RECEIVED
from yosegi.services.samples.whole_life import (
    SampleRecord,
    WholeLife,
    read_audit_file,
    read_ledger_file,
    whole_life,
)
from yosegi.testing.federation import TEAM, both
from yosegi.testing.loop import run_simulated
from yosegi.trust.samples import SampleGiven
from yosegi.verification.ledger_export import write_audit


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def files(folder: Path, *, liar: bool = False) -> dict[str, Path]:
    """The ledgers after a film went from riken to nims; a liar gives it to another, too."""

    async def story() -> None:
        federation = three_sites(folder)
        await federation.start()
        await made(federation)
        await given(federation, note="in a padded box")
        await received(federation)
        await at(federation, "nims").samples.change(FILM, "use_up", operator("nims"), why="to destruction")
        if liar:
            await says(federation, "riken", SampleGiven, "argonne", team=TEAM, condition="good")
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())
    return {name: folder / f"{name}.db" for name in ("argonne", "riken", "nims")}


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    return files(tmp_path_factory.mktemp("ledgers"))


@pytest.fixture(scope="module")
def records(ledgers: dict[str, Path]) -> dict[str, SampleRecord]:
    return {name: read_ledger_file(ledgers[name], FILM) for name in ("riken", "nims")}


def told(life: WholeLife) -> list[tuple[str, str]]:
    return [(event.site, event.type.removeprefix("sample.")) for event in life.events]


def test_the_whole_life_is_told_over_both_ledgers_in_the_order_in_which_it_happened(
    records: dict[str, SampleRecord],
) -> None:
    life = whole_life(FILM, [records["nims"], records["riken"]])
    happened = told(life)
    assert [one for one in happened if one[1] != "confirmed"] == [
        ("riken", "registered"), ("riken", "given"), ("nims", "offered"), ("nims", "received"), ("nims", "used_up"),
    ]  # fmt: skip
    assert happened.index(("nims", "received")) < happened.index(("riken", "confirmed"))
    assert (life.holder, life.state, life.wrong, life.missing) == ("nims", "used_up", (), ())
    assert [record.signatures for record in life.records] == [2, 2]
    assert [event.note for event in life.events if event.type == GIVEN] == ["in a padded box"]


def test_a_ledger_that_is_not_there_is_named(records: dict[str, SampleRecord]) -> None:
    life = whole_life(FILM, [records["riken"]])
    assert (life.holder, life.state, life.missing, life.wrong) == ("nims", "available", ("nims",), ())


def test_a_file_for_an_audit_does_for_a_ledger(
    ledgers: dict[str, Path], records: dict[str, SampleRecord], tmp_path: Path
) -> None:
    path = tmp_path / "nims.audit"
    with path.open("wb") as file, Snapshot(ledgers["nims"]) as ledger:
        write_audit(ledger, file, both("site", "nims")[1])
    life = whole_life(FILM, [records["riken"], read_audit_file(path, FILM)])
    assert (life.holder, life.state, life.wrong) == ("nims", "used_up", ())


def without(record: SampleRecord, *types: str) -> SampleRecord:
    return replace(record, entries=tuple(entry for entry in record.entries if entry.type not in types))


def test_an_answer_that_its_site_has_not_on_record_is_named(records: dict[str, SampleRecord]) -> None:
    life = whole_life(FILM, [records["riken"], without(records["nims"], RECEIVED)])
    assert any("riken has an answer of nims that is not in the ledger of nims" in why for why in life.wrong)


def test_a_word_that_its_giver_has_not_on_record_is_named(records: dict[str, SampleRecord]) -> None:
    life = whole_life(FILM, [without(records["riken"], GIVEN), records["nims"]])
    assert any("nims has a word of riken that is not in the ledger of riken" in why for why in life.wrong)


def said_otherwise(entry: Entry, type: str = "", **facts: str) -> Entry:
    """An entry whose header says something else; a ledger that did would not hold together, as its own audit finds."""
    header = entry.header.model_copy(update={"type": type or entry.type, "facts": {**entry.facts, **facts}})
    return Entry(entry.sequence, entry.header_bytes, entry.leaf, entry.salt, entry.body_bytes, header=header)


def test_two_sides_that_say_otherwise_how_it_came_are_named(records: dict[str, SampleRecord]) -> None:
    riken = records["riken"]
    entries = tuple(said_otherwise(e, condition="damaged") if e.type == CONFIRMED else e for e in riken.entries)
    life = whole_life(FILM, [replace(riken, entries=entries), records["nims"]])
    assert any("nims says it was good, and riken that it was damaged" in why for why in life.wrong)


def test_a_ledger_that_gives_what_it_has_not_is_named(records: dict[str, SampleRecord]) -> None:
    riken = records["riken"]
    (word,) = (entry for entry in riken.entries if entry.type == GIVEN)
    again = said_otherwise(riken.entries[-1], key="another", to="argonne", given=word.facts["given"], type=GIVEN)
    life = whole_life(FILM, [replace(riken, entries=(*riken.entries, again)), records["nims"]])
    assert any("gave riken/film-17" in why and "when nims had it" in why for why in life.wrong)

"""An audit of several ledgers, offline: what was rewritten, cut short or forked is named, with who can prove it."""

from __future__ import annotations

import asyncio
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Corrupt
from yosegi.core.states import CampaignState
from yosegi.exchange.witness import Witness
from yosegi.ledger import Checkpoint, Draft, Write
from yosegi.ledger.snapshot import Snapshot
from yosegi.testing.federation import CHARTER, Federation, both
from yosegi.testing.loop import run_simulated
from yosegi.verification.ledger_audit import LedgerAudit, audit, read_home
from yosegi.verification.ledger_export import read_audit, write_audit

SITES = ("argonne", "nims", "riken")


async def work(federation: Federation) -> None:
    """One campaign, from beginning to end, and time for everybody to have heard of it."""
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(spec(3)), federation.member())
    while home.campaigns.get("toy").state is not CampaignState.ENDED:
        await asyncio.sleep(5)
    await asyncio.sleep(60)


def replaced(folder: Path, name: str, by: Path) -> None:
    for leftover in folder.glob(f"{name}.db*"):
        leftover.unlink()
    shutil.copy(by, folder / f"{name}.db")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three ledgers after a campaign; `earlier.db` is nims as it was before, `forked.db` another story of it."""
    folder = tmp_path_factory.mktemp("sites")

    async def story() -> None:
        federation = three_sites(folder)
        await federation.start()
        await federation.crash("nims")
        shutil.copy(folder / "nims.db", folder / "earlier.db")
        await federation.restart("nims")
        await work(federation)
        for name in SITES:
            await federation.crash(name)
        shutil.copy(folder / "nims.db", folder / "true.db")
        # Whoever holds the keys of nims goes back, and writes as many entries that never happened.
        replaced(folder, "nims", folder / "earlier.db")
        nims = await federation.restart("nims")
        for number in range(300):
            draft = Draft("story.invented", {"number": number})
            await nims.ledger.append(Write("story", None, (draft,), charter=CHARTER, actor="nims"))
        await federation.crash("nims")
        shutil.copy(folder / "nims.db", folder / "forked.db")
        replaced(folder, "nims", folder / "true.db")

    run_simulated(story())
    return folder


def audited(folder: Path, *names: str) -> LedgerAudit:
    return audit([read_home(folder / f"{name}.db") for name in names])


def exported(folder: Path, name: str, target: Path) -> Path:
    with Snapshot(folder / f"{name}.db") as ledger, target.open("wb") as file:
        write_audit(ledger, file, *both("site", next(ledger.scan()).header.site))
    return target


def test_ledgers_that_tell_one_story_agree_with_all_that_each_keeps_of_the_others(folder: Path) -> None:
    found = audited(folder, *SITES)
    assert found.findings == ()
    assert {(one.site, one.holder) for one in found.agreed} == {(a, b) for a in SITES for b in SITES if a != b}
    tasks = len([s for s in Snapshot(folder / "nims.db").streams("task/") if s])
    of_nims = next(one for one in found.agreed if (one.site, one.holder) == ("nims", "argonne"))
    assert of_nims.receipts >= tasks > 3


def test_a_forked_ledger_is_named_by_the_first_entry_of_which_another_site_has_a_receipt(folder: Path) -> None:
    (found,) = audited(folder, "argonne", "forked").findings
    assert (found.site, found.holder) == ("nims", "argonne")
    with Snapshot(folder / "nims.db") as true, Snapshot(folder / "forked.db") as forked:
        sequence = int(re.findall(r"entry (\d+), ", found.why)[0])
        entry = next(true.scan(sequence))
        assert f"{entry.type} in {entry.stream}" in found.why
        assert next(forked.scan(sequence)).hash != entry.hash
    held, told = (Checkpoint.read(envelope.payload) for envelope in found.evidence)
    assert (held.site, told.site, told.size) == ("nims", "nims", len(read_home(folder / "forked.db").leaves))


def test_by_itself_a_forked_ledger_holds_together(folder: Path) -> None:
    """So others' receipts are what catches it."""
    assert audited(folder, "forked").findings == ()


def test_a_ledger_that_was_cut_short_lacks_what_another_site_has_a_receipt_for(folder: Path) -> None:
    (found,) = audited(folder, "argonne", "earlier").findings
    assert (found.site, found.holder) == ("nims", "argonne")
    assert "is missing now" in found.why


def test_two_copies_of_one_ledger_are_held_against_each_other(folder: Path) -> None:
    assert audited(folder, "earlier", "nims").findings == ()
    (found,) = audited(folder, "nims", "forked").findings
    assert found.site == "nims"
    assert found.holder.endswith(("nims.db", "forked.db"))


def test_a_header_changed_in_the_file_is_named(folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.db"
    shutil.copy(folder / "nims.db", changed)
    with sqlite3.connect(changed) as db:
        db.execute(
            "UPDATE ledger_entries SET header = CAST(replace(CAST(header AS TEXT), 'argonne', 'argonnf') AS BLOB)"
            " WHERE sequence = 20"
        )
    db.close()
    with pytest.raises(Corrupt, match="entry 20"):
        read_home(changed)


def test_two_stories_about_a_ledger_that_is_not_there_are_seen_in_what_others_keep_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A liar does not stop when it hears that it goes back on what it signed.
    monkeypatch.setattr(Witness, "_check_own", lambda self, charter, held: None)

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await federation.crash("nims")
        shutil.copy(tmp_path / "nims.db", tmp_path / "earlier.db")
        await federation.restart("nims")
        await work(federation)
        await federation.crash("nims")
        replaced(tmp_path, "nims", tmp_path / "earlier.db")
        nims = await federation.restart("nims")
        for number in range(200):
            draft = Draft("story.invented", {"number": number})
            await nims.ledger.append(Write("story", None, (draft,), charter=CHARTER, actor="nims"))
        await asyncio.sleep(90)
        for name in ("argonne", "riken"):
            await federation.crash(name)

    run_simulated(story())
    found = audited(tmp_path, "argonne")
    assert [(one.site, one.holder) for one in found.findings] == [("nims", "argonne")]
    assert "two stories" in found.findings[0].why


def test_a_restoration_that_admits_what_was_lost_is_no_finding(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        federation.places["nims"].running.ledger.backup(tmp_path / "backup.db")
        await work(federation)
        argonne = federation.places["argonne"].running
        seen = Checkpoint.read(argonne.channels.witness.last(CHARTER, "nims").payload)
        await federation.crash("nims")
        replaced(tmp_path, "nims", tmp_path / "backup.db")
        federation.places["nims"].restored_from = seen
        await federation.restart("nims")
        await asyncio.sleep(120)
        for name in SITES:
            await federation.crash(name)

    run_simulated(story())
    found = audited(tmp_path, *SITES)
    assert found.findings == ()
    assert next(copy for copy in found.copies if copy.site == "nims").opened


@pytest.mark.parametrize("settled", [True, False])
def test_what_was_lost_and_not_yet_admitted_is_said_and_no_accusation_once_a_person_has_settled_it(
    tmp_path: Path, settled: bool
) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        federation.places["argonne"].running.ledger.backup(tmp_path / "backup.db")
        await work(federation)
        # nims only dials out: it cannot be asked, and it is away until after the audit.
        await federation.crash("nims")
        await federation.crash("argonne")
        replaced(tmp_path, "argonne", tmp_path / "backup.db")
        argonne = await federation.restart("argonne")
        if settled:
            await argonne.restore_guard.settle("operator@argonne", "looked at everything")
        for name in ("argonne", "riken"):
            await federation.crash(name)

    run_simulated(story())
    found = audited(tmp_path, "argonne", "nims")
    accused = [(one.site, one.holder) for one in found.findings]
    told = [(one.site, one.holder) for one in found.restored]
    lost = ("argonne", "nims")
    assert (accused, told) == (([], [lost]) if settled else ([lost], []))


def test_an_export_tells_an_audit_what_the_ledger_itself_does_and_nothing_of_results(
    folder: Path, tmp_path: Path
) -> None:
    files = [exported(folder, name, tmp_path / name) for name in SITES]
    found = audit([read_audit(path) for path in files])
    assert (found.agreed, found.findings) == (audited(folder, *SITES).agreed, ())
    (forked,) = audit([read_audit(files[0]), read_audit(exported(folder, "forked", tmp_path / "forked"))]).findings
    assert forked.why == audited(folder, "argonne", "forked").findings[0].why
    assert b"delta_e" not in files[0].read_bytes()
    assert '"inputs"' not in files[0].read_text()


@pytest.fixture(scope="module")
def export(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = exported(folder, "riken", tmp_path_factory.mktemp("export") / "riken")
    assert audit([read_audit(path)]).findings == ()
    return path.read_bytes()


@given(place=st.floats(0.0, 1.0, exclude_max=True), flip=st.integers(1, 127))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_export_with_one_byte_changed_is_refused(export: bytes, tmp_path: Path, place: float, flip: int) -> None:
    changed = bytearray(export)
    changed[int(place * len(changed))] ^= flip
    path = tmp_path / "changed"
    path.write_bytes(changed)
    try:
        found = audit([read_audit(path)])
    except Corrupt:
        return
    # Another way to write the same (a letter of another case in an escape, say) is all that may be left.
    path.write_bytes(export)
    assert found == audit([read_audit(path)])


@pytest.mark.parametrize("lines", [slice(0, -1), slice(0, 1), slice(1, None)], ids=["the last", "all", "the first"])
def test_an_export_without_some_of_its_lines_is_refused(export: bytes, tmp_path: Path, lines: slice) -> None:
    path = tmp_path / "cut"
    path.write_bytes(b"".join(export.splitlines(keepends=True)[lines]))
    with pytest.raises(Corrupt):
        read_audit(path)

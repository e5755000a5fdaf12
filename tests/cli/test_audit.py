"""Ledgers of running sites and their exports, audited by whoever has them."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import pytest

from cli.asking import document, refused, told, yosegi
from processes.sites import Town
from yosegi.core.errors import Unavailable

pytestmark = pytest.mark.processes


def found_wrong(*arguments: object) -> str:
    """What is told on standard error of ledgers that were read and do not hold."""
    result = yosegi("audit", "verify", *arguments)
    assert result.exit_code == 1, result.output
    return result.stderr


def agreed(found: dict[str, list[dict[str, object]]]) -> set[tuple[object, object]]:
    return {(one["site"], one["holder"]) for one in found["agreed"]}


def test_running_sites_are_audited_and_each_still_holds_what_the_other_keeps(town: Town) -> None:
    found = document("audit", "verify", town.folder / "argonne", town.folder / "riken")
    assert (found["ok"], found["findings"]) == (True, [])
    assert agreed(found) == {("riken", "argonne"), ("argonne", "riken")}
    assert "riken" in told("audit", "verify", town.folder / "riken")
    (charter,) = town.client("riken").charters()
    told("audit", "verify", town.folder / "riken", "--charter", charter.digest)
    assert "another charter" in found_wrong(town.folder / "riken", "--charter", "sha256:" + "0" * 64)


def test_exports_are_audited_without_the_sites_and_a_changed_one_is_refused(town: Town, tmp_path: Path) -> None:
    files = [tmp_path / "argonne.audit", tmp_path / "riken.audit"]
    for path in files:
        told("audit", "export", "--home", town.folder / path.stem, "--out", path)
    found = document("audit", "verify", *files)
    assert (found["ok"], agreed(found)) == (True, {("riken", "argonne"), ("argonne", "riken")})
    assert "exists already" in refused("audit", "export", "--home", town.folder / "riken", "--out", files[1])
    lines = files[1].read_bytes().splitlines(keepends=True)
    files[1].write_bytes(b"".join(lines[:20] + lines[21:]))
    assert "entry 20" in found_wrong(*files)


def test_an_export_that_is_broken_off_is_in_nobodys_way(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(ledger: object, file: IO[bytes], *signers: object) -> int:
        file.write(b"{")
        raise Unavailable("the disk", "it is full", "make room")

    path = tmp_path / "riken.audit"
    with monkeypatch.context() as patch:
        patch.setattr("yosegi.verification.ledger_export.write_audit", broken_off)
        assert "it is full" in refused("audit", "export", "--home", town.folder / "riken", "--out", path)
    assert not path.exists()
    told("audit", "export", "--home", town.folder / "riken", "--out", path)
    assert document("audit", "verify", path)["ok"]
    assert [one.name for one in tmp_path.iterdir()] == ["riken.audit"]


def test_what_is_no_ledger_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "note").write_text("not a ledger")
    assert "neither a site's home nor an audit's file" in refused("audit", "verify", tmp_path / "note")
    (tmp_path / "empty").mkdir()
    assert "not the home of a site" in refused("audit", "verify", tmp_path / "empty")

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cli.asking import document, entries, operator, pi, refused, told
from processes.sites import Town

pytestmark = pytest.mark.processes
DATA = b"a,b\n1,2\n"
SHA256 = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(DATA)
    return path


def test_a_file_is_brought_listed_shown_and_taken(town: Town, file: Path, tmp_path: Path) -> None:
    ref = document("object", "put", file, "--team", "toy-team", *pi(town))
    assert (ref["sha256"], ref["size"], ref["media_type"], ref["sensitivity"]) == (SHA256, 8, "text/csv", "team")
    assert SHA256 in {line["sha256"] for line in document("object", "list", *pi(town))}
    assert SHA256[7:19] in told("object", "list", *pi(town))
    assert document("object", "show", SHA256[7:15], *pi(town))["history"][0]["kind"] == "object.put"
    assert "object.put" in told("object", "show", SHA256, *pi(town))
    assert "8 bytes" in told("object", "get", SHA256[7:15], tmp_path / "again", *pi(town))
    assert (tmp_path / "again").read_bytes() == DATA


def test_what_is_not_there_is_said_in_one_line(town: Town, tmp_path: Path) -> None:
    assert "no object" in refused("object", "show", "0" * 8, *pi(town))
    assert "no object" in refused("object", "get", "sha256:" + "0" * 64, tmp_path / "x", *pi(town))
    assert not list(tmp_path.iterdir())


def test_a_stranger_to_the_team_brings_nothing(town: Town, file: Path) -> None:
    before = entries(town, "argonne")
    refused("object", "put", file, "--team", "another-team", *pi(town))
    assert entries(town, "argonne") == before


def test_tidying_up_is_for_operators_and_erasing_for_officers(town: Town, file: Path) -> None:
    document("object", "put", file, "--team", "toy-team", *pi(town))
    assert "operators_only" in refused("object", "collect", *pi(town))
    assert document("object", "collect", *operator(town))["collected"] == 0
    assert "officers_only" in refused("object", "erase", SHA256, "--why", "asked", *pi(town))


def test_a_backup_holds_what_the_ledger_names_and_nothing_half_written(town: Town, file: Path, tmp_path: Path) -> None:
    document("object", "put", file, "--team", "toy-team", *pi(town))
    home, copy = town.folder / "argonne", tmp_path / "copy"
    half = home / "objects" / "incoming" / f"{SHA256[7:]}.riken"
    half.write_bytes(b"a,b")
    told("site", "backup", "--home", home, copy)
    half.unlink()
    assert (copy / "objects" / SHA256[7:9] / SHA256[7:]).read_bytes() == DATA
    assert not (copy / "objects" / "incoming").exists()

"""A federation founded by hand, each member in turn, with nothing but the command line."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from cli.asking import document, refused, told


def charter_file(tmp_path: Path, homes: list[Path]) -> Path:
    members = [
        f'[[members]]\nid = "{home.name}"\nname = "{home.name}"\nkind = "laboratory"\ncountry = "{country}"\n'
        f"{told('charter', 'key', home).splitlines()[0]}\n"
        for home, country in zip(homes, ("US", "JP"), strict=True)
    ]
    path = tmp_path / "charter.toml"
    path.write_text(
        'kind = "charter"\nid = "demo"\nversion = 1\ntitle = "Demo"\n'
        "demonstration = true\nthreshold = { members = 2, per_country = 1 }\n"
        + "\n".join(members)
        + '\n[[teams]]\nid = "toy-team"\ntitle = "Toys"\nlead = "argonne"\nsites = ["argonne", "riken"]\n'
        'people = ["pi@argonne"]\n',
        encoding="utf-8",
    )
    return path


@pytest.fixture
def homes(tmp_path: Path) -> list[Path]:
    homes = [tmp_path / name for name in ("argonne", "riken")]
    for home in homes:
        told("site", "init", home, "--name", home.name, "--url", "http://127.0.0.1:8100")
    return homes


def test_two_sites_found_a_federation(tmp_path: Path, homes: list[Path]) -> None:
    charter = tmp_path / "charter.json"
    told("charter", "write", charter_file(tmp_path, homes), "--out", charter)
    assert document("charter", "show", charter)["signed_by"] == []
    told("charter", "sign", charter, "--home", homes[0])
    refused("charter", "accept", homes[0], charter)
    told("charter", "sign", charter, "--home", homes[1])
    assert len(document("charter", "show", charter)["signed_by"]) == 4
    for home in homes:
        told("charter", "accept", home, charter)
        told("charter", "state", home, "demo", "--out", tmp_path / f"{home.name}.json")
    for home, other in zip(homes, reversed(homes), strict=True):
        told("charter", "accept", home, tmp_path / f"{other.name}.json")


def test_a_charter_changed_after_it_was_signed_is_refused(tmp_path: Path, homes: list[Path]) -> None:
    charter = tmp_path / "charter.json"
    told("charter", "write", charter_file(tmp_path, homes), "--out", charter)
    for home in homes:
        told("charter", "sign", charter, "--home", home)
    envelope = json.loads(charter.read_text())
    payload = base64.b64decode(envelope["payload"])
    assert b'"Demo"' in payload
    envelope["payload"] = base64.b64encode(payload.replace(b'"Demo"', b'"Dema"')).decode()
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(envelope))
    refused("charter", "accept", homes[0], changed)
    told("charter", "accept", homes[0], charter)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"nonsense", b"\xff"])
def test_what_is_no_document_is_refused_and_not_changed(tmp_path: Path, homes: list[Path], content: bytes) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(content)
    for arguments in (("show", path), ("sign", path, "--home", homes[0]), ("accept", homes[0], path)):
        assert "document.json" in refused("charter", *arguments)
        assert path.read_bytes() == content


@pytest.mark.parametrize("content", ["title = ", 'kind = "recipe"', 'kind = "charter"\ncolour = 1', ""])
def test_a_source_that_does_not_hold_makes_no_document(tmp_path: Path, content: str) -> None:
    source = tmp_path / "charter.toml"
    source.write_text(content)
    assert "charter.toml" in refused("charter", "write", source, "--out", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_nothing_is_stated_under_a_charter_that_was_not_accepted(tmp_path: Path, homes: list[Path]) -> None:
    assert "demo" in refused("charter", "state", homes[0], "demo", "--out", tmp_path / "mine.json")
    assert not (tmp_path / "mine.json").exists()

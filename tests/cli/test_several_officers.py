"""A member that needs two officers: each keeps keys of their own elsewhere, and all documents are signed alike."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from cli.asking import document, told, yosegi
from yosegi.cli.documents import documents_of, last_statement


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A home that lives in a charter of itself and another, whose statements need two of its officers; its own keys
    have been taken offline."""
    for name, port in (("tsukuba", 8100), ("illinois", 8101)):
        url = f"http://127.0.0.1:{port}"
        told("site", "init", tmp_path / name, "--name", name, "--listen", f"127.0.0.1:{port}", "--url", url)
    told("charter", "make-key", tmp_path / "second")
    home = tmp_path / "tsukuba"
    (tmp_path / "first").mkdir()
    own = document("charter", "key", "--home", home)
    for name in ("governance.key", "governance-pq.key"):
        (home / "keys" / name).rename(tmp_path / "first" / name)
    keys = [*own, *document("charter", "key", "--home", home, *files(tmp_path, "second"))]
    members = [
        ("tsukuba", "JP", keys, 2),
        ("illinois", "US", document("charter", "key", "--home", tmp_path / "illinois"), 1),
    ]
    text = 'id = "pair"\ntitle = "Pair"\nthreshold = { members = 2 }\ndemonstration = true\n'
    for member, country, held, needed in members:
        listed = ", ".join(
            f'{{ algorithm = "{one["key"]["algorithm"]}", public = "{one["key"]["public"]}" }}' for one in held
        )
        text += f'[[members]]\nid = "{member}"\nname = "{member}"\nkind = "laboratory"\ncountry = "{country}"\n'
        text += f"keys = [{listed}]\nneeded = {needed}\n"
    (tmp_path / "charter.toml").write_text(text)
    charter = tmp_path / "v1.json"
    told("charter", "init", tmp_path / "charter.toml", "--out", charter)
    told("charter", "sign", charter, "--home", tmp_path / "illinois")
    for officer in ("first", "second"):
        told("charter", "sign", charter, *files(tmp_path, officer))
    told("charter", "publish", charter, "--home", home)
    return home


def files(folder: Path, officer: str) -> tuple[object, ...]:
    found = (folder / officer / name for name in ("governance.key", "governance-pq.key"))
    return tuple(part for path in found for part in ("--key", path))


def test_a_further_officers_keys_are_for_their_owner_alone_and_never_made_twice(tmp_path: Path) -> None:
    shown = document("charter", "make-key", tmp_path / "new")
    assert [one["key"]["algorithm"] for one in shown] == ["ed25519", "ml-dsa-65"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").iterdir()} == {0o600}
    again = yosegi("charter", "make-key", tmp_path / "new")
    assert again.exit_code == 5
    assert "holds governance keys already" in again.stderr


def test_two_officers_state_their_site_with_keys_that_never_lie_in_its_home(lab: Path) -> None:
    folder, out = lab.parent, lab.parent / "mine.json"
    said = told("charter", "state", "pair", "--home", lab, *files(folder, "first"), "--out", out)
    assert "1 of 2 governance key pairs" in said
    assert last_statement(documents_of(lab, "pair"), "tsukuba") is None
    told("charter", "sign", out, *files(folder, "second"))
    told("charter", "publish", out, "--home", lab)
    stated = last_statement(documents_of(lab, "pair"), "tsukuba")
    assert stated is not None
    assert stated.serial == 1


def test_a_draft_needs_no_key_where_it_is_written(lab: Path) -> None:
    out = lab.parent / "mine.json"
    told("charter", "state", "pair", "--home", lab, "--draft", "--out", out)
    assert json.loads(out.read_text())["signatures"] == []
    for officer in ("first", "second"):
        told("charter", "sign", out, *files(lab.parent, officer))
    told("charter", "publish", out, "--home", lab)
    assert last_statement(documents_of(lab, "pair"), "tsukuba") is not None


def test_both_officers_keys_at_once_put_it_in_force_at_once(lab: Path) -> None:
    folder = lab.parent
    both = (*files(folder, "first"), *files(folder, "second"))
    assert "in force here" in told("charter", "state", "pair", "--home", lab, *both, "--out", folder / "mine.json")


def test_keys_from_elsewhere_are_shown_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = document("charter", "make-key", tmp_path / "officer")
    monkeypatch.chdir(tmp_path)
    assert document("charter", "key", *files(tmp_path, "officer")) == made
    assert "--home FOLDER or --key FILE" in yosegi("charter", "key").output


def test_a_name_that_no_charter_knows_is_barred_and_said_to_be_unknown(lab: Path) -> None:
    told("site", "account", "--home", lab, "staff@tsukuba", "--passphrase", "four words of ours")
    known = [("site", "illinois"), ("person", "staff@tsukuba")]
    unknown = [("site", "ilinois"), ("person", "stuff@tsukuba"), ("team", "alloys")]
    for kind, name in known + unknown:
        said = yosegi("incident", "suspend", "--home", lab, kind, name, "--why", "a look")
        assert said.exit_code == 0
        assert ("no charter here names" in said.stderr) == ((kind, name) in unknown)

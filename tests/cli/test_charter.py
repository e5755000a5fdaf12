"""A federation founded by hand, each member in turn, with nothing but the command line."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from cli.asking import document, refused, told, yosegi


def charter_file(tmp_path: Path, homes: list[Path]) -> Path:
    members = [
        f'[[members]]\nid = "{home.name}"\nname = "{home.name}"\nkind = "laboratory"\ncountry = "{country}"\n'
        f"{told('charter', 'key', '--home', home).splitlines()[0]}\n"
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
    told("charter", "init", charter_file(tmp_path, homes), "--out", charter)
    assert document("charter", "show", charter)["signed_by"] == []
    told("charter", "sign", charter, "--home", homes[0])
    refused("charter", "publish", "--home", homes[0], charter)
    told("charter", "sign", charter, "--home", homes[1])
    assert len(document("charter", "show", charter)["signed_by"]) == 4
    for home in homes:
        told("charter", "publish", "--home", home, charter)
        told("charter", "state", "--home", home, "demo", "--out", tmp_path / f"{home.name}.json")
    for home, other in zip(homes, reversed(homes), strict=True):
        told("charter", "publish", "--home", home, tmp_path / f"{other.name}.json")


def test_a_site_states_the_provider_that_its_settings_name(tmp_path: Path, homes: list[Path]) -> None:
    charter = tmp_path / "charter.json"
    told("charter", "init", charter_file(tmp_path, homes), "--out", charter)
    for home in homes:
        told("charter", "sign", charter, "--home", home)
    settings = homes[0] / "site.toml"
    settings.write_text(
        settings.read_text() + '\n[oidc]\nissuer = "https://login.argonne.example"\nclient_id = "yosegi"\n'
        'redirect_uri = "https://yosegi.argonne.example/sign-in/institution/back"\n'
    )
    for home in homes:
        told("charter", "publish", "--home", home, charter)
        told("charter", "state", "--home", home, "demo", "--out", tmp_path / f"{home.name}.json")
    stated = [document("charter", "show", tmp_path / f"{home.name}.json")["document"] for home in homes]
    assert [one.get("identity_provider") for one in stated] == ["https://login.argonne.example", None]


def test_a_charter_changed_after_it_was_signed_is_refused(tmp_path: Path, homes: list[Path]) -> None:
    charter = tmp_path / "charter.json"
    told("charter", "init", charter_file(tmp_path, homes), "--out", charter)
    for home in homes:
        told("charter", "sign", charter, "--home", home)
    envelope = json.loads(charter.read_text())
    payload = base64.b64decode(envelope["payload"])
    assert b'"Demo"' in payload
    envelope["payload"] = base64.b64encode(payload.replace(b'"Demo"', b'"Dema"')).decode()
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(envelope))
    refused("charter", "publish", "--home", homes[0], changed)
    told("charter", "publish", "--home", homes[0], charter)


def test_who_works_on_which_challenge_is_proposed_shown_and_compared(tmp_path: Path, homes: list[Path]) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"
    told("charter", "init", charter_file(tmp_path, homes), "--out", first)
    changes = tmp_path / "changes.toml"
    changes.write_text(
        'challenges = [{ id = "toys", title = "Toys for all" }, { id = "idle", title = "Nobody works on it" }]\n'
        '[[teams]]\nid = "toy-team"\ntitle = "Toys"\nlead = "argonne"\nsites = ["argonne", "riken"]\n'
        'people = ["pi@argonne"]\nchallenges = ["toys"]\n'
    )
    line = "team toy-team takes up the challenge toys"
    assert line in told("charter", "propose", first, changes, "--out", second)
    assert line in document("charter", "diff", first, second)
    shown = told("charter", "show", second)
    assert "no team works on the challenge idle" in shown
    assert any(row.split()[0] == "toy-team" and row.split()[-1] == "toys" for row in shown.splitlines() if row.split())
    changes.write_text(changes.read_text().replace('challenges = ["toys"]', 'challenges = ["unheard"]'))
    assert "unheard, which is not in the charter" in refused(
        "charter", "propose", first, changes, "--out", tmp_path / "3.json"
    )


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"nonsense", b"\xff"])
def test_what_is_no_document_is_refused_and_not_changed(tmp_path: Path, homes: list[Path], content: bytes) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(content)
    for arguments in (("show", path), ("sign", path, "--home", homes[0]), ("publish", "--home", homes[0], path)):
        assert "document.json" in refused("charter", *arguments)
        assert path.read_bytes() == content


@pytest.mark.parametrize("content", ["title = ", 'kind = "recipe"', 'kind = "charter"\ncolour = 1', ""])
def test_a_source_that_does_not_hold_makes_no_document(tmp_path: Path, content: str) -> None:
    source = tmp_path / "charter.toml"
    source.write_text(content)
    assert "charter.toml" in refused("charter", "init", source, "--out", tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_a_chain_is_verified_offline_and_says_whose_signatures_are_missing(tmp_path: Path, homes: list[Path]) -> None:
    first, second, changes = tmp_path / "v1.json", tmp_path / "v2.json", tmp_path / "changes.toml"
    told("charter", "init", charter_file(tmp_path, homes), "--out", first)
    for home in homes:
        told("charter", "sign", first, "--home", home)
    changes.write_text('title = "Second"\n[leave]\nteams = ["toy-team"]\n', encoding="utf-8")
    assert "team toy-team leaves" in told("charter", "propose", first, changes, "--out", second)
    told("charter", "sign", second, "--home", homes[0])
    result = yosegi("charter", "verify", first, second)
    assert result.exit_code == 1
    assert "not signed by riken" in result.stdout
    refused("charter", "publish", "--home", homes[0], second)
    told("charter", "sign", second, "--home", homes[1])
    assert "signed by argonne, riken" in told("charter", "verify", first, second)
    fingerprint = document("charter", "verify", first, second)["fingerprint"]
    told("charter", "verify", first, second, "--fingerprint", fingerprint)
    assert "another charter" in refused("charter", "verify", first, second, "--fingerprint", "0000")
    for path in (first, second):
        told("charter", "publish", "--home", homes[0], path)
    assert "version 2 is in force" in refused("charter", "publish", "--home", homes[0], first)


def test_a_version_that_was_left_out_is_a_gap_in_the_chain(tmp_path: Path, homes: list[Path]) -> None:
    paths = [tmp_path / f"v{number}.json" for number in (1, 2, 3)]
    told("charter", "init", charter_file(tmp_path, homes), "--out", paths[0])
    for number, before, after in ((2, *paths[:2]), (3, *paths[1:])):
        changes = tmp_path / "changes.toml"
        changes.write_text(f'title = "Version {number}"\n', encoding="utf-8")
        told("charter", "propose", before, changes, "--out", after)
    for path in paths:
        for home in homes:
            told("charter", "sign", path, "--home", home)
    assert "does not follow" in refused("charter", "verify", paths[0], paths[2])
    told("charter", "verify", *paths)


def test_nothing_is_stated_under_a_charter_that_was_not_accepted(tmp_path: Path, homes: list[Path]) -> None:
    assert "demo" in refused("charter", "state", "--home", homes[0], "demo", "--out", tmp_path / "mine.json")
    assert not (tmp_path / "mine.json").exists()


def test_the_end_of_a_charter_that_includes_a_day_is_the_midnight_after_it(tmp_path: Path, homes: list[Path]) -> None:
    source, charter = charter_file(tmp_path, homes), tmp_path / "charter.json"
    source.write_text("expires = 2035-03-31\n" + source.read_text(encoding="utf-8"), encoding="utf-8")
    told("charter", "init", source, "--out", charter)
    for home in homes:
        told("charter", "sign", charter, "--home", home)
    told("charter", "publish", "--home", homes[0], charter)
    assert "2035-04-01 00:00  in force" in told("charter", "list", "--home", homes[0])
    assert "until 2035-04-01 00:00 UTC" in told("charter", "verify", charter)

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cli.asking import refused, told
from yosegi.app.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "nims"
    told("site", "init", home, "--name", "nims", "--mailbox", "riken")
    return home


def test_what_a_new_station_prints_is_what_its_site_needs(tmp_path: Path, home: Path) -> None:
    said = told("station", "init", tmp_path / "robot", "--home", home, "--publish", "processes.toys:make")
    with (home / "site.toml").open("a") as settings:
        settings.write(said.partition("\n\n")[2])
    assert Home(home).settings().station["robot"].publish == ("processes.toys:make",)
    found = tomllib.loads((tmp_path / "robot" / "station.toml").read_text())
    assert (found["site"], found["name"]) == ("nims", "robot")


def test_a_station_is_not_made_twice(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "robot"
    told("station", "init", folder, "--home", home, "--publish", "processes.toys:make")
    before = (folder / "station.key").read_bytes()
    refused("station", "init", folder, "--home", home, "--publish", "processes.toys:make")
    assert (folder / "station.key").read_bytes() == before


def test_a_folder_that_is_no_station_is_said(tmp_path: Path) -> None:
    assert "yosegi station init" in refused("station", "run", tmp_path)

"""Samples by command line, at a site that is not running."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.asking import document, refused, told
from cli.test_found_a_federation import Reader, follow


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of two homes that live in one charter."""
    monkeypatch.chdir(tmp_path)
    follow(Reader(tmp_path), until="agreement.toml")
    return tmp_path


def test_a_samples_life_from_its_making_to_its_hand_over(pair: Path) -> None:
    home = ("--home", "lab-a")
    team = ("--charter", "pair", "--team", "alloys")
    told("sample", "register", *home, "bar-1", *team, "--label", "Al-6061", "--at", "oven")
    told("sample", "register", *home, "bar-2", *team)
    assert told("sample", "move", *home, "lab-a/bar-1", "shelf 3") == (
        "lab-a/bar-1: available, held by lab-a, shelf 3\n"
    )
    parts = document("sample", "split", *home, "lab-a/bar-1", "bar-1-a", "bar-1-b")["parts"]
    assert [part["parents"] for part in parts] == [["lab-a/bar-1"], ["lab-a/bar-1"]]
    pooled = document("sample", "pool", *home, "melt", "lab-a/bar-1-a", "lab-a/bar-2")
    assert pooled["parents"] == ["lab-a/bar-1-a", "lab-a/bar-2"]
    told("sample", "quarantine", *home, "lab-a/melt", "--why", "it looks wrong")
    told("sample", "release", *home, "lab-a/melt", "--why", "it was the light")
    told("sample", "reserve", *home, "lab-a/melt")
    told("sample", "use", *home, "lab-a/melt")
    assert "is used_up" in refused("sample", "lose", *home, "lab-a/melt")
    given = document("sample", "hand-over", *home, "lab-a/bar-1-b", "lab-b", "--note", "padded")
    assert (given["state"], given["holder"], given["to"]) == ("in_transit", "lab-a", "lab-b")
    life = document("sample", "show", *home, "lab-a/bar-1-b")["events"]
    assert [(event["type"], event["signed_by"], event["note"]) for event in life] == [
        ("sample.registered", "", ""),
        ("sample.given", "lab-a", "padded"),
    ]
    assert "padded" in told("sample", "show", *home, "lab-a/bar-1-b")
    listed = document("sample", "list", *home, "--state", "in_transit")
    assert [one["id"] for one in listed] == ["lab-a/bar-1-b"]
    assert "lab-a/melt" in {one["id"] for one in document("sample", "list", *home)}
    # Said again, it is the same word: nothing of what was said of its condition is lost.
    told("sample", "hand-over", *home, "lab-a/bar-1-b", "lab-b")
    life = document("sample", "show", *home, "lab-a/bar-1-b")["events"]
    assert [event["note"] for event in life if event.get("note")] == ["padded", "padded"]
    assert "was not given to lab-a" in refused("sample", "receive", *home, "lab-a/bar-1-b")


def test_a_life_is_told_from_the_files_of_several_ledgers_and_needs_no_site(pair: Path) -> None:
    home = ("--home", "lab-a")
    told("sample", "register", *home, "bar-1", "--charter", "pair", "--team", "alloys")
    told("sample", "hand-over", *home, "lab-a/bar-1", "lab-b")
    told("audit", "export", "--home", "lab-b", "--out", "lab-b.audit")
    life = document("sample", "show", "lab-a/bar-1", "--from", "lab-a", "--from", "lab-b.audit")
    assert (life["holder"], life["state"], life["ok"], life["missing"]) == ("lab-a", "in_transit", True, [])
    assert [(one["site"], one["entries"], one["signatures"]) for one in life["ledgers"]] == [
        ("lab-a", 2, 1), ("lab-b", 0, 0),
    ]  # fmt: skip
    assert "1 signed words verified" in told("sample", "show", "lab-a/bar-1", "--from", "lab-a")
    assert "no sample 'lab-a/bar-2'" in refused("sample", "show", "lab-a/bar-2", "--from", "lab-a")


def test_a_label_is_written_as_a_drawing(pair: Path) -> None:
    home = ("--home", "lab-a")
    told("sample", "register", *home, "bar-1", "--charter", "pair", "--team", "alloys", "--label", "Al-6061")
    told("sample", "label", *home, "lab-a/bar-1", "--out", "bar-1.svg")
    drawn = (pair / "bar-1.svg").read_text()
    assert drawn.startswith("<svg ")
    assert "Al-6061" in drawn
    assert told("sample", "label", *home, "lab-a/bar-1") == f"{drawn}\n"

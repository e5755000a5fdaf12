from __future__ import annotations

from pathlib import Path

import pytest

from cli.asking import document, entries, pi, refused, told, yosegi
from processes.sites import PURE_SOURCE, Town

pytestmark = pytest.mark.processes

BAD = {
    "not TOML": (('title = "Toy"', 'title = "Toy'), "not TOML"),
    "an unknown field": (('title = "Toy"', 'title = "Toy"\ncolour = "red"'), "colour"),
    "a missing field": (('question = "Which x?"', ""), "question"),
    "an unknown capability": (("riken/toy.simulate@1", "riken/toy.dream@1"), "riken/toy.dream@1"),
    "an unknown version": (("riken/toy.simulate@1", "riken/toy.simulate@2"), "riken/toy.simulate@2"),
    "no capability at all": (("riken/toy.simulate@1", "toy"), "capability"),
    "another unit": (("resolution = 0.001", 'resolution = 0.001, unit = "uL"'), "'uL'"),
    "below the range": (("low = 0.0", "low = -1.0"), "down to -1"),
    "above the range": (("high = 1.0", "high = 2.0"), "up to 2"),
    "ends before it begins": (("low = 0.0, high = 1.0", "low = 1.0, high = 0.0"), "x"),
    "an objective nobody yields": (('objective = { name = "y" }', 'objective = { name = "z" }'), "'z'"),
    "an input that nothing gives": (('name = "x", low', 'name = "w", low'), "'x'"),
    "a name twice": (("[[source]]", PURE_SOURCE + "[[source]]"), "stands twice"),
    "no way to stop": (("stop = { trials = 2 }", "stop = {}"), "stop"),
    "no trials": (("trials = 2", "trials = 0"), "trials"),
    "an unknown planner": (('planner = "sobol"', 'planner = "oracle"'), "oracle"),
    "an unknown charter": (('charter = "demo"', 'charter = "other"'), "other"),
    "an unknown team": (('team = "toy-team"', 'team = "other-team"'), "other-team"),
    "somebody else": (('"pi@argonne"', '"pi@riken"'), "not_on_behalf_of_others"),
    "an unknown unit of grants": (("baseline =", 'budget = { gold = "1" }\nbaseline ='), "gold"),
}


@pytest.fixture
def spec(town: Town, tmp_path: Path) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(town.spec("bad", PURE_SOURCE), encoding="utf-8")
    return path


@pytest.mark.parametrize("what", BAD)
def test_a_bad_campaign_is_refused_by_name_and_nothing_changes(town: Town, spec: Path, what: str) -> None:
    (old, new), why = BAD[what]
    text = spec.read_text(encoding="utf-8")
    assert old in text
    spec.write_text(text.replace(old, new, 1), encoding="utf-8")
    before = entries(town, "argonne")
    assert why in refused("campaign", "start", spec, *pi(town))
    assert entries(town, "argonne") == before


def test_a_file_that_is_not_there_is_said(town: Town, tmp_path: Path) -> None:
    assert "none.toml" in refused("campaign", "start", tmp_path / "none.toml", *pi(town))


def test_a_campaign_is_started_followed_and_listed(town: Town, spec: Path) -> None:
    spec.write_text(town.spec("seen-out", PURE_SOURCE), encoding="utf-8")
    assert "campaign seen-out is running" in told("campaign", "start", spec, *pi(town))
    assert "ended" in told("campaign", "watch", "seen-out", *pi(town))
    assert {one["name"] for one in document("campaign", "list", *pi(town))} >= {"toy", "seen-out"}
    assert "seen-out" in told("campaign", "list", *pi(town))
    state = document("campaign", "show", "seen-out", *pi(town))
    assert state["state"] == "ended"
    assert len(state["trial"]) == 2
    assert "simulation (simulated)" in told("campaign", "show", "seen-out", *pi(town))


def test_the_same_name_is_not_started_twice(town: Town, spec: Path) -> None:
    spec.write_text(town.spec("toy", PURE_SOURCE), encoding="utf-8")
    before = entries(town, "argonne")
    assert "toy" in refused("campaign", "start", spec, *pi(town))
    assert entries(town, "argonne") == before


@pytest.mark.parametrize("word", ["hold", "resume", "stop", "abort"])
def test_a_campaign_that_has_ended_is_steered_no_more(town: Town, word: str) -> None:
    before = entries(town, "argonne")
    assert "ended" in refused("campaign", word, "toy", *pi(town))
    assert entries(town, "argonne") == before


@pytest.mark.parametrize("verb", ["show", "watch", "hold", "export"])
def test_an_unknown_campaign_is_said(town: Town, verb: str) -> None:
    assert "nothing-such" in refused("campaign", verb, "nothing-such", *pi(town))


def test_an_export_verifies_and_replays_and_a_changed_byte_does_not(town: Town, tmp_path: Path) -> None:
    bundle = tmp_path / "toy.json"
    told("campaign", "export", "toy", "--out", bundle, *pi(town))
    found = document("verify", bundle)
    assert found["ok"]
    assert found["receipts"] >= 2
    assert document("verify", bundle, "--charter", found["charter"]) == found
    assert {one["verdict"] for one in document("replay", bundle)} == {"identical"}
    assert "holds together" in told("verify", bundle)
    assert "identical" in told("replay", bundle)
    assert "rests on the charter" in refused("verify", bundle, "--charter", "sha256:" + "0" * 64)
    data = bytearray(bundle.read_bytes())
    place = data.index(b'"body":"', len(data) // 2) + 40
    data[place] ^= 1
    bundle.write_bytes(data)
    assert "entry" in refused("verify", bundle)


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("verb", ["verify", "replay"])
def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path, verb: str, content: bytes) -> None:
    path = tmp_path / "bundle.json"
    path.write_bytes(content)
    assert "bundle.json" in refused(verb, path)


def test_who_and_where_must_be_said(town: Town, tmp_path: Path) -> None:
    nowhere = yosegi("campaign", "list")
    assert nowhere.exit_code == 2
    assert "--home FOLDER or --url" in " ".join(nowhere.output.split())
    assert "--as" in refused("campaign", "list", "--url", town.urls["argonne"])
    assert "--key" in refused("campaign", "list", "--url", town.urls["argonne"], "--as", "pi@argonne")
    assert "not the home of a site" in refused("campaign", "list", "--home", tmp_path)

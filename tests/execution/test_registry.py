"""Kinds of engines, packs and proposers are found through entry points, and an engine's settings are read strictly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from yosegi.app.settings import Settings
from yosegi.campaign.proposers import proposer, proposers, version_of
from yosegi.core.errors import Invalid, NotFound
from yosegi.execution.engines.entry_points import place_of
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.execution.engines.process.settings import ProcessSettings
from yosegi.execution.engines.registry import kind_of, kinds, read_table
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.planner import PLANNERS

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a package with these entry points, as pip would: its dist-info folder on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def now(name: str, points: str) -> None:
        folder = tmp_path / f"{name}-1.2.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (folder / "entry_points.txt").write_text(points)

    return now


def settings(**tables: object) -> Settings:
    return Settings.read({"site": "nims", "title": "NIMS", "listen": "127.0.0.1:8100", "reach": "carried", **tables})


def test_the_kinds_of_this_program_are_found_as_those_of_others_are() -> None:
    assert {"process", "station"} <= set(kinds())
    assert kind_of("process") is ProcessEngine
    assert kind_of("station") is StationEngine


def test_present_tables_are_engines_by_shorter_names() -> None:
    made = settings(
        process={"publish": ["lab:mix"], "slots": 3},
        station={"robot": {"publish": ["lab:make"], "key": "k"}},
        engine={"gpu": {"kind": "process", "worker": "warm", "publish": ["lab:predict"]}},
    )
    assert [(e.name, e.kind, e.table, e.settings.slots) for e in made.engines()] == [
        ("process", "process", ("process",), 3),
        ("robot", "station", ("station", "robot"), 1),
        ("gpu", "process", ("engine", "gpu"), 2),
    ]


def test_an_engine_that_publishes_nothing_is_not_made() -> None:
    assert settings(engine={"gpu": {"kind": "process"}}).engines() == ()


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"publish": ["lab:mix"]}, r"does not say its kind.*process"),
        ({"kind": "slurm"}, r"no engine kind.*slurm.*|slurm.*install the package"),
        ({"kind": "process", "memory": 1}, "memory: is not known here"),
        ({"kind": "process", "memory_mib": 1}, "memory_mib: must be 64 or more"),
        ({"kind": "process", "worker": "pool"}, "worker: must be 'per_task' or 'warm'"),
        ({"kind": "station", "key": "k", "slots": 2, "publish": ["a:b"]}, "slots: must be 1"),
        ({"kind": "process", "publish": ["lab mix"]}, "publish.0: must be module:function"),
    ],
)
def test_a_table_that_does_not_hold_is_refused_and_says_which_field(table: dict[str, object], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        read_table("gpu", table)


@pytest.mark.parametrize("name", ["process", "robot"])
def test_two_engines_of_one_name_are_refused(name: str) -> None:
    made = settings(
        process={"publish": ["lab:mix"]},
        station={"robot": {"publish": ["lab:make"], "key": "k"}},
        engine={name: {"kind": "process", "publish": ["lab:predict"]}},
    )
    with pytest.raises(Invalid, match=f"another engine is called {name}"):
        made.engines()


def test_limits_in_settings_are_those_of_a_task_in_bytes_and_seconds() -> None:
    limits = ProcessSettings(
        memory_mib=64, output_kib=2, printed_kib=3, file_size_mib=5, stop_grace_seconds=7.0
    ).limits()
    assert (limits.memory, limits.output, limits.printed, limits.file_size, limits.grace) == (
        64 * 2**20, 2 * 2**10, 3 * 2**10, 5 * 2**20, 7.0,
    )  # fmt: skip


def test_every_setting_of_a_kind_has_a_text_and_a_unit_in_its_name_where_it_is_a_number() -> None:
    for kind in ("process", "station"):
        for name, field in kind_of(kind).Settings.model_fields.items():
            assert field.description, name
            if field.annotation in (int, float):
                assert name in ("slots", "open_files", "processes") or name.endswith(("_mib", "_kib", "_seconds")), name


def test_a_kind_that_two_packages_have_is_refused_and_both_are_named(install: Install) -> None:
    install("one", "[yosegi.engines]\nbench = json:loads\n")
    install("two", "[yosegi.engines]\nbench = json:dumps\n")
    with pytest.raises(Invalid, match=r"both one 1\.2 and two 1\.2 have one of that name"):
        kind_of("bench")


@pytest.mark.parametrize(
    ("value", "why"),
    [("absent_package:Engine", "of one 1.2 cannot be imported"), ("json:JSONDecoder", "lacks `Settings` or `open`")],
)
def test_a_kind_that_is_none_is_refused(install: Install, value: str, why: str) -> None:
    install("one", f"[yosegi.engines]\nbench = {value}\n")
    with pytest.raises(Invalid, match=why):
        kind_of("bench")


def test_a_pack_is_found_without_importing_it(install: Install) -> None:
    install("one", "[yosegi.packs]\nbeam = a_module_that_nobody_has\n")
    assert place_of("beam") == "a_module_that_nobody_has"


def test_a_pack_that_is_no_module_is_refused(install: Install) -> None:
    install("one", "[yosegi.packs]\nbeam = module:attribute\n")
    with pytest.raises(Invalid, match="is no module"):
        place_of("beam")


def test_the_packs_of_this_program_are_found_as_those_of_others_are() -> None:
    assert place_of("labs") == "yosegi_packs.labs"


def test_no_package_takes_the_place_of_a_planner_of_this_program(install: Install) -> None:
    install("one", "[yosegi.proposers]\ngp = json:JSONDecoder\n")
    assert proposer("gp") is PLANNERS["gp"]
    assert version_of("gp") == {}


def test_a_proposer_of_a_package_is_known_with_its_version(install: Install) -> None:
    install("one", "[yosegi.proposers]\nmine = yosegi.planner.gaussian:Gaussian\n")
    assert "mine" in proposers()
    assert callable(proposer("mine").suggest)
    assert version_of("mine") == {"one": "1.2"}


def test_a_proposer_that_is_none_is_refused_and_one_that_nobody_has_is_not_found(install: Install) -> None:
    install("one", "[yosegi.proposers]\nmine = json:JSONDecoder\n")
    with pytest.raises(Invalid, match="has no method `suggest`"):
        proposer("mine")
    with pytest.raises(NotFound, match="halley"):
        proposer("halley")

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest

from cli.asking import document, operator, pi, refused, told
from processes.sites import Town
from yosegi import Fidelity, LinearConstraint, capability, quantity
from yosegi.app.home import Home
from yosegi.cli._comparison import difference
from yosegi.cli.capabilities import _print_contract
from yosegi.services.capabilities.schemas import ContractDetail


@pytest.mark.processes
def test_what_can_be_used_is_listed_with_its_effect_and_world(town: Town) -> None:
    found = {one["ref"]: one for one in document("capability", "list", *pi(town))}
    assert found["riken/toy.use@1"]["effect"] == "consuming"
    assert "simulated" in told("capability", "list", *pi(town))


@pytest.mark.processes
def test_a_contract_is_shown_with_units_and_ranges(town: Town) -> None:
    contract = document("capability", "show", "riken/toy.use@1", *pi(town))
    assert contract["inputs"]["properties"]["x"]["maximum"] == 1
    text = told("capability", "show", "riken/toy.use@1", *pi(town))
    assert "Use a sample up" in text
    assert "0 to 1" in text.replace(".0", "")


@dataclass(frozen=True)
class Annealed:
    hardness: Annotated[float, quantity("GPa", ge=0)]


@capability(
    "oven.anneal@1", kind="instrument", effect="consuming", field="materials", simulated=False,
    cost={"samples": "1", "instrument_h": "0.25"}, constraints=[LinearConstraint({"a": 1.0, "b": 2.0}, at_most=150.0)],
    fidelity=Fidelity(of="hardness", level="full", noise="2 %"), time_limit=900.0, can_cancel="running",
    on_revoked="safe_stop", safe_state="cold and closed", stop_grace=30.0, approval=True,
)  # fmt: skip
def anneal(
    a: Annotated[float, quantity("uL", ge=0, le=80, resolution=0.5)],
    b: Annotated[float, quantity("uL", ge=0, le=80)],
    gas: Literal["argon", "air"] = "argon",
) -> Annealed:
    """Anneal a film."""
    return Annealed(a + b)


def test_a_contract_is_told_with_choices_steps_constraints_cost_limits_fidelity_and_safe_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _print_contract(ContractDetail.of("lab/oven.anneal@1", anneal.contract))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "input a number uL 0 to 80 in steps of 0.5" in " ".join(lines).replace(".0 ", " ")
    assert any(line.startswith("input gas string") and "argon | air" in line for line in lines)
    told_terms = dict(line.split(": ", 1) for line in lines if ": " in line)
    assert told_terms["constraints"] == "a + 2·b ≤ 150"
    assert set(told_terms["costs at most"].split(", ")) == {"1 samples", "0.25 instrument_h"}
    assert told_terms["ended by force after"] == "900 s"
    assert told_terms["fidelity"] == "hardness at level full, noise 2 %, bias unknown"
    assert told_terms["safe state"] == "cold and closed"
    assert told_terms["seconds to reach it"] == "30"
    assert told_terms["a person approves each"] == "yes"


@pytest.mark.processes
@pytest.mark.parametrize("ref", ["riken/toy.use@9", "nims/nothing@1", "nothing", "", "a/b/c"])
def test_an_unknown_capability_is_said(town: Town, ref: str) -> None:
    refused("capability", "show", ref, *pi(town))


@pytest.mark.processes
def test_what_one_owner_alone_offers_is_not_compared(town: Town) -> None:
    terms = ("--charter", "test", "--team", "test", "--input", "x=0.5")
    assert "two are needed to compare" in refused("capability", "compare", "toy.nothing@1", *terms, *pi(town))


def test_numbers_of_two_owners_differ_by_their_larger_size() -> None:
    assert difference({"y": -0.5, "n": 3, "text": "x"}, {"y": -0.4, "n": 3}) == 0.2
    assert difference({"y": 0.0}, {"y": 0.0}) == 0.0
    assert difference({"flag": True}, {"flag": False}) is None


@pytest.mark.processes
def test_a_breaker_of_nothing_is_not_mended(town: Town) -> None:
    refused("capability", "mend", "toy.nothing@1", "--note", "looked", *operator(town))


def test_a_function_shows_the_contract_it_would_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "tests")
    assert document("capability", "check", "processes.toys:simulate")["effect"] == "pure"


@pytest.mark.parametrize(
    "entry", ["processes.toys", "processes.toys:nothing", "no_such_module:f", "processes.toys:happen", "", "os;x:y"]
)
def test_what_is_no_capability_is_said(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.setenv("PYTHONPATH", "tests")
    refused("capability", "check", entry)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new home whose settings a person has written on."""
    monkeypatch.setenv("PYTHONPATH", "tests")
    told("site", "init", tmp_path / "home", "--name", "mylab")
    settings = tmp_path / "home" / "site.toml"
    settings.write_text(settings.read_text() + "\n# ours\n[process]\nslots = 3  # of four\n")
    return tmp_path / "home"


def test_a_function_is_published_by_one_command_and_the_settings_keep_what_a_person_wrote(home: Path) -> None:
    mode = (home / "site.toml").stat().st_mode
    assert "mylab/toy.simulate@1" in told("capability", "publish", "--home", home, "processes.toys:simulate")
    assert document("capability", "publish", "--home", home, "processes.toys:use")["ref"] == "mylab/toy.use@1"
    assert Home(home).settings().process.publish == ("processes.toys:simulate", "processes.toys:use")
    text = (home / "site.toml").read_text()
    assert "# ours\n[process]\nslots = 3  # of four\n" in text
    assert (home / "site.toml").stat().st_mode == mode


def test_what_cannot_be_published_changes_nothing(home: Path) -> None:
    told("capability", "publish", "--home", home, "processes.toys:simulate")
    before = (home / "site.toml").read_bytes()
    assert "publishes it already" in refused("capability", "publish", "--home", home, "processes.toys:simulate")
    refused("capability", "publish", "--home", home, "processes.toys:nothing")
    refused("capability", "publish", "--home", home, "no_such_module:f")
    assert "no station" in refused("capability", "publish", "--home", home, "processes.toys:use", "--station", "robot")
    assert (home / "site.toml").read_bytes() == before


@pytest.mark.processes
def test_a_changed_contract_under_a_known_name_is_refused_before_anything_is_written(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    told("site", "backup", "--home", town.folder / "riken", copy)
    settings = copy / "site.toml"
    settings.write_text(settings.read_text().replace('"processes.toys:simulate"', "").replace("[, ", "["))
    (tmp_path / "changed.py").write_text(
        "from processes.toys import Value, X\n"
        "from yosegi.core.capability import capability\n"
        "@capability('toy.simulate@1', kind='simulation', effect='pure', field='toys', simulated=True)\n"
        "def simulate(x: X) -> Value:\n    'Something else.'\n    return Value(x)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"tests:{tmp_path}")
    before = settings.read_bytes()
    assert "another contract" in refused("capability", "publish", "--home", copy, "changed:simulate")
    assert settings.read_bytes() == before

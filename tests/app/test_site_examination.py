"""`yosegi site doctor` before the first start: every fault of a site.toml at once, each with its line."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pytest

from cli.asking import yosegi
from yosegi.app.home import Home
from yosegi.app.site_file import BadSettings
from yosegi.execution.engines.batch import examination
from yosegi.execution.engines.batch.helper import USAGE
from yosegi.execution.engines.batch.settings import BatchSettings

HEAD = 'site = "riken"\ntitle = "RIKEN"\nlisten = "127.0.0.1:8101"\nreach = "carried"\n'
BATCH = f'[engine.cluster]\nkind = "batch"\ndialect = "slurm"\npython = "{sys.executable}"\n'


def found(folder: Path, text: str) -> dict[str, tuple[int, bool, str]]:
    """What doctor tells programs of a home that was never started, by setting: line, whether fatal, and why."""
    (folder / "site.toml").write_text(text, encoding="utf-8")
    result = yosegi("site", "doctor", "--home", folder, "--json")
    told = json.loads(result.stdout)["findings"]
    assert result.exit_code == (1 if any(one["fatal"] for one in told) else 0), result.output
    return {one["where"]: (one["line"], one["fatal"], one["why"]) for one in told}


def line_with(text: str, words: str) -> int:
    (number,) = [number for number, line in enumerate(text.splitlines(), 1) if words in line]
    return number


def test_every_setting_that_does_not_hold_is_told_with_its_line(tmp_path: Path) -> None:
    text = (
        HEAD
        + 'most_open_tasks = "many"\ncolour = "red"\n\n'
        + "[process]\nslots = 0\n\n"
        + '[engine.bench]\nkind = "folder"\n\n'
        + "[engine.desk]\npublish = []\n\n"
        + '[engine.hands]\nkind = "person"\nlook_seconds = 2026-01-01\nslots = 1000\n'
    )
    told = found(tmp_path, text)
    assert {where: line for where, (line, _, _) in told.items()} == {
        "most_open_tasks": line_with(text, "many"),
        "colour": line_with(text, "colour"),
        "process.slots": line_with(text, "slots = 0"),
        "engine.bench.kind": line_with(text, '"folder"'),
        "engine.desk": line_with(text, "[engine.desk]"),
        "engine.hands.look_seconds": line_with(text, "2026"),
        "engine.hands.slots": line_with(text, "1000"),
    }
    assert all(fatal for _, fatal, _ in told.values())
    assert "Known here: batch, iri, person, process, station" in told["engine.bench.kind"][2]


def test_what_a_whole_table_must_fulfil_is_told_beside_a_field_that_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(HEAD.replace("carried", "listens") + "most_open_tasks = 0\n")
    with pytest.raises(BadSettings) as caught:
        Home(tmp_path).settings()
    assert {one.where for one in caught.value.findings} == {"most_open_tasks", "the whole"}
    assert "a site that listens states its url" in str(caught.value)


def test_what_a_table_needs_and_is_given_wrongly_is_told_once(tmp_path: Path) -> None:
    wrong = 'url = "http://127.0.0.1:0"\n'
    (tmp_path / "site.toml").write_text(HEAD.replace("carried", "listens") + wrong)
    with pytest.raises(BadSettings) as caught:
        Home(tmp_path).settings()
    assert [one.where for one in caught.value.findings] == ["url"]


def test_a_start_tells_as_much_as_doctor_does(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(HEAD + 'colour = "red"\nsize = 3\n')
    told = yosegi("site", "serve", "--home", tmp_path)
    assert told.exit_code == 1
    assert "line 5, colour: there is no such setting" in told.stderr
    assert "line 6, size: there is no such setting" in told.stderr


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(HEAD + "colour = \n")
    result = yosegi("site", "doctor", "--home", tmp_path, "--json")
    assert result.exit_code == 1
    assert "line 5" in json.loads(result.stderr)["error"]["message"]


def test_each_capability_that_cannot_be_imported_is_told_where_it_is_published(tmp_path: Path) -> None:
    text = HEAD + '[process]\npublish = ["no_such_pack:f", "labs", "also_missing:g"]\n'
    (tmp_path / "site.toml").write_text(text)
    result = yosegi("site", "doctor", "--home", tmp_path, "--json")
    told = [one for one in json.loads(result.stdout)["findings"] if one["fatal"]]
    assert [(one["where"], one["line"]) for one in told] == [("process.publish", line_with(text, "publish"))] * 2
    assert "No module named 'no_such_pack'" in told[0]["why"]
    assert "No module named 'also_missing'" in told[1]["why"]


def test_files_and_variables_that_are_named_and_not_here_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YOSEGI_METRICS_TOKEN", raising=False)
    text = HEAD + '[network]\nca_file = "ca.pem"\n[metrics]\ntoken_env = "YOSEGI_METRICS_TOKEN"\n'
    told = found(tmp_path, text)
    assert told["network.ca_file"][:2] == (line_with(text, "ca_file"), True)
    assert told["metrics.token_env"][:2] == (line_with(text, "token_env"), False)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('[process]\nenvironment = { "MY VAR" = "1" }\n', "process.environment.MY VAR"),
        (BATCH + 'folder = "/scratch/x"\nvariables = { "2ND" = "1" }\n', "engine.cluster.variables.2ND"),
        (BATCH + 'folder = "/scratch/x"\nvariables = { "A=B" = "1" }\n', "engine.cluster.variables.A=B"),
    ],
)
def test_a_name_that_no_variable_can_have_is_refused_with_a_sentence(tmp_path: Path, text: str, where: str) -> None:
    # POSIX.1-2017, 3.235: underscores, digits and letters, and no digit first.
    assert "names no variable: letters, digits and _ alone" in found(tmp_path, HEAD + text)[where][2]


@pytest.mark.parametrize(("kind", "warned"), [("ext4", True), ("nfs4", False), ("lustre", False)])
def test_a_folder_of_jobs_on_a_disk_of_this_machine_alone_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, warned: bool
) -> None:
    monkeypatch.setattr(examination, "kind_at", lambda folder: (kind, "/"))
    text = HEAD + BATCH + f'folder = "{tmp_path}/jobs"\n'
    told = found(tmp_path, text)
    assert ("engine.cluster.folder" in told) is warned
    if warned:
        line, fatal, why = told["engine.cluster.folder"]
        assert (line, fatal) == (line_with(text, "folder"), False)
        assert "which nodes may not see" in why


def test_all_that_keeps_a_batch_engine_from_opening_is_told_at_once(tmp_path: Path) -> None:
    text = (
        HEAD
        + BATCH
        + f'folder = "{tmp_path}/site.toml/jobs"\npublish = ["labs"]\naccounts = "{tmp_path}/accounts.toml"\n'
        + '[engine.cluster.job]\nnode_count = 2\n[engine.cluster.jobs."dft.relax@1"]\nnode_count = 1\n'
        + "[engine.cluster.pilot]\nnodes = 2\n"
    )
    (tmp_path / "site.toml").write_text(text)
    told = json.loads(yosegi("site", "doctor", "--home", tmp_path, "--json").stdout)["findings"]
    assert {one["where"].removeprefix("engine.cluster") for one in told if one["fatal"]} == {
        "", ".accounts", ".folder", ".jobs.dft.relax@1", ".pilot",
    }  # fmt: skip


def batch_with_accounts(folder: Path, helper: str) -> str:
    (folder / "helper").write_text(helper)
    (folder / "helper").chmod(0o755)
    (folder / "accounts.toml").write_text('[[account]]\nteam = "qec"\nuser = "yosegi-nobody-here"\n')
    return (
        HEAD + BATCH + f'folder = "{folder}/jobs"\naccounts = "{folder}/accounts.toml"\nhelper = ["{folder}/helper"]\n'
    )


def test_a_user_of_the_account_map_whom_this_machine_does_not_know_is_told(tmp_path: Path) -> None:
    told = found(tmp_path, batch_with_accounts(tmp_path, f'#!/bin/sh\necho "helper: {USAGE}" >&2; exit 77\n'))
    assert told["engine.cluster.accounts"][2] == "yosegi-nobody-here: no such user on this machine"
    assert "engine.cluster.helper" not in told


def test_a_helper_that_would_do_nothing_for_the_site_is_told_with_what_it_says(tmp_path: Path) -> None:
    refusing = "#!/bin/sh\necho 'sudo: a password is required' >&2; exit 1\n"
    told = found(tmp_path, batch_with_accounts(tmp_path, refusing))
    _, fatal, why = told["engine.cluster.helper"]
    assert (fatal, why) == (False, "it does nothing for this user: sudo: a password is required")


@pytest.mark.parametrize(("mode", "told"), [(0o700, True), (0o711, False)])
def test_what_the_accounts_of_a_map_cannot_come_to_is_told(mode: int, told: bool) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        (folder / "closed").mkdir(mode=mode)
        folder.chmod(0o755)
        settings = BatchSettings.read(
            {"dialect": "slurm", "folder": f"{folder}/closed/jobs", "accounts": "/nowhere", "helper": ["/nowhere"]}
        )
        whys = [one.why for one in examination.examine(settings, None) if one.field == ("folder",)]
        assert any(f"{folder}/closed is closed to them" in why for why in whys) is told

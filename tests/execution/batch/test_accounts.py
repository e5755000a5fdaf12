"""Whose account a job runs under: the centre's map, and the helper that becomes that user; on a real Slurm, two."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from execution.batch.clusters import CAPABILITIES, batch_engine
from yosegi.core.clock import SystemClock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Engines, Outcome, Work
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.states import Effect
from yosegi.execution.breaker import went_wrong
from yosegi.execution.engines.batch import helper, pjm, slurm
from yosegi.execution.engines.batch.accounts import AccountMapFile, AccountProgram, AccountUnmapped, LocalAccount
from yosegi.execution.engines.batch.dialect import Commands, JobSighting, SubmitAnswer
from yosegi.execution.engines.batch.dialects import accounts_of
from yosegi.execution.engines.batch.job_spec import JobSpec
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.services.alerts.health import HealthChecks
from yosegi.testing import slurm_cluster
from yosegi.testing.engine_suite import fresh, ignore

MAP = """
ask = "user support, ext. 4411"
[[account]]
member = "pi@argonne"
team = "qec"
user = "games"
project = "hp260001"
[[account]]
member = "pi@argonne"
user = "man"
[[account]]
team = "materials"
user = "man"
"""
NAME = "y" + "a" * 26


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.toml"
    path.write_text(MAP)
    path.chmod(0o644)
    return path


def test_the_entry_that_says_most_counts(table: Path) -> None:
    async def main() -> list[LocalAccount]:
        accounts = AccountMapFile(table)
        asked = (("pi@argonne", "qec"), ("pi@argonne", "bio"), ("ana@riken", "materials"))
        return [await accounts.account_of(member, team) for member, team in asked]

    assert asyncio.run(main()) == [
        LocalAccount(user="games", project="hp260001"), LocalAccount(user="man"), LocalAccount(user="man")
    ]  # fmt: skip


def test_who_is_not_in_the_map_is_refused_and_told_whom_to_ask(table: Path) -> None:
    with pytest.raises(AccountUnmapped, match=r"ana@riken of team qec has no account.*Ask user support, ext\. 4411"):
        asyncio.run(AccountMapFile(table).account_of("ana@riken", "qec"))


def test_a_new_map_is_in_force_at_once_and_while_one_does_not_hold_nobody_has_an_account(table: Path) -> None:
    async def main() -> None:
        accounts = AccountMapFile(table)
        table.write_text(MAP.replace('"games"', '"nobody"'))
        assert (await accounts.account_of("pi@argonne", "qec")).user == "nobody"
        # The helper reads the same file and would refuse: the job waits for a map that both can read.
        table.write_text(MAP.replace('"games"', '"root; rm"'))
        with pytest.raises(Unavailable, match="does not hold, and its jobs wait"):
            await accounts.account_of("pi@argonne", "qec")
        table.write_text(MAP)
        assert (await accounts.account_of("pi@argonne", "qec")).user == "games"
        assert accounts.trouble == ""
        table.unlink()
        with pytest.raises(Unavailable, match="it cannot be read"):
            await accounts.account_of("pi@argonne", "qec")

    asyncio.run(main())


def test_a_map_that_does_not_hold_is_told_to_whoever_looks_after_the_site(table: Path, tmp_path: Path) -> None:
    async def main() -> list[tuple[str, str]]:
        accounts = AccountMapFile(table)
        table.write_text("nonsense")
        with pytest.raises(Unavailable):
            await accounts.account_of("pi@argonne", "qec")
        engine = batch_engine(tmp_path, slurm.SlurmDialect(Commands()), accounts=accounts)
        parts: Any = None  # nothing else of the site is asked here
        engines = Engines([engine])
        checks = HealthChecks("riken", SystemClock(), parts, parts, parts, parts, parts, parts, engines=engines)
        return [(problem.code, problem.fields["why"]) for problem in checks._stations()]

    ((code, why),) = asyncio.run(main())
    assert code == "engine_trouble"
    assert "the account map does not hold, and its jobs wait" in why


def test_a_first_map_that_does_not_hold_opens_no_engine(tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    with pytest.raises(Unavailable):
        AccountMapFile(path)
    path.write_text('[[account]]\nuser = "games"\n')
    with pytest.raises(Invalid, match="names a member, a team or both"):
        AccountMapFile(path)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ('read line; echo \'{"user": "games"}\'', None),
        ("echo '{}'", AccountUnmapped),
        ("echo nonsense", Unavailable),
        ('echo \'{"user": "games", "uid": 0}\'', Unavailable),
        ("exit 1", Unavailable),
        ("sleep 60", Unavailable),
        ("sleep 60; true", Unavailable),
    ],
)
def test_a_program_answers_and_whatever_else_it_does_submits_nothing(
    program: str, error: type[Exception] | None
) -> None:
    accounts = AccountProgram(["/bin/sh", "-c", program], patience=1.0)
    if error is None:
        assert asyncio.run(accounts.account_of("pi@argonne", "qec")) == LocalAccount(user="games")
    else:
        with pytest.raises(error):
            asyncio.run(accounts.account_of("pi@argonne", "qec"))


class Maps:
    """Does not answer at first, as a directory service that is down; then with what it is given."""

    trouble = ""

    def __init__(self, silent: int) -> None:
        self.silent = silent

    async def account_of(self, member: str, team: str) -> LocalAccount:
        if self.silent:
            self.silent -= 1
            raise Unavailable("the account map", "no answer in 10 seconds")
        raise AccountUnmapped(member, team, "user support")


def test_a_task_waits_while_the_map_does_not_answer_and_who_is_not_in_it_counts_against_nobody(tmp_path: Path) -> None:
    contract = CAPABILITIES["execution.samples:surroundings"].contract
    work = Work(fresh(), contract.name, {}, 20.0, EffectClass.PURE, member="ana@riken", team="qec")
    told: list[str] = []

    async def main() -> Outcome:
        maps = Maps(silent=3)
        engine = batch_engine(tmp_path, slurm.SlurmDialect(Commands()), accounts=maps)
        await engine.start()
        try:
            return await engine.run(work, lambda progress: told.append(progress.text))
        finally:
            await engine.close()

    outcome = asyncio.run(main())
    assert len(told) == 3
    assert all(text.startswith("waits: the account map is unavailable") for text in told)
    assert (outcome.effect, outcome.reason) == (Effect.NONE, "no_account")
    assert not went_wrong(outcome)


class Speechless(slurm.SlurmDialect):
    """Its command ends with an error that is no refusal, and the scheduler knows no job."""

    async def submit(self, spec: JobSpec, user: str = "") -> SubmitAnswer:
        return SubmitAnswer(words="sbatch: fatal: Could not establish a configuration source")

    async def look_up(self, jobs: Mapping[str, str], users: Sequence[str] = ()) -> Mapping[str, Sequence[JobSighting]]:
        return {}


def test_what_the_scheduler_said_when_nothing_became_of_a_job_is_told_to_whoever_asked(tmp_path: Path) -> None:
    contract = CAPABILITIES["execution.samples:surroundings"].contract
    work = Work(fresh(), contract.name, {}, 20.0, EffectClass.PURE)

    async def main() -> Outcome:
        dialect = Speechless(Commands())
        engine = batch_engine(tmp_path, dialect, save_window_seconds=0.05, poll_seconds=0.05)
        await engine.start()
        try:
            return await engine.run(work, ignore)
        finally:
            await engine.close()

    outcome = asyncio.run(main())
    assert outcome.reason == "not_started"
    assert "Could not establish a configuration source" in outcome.message


def test_a_helper_without_a_map_opens_no_engine() -> None:
    settings = BatchSettings.read({"dialect": "slurm", "folder": "/scratch", "helper": ["sudo", "-n", "helper"]})
    with pytest.raises(Invalid, match="no map that says as whom"):
        accounts_of(settings)


def test_a_template_for_what_is_not_published_opens_no_engine(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"dft\.relax@1 is not among what it publishes"):
        batch_engine(tmp_path, slurm.SlurmDialect(Commands()), jobs={"dft.relax@1": {"node_count": 2}})


# -- the helper -------------------------------------------------------------------------------------------------------

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="the helper is root's, and only root can try it")


@pytest.fixture
def installed() -> Iterator[Path]:
    """The helper as a centre installs it, in a folder that other users may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="yosegi-helper-"))
    folder.chmod(0o755)
    own = folder / "batch-helper"
    shutil.copy(helper.__file__, own)
    own.write_text(own.read_text().replace("#!/usr/bin/python3 -I", f"#!{sys.executable} -I"))
    own.chmod(0o755)
    (folder / "accounts.toml").write_text(MAP)
    (folder / "accounts.toml").chmod(0o644)
    configure(own)
    yield own
    shutil.rmtree(folder)


def configure(own: Path, **settings: object) -> None:
    known = {
        "site_user": "root", "spool": str(own.parent / "spool"), "dialect": "slurm", "lowest_uid": 1,
        "accounts": str(own.parent / "accounts.toml"), "path": "/usr/bin:/bin:/usr/local/bin",
    } | settings  # fmt: skip
    lines = [f"{name} = {value if isinstance(value, int) else f'{value!r}'}" for name, value in known.items()]
    own.with_suffix(".toml").write_text("\n".join(lines))


def refused(own: Path, *words: str, **variables: str) -> str:
    done = subprocess.run(
        [str(own), *words], capture_output=True, text=True, check=False, env=variables, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 77, done
    return done.stderr


@as_root
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("submit", "root", NAME), "'root' is not in the account map"),
        (("submit", "nobody", NAME), "'nobody' is not in the account map"),
        (("submit", "games", "../../etc"), "submit takes names of jobs"),
        (("submit", "games", NAME, NAME), "submit takes names of jobs"),
        (("cancel", "games", "--state=RUNNING"), "cancel takes numbers of jobs"),
        (("state", "games", "-o%i"), "state takes names of jobs"),
        (("run", "games", NAME), "submit USER NAME, state"),
        (("submit", "games"), "submit USER NAME, state"),
    ],
)
def test_the_helper_does_three_things_and_nothing_else(installed: Path, words: tuple[str, ...], why: str) -> None:
    assert why in refused(installed, *words)


@as_root
def test_the_helper_is_for_the_sites_user_alone(installed: Path) -> None:
    assert "only root may call it" in refused(installed, "submit", "games", NAME, SUDO_UID="6")


@as_root
def test_the_helper_becomes_no_account_of_the_system(installed: Path) -> None:
    configure(installed, lowest_uid=1000)
    assert "games is an account of the system's" in refused(installed, "submit", "games", NAME)


@as_root
@pytest.mark.parametrize("which", ["batch-helper", "batch-helper.toml", "accounts.toml"])
@pytest.mark.parametrize("how", ["writable", "owned"])
def test_the_helper_trusts_no_file_that_others_can_write(installed: Path, which: str, how: str) -> None:
    path = installed.parent / which
    if how == "writable":
        path.chmod(0o777)
    else:
        os.chown(path, pwd.getpwnam("games").pw_uid, 0)
    assert "must be a file of root's" in refused(installed, "state", "games", NAME)


@as_root
@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ('environment = { "MY VAR" = "1" }', "'MY VAR' in its environment names no variable"),
        ('colour = "red"', "unknown keys: colour"),
        ("spool = ", "cannot be read"),
    ],
)
def test_a_table_of_the_helper_that_does_not_hold_is_refused_with_a_sentence(
    installed: Path, lines: str, why: str
) -> None:
    with installed.with_suffix(".toml").open("a") as file:
        file.write(f"\n{lines}\n")
    assert why in refused(installed, "state", "games", NAME)


@as_root
def test_the_helper_says_what_its_table_lacks_or_does_not_speak(installed: Path) -> None:
    configure(installed, dialect="lsf")
    assert "speaks slurm and pjm" in refused(installed, "state", "games", NAME)
    installed.with_suffix(".toml").write_text('site_user = "root"\n')
    assert "lacks accounts, dialect, spool" in refused(installed, "state", "games", NAME)


@as_root
def test_a_user_of_the_map_whom_the_machine_does_not_know_is_said(installed: Path) -> None:
    (installed.parent / "accounts.toml").write_text('[[account]]\nteam = "qec"\nuser = "yosegi-nobody-here"\n')
    assert "no user yosegi-nobody-here on this machine" in refused(installed, "state", "yosegi-nobody-here", NAME)


@as_root
def test_the_helper_hands_over_no_folder_of_somebody_else(installed: Path) -> None:
    folder = installed.parent / "spool" / NAME
    folder.mkdir(parents=True)
    os.chown(folder, pwd.getpwnam("man").pw_uid, 0)
    assert "is not the site's" in refused(installed, "submit", "games", NAME)


@as_root
def test_what_the_helper_runs_is_that_user_with_a_cleared_environment_and_no_way_back(installed: Path) -> None:
    tools = installed.parent / "tools"
    tools.mkdir()
    (tools / "squeue").write_text(
        "#!/bin/sh\nid -un; id -Gn; env | cut -d= -f1 | sort; grep NoNewPrivs /proc/$$/status\n"
    )
    (tools / "squeue").chmod(0o755)
    tools.chmod(0o755)
    configure(installed, path=f"{tools}:/usr/bin:/bin")
    done = subprocess.run(
        [str(installed), "state", "games", NAME], capture_output=True, text=True, check=True, env={"SITE_SECRET": "x"}
    )
    user, groups, *variables, privileges = done.stdout.splitlines()
    assert (user, groups) == ("games", "games")
    assert "SITE_SECRET" not in variables
    assert set(variables) <= {"HOME", "LANG", "LOGNAME", "PATH", "PWD", "SLURM_TIME_FORMAT", "USER", "SHLVL", "_"}
    assert privileges.split() == ["NoNewPrivs:", "1"]


def test_the_helper_asks_for_what_the_dialects_read() -> None:
    assert (helper.SQUEUE, helper.PJSTAT) == (slurm._SQUEUE, pjm._CHOSEN)


PROGRAM = """\
#!/bin/sh
# Called as the Python of a job, -m MODULE FOLDER; it keeps to the files of a wrapper and needs no Python.
cd "$3" || exit 97
mkdir .fence && printf '{"by": "job"}' > .fence/claim && mv -T .fence fence || exit 99
: > fence/started
cat task.json > /dev/null || exit 96
printf '{"effect": "done", "result": "valid", "outputs": {"text": "%s"}}' "$(id -un)" > exit.part && mv exit.part exit
"""


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    """As the command line sets it for a site that is served."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.skipif(bool(slurm_cluster.ABSENT), reason=slurm_cluster.ABSENT)
def test_two_members_jobs_run_as_two_users_and_a_third_is_refused(installed: Path, narrow_umask: None) -> None:
    program = installed.parent / "program"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    contract = CAPABILITIES["execution.samples:surroundings"].contract
    base = Work("", contract.name, {}, 20.0, EffectClass.PURE, team="qec")

    async def main(variables: dict[str, str]) -> list[Outcome]:
        configure(installed)
        text = installed.with_suffix(".toml").read_text()
        installed.with_suffix(".toml").write_text(f"{text}\n[environment]\nSLURM_CONF = '{variables['SLURM_CONF']}'\n")
        dialect = slurm.SlurmDialect(Commands(variables=variables, helper=[str(installed)]), accounting="completion")
        accounts = AccountMapFile(installed.parent / "accounts.toml")
        engine = batch_engine(installed.parent, dialect, accounts=accounts, python=str(program))
        await engine.start()
        try:
            works = (
                replace(base, key=fresh(), member="pi@argonne"),
                replace(base, key=fresh(), member="ana@riken", team="materials"),
                replace(base, key=fresh(), member="ana@riken"),
            )
            return await asyncio.gather(*(engine.run(work, ignore) for work in works))
        finally:
            await engine.close()

    with slurm_cluster.running() as cluster:
        first, second, third = asyncio.run(main(cluster.variables))
    assert (first.outputs, second.outputs) == ({"text": "games"}, {"text": "man"}), (first, second)
    folders = [path for path in (installed.parent / "spool").iterdir() if (path / "exit").exists()]
    assert {path.owner() for path in folders} == {"games", "man"}
    assert {(path / "exit").owner() for path in folders} == {"games", "man"}
    assert {oct(path.stat().st_mode & 0o7777) for path in folders} == {"0o2770"}
    assert (third.effect, third.reason) == (Effect.NONE, "no_account")
    assert "Ask user support, ext. 4411" in third.message

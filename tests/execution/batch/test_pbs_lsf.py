"""PBS's and LSF's dialects and engine, against programs that answer as their commands do; never run on a real one.

Expected forms come from Altair's PBS Professional Reference Guide 2022.1, IBM's Spectrum LSF 10.1 command reference,
and answers that centres show: Metacentrum's exit codes (docs.metacentrum.cz), PSI/J's account of `qstat -F json` at
ALCF (exaworks.org/psij-python), AiiDA's `bjobs` lines from CERN.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from execution.batch.clusters import CAPABILITIES, opened_engine
from execution.test_engines import kept
from yosegi.core.clock import SystemClock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.errors import Invalid, Unavailable
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.batch import lsf, pbs
from yosegi.execution.engines.batch.dialect import Commands, JobPhase, JobSighting
from yosegi.execution.engines.batch.dialects import accounts_of, dialect_of
from yosegi.execution.engines.batch.job_spec import BatchJobTemplate, JobSpec
from yosegi.execution.engines.batch.lsf import LsfDialect
from yosegi.execution.engines.batch.pbs import PbsDialect
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.testing import fake_lsf, fake_pbs
from yosegi.testing.engine_suite import EngineSuite, Opened, Run, fresh, ignore

KINDS = ("pbs", "lsf")
SUBMIT = {"pbs": "qsub", "lsf": "bsub"}
NAME = "yabcdefghijklmnopqrstuvwxy2"


@dataclass
class Machine:
    """The commands of one scheduler, and the switches by which they go wrong."""

    kind: str
    folder: Path

    def __post_init__(self) -> None:
        self.bin = {"pbs": fake_pbs, "lsf": fake_lsf}[self.kind].install(self.folder)

    def switch(self, **switches: Any) -> None:
        (self.folder / "switches.json").write_text(json.dumps(switches))

    @property
    def dialect(self) -> PbsDialect | LsfDialect:
        commands = Commands(variables={"PATH": f"{self.bin}:{os.environ['PATH']}"}, patience=30.0)
        return PbsDialect(commands) if self.kind == "pbs" else LsfDialect(commands)

    def ask(self, *argv: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / argv[0]), *argv[1:]], input=given, capture_output=True, text=True, check=False, timeout=60
        )

    async def until(self, spec: JobSpec, job: str, phase: JobPhase) -> JobSighting:
        """What is told of a job once it has come so far."""
        deadline = time.monotonic() + 60
        while True:
            found = (await self.dialect.look_up({spec.name: job})).get(spec.name, ())
            if found and found[0].phase is phase:
                return found[0]
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.05)


@pytest.fixture(params=KINDS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    return Machine(request.param, tmp_path / "scheduler")


def spec(folder: Path, *launch: str, **template: Any) -> JobSpec:
    return JobSpec(
        NAME, "task/home/1", folder, launch or ("/bin/true",), 90.0, 5.0, BatchJobTemplate(**template),
        setup=("module load python",) if template else (),
    )  # fmt: skip


WHOLE: dict[str, Any] = {
    "node_count": 2, "processes_per_node": 4, "cpu_cores_per_process": 8, "gpu_cores_per_process": 1,
    "memory_mib": 65536, "exclusive_node_use": True, "queue_name": "prod", "account": "p1234",
}  # fmt: skip


def test_the_script_says_what_is_asked_in_qsubs_words(tmp_path: Path) -> None:
    text = Machine("pbs", tmp_path / "s").dialect.script(
        spec(tmp_path, **WHOLE, custom_attributes={"pbs.W": "group_list=chem", "lsf.M": "1GB"})
    )
    lines = text.splitlines()
    assert "#PBS -l select=2:ncpus=32:mpiprocs=4:ompthreads=8:ngpus=4:mem=65536mb" in lines
    assert "#PBS -l place=scatter:exclhost" in lines
    assert "#PBS -l walltime=00:02:00" in lines
    assert "#PBS -r n" in lines
    assert {"#PBS -q prod", "#PBS -A p1234", "#PBS -W group_list=chem"} <= set(lines)
    assert not [line for line in lines if line.startswith("#PBS -V") or "1GB" in line]
    assert lines[-3:] == ["module load python", "(sleep 115; kill -TERM $$) >/dev/null 2>&1 &", "exec /bin/true"]


def test_the_script_says_what_is_asked_in_bsubs_words(tmp_path: Path) -> None:
    text = Machine("lsf", tmp_path / "s").dialect.script(
        spec(tmp_path, **WHOLE, reservation_id="r1", custom_attributes={"lsf.sla": "night"})
    )
    lines = text.splitlines()
    assert {"#BSUB -n 64", '#BSUB -R "span[ptile=32]"', '#BSUB -gpu "num=4"', "#BSUB -x"} <= set(lines)
    assert {"#BSUB -W 0:02", "#BSUB -env none", "#BSUB -rn", "#BSUB -wt 1", "#BSUB -wa TERM"} <= set(lines)
    assert {"#BSUB -q prod", "#BSUB -P p1234", "#BSUB -U r1", '#BSUB -sla "night"'} <= set(lines)
    assert lines[-2:] == ["module load python", "exec /bin/true"]


@pytest.mark.parametrize(
    ("kind", "refusal", "is_one"),
    [
        ("pbs", "Unknown queue", True),
        ("pbs", "Job violates queue and/or server resource limits", True),
        ("pbs", "cannot connect to server pbs01 (errno=15034)", False),
        ("lsf", "prod: No such queue", True),
        ("lsf", "User cannot use the queue", True),
        ("lsf", "Failed in an LSF library call: Communication time out", False),
    ],
)
def test_only_named_errors_are_refusals(tmp_path: Path, kind: str, refusal: str, is_one: bool) -> None:
    machine = Machine(kind, tmp_path / "scheduler")
    machine.switch(refuse=refusal)
    answer = asyncio.run(machine.dialect.submit(spec(tmp_path)))
    assert (answer.job, answer.refused) == ("", is_one)
    assert refusal in answer.words


def test_a_job_is_found_by_its_name_while_it_waits_and_after_it_has_ended(machine: Machine, tmp_path: Path) -> None:
    async def main() -> None:
        asked = spec(tmp_path)
        machine.switch(capacity=0)
        answer = await machine.dialect.submit(asked)
        # Its number was lost: the name alone is known.
        waits = await machine.until(asked, "", JobPhase.QUEUED)
        assert (waits.job, waits.name, waits.nodes) == (answer.job, NAME, 1)
        assert await machine.dialect.look_up({"yother": answer.job}) == {}, "a number alone identifies nothing"
        machine.switch(capacity=1)
        ended = await machine.until(asked, answer.job, JobPhase.ENDED)
        assert ended.words.startswith("it ended (")
        assert ended.seconds is not None
        assert (ended.over_time, ended.lost_node) == (False, False)

    asyncio.run(main())


def test_a_job_is_ended_while_it_waits_and_while_it_runs(machine: Machine, tmp_path: Path) -> None:
    async def main() -> None:
        machine.switch(capacity=0)
        answer = await machine.dialect.submit(asked := spec(tmp_path, "/bin/sleep", "600"))
        await machine.dialect.cancel([await machine.until(asked, answer.job, JobPhase.QUEUED)])
        deleted = await machine.until(asked, answer.job, JobPhase.ENDED)
        assert ("it was deleted" if machine.kind == "pbs" else "its owner ended it") in deleted.words
        machine.switch(capacity=1)
        answer = await machine.dialect.submit(asked)
        running = await machine.until(asked, answer.job, JobPhase.RUNNING)
        await machine.dialect.cancel([running])
        ended = await machine.until(asked, answer.job, JobPhase.ENDED)
        assert ("signal 15" if machine.kind == "pbs" else "TERM_OWNER") in ended.words
        await machine.dialect.cancel([ended])

    asyncio.run(main())


def test_a_scheduler_that_does_not_answer_is_no_answer(machine: Machine, tmp_path: Path) -> None:
    async def main() -> None:
        machine.switch(deaf=True)
        for job in ("", "1001"):
            with pytest.raises(Unavailable):
                await machine.dialect.look_up({NAME: job})

    asyncio.run(main())


def test_a_job_that_is_forgotten_is_told_as_nothing(machine: Machine, tmp_path: Path) -> None:
    async def main() -> None:
        answer = await machine.dialect.submit(asked := spec(tmp_path))
        await machine.until(asked, answer.job, JobPhase.ENDED)
        machine.switch(forgets=0)
        assert await machine.dialect.look_up({NAME: answer.job}) == {}

    asyncio.run(main())


def test_exit_codes_of_pbs_are_those_that_metacentrum_documents() -> None:
    """-25 processors, -27 memory, -29 wall time; 271 is 256 and signal 15."""

    def told(status: int) -> JobSighting:
        one = {"job_state": "F", "Exit_status": status, "stime": "Tue Oct  4 21:23:20 2022"}
        return pbs.sighting_of("1.s", NAME, one)

    assert [told(s).over_time for s in (-25, -27, -29, 0)] == [False, False, True, False]
    assert "memory" in told(-27).words
    assert "processors" in told(-25).words
    assert "signal 15" in told(271).words


def test_an_end_that_lsf_tells_is_read_as_cern_had_it() -> None:
    """The first line of AiiDA's `bjobs_stdout_to_test`: EXIT, TERM_RUNLIMIT, from 00:45 to 00:46 on February 2."""
    told = lsf.sighting_of(
        NAME,
        {"JOBID": "764213236", "STAT": "EXIT", "START_TIME": "Feb  2 00:45", "FINISH_TIME": "Feb  2 00:46",
         "EXIT_REASON": "TERM_RUNLIMIT: job killed after reaching LSF run time limit", "RUN_TIME": "61 second(s)"},
    )  # fmt: skip
    assert (told.phase, told.over_time, told.seconds) == (JobPhase.ENDED, True, 61.0)
    assert told.words == "its run limit was over (EXIT, TERM_RUNLIMIT)"


def test_settings_name_the_dialect_and_know_no_account_map_for_it(tmp_path: Path) -> None:
    for kind in KINDS:
        given = BatchSettings.read({"dialect": kind, "folder": str(tmp_path)})
        assert dialect_of(given, SystemClock()).name == kind
        with pytest.raises(Invalid, match=f"does not speak {kind}"):
            accounts_of(given.model_copy(update={"accounts": "/etc/accounts.toml", "helper": ("/bin/true",)}))


@pytest.mark.processes
@pytest.mark.slow
class TestBatchOnPbs(EngineSuite):
    KIND = "pbs"

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls) -> Iterator[asyncio.Runner]:
        with asyncio.Runner() as runner:
            yield runner

    @pytest.fixture
    def run(self, runner: asyncio.Runner) -> Run:
        return runner.run

    @pytest.fixture(scope="class")
    @classmethod
    def opened(cls, runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
        folder = tmp_path_factory.mktemp("batch")
        machine = Machine(cls.KIND, folder / "scheduler")
        yield from kept(runner, opened_engine(folder, machine.dialect, fence="proof"))


@pytest.mark.processes
@pytest.mark.slow
class TestBatchOnLsf(TestBatchOnPbs):
    KIND = "lsf"


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.parametrize("switches", [{"before": 1}, {"after": 1}, {"forgets": 0}])
def test_whatever_the_scheduler_does_a_consuming_task_happens_once(
    machine: Machine, tmp_path: Path, switches: dict[str, Any]
) -> None:
    contract = CAPABILITIES["processes.toys:use"].contract
    work = Work(fresh(), contract.name, {"x": 0.5, "world": str(tmp_path)}, 60.0, EffectClass.CONSUMING)

    async def main() -> Outcome:
        machine.switch(**switches)
        async with opened_engine(tmp_path, machine.dialect, fence="proof") as engine:
            return await engine.run(work, ignore)

    outcome = asyncio.run(main())
    assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID)
    assert len((tmp_path / "effects").read_text().splitlines()) == 1

"""PJM's dialect and engine, against a program that answers as its commands do. It has never been run on Fugaku itself.

Expected forms come from Fujitsu's Command Reference (J2UL-2549-01ENZ0), RIKEN's user guide 1.52, and a transcript of a
session on Fugaku (RIKEN-RCCS/fugaku-api, BSD-2-Clause).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from execution.batch.clusters import CAPABILITIES, batch_engine, opened_engine
from execution.test_engines import kept
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.states import Effect, Result
from yosegi.execution.engines.batch.dialect import Commands, JobPhase
from yosegi.execution.engines.batch.job_spec import BatchJobTemplate, JobSpec
from yosegi.execution.engines.batch.pjm import PjmDialect
from yosegi.execution.engines.batch.spool import JobSpool
from yosegi.testing.engine_suite import EngineSuite, Opened, Run, fresh, ignore
from yosegi.testing.fake_pjm import install

TRANSCRIPT = Path(__file__).parent / "pjm-transcript-2021.txt"


class Machine:
    """The commands, and the switches by which they go wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = install(folder)
        self.variables = {"PATH": f"{self.bin}:{os.environ['PATH']}"}

    def switch(self, **switches: Any) -> None:
        (self.folder / "switches.json").write_text(json.dumps(switches))

    @property
    def dialect(self) -> PjmDialect:
        return PjmDialect(Commands(variables=self.variables, patience=30.0))

    def ask(self, *argv: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / argv[0]), *argv[1:]], input=given, capture_output=True, text=True, check=False, timeout=60
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "pjm")


def spec(folder: Path, **template: Any) -> JobSpec:
    return JobSpec(
        "yabcdefghijklmnopqrstuvwxy2", "task/home/1", folder, ("/bin/true",), 90.0, 5.0, BatchJobTemplate(**template)
    )  # fmt: skip


def test_the_script_says_what_is_asked_in_pjsubs_words(machine: Machine, tmp_path: Path) -> None:
    template = {"node_count": 12, "processes_per_node": 4, "queue_name": "small", "account": "hp260001"}
    text = machine.dialect.script(spec(tmp_path, **template, custom_attributes={"pjm.llio": "localtmp-size=10Gi"}))
    assert '#PJM -L "node=12,elapse=0:02:00,rscgrp=small"' in text
    assert '#PJM --mpi "proc=48,max-proc-per-node=4"' in text
    assert "#PJM -g hp260001" in text
    assert "#PJM --norestart" in text
    assert '#PJM --llio "localtmp-size=10Gi"' in text
    assert "-X" not in text.split(), "no variable of the site goes with it"
    assert max(len(line) for line in text.splitlines() if line.startswith("#PJM")) <= 4096


def test_the_fake_says_what_fugaku_said(machine: Machine) -> None:
    """The transcript is the vector: pjsub's answer, the heading of pjstat -v, a waiting job's line, pjdel's answer."""
    said = TRANSCRIPT.read_text()
    machine.switch(capacity=0)
    first = machine.ask("pjsub", "-N", "job1.sh", "-L", "node=12,elapse=00:01:00", given="#!/bin/bash\nsleep 60\n")
    assert first.stdout.strip() == "[INFO] PJM 0000 pjsub Job 6291500 submitted."
    assert first.stdout.strip() in said
    heading, line = machine.ask("pjstat", "-v").stdout.splitlines()
    assert heading in said
    (known,) = (one for one in said.splitlines() if one.startswith("6291500 ") and "(04/12" in one)
    columns = [match.start() for match in re.finditer(r"(?<!\S)\S", heading)]
    ours, theirs = (
        [one[a:b].strip() for a, b in zip(columns, [*columns[1:], None], strict=True)] for one in (line, known)
    )
    same = [name not in ("USER", "GROUP", "START_DATE", "ACCEPT", "ST", "LST") for name in heading.split()]
    assert [a for a, s in zip(ours, same, strict=False) if s] == [b for b, s in zip(theirs, same, strict=False) if s]
    assert machine.ask("pjdel", "6291500").stdout.strip() in said
    gone = machine.ask("pjdel", "99")
    assert (gone.returncode, gone.stderr.strip()) == (1, "[ERR.] PJM 0112 pjdel Job 99 does not exist.")


@pytest.mark.parametrize(
    ("refusal", "is_one"),
    [
        ("0071 Group not authorized to submit a job: group(59999)", True),
        ("0057 elapse=18000 is greater than the upper limit (14400).", True),
        ("0090 PJM daemon is not present.", False),
        ("0091 Internal error: timeout.", False),
    ],
)
def test_only_named_errors_are_refusals(machine: Machine, tmp_path: Path, refusal: str, is_one: bool) -> None:
    machine.switch(refuse=refusal)
    answer = asyncio.run(machine.dialect.submit(spec(tmp_path)))
    assert (answer.job, answer.refused) == ("", is_one)
    assert refusal[5:] in answer.words


def test_a_job_is_found_by_its_name_while_it_waits_and_after_it_has_ended(machine: Machine, tmp_path: Path) -> None:
    async def main() -> None:
        dialect, asked = machine.dialect, spec(tmp_path)
        machine.switch(capacity=0)
        answer = await dialect.submit(asked)
        ((waits,),) = (await dialect.look_up({asked.name: answer.job, "yother": ""})).values()
        assert (waits.job, waits.phase, waits.state, waits.nodes) == (answer.job, JobPhase.QUEUED, "QUE", 1)
        machine.switch(capacity=1, cut=True)
        while True:
            (found,) = (await dialect.look_up({asked.name: answer.job})).values()
            if found[0].phase is JobPhase.ENDED:
                break
            await asyncio.sleep(0.05)
        assert found[0].words == "it ended (EXT)"
        assert found[0].seconds is not None

    asyncio.run(main())


def test_a_job_whose_name_is_hidden_is_known_to_live_and_nothing_more(machine: Machine, tmp_path: Path) -> None:
    async def main() -> None:
        dialect, asked = machine.dialect, spec(tmp_path)
        machine.switch(capacity=0, hidden=True)
        answer = await dialect.submit(asked)
        ((found,),) = (await dialect.look_up({asked.name: answer.job})).values()
        assert (found.phase, found.words) == (JobPhase.QUEUED, "its state is hidden here")
        await dialect.cancel([found])
        assert await dialect.look_up({asked.name: answer.job}) == {}

    asyncio.run(main())


@pytest.mark.processes
@pytest.mark.slow
class TestBatchOnPjm(EngineSuite):
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
        machine = Machine(folder / "pjm")
        yield from kept(runner, opened_engine(folder, machine.dialect, fence="proof"))


def use(folder: Path, key: str = "") -> Work:
    contract = CAPABILITIES["processes.toys:use"].contract
    return Work(key or fresh(), contract.name, {"x": 0.5, "world": str(folder)}, 60.0, EffectClass.CONSUMING)


def effects(folder: Path) -> int:
    path = folder / "effects"
    return len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.parametrize(
    ("switches", "fence"),
    [
        ({"before": 1}, "proof"),
        ({"after": 1}, "proof"),
        ({"after": 1}, "hint"),
        ({"lost": 1}, "proof"),
        ({"hidden": True}, "hint"),
        ({"forgets": 0}, "hint"),
        ({"cut": True, "slow": 1}, "hint"),
    ],
)
def test_whatever_pjm_does_a_consuming_task_happens_once(
    machine: Machine, tmp_path: Path, switches: dict[str, Any], fence: str
) -> None:
    async def main() -> Outcome:
        machine.switch(**switches)
        async with opened_engine(tmp_path, machine.dialect, fence=fence) as engine:
            return await engine.run(use(tmp_path), ignore)

    outcome = asyncio.run(main())
    assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID)
    assert effects(tmp_path) == 1


@pytest.mark.processes
@pytest.mark.slow
def test_a_look_into_the_folders_that_fails_is_told_and_followed_by_another(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look, broken = JobSpool.look, [OSError("stale file handle")]

    def fails_once(spool: JobSpool, *given: Any) -> Any:
        if broken:
            raise broken.pop()
        return look(spool, *given)

    monkeypatch.setattr(JobSpool, "look", fails_once)

    async def main() -> Outcome:
        async with opened_engine(tmp_path, machine.dialect, fence="proof") as engine:
            return await engine.run(use(tmp_path), ignore)

    assert asyncio.run(main()).result is Result.VALID
    assert "stale file handle" in caplog.text


@pytest.mark.processes
@pytest.mark.slow
def test_where_the_fence_is_a_hint_a_lost_submission_of_what_consumes_is_unknown_and_not_repeated(
    machine: Machine, tmp_path: Path
) -> None:
    async def main() -> Outcome:
        machine.switch(before=9)
        async with opened_engine(tmp_path, machine.dialect, fence="hint") as engine:
            return await engine.run(use(tmp_path), ignore)

    outcome = asyncio.run(main())
    assert (outcome.effect, outcome.reason) == (Effect.UNKNOWN, "job_lost")
    assert effects(tmp_path) == 0


@pytest.mark.processes
@pytest.mark.slow
@pytest.mark.parametrize("fence", ["proof", "hint"])
def test_a_job_that_waits_is_taken_back_by_the_fence_or_by_the_schedulers_word(
    machine: Machine, tmp_path: Path, fence: str
) -> None:
    async def main() -> tuple[bool, Outcome]:
        machine.switch(capacity=0)
        async with opened_engine(tmp_path, machine.dialect, fence=fence) as engine:
            work = use(tmp_path)
            task = asyncio.create_task(engine.run(work, ignore))
            while not engine.statistics()["submitted"] or not list((tmp_path / "pjm" / "jobs").glob("*.json")):
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.6)
            return await engine.cancel(work.key), await task

    proved, outcome = asyncio.run(main())
    assert proved
    assert (outcome.effect, outcome.reason) == (Effect.NONE, "cancelled")
    assert effects(tmp_path) == 0


def test_settings_of_the_engine_name_the_dialect(tmp_path: Path, machine: Machine) -> None:
    assert repr(batch_engine(tmp_path, machine.dialect)) == "<batch engine cluster (pjm): 0 tasks>"

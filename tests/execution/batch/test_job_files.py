"""The files by which a site and a job tell each other what happened: one of two has the fence; no link is followed."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from execution.batch.clusters import CAPABILITIES
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.states import Effect, Result
from yosegi.data import FileStore
from yosegi.execution.engines.batch import job_files
from yosegi.execution.engines.batch.spool import JobProgram, JobSpool
from yosegi.execution.engines.limits import TaskLimits


@pytest.fixture
def spool(tmp_path: Path) -> JobSpool:
    spool = JobSpool(tmp_path / "spool", FileStore(tmp_path / "store"))
    spool.open()
    work = Work("task/home/1", "sample.noop@1", {"x": 1.0}, 20.0, EffectClass.PURE)
    assert "execution.samples:noop" in CAPABILITIES
    spool.prepare("yjob", work, JobProgram("execution.samples:noop", TaskLimits()))
    return spool


def test_of_many_that_claim_a_job_exactly_one_has_it(spool: JobSpool) -> None:
    folder = spool.folder("yjob")
    with ThreadPoolExecutor(16) as pool:
        claimed = list(pool.map(lambda n: job_files.claim(folder, {"by": "job", "n": n}), range(64)))
    assert sum(claimed) == 1
    assert job_files.read(folder / job_files.FENCE / job_files.CLAIM)["n"] == claimed.index(True)  # type: ignore[index]
    assert not list(folder.glob(".fence-*"))


def test_a_job_that_the_site_has_taken_back_cannot_begin_and_one_that_began_cannot_be_taken_back(
    spool: JobSpool,
) -> None:
    folder = spool.folder("yjob")
    assert spool.take_back("yjob")
    assert spool.take_back("yjob"), "and it may be asked twice"
    assert not job_files.claim(folder, {"by": "job"})
    assert spool.look(["yjob"])["yjob"].claim == "site"
    spool.folder("yother").mkdir()
    assert job_files.claim(spool.folder("yother"), {"by": "job"})
    assert not spool.take_back("yother")


def test_a_job_of_which_there_is_no_folder_can_be_taken_back(spool: JobSpool) -> None:
    assert spool.take_back("yabsent")
    assert not job_files.claim(spool.folder("yabsent"), {"by": "job"})


def output(digest: str, size: int) -> Outcome:
    ref = {"sha256": digest, "size": size, "media_type": "text/csv", "site": "here", "sensitivity": "team"}
    return Outcome(effect=Effect.DONE, result=Result.VALID, outputs={"table": ref})


def test_an_output_counts_with_the_bytes_that_the_job_left(spool: JobSpool, tmp_path: Path) -> None:
    digest, size = FileStore(tmp_path / "node").put(io.BytesIO(b"1,2\n"))
    left = spool.folder("yjob") / job_files.OUTPUTS
    left.mkdir()
    (left / digest.removeprefix("sha256:")).write_bytes(b"1,2\n")
    assert spool.take_in("yjob", output(digest, size)).result is Result.VALID
    assert FileStore(tmp_path / "store").read(digest) == b"1,2\n"


@pytest.mark.parametrize("how", ["absent", "other", "link", "pipe"])
def test_an_output_that_a_job_did_not_leave_is_a_bad_output_even_if_the_site_has_it(
    spool: JobSpool, tmp_path: Path, how: str
) -> None:
    """What another team's object is called may be known; naming it must not give it away."""
    import os

    secret = tmp_path / "secret"
    secret.write_bytes(b"another team's")
    digest, size = FileStore(tmp_path / "store").put(b"another team's")
    left = spool.folder("yjob") / job_files.OUTPUTS
    left.mkdir()
    path = left / digest.removeprefix("sha256:")
    if how == "other":
        path.write_bytes(b"something else")
    elif how == "link":
        path.symlink_to(secret)
    elif how == "pipe":
        os.mkfifo(path)
    outcome = spool.take_in("yjob", output(digest, size))
    assert (outcome.result, outcome.reason) == (Result.INVALID, "bad_output")


@pytest.mark.parametrize("name", [job_files.EXIT, job_files.PROGRESS, job_files.OUTPUT])
def test_a_link_in_the_place_of_a_file_is_no_file(spool: JobSpool, tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"line": "another\'s", "effect": "done", "result": "valid"}')
    (spool.folder("yjob") / name).symlink_to(secret)
    found = spool.look(["yjob"])["yjob"]
    assert (found.exit, found.line, spool.printed("yjob")) == (None, "", "")

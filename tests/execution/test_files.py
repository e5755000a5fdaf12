"""Objects to and from worker processes: what a scientist's function sees, and what is made of what it leaves."""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from execution import tables
from execution.conftest import HERE
from yosegi.core.canonical import digest
from yosegi.core.clock import SystemClock
from yosegi.core.contract import INLINE, EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.errors import Invalid
from yosegi.core.object import ObjectRef, provisional, refs
from yosegi.core.states import Effect, Result
from yosegi.core.supervision import Supervisor
from yosegi.data import FileStore
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.execution.engines.process.files import take_in, taken_in
from yosegi.execution.engines.process.worker_terms import WorkerTerms
from yosegi.testing.loop import SimulatedClock, run_simulated
from yosegi.testing.objects import MemoryStore

NAMES = ("make", "add", "write", "double", "pickled", "echo", "too_much", "absent", "wrong_kind", "long_list")


class House:
    """One engine and its store."""

    def __init__(self, folder: Path) -> None:
        self.store = FileStore(folder / "objects")
        self.scratch = folder / "scratch"
        entries = {getattr(tables, name).contract.name: f"execution.tables:{name}" for name in NAMES}
        self.engine = ProcessEngine(
            entries,
            self.scratch,
            WorkerTerms(import_path=(HERE,)),
            clock=SystemClock(),
            scope=Supervisor(SystemClock()).scope("engine"),
            store=self.store,
        )
        self.runner = asyncio.Runner()
        self.runner.run(self.engine.start())
        self._number = 0

    def run(self, name: str, **inputs: Any) -> Outcome:
        contract = getattr(tables, name).contract
        self._number += 1
        objects = refs(contract.inputs, inputs)
        work = Work(f"task/home/{self._number}", contract.name, inputs, 20.0, EffectClass.PURE, objects=objects)
        return self.runner.run(self.engine.run(work, lambda progress: None))

    def put(self, data: bytes, media_type: str) -> dict[str, Any]:
        sha256, size = self.store.put(data)
        return ObjectRef(sha256=sha256, size=size, media_type=media_type, site="home", sensitivity="team").json()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    try:
        yield house
    finally:
        house.runner.run(house.engine.close())
        house.runner.close()


@pytest.mark.processes
class TestWithProcesses:
    def test_a_file_that_is_returned_becomes_an_object(self, house: House) -> None:
        outcome = house.run("make", rows=3)
        assert outcome.result is Result.VALID, outcome
        ref = ObjectRef.read(outcome.outputs["table"])  # type: ignore[index]
        assert (ref.sha256, ref.size, ref.media_type) == (digest(b"0\n1\n2\n"), 6, "text/csv")
        assert house.store.read(ref.sha256) == b"0\n1\n2\n"

    def test_a_file_is_taken_in_also_where_all_is_heard_of_its_task_at_once(self, house: House) -> None:
        # A busy site reads in one go that the task has ended and that it left something in its folder.
        async def busy() -> Outcome:
            contract = tables.make.contract
            work = Work("task/home/at-once", contract.name, {"rows": 4}, 20.0, EffectClass.PURE)
            running = asyncio.create_task(house.engine.run(work, lambda progress: None))
            while not any(case.number for case in house.engine._cases.values()):
                await asyncio.sleep(0)
            time.sleep(0.5)
            return await running

        outcome = house.runner.run(busy())
        assert outcome.result is Result.VALID, outcome
        assert house.store.read(outcome.outputs["table"]["sha256"]) == b"0\n1\n2\n3\n"  # type: ignore[index]

    def test_an_object_is_given_as_a_file(self, house: House) -> None:
        outcome = house.run("add", table=house.put(b"1\n2\n3.5\n", "text/csv"))
        assert outcome.outputs == {"total": 6.5}

    def test_a_file_that_is_given_cannot_be_written(self, house: House) -> None:
        outcome = house.run("write", table=house.put(b"1\n", "text/csv"))
        if os.geteuid() != 0:
            assert "PermissionError" in outcome.message
        assert house.store.read(digest(b"1\n")) == b"1\n"

    def test_an_array_goes_in_and_comes_out(self, house: House) -> None:
        buffer = io.BytesIO()
        np.save(buffer, np.arange(4.0))
        outcome = house.run("double", array=house.put(buffer.getvalue(), "application/x-npy"))
        made = house.store.read(outcome.outputs["array"]["sha256"])  # type: ignore[index]
        assert np.load(io.BytesIO(made), allow_pickle=False).tolist() == [0, 2, 4, 6]

    def test_an_array_that_only_pickle_could_hold_is_a_failure(self, house: House) -> None:
        assert house.run("pickled").result is not Result.VALID

    def test_an_object_may_be_left_out(self, house: House) -> None:
        assert house.run("echo").outputs == {"raw": None}

    def test_an_empty_object_goes_through(self, house: House) -> None:
        outcome = house.run("echo", raw=house.put(b"", "application/octet-stream"))
        assert outcome.outputs["raw"]["size"] == 0  # type: ignore[index]

    @pytest.mark.parametrize("name", ["too_much", "absent", "wrong_kind"])
    def test_what_the_contract_does_not_say_is_a_bad_output(self, house: House, name: str) -> None:
        outcome = house.run(name)
        assert (outcome.result, outcome.reason) == (Result.INVALID, "bad_output"), outcome

    def test_an_object_of_another_media_type_is_a_bad_input(self, house: House) -> None:
        outcome = house.run("add", table=house.put(b"1\n", "text/plain"))
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "bad_inputs")

    def test_an_object_that_is_not_here_starts_nothing(self, house: House) -> None:
        ref = house.put(b"gone", "text/csv")
        house.store.delete(ref["sha256"])
        outcome = house.run("add", table=ref)
        assert (outcome.effect, outcome.reason) == (Effect.NONE, "not_started")

    def test_json_above_the_limit_is_refused_and_says_what_to_do(self, house: House) -> None:
        outcome = house.run("long_list", count=INLINE // 4)
        assert (outcome.result, outcome.reason) == (Result.INVALID, "output_too_large")
        assert "object" in outcome.message

    def test_nothing_is_left_in_the_scratch_folder(self, house: House) -> None:
        house.run("make", rows=3)
        house.run("add", table=house.put(b"1\n", "text/csv"))
        house.runner.run(asyncio.sleep(0.3))
        # The folders of children that wait for a task are there, and empty.
        assert not [path for folder in house.scratch.iterdir() for path in folder.iterdir()]
        assert not list(house.scratch.glob("in-*"))


# -- what a worker that is not trusted may leave ----------------------------------------------------------------------


@pytest.fixture
def left(tmp_path: Path) -> Path:
    (tmp_path / "yosegi-out").mkdir()
    (tmp_path / "secret").write_text("secret")
    return tmp_path


CSV = provisional(3, "text/csv")


def test_a_link_out_of_the_folder_is_not_followed(left: Path) -> None:
    (left / "yosegi-out" / "table").symlink_to(left / "secret")
    with pytest.raises(Invalid, match="no file"):
        take_in(MemoryStore(), {"table": CSV}, left)


def test_a_folder_that_is_a_link_is_not_followed(left: Path) -> None:
    (left / "yosegi-out").rmdir()
    (left / "yosegi-out").symlink_to(left)
    with pytest.raises(Invalid, match="no file"):
        take_in(MemoryStore(), {"secret": CSV}, left)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "..", "a/b"])
def test_a_name_is_no_path(left: Path, name: str) -> None:
    with pytest.raises(Invalid, match="no name"):
        take_in(MemoryStore(), {name: CSV}, left)


def test_a_pipe_is_no_file_and_is_not_waited_for(left: Path) -> None:
    os.mkfifo(left / "yosegi-out" / "table")
    with pytest.raises(Invalid, match="plain file"):
        take_in(MemoryStore(), {"table": CSV}, left)


def test_the_size_is_that_of_the_file_whatever_the_worker_said(left: Path) -> None:
    (left / "yosegi-out" / "table").write_bytes(b"12345")
    assert take_in(MemoryStore(), {"table": CSV}, left)["table"]["size"] == 5


def test_a_full_disk_is_waited_for_with_what_was_made(left: Path) -> None:
    (left / "yosegi-out" / "table").write_bytes(b"12345")
    store = MemoryStore(room=2)
    outcome = Outcome(effect=Effect.DONE, result=Result.VALID, outputs={"table": CSV})

    async def offload(work: Any, *args: Any) -> Any:
        try:
            return work(*args)
        finally:
            store.room = 100

    ended = run_simulated(taken_in(store, outcome, left, clock=SimulatedClock(), offload=offload))
    assert ended.outputs is not None
    assert store.read(ended.outputs["table"]["sha256"]) == b"12345"

"""Objects to and from a station, over the calls that go anyway: whole, and whatever is lost on the way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest

from execution import tables
from execution.conftest import HERE
from execution.stations import SITE_KEY, STATION_KEY, DirectLink, make_station, unheard
from yosegi.core.canonical import digest
from yosegi.core.capability import Object
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Work
from yosegi.core.object import ObjectRef, refs
from yosegi.core.states import Effect, Result
from yosegi.core.supervision import Supervisor
from yosegi.data import CHUNK, Chunk, ChunkRequest, FileStore
from yosegi.data.pulling import inline
from yosegi.execution.engines.station.documents import WorkOffer
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.execution.station import DirectExecutor, ProcessExecutor
from yosegi.testing.loop import EPOCH, SimulatedClock, run_simulated
from yosegi.testing.objects import MemoryStore

DATA = random.Random(1).randbytes(3 * CHUNK + 5)
Blob = Annotated[bytes, Object(most="20 MB")]


@dataclass(frozen=True)
class Back:
    blob: Blob


@tables.on_tables("reverse")
def reverse(blob: Blob) -> Back:
    """The same bytes, backwards."""
    return Back(blob[::-1])


class Clock(SimulatedClock):
    """Stands at nought before its loop runs."""

    def monotonic(self) -> float:
        try:
            return super().monotonic()
        except RuntimeError:
            return 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.monotonic() + self.skew)


class Pair:
    """A station and its site's engine, on simulated time, each with its own store."""

    def __init__(self, folder: Path, fault: Callable[[int], str] = lambda number: "") -> None:
        self.clock, self.site, self.there = Clock(), MemoryStore(), MemoryStore()
        capabilities = {reverse.contract.name: reverse}
        self.engine = StationEngine(
            "robot", STATION_KEY.public, {reverse.contract.name: reverse.contract}, self.clock,
            Supervisor(self.clock).scope("engine"), site="nims",
            signer=SITE_KEY, grace=30.0, store=self.site, offload=inline, on_late=unheard,
        )  # fmt: skip
        self.link = DirectLink(self.engine.handle, self.clock, fault)
        executor = DirectExecutor(capabilities, folder / "state", self.there)
        self.station = make_station(folder, self.link, executor, self.clock)
        self.station.store = self.there
        self.station.__post_init__()

    def put(self, data: bytes) -> dict[str, Any]:
        sha256, size = self.site.put(data)
        kind = "application/octet-stream"
        return ObjectRef(sha256=sha256, size=size, media_type=kind, site="home", sensitivity="team").json()

    async def ask(self, data: bytes = DATA, key: str = "task/home/1") -> Outcome:
        inputs = {"blob": self.put(data)}
        objects = refs(reverse.contract.inputs, inputs)
        work = Work(key, reverse.contract.name, inputs, 20.0, EffectClass.IDEMPOTENT, objects=objects)
        running = asyncio.create_task(self.station.run())
        try:
            return await self.engine.run(work, lambda progress: None)
        finally:
            self.station.leave()
            await running
            await self.engine.close()
            self.station.log.close()


def holds(pair: Pair, outcome: Outcome) -> None:
    assert (outcome.effect, outcome.result) == (Effect.DONE, Result.VALID), outcome
    assert outcome.outputs is not None
    assert outcome.outputs["blob"]["sha256"] == digest(DATA[::-1])
    assert pair.site.read(digest(DATA[::-1])) == DATA[::-1]
    assert pair.there.read(digest(DATA)) == DATA
    assert not pair.site.partial
    assert not pair.there.partial


def test_an_object_goes_to_a_station_and_another_comes_back(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    holds(pair, run_simulated(pair.ask()))


@pytest.mark.parametrize("fault", ["lost", "answer_lost"])
def test_each_call_may_go_wrong(tmp_path: Path, fault: str) -> None:
    calls = 40
    for bad in range(1, calls):
        pair = Pair(tmp_path / str(bad), lambda number, bad=bad: fault if number == bad else "")  # type: ignore[misc]
        holds(pair, run_simulated(pair.ask()))
        if pair.link.calls < bad:
            break
    else:
        pytest.fail("there were more calls than were tried")


def test_a_station_is_given_the_inputs_of_its_work_and_nothing_else(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    secret = pair.put(b"secret")
    given: list[Chunk] = []

    async def story() -> None:
        channel = pair.engine._channel
        assert channel is not None
        channel.hear([ChunkRequest(task="task/home/1", sha256=secret["sha256"], offset=0, length=6)], None)
        given.extend(channel.say()["chunks"])

    run_simulated(story())
    assert given[0].refused is not None
    assert given[0].data == b""


def test_an_input_that_the_site_changed_starts_nothing(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.site.held[digest(DATA)] = DATA
    original = pair.site.read

    def read(sha256: str, offset: int = 0, length: int = -1) -> bytes:
        return bytes(len(original(sha256, offset, length)))

    pair.site.read = read  # type: ignore[method-assign]
    outcome = run_simulated(pair.ask())
    assert (outcome.effect, outcome.reason) == (Effect.NONE, "not_started")
    assert not pair.there.held


@pytest.mark.processes
def test_the_process_that_holds_an_instrument_takes_and_leaves_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    store = FileStore(tmp_path / "objects")
    entries = ("execution.tables:make", "execution.tables:add")

    def offer(name: str, **inputs: Any) -> WorkOffer:
        contract = getattr(tables, name).contract
        objects = refs(contract.inputs, inputs) or None
        return WorkOffer(
            key=f"task/home/{name}", capability=contract.name, inputs=inputs, time_limit=20.0,
            effect=EffectClass.IDEMPOTENT, objects=objects,
        )  # fmt: skip

    async def story() -> tuple[Outcome, Outcome]:
        executor = ProcessExecutor(entries, tmp_path, import_path=(HERE,), store=store)
        try:
            made = await executor.do(offer("make", rows=4), lambda fraction, text: None)
            assert made.outputs is not None, made
            return made, await executor.do(offer("add", table=made.outputs["table"]), lambda fraction, text: None)
        finally:
            await executor.close()

    made, added = asyncio.run(story())
    assert made.outputs is not None
    assert store.read(made.outputs["table"]["sha256"]) == b"0\n1\n2\n3\n"
    assert added.outputs == {"total": 6.0}
    assert not (tmp_path / "scratch").exists()
    assert not (tmp_path / "given").exists()
    assert list(elsewhere.iterdir()) == [], "a file named without a folder belongs into the task's own"

"""Real processes, really killed."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.support import Budget, open_ledger, write
from yosegi.ledger import Locked, SqliteStore

pytestmark = pytest.mark.processes


def started(file: Path, writers: int = 8) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ledger.writer_process", str(file), str(writers)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


async def verified(file: Path, acknowledged: list[str]) -> None:
    """Open what a killed writer left: what it acknowledged is there, nothing is there by half."""
    ledger = await open_ledger(SqliteStore(file, durable=False), views=[Budget(10**12)])
    for line in acknowledged:
        sequence, stream, position, digest = line.split()
        entry = ledger.entry(int(sequence))
        assert (entry.stream, entry.position, entry.hash) == (stream, int(position), digest)
        assert entry.body == {"n": int(position) - 1}
    for stream in ledger.streams("stream/"):
        if not stream.endswith("/twin"):
            assert ledger.position(stream) == ledger.position(f"{stream}/twin")
    for _ in ledger.check():
        pass
    await ledger.append(write("after", None))
    ledger.close()


def test_what_a_killed_writer_acknowledged_is_there_and_nothing_by_half(file: Path) -> None:
    chance = random.Random(20261121)
    for _ in range(5):
        process = started(file)
        assert lines(process, 1) == ["opened"]
        acknowledged = lines(process, chance.randrange(1, 150))
        process.kill()
        assert process.stdout is not None
        acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        asyncio.run(verified(file, acknowledged))


def test_of_many_processes_that_open_a_ledger_one_writes(file: Path) -> None:
    processes = [started(file, writers=1) for _ in range(4)]
    try:
        answers = [lines(process, 1)[0] for process in processes]
        assert sorted(answers) == ["locked", "locked", "locked", "opened"]
        winner = processes[answers.index("opened")]
        with pytest.raises(Locked, match=f"process {winner.pid} writes it"):
            asyncio.run(open_ledger(SqliteStore(file)))
    finally:
        for process in processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
    asyncio.run(verified(file, []))

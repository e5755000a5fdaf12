"""What the ledger costs: durable appends beside their floor, offline verification, opening and checking a big one.

    python benchmarks/ledger.py            # a table
    python benchmarks/ledger.py --json     # the same as JSON
    python benchmarks/ledger.py --quick    # a hundredth of the big ledger

An append is one entry of some 600 bytes (facts and a body) to one stream, encoded, hashed into the tree, under a
signed checkpoint, and synced. The floors do less: a bare SQLite insert and commit, and a bare write and fsync of the
same bytes, one at a time, in the same folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from yosegi.core.clock import SystemClock
from yosegi.ledger import Db, Draft, Entry, Ledger, SqliteStore, View, Write, verify_entries
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer

SIGNER = Ed25519Signer.generate()
FACTS = {"state": "accepted", "held": {"instrument_h": 250, "samples": 1000}, "capability": "nims/colour.mix@1"}
BODY = {"inputs": {"red": 31.25, "yellow": 50.0, "blue": 18.75, "water": 50.0}, "note": "x" * 200}


class Tasks:
    """A view as the rooms have them: one row a stream, its state replaced."""

    name = "tasks"
    version = 1
    ddl = ("CREATE TABLE tasks (stream TEXT PRIMARY KEY, state TEXT NOT NULL, entries INTEGER NOT NULL)",)

    def apply(self, db: Db, entry: Entry) -> None:
        sql = (
            "INSERT INTO tasks (stream, state, entries) VALUES (?, ?, 1) "
            "ON CONFLICT (stream) DO UPDATE SET state = excluded.state, entries = tasks.entries + 1"
        )
        db.execute(sql, (entry.stream, str(entry.facts["state"]) if "state" in entry.facts else ""))


@dataclass(frozen=True)
class Result:
    what: str
    figure: float
    unit: str
    note: str = ""


def write_of(number: int) -> Write:
    return Write(f"task/{number}", 0, (Draft("task.accepted", FACTS, BODY),), "alliance", "pi@argonne")


async def opened(path: Path, views: Sequence[View] = (), *, durable: bool = True) -> Ledger:
    store = SqliteStore(path, durable=durable)
    return await Ledger.open(store, site="riken", signer=SIGNER, clock=SystemClock(), views=views, code="benchmark")


async def rate(append: Callable[[int], Awaitable[object]], writers: int, seconds: float) -> float:
    """Appends per second by so many writers, each waiting for its own before the next."""
    done = 0
    end = time.perf_counter() + seconds

    async def write() -> None:
        nonlocal done
        while time.perf_counter() < end:
            number, done = done, done + 1
            await append(number)

    start = time.perf_counter()
    await asyncio.gather(*[write() for _ in range(writers)])
    return done / (time.perf_counter() - start)


async def appends(folder: Path, writers: int, views: Sequence[View], seconds: float, drafts: int = 1) -> float:
    ledger = await opened(folder / f"appends-{writers}-{len(views)}-{drafts}.sqlite", views)

    async def append(number: int) -> None:
        draft = Draft("task.accepted", FACTS, BODY)
        await ledger.append(Write(f"task/{number}", 0, (draft,) * drafts, "alliance", "pi@argonne"))

    try:
        return await rate(append, writers, seconds) * drafts
    finally:
        ledger.close()


def bare_sqlite(folder: Path, seconds: float) -> float:
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, data BLOB)")
    data, done, start = bytes(600), 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        connection.execute("INSERT INTO t (data) VALUES (?)", (data,))
        done += 1
    connection.close()
    return done / seconds


def bare_fsync(folder: Path, seconds: float) -> float:
    descriptor = os.open(folder / "bare.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    data, done, start = bytes(600), 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        os.write(descriptor, data)
        os.fsync(descriptor)
        done += 1
    os.close(descriptor)
    return done / seconds


async def grow(path: Path, size: int) -> float:
    """Fill a ledger quickly, without syncing; entries per second."""
    ledger = await opened(path, [Tasks()], durable=False)
    start = time.perf_counter()
    for first in range(0, size, 2000):
        await ledger.append(*[write_of(number) for number in range(first, min(first + 2000, size))])
    ledger.close()
    return size / (time.perf_counter() - start)


async def big(folder: Path, size: int) -> list[Result]:
    path = folder / "big.sqlite"
    filled = await grow(path, size)
    start = time.perf_counter()
    ledger = await opened(path, [Tasks()])
    opening = time.perf_counter() - start
    middle = [ledger.size // 2 + 37 * step for step in range(100)]
    start = time.perf_counter()
    receipts = [ledger.receipt(sequence) for sequence in middle]
    receipt = (time.perf_counter() - start) / len(middle)
    keys = by_id([SIGNER.public])
    start = time.perf_counter()
    for item in receipts:
        item.verify(keys)
    verify = (time.perf_counter() - start) / len(receipts)
    start = time.perf_counter()
    for _ in ledger.check():
        pass
    checking = time.perf_counter() - start
    results = [
        Result("filling a ledger, 2,000 a commit, one view, not synced", filled, "entries/s"),
        Result(f"opening {ledger.size:,} entries, tail verified", opening, "s", "aim: under 2 s"),
        Result("one receipt from the middle of it", receipt * 1e3, "ms"),
        Result("verifying one receipt offline", verify * 1e3, "ms"),
        Result(f"checking all {ledger.size:,} entries and the view", checking, "s"),
        Result("size on the disk", path.stat().st_size / ledger.size, "bytes/entry"),
    ]
    ledger.close()
    return results


async def offline(folder: Path, size: int) -> Result:
    """A campaign of 5,000 steps, some ten entries each, out of a ledger twice that size."""
    path = folder / "offline.sqlite"
    await grow(path, size * 2)
    ledger = await opened(path, [Tasks()])
    chosen = range(0, size * 2, 2)
    headers = [ledger.entry(sequence).header_bytes for sequence in chosen]
    start = time.perf_counter()
    proof = ledger.prove(chosen)
    proving = time.perf_counter() - start
    start = time.perf_counter()
    verify_entries(headers, ledger.checkpoint(), by_id([SIGNER.public]), proof=proof)
    verifying = time.perf_counter() - start
    ledger.close()
    note = f"{len(proof):,} hashes of proof, made in {proving:.2f} s; aim for a campaign of 5,000 steps: under 10 s"
    return Result(f"verifying {size:,} entries offline", verifying, "s", note)


async def measure(folder: Path, *, quick: bool) -> list[Result]:
    seconds = 1.0 if quick else 3.0
    repeats = 1 if quick else 3

    async def median(action: Callable[[], Awaitable[float]]) -> float:
        return statistics.median([await action() for _ in range(repeats)])

    async def fresh(writers: int, views: Sequence[View], drafts: int = 1) -> float:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            return await appends(Path(own), writers, views, seconds, drafts)

    results = [
        Result("floor: write and fsync, one at a time", bare_fsync(folder, seconds), "syncs/s"),
        Result("floor: SQLite insert and commit, one at a time", bare_sqlite(folder, seconds), "commits/s"),
        Result("ledger, one writer", await median(lambda: fresh(1, ())), "entries/s"),
        Result("ledger, one writer, one view", await median(lambda: fresh(1, [Tasks()])), "entries/s"),
        Result("ledger, 64 writers", await median(lambda: fresh(64, ())), "entries/s", "aim: 5,000"),
        Result("ledger, 64 writers, one view", await median(lambda: fresh(64, [Tasks()])), "entries/s"),
        Result("ledger, one writer, 100 entries an append", await median(lambda: fresh(1, (), 100)), "entries/s"),
        await offline(folder, 500 if quick else 50_000),
        *await big(folder, 10_000 if quick else 1_000_000),
    ]
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="shorter runs and a hundredth of the big ledger")
    parser.add_argument("--folder", type=Path, default=None, help="where to write (default: a temporary folder)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        results = asyncio.run(measure(Path(folder), quick=options.quick))
    if options.json:
        machine = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "cpus": os.cpu_count()}
        print(json.dumps({"machine": machine, "results": [asdict(result) for result in results]}, indent=2))
        return
    for result in results:
        print(f"{result.what:<62} {result.figure:>12,.2f} {result.unit:<12} {result.note}")


if __name__ == "__main__":
    main()

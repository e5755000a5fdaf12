"""A process that writes to a ledger until it is killed, and says on standard output what was acknowledged.

Usage: python -m ledger.writer_process FILE WRITERS
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ledger.support import Budget, StillClock, open_ledger, write
from yosegi.ledger import Locked, SqliteStore


async def main(file: Path, writers: int) -> None:
    try:
        ledger = await open_ledger(SqliteStore(file), views=[Budget(10**12)], clock=StillClock(), inline=False)
    except Locked:
        print("locked", flush=True)
        return
    print("opened", flush=True)

    async def work(name: str) -> None:
        position = ledger.position(name)
        while True:
            both = write(name, position, facts={"amount": 1}, body={"n": position}), write(f"{name}/twin", position)
            entries = await ledger.append(*both)
            position += 1
            sys.stdout.write(f"{entries[0].sequence} {name} {position} {entries[0].hash}\n")
            sys.stdout.flush()

    await asyncio.gather(*[work(f"stream/{number}") for number in range(writers)])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

"""A file for a ledger, its opener, and a PostgreSQL server where its programs are installed."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.support import Opener, open_ledger
from yosegi.ledger import Ledger, SqliteStore, Store

POSTGRES = shutil.which("postgres") or shutil.which("postgres", path="/usr/lib/postgresql/15/bin")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def opened(file: Path) -> Iterator[Opener]:
    """Opens the ledger in `file`; what a test leaves open is closed after it."""
    ledgers: list[Ledger] = []

    async def open_it(**fields: Any) -> Ledger:
        ledger = await open_ledger(SqliteStore(file, durable=False), **fields)
        ledgers.append(ledger)
        return ledger

    yield open_it
    for ledger in ledgers:
        ledger.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.processes)])
def kind(request: pytest.FixtureRequest) -> str:
    """Every kind of store."""
    return str(request.param)


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest, file: Path) -> Store:
    """A new store of each kind."""
    if kind == "sqlite":
        return SqliteStore(file, durable=False)
    made: Store = request.getfixturevalue("postgres")()
    return made


_schemas = itertools.count()


@pytest.fixture
def postgres(server: str) -> Callable[[], Store]:
    """Makes stores over one schema, this test's own."""
    from yosegi.ledger.postgres import PostgresStore

    schema = f"test_{next(_schemas)}"
    return lambda: PostgresStore(server, schema=schema, durable=False)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL server of this run, reached through a socket in a folder of its own."""
    pytest.importorskip("psycopg")
    if POSTGRES is None:
        pytest.skip("PostgreSQL's programs are not installed")
    folder = Path(tempfile.mkdtemp(prefix="yosegi-postgres-"))
    # The server refuses to run as root.
    as_user = {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid} if os.geteuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres")
    initdb = str(Path(POSTGRES).resolve().with_name("initdb"))
    options = ["--no-sync", "--auth=trust", "--username=yosegi", "--encoding=UTF8", "--locale=C", "--wal-segsize=1"]
    data = folder / "data"
    subprocess.run([initdb, "-D", str(data), *options], check=True, capture_output=True, cwd=folder, **as_user)
    settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "min_wal_size=2MB"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [POSTGRES, "-D", str(data), "-k", str(folder), *settings], stdout=log, stderr=log, cwd=folder, **as_user
        )
    try:
        ready = str(Path(POSTGRES).resolve().with_name("pg_isready"))
        while subprocess.run([ready, "-q", "-h", str(folder)], check=False).returncode:
            assert process.poll() is None, (folder / "log").read_text()
        yield f"host={folder} user=yosegi dbname=postgres"
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        shutil.rmtree(folder)

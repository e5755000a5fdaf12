"""A ledger's opener and its stores, of each kind."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.support import Opener, open_ledger
from yosegi.ledger import Ledger, SqliteStore, Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.processes)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of the ledger runs on every kind of store; one that looks into the SQLite file, on that alone."""
    if "opened" in metafunc.fixturenames:
        of_the_file = {"file", "corrupted"} & set(inspect.signature(metafunc.function).parameters)
        metafunc.parametrize("opened", ["sqlite"] if of_the_file else BOTH, indirect=True)


@pytest.fixture
def opened(request: pytest.FixtureRequest, file: Path) -> Iterator[Opener]:
    """Opens this test's ledger; what a test leaves open is closed after it."""
    ledgers: list[Ledger] = []
    new = request.getfixturevalue("postgres") if request.param == "postgres" else None

    async def open_it(**fields: Any) -> Ledger:
        ledgers.append(await open_ledger(new() if new else SqliteStore(file, durable=False), **fields))
        return ledgers[-1]

    yield open_it
    for ledger in ledgers:
        ledger.close()


@pytest.fixture(params=BOTH)
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


@pytest.fixture
def make(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Makes stores over one and the same place."""
    stores: list[Store] = []
    postgres = request.getfixturevalue("postgres") if kind == "postgres" else None

    def made() -> Store:
        stores.append(postgres() if postgres else SqliteStore(tmp_path / "store.sqlite", durable=False))
        return stores[-1]

    yield made
    for store in stores:
        store.close()

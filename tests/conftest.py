"""What holds in every test, and what tests of several packages share."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres_server

pytest_plugins = ("unhandled", "distribution")
pytest.register_assert_rewrite("yosegi.testing.engine_suite")


DESCRIPTORS, MOST_DESCRIPTORS = Path("/proc/self/fd"), 512
"""Where Linux lists this process's open files, and how many may be open after a test."""


@pytest.fixture(autouse=True)
def _descriptors() -> Iterator[None]:
    """A crashed site's files close when it is collected: in time for a limit of 1,024 open files."""
    yield
    if DESCRIPTORS.is_dir() and len(list(DESCRIPTORS.iterdir())) > MOST_DESCRIPTORS:
        gc.collect()


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """The command line, called in this process, sets one; the tests after it have the one from before."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def _log_level() -> Iterator[None]:
    """Whoever quietens the program's log, a test or a fixture that many share, quietens no test after it."""
    log = logging.getLogger("yosegi")
    log.setLevel(logging.NOTSET)
    yield
    log.setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """How to connect to a PostgreSQL server of this run."""
    pytest.importorskip("psycopg")
    if postgres_server.POSTGRES is None:
        pytest.skip(postgres_server.ABSENT)
    with postgres_server.running() as conninfo:
        yield conninfo

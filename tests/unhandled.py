"""A pytest plugin: an exception that a task or future raised and nobody looked at fails the test.

asyncio says so only when such a task is collected as garbage, and then only to its log. A task that is part of a cycle
is collected later, maybe in another test; what is left at the end of the session fails the session.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest

UNHANDLED = ("Task exception was never retrieved", "Future exception was never retrieved")


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith(UNHANDLED):
            error = record.exc_info[1] if record.exc_info else None
            self.found.append(f"{message}\n{type(error).__name__}: {error}")

    def take(self) -> list[str]:
        found, self.found = self.found, []
        return found


_listener = _Listener()


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger("asyncio").addHandler(_listener)


def pytest_unconfigure(config: pytest.Config) -> None:
    logging.getLogger("asyncio").removeHandler(_listener)


@pytest.fixture(autouse=True)
def _no_unhandled_exceptions() -> Iterator[None]:
    yield
    if found := _listener.take():
        pytest.fail("\n".join(["exceptions of tasks were handled by nobody:", *found]), pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    gc.collect()
    if found := _listener.take():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        raise pytest.UsageError("\n".join(["exceptions of tasks were handled by nobody:", *found]))

"""Nobody starts a task of the event loop by themselves: the supervisor does, so that none is without an owner."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "yosegi"
STARTS = frozenset({"create_task", "ensure_future", "run_coroutine_threadsafe", "start_soon"})

ALLOWED = {
    "core/supervision.py": "the supervisor itself",
    "ledger/ledger.py": "one function waits for news or a time, and cancels both before it returns",
    "data/pulling.py": "one function asks for a few pieces ahead, and cancels and awaits them all before it returns",
    "exchange/inbox.py": "one function takes in a few documents of a parcel side by side, in a group that it awaits",
    "execution/engines/batch/wrapper.py": "a job is a process of its own, without a site; it awaits its one task",
    "mcp/bridge.py": "a person's client is a process of its own; one function passes events on, and awaits it",
    "mcp/http.py": "one function waits for the first of two, and cancels what it started",
    "execution/engines/_waiting.py": "one function waits for the first of two, and cancels and awaits both",
    "execution/engines/process/warm.py": "how a task of a worker ends, which whoever runs it awaits",
    "execution/station/station.py": "a station is a process of its own, without a site; it awaits its tasks as it ends",
    "testing/engine_suite.py": "tests of an engine without a site; each awaits what it starts",
    "testing/federation.py": "brings sites up again after they died, as a machine would, and so from outside of them",
    "testing/network.py": "carries parcels of a simulated network, which belongs to no site",
}


def starts(text: str) -> list[int]:
    """The lines that start a task."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return [call.lineno for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) in STARTS]


def test_a_task_that_is_started_is_found_however_it_is_written() -> None:
    text = "asyncio.create_task(x)\nloop.create_task(x)\ntask = x\nensure_future(x)"
    assert starts(text) == [1, 2, 4]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_tasks_are_started_by_the_supervisor_alone(path: Path) -> None:
    name = str(path.relative_to(SOURCE))
    found = starts(path.read_text(encoding="utf-8"))
    if name not in ALLOWED:
        assert not found, f"{name}: lines {found}: let a scope of `core/supervision.py` start it"


@pytest.mark.parametrize("name", ALLOWED)
def test_an_exception_is_still_needed(name: str) -> None:
    assert starts((SOURCE / name).read_text(encoding="utf-8"))

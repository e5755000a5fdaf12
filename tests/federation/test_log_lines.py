"""What an operator reads in the log at the level `info`: a line for each step of each task that others asked for."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.testing.loop import run_simulated


def test_each_task_of_a_peer_has_a_line_when_it_is_accepted_dispatched_and_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "yosegi")

    async def story() -> list[str]:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(300)
        return [task.name for place in federation.places.values() for task in place.running.tasks.list()]

    names, told = run_simulated(story()), [record.getMessage() for record in caplog.records]
    assert names
    for name in names:
        lines = [line for line in told if line.startswith(f"task/{name}: ")]
        assert any(": ended" in line for line in lines), lines
        assert any(": accepted" in line or ": dispatched" in line for line in lines), lines

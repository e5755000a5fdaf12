"""What agents speak starts when one first calls: what fails then is told then."""

from __future__ import annotations

import asyncio
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from yosegi.core.clock import SystemClock
from yosegi.core.errors import Unavailable
from yosegi.core.supervision import Supervisor
from yosegi.mcp.http import AgentFace


def test_an_sdk_that_cannot_be_imported_is_told_to_the_caller_and_the_next_call_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "yosegi.mcp.server", None)

    async def main() -> None:
        supervisor = Supervisor(SystemClock())
        face = AgentFace(cast(Any, None), cast(Any, SimpleNamespace(supervisor=supervisor)), ())
        for _ in range(2):
            with pytest.raises(Unavailable, match="could not be started"):
                await face._start()
        await supervisor.close()

    asyncio.run(main())

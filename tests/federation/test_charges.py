"""An owner's charge above what its contract costs is kept as evidence, and not counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from federation.test_refusals import asked
from federation.toys import three_sites
from yosegi.core.amounts import Amounts
from yosegi.core.states import TaskState
from yosegi.exchange.requests import REPORTED, request_stream
from yosegi.testing.loop import run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.messages import Report


def test_an_absurd_charge_is_on_record_and_the_contracts_cost_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Report.sign

    def lies(self: Report, *signers: Any, version: int = 0) -> Envelope:
        absurd = Amounts({"samples": 10**9, "usd": 10**9}) if self.state.final else self.charged
        return honest(self.model_copy(update={"charged": absurd}), *signers, version=version)

    monkeypatch.setattr(Report, "sign", lies)

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        end = await asked(federation, "nims/toy.make@1")
        assert end.state is TaskState.ENDED
        assert end.charged == Amounts.parse({"samples": "1"})
        home = federation.places["argonne"].running
        entry = [e for e in home.ledger.read(request_stream("nims", "0123456789abcdef")) if e.type == REPORTED][-1]
        assert dict(entry.facts["charged"]) == {"samples": 10**9, "usd": 10**9}
        assert dict(entry.facts["counted"]) == {"samples": 1000}
        await federation.crash("argonne")
        again = await federation.restart("argonne")
        assert again.requests.get("nims", "0123456789abcdef").charged == Amounts.parse({"samples": "1"})

    run_simulated(story())

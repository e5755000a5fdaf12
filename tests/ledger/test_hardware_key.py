"""A ledger whose key lives in a token: while it is away nothing is written, and then it goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from trust import softhsm
from yosegi.core.clock import SystemClock
from yosegi.core.errors import Unavailable
from yosegi.ledger import Draft, Ledger, SqliteStore, Write
from yosegi.trust.pkcs11 import Pkcs11Signer


def test_a_token_that_goes_away_leaves_the_ledger_whole(tmp_path: Path, tmp_path_factory) -> None:
    slot = softhsm.slot(tmp_path_factory.mktemp("token"))
    signer = Pkcs11Signer(slot, lambda: softhsm.PIN)
    folder = next(
        path for path in softhsm.tokens().iterdir() if slot.token.encode() in (path / "token.object").read_bytes()
    )
    write = Write("story", None, (Draft("told"),), charter="", actor="operator@riken")

    async def story() -> None:
        store = SqliteStore(tmp_path / "ledger.db")
        ledger = await Ledger.open(store, site="riken", signer=signer, clock=SystemClock(), code="test")
        await ledger.append(write)
        before, checkpoint = ledger.size, ledger.checkpoint()
        folder.rename(tmp_path / "away")
        softhsm.renew()
        with pytest.raises(Unavailable, match="nothing was signed"):
            await ledger.append(write, write)
        assert ledger.size == before
        assert ledger.checkpoint() == checkpoint
        (tmp_path / "away").rename(folder)
        softhsm.renew()
        await ledger.append(write)
        assert ledger.size == before + 1
        assert list(ledger.check())
        ledger.close()

    asyncio.run(story())

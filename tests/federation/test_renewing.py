"""Statements over weeks of simulated time: renewed by a running site, and ending for one that is not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from federation.governed import Governed, governed, signed
from yosegi.exchange.passed_on import PASSED_ON
from yosegi.governance.charter.statement import RENEWED, Statement
from yosegi.testing.federation import CHARTER, both
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.errors import Untrusted
from yosegi.trust.signer import Ed25519Signer

DAY = 86400.0


def stated(federation: Governed, at: str, of: str) -> Statement:
    """What one site holds another to have stated."""
    return federation.places[at].running.registry.federation(CHARTER).roster.statements[of]


def believed(federation: Governed, at: str, of: str) -> bool:
    try:
        return bool(federation.places[at].running.registry.keys_of(CHARTER, of))
    except Untrusted as error:
        if error.reason != "statement_expired":
            raise
        return False


async def days(count: float) -> None:
    """Let days pass, ten at a time, between which everybody is awake for two minutes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + count * DAY
    while (left := end - loop.time()) > 0:
        loop.leap(max(0.0, min(10 * DAY, left) - 120))
        await asyncio.sleep(120)


@pytest.mark.slow
def test_over_weeks_every_running_site_is_believed_by_every_other(tmp_path: Path) -> None:
    """Each statement lives for thirty days; nobody does anything for twenty weeks."""

    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        for _ in range(10):
            await days(14)
            for at in federation.places:
                assert all(believed(federation, at, of) for of in federation.places)
        for of in federation.places:
            now = stated(federation, of, of)
            assert now.not_after > EPOCH + timedelta(weeks=20) + RENEWED / 3
            assert all(stated(federation, at, of) == now for at in federation.places)
            assert now.serial == 1

    run_simulated(story())


def test_a_site_that_is_down_for_longer_is_suspended_alone_and_heard_again_when_it_is_back(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        await federation.crash("riken")
        await days(40)
        assert believed(federation, "argonne", "nims")
        assert not believed(federation, "argonne", "riken")
        assert not believed(federation, "nims", "riken")
        told = {peer.peer: peer for peer in federation.places["argonne"].running.peers.list()}
        assert "yosegi charter state" in told["riken"].trouble
        assert not told["nims"].trouble
        await federation.restart("riken")
        await asyncio.sleep(300)
        assert believed(federation, "argonne", "riken")
        assert believed(federation, "nims", "riken")
        assert believed(federation, "riken", "argonne")

    run_simulated(story())


def test_a_new_statement_takes_the_place_of_a_renewed_one_and_withdraws_its_keys(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        await days(20)
        assert stated(federation, "argonne", "riken").issued > EPOCH
        argonne = federation.places["argonne"].running
        fresh = (Ed25519Signer.from_seed(bytes(32)).public, both("site", "riken")[1].public)
        now = argonne.clock.now()
        new = federation.statement("riken", serial=2, issued=now, not_after=now + RENEWED, keys=fresh)
        await argonne.publisher.publish(signed(new, "riken"), by="operator@argonne")
        assert set(argonne.registry.keys_of(CHARTER, "riken")) == {key.key_id for key in fresh}

    run_simulated(story())


async def renewal(federation: Governed, **changes: object) -> Statement:
    """A renewal of riken's statement as riken could sign it some days later, but for some changes."""
    await days(3)
    argonne = federation.places["argonne"].running
    later = stated(federation, "argonne", "riken").renewed(argonne.clock.now())
    assert later is not None
    return later.model_copy(update=changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"keys": (Ed25519Signer.from_seed(b"x" * 32).public, both("site", "riken")[1].public)},
        {"sealing": both("x", "y")[0]},
        {"serial": 2},
        {"renewable_until": EPOCH + timedelta(days=366)},
        {"not_after": EPOCH + timedelta(days=80)},
        {"formats": ("another",)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_online_keys_renew_and_change_nothing_else(tmp_path: Path, changes) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        argonne = federation.places["argonne"].running
        if "sealing" in changes:
            from yosegi.trust.sealed import Unsealer

            changes["sealing"] = Unsealer.from_seed(b"x" * 32).public
        false = await renewal(federation, **changes)
        with pytest.raises(Untrusted) as caught:
            argonne.registry.foresee(false.sign(*both("site", "riken")))
        assert caught.value.reason == "unknown_key"

    run_simulated(story())


@pytest.mark.parametrize(
    "signers", [both("site", "nims"), both("site", "riken")[:1], both("site", "riken")[1:]], ids=str
)
def test_a_renewal_by_others_or_with_one_algorithm_is_refused(tmp_path: Path, signers) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        honest = await renewal(federation)
        argonne = federation.places["argonne"].running
        with pytest.raises(Untrusted) as caught:
            argonne.registry.foresee(honest.sign(*signers))
        assert caught.value.reason in ("unknown_key", "algorithm_missing")
        argonne.registry.foresee(honest.sign(*both("site", "riken")))

    run_simulated(story())


def test_a_revoked_key_renews_nothing(tmp_path: Path) -> None:
    """A thief of the online key cannot keep it alive: a later statement of the governance keys ends it."""

    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        argonne = federation.places["argonne"].running
        stolen = await renewal(federation)
        fresh = (Ed25519Signer.from_seed(bytes(32)).public, both("site", "riken")[1].public)
        now = argonne.clock.now()
        new = federation.statement("riken", serial=2, issued=now, not_after=now + RENEWED, keys=fresh)
        await argonne.publisher.publish(signed(new, "riken"), by="operator@argonne")
        with pytest.raises(Untrusted):
            argonne.registry.foresee(stolen.sign(*both("site", "riken")))

    run_simulated(story())


def test_a_statement_accepted_while_the_site_was_stopped_is_passed_on_when_it_starts(tmp_path: Path) -> None:
    async def story() -> None:
        federation = governed(tmp_path)
        await federation.start()
        riken = federation.places["riken"].running
        now = riken.clock.now()
        new = federation.statement("riken", serial=2, issued=now, not_after=now + RENEWED)
        await riken.registry.accept(signed(new, "riken"), by="operator@riken")
        await federation.crash("riken")
        riken = await federation.restart("riken")
        await asyncio.sleep(120)
        assert stated(federation, "argonne", "riken") == new
        assert stated(federation, "nims", "riken") == new
        passed = [e for e in riken.ledger.read(f"passing/{CHARTER}") if e.type == PASSED_ON]
        await days(2)
        assert [e for e in riken.ledger.read(f"passing/{CHARTER}") if e.type == PASSED_ON] == passed

    run_simulated(story())

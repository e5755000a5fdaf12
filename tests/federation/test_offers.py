"""What a peer offers is recorded once and within a bound, whatever it signs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation.toys import measure, three_sites
from yosegi.core.contract import Contract
from yosegi.core.errors import Invalid
from yosegi.exchange.received import Received
from yosegi.ledger import Entry
from yosegi.services.capabilities.service import MOST_BYTES_OF_A_PEER, MOST_OF_A_PEER
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import MOST_OFFERED, CapabilityStatus, Offer, Offered


def _contracts(first: int, count: int, description: str = "") -> list[Contract]:
    return [
        Contract.read(
            {
                "name": f"evil.n{number}@1", "title": "One of many", "field": "toys", "kind": "analysis",
                "effect": "pure", "inputs": {"type": "object"}, "outputs": {"type": "object"}, "simulated": True,
                "description": description,
            }
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def _offer(nims: Site, contracts: list[Contract]) -> Received[Offer]:
    now = nims.catalogue.clock.now()
    offers = tuple(Offered(contract=c, status=CapabilityStatus(available=True)) for c in contracts)
    document = Offer(
        charter=CHARTER, sender="nims", to="argonne", key="many", issued=now, not_after=now + timedelta(hours=1),
        offers=offers,
    )  # fmt: skip
    return Received(document, document.sign(nims.catalogue.signer), None, "nims", CHARTER)


def _recorded(site: Site) -> list[Entry]:
    return [e for e in site.ledger.read(f"offer/{CHARTER}/nims") if e.body and "evil" in str(e.body["contract"])]


def test_one_offer_of_many_is_recorded_with_its_signed_document_once_and_read_back(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        await argonne.catalogue.on_offer(_offer(nims, _contracts(0, 50)))
        entries = _recorded(argonne)
        assert len(entries) == 50
        assert ["document" in (entry.body or {}) for entry in entries] == [True] + [False] * 49
        await federation.crash("argonne")
        again = await federation.restart("argonne")
        assert again.catalogue.contract_of(CHARTER, "nims/evil.n49@1").title == "One of many"

    run_simulated(story())


def test_an_offer_that_came_too_late_is_made_again(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        await federation.crash("argonne")
        await federation.crash("riken")
        riken = federation.places["riken"]
        riken.capabilities = [*riken.capabilities, measure]
        await federation.restart("riken")
        await asyncio.sleep(60)
        for name in ("riken", "nims"):
            await federation.crash(name)
        await asyncio.sleep(8 * 24 * 3600)
        for name in federation.places:
            await federation.restart(name)
        await asyncio.sleep(600)
        argonne = federation.places["argonne"].running
        assert argonne.catalogue.contract_of(CHARTER, "riken/toy.measure@1").name == "toy.measure@1"
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())


def test_an_offer_of_more_than_fits_one_document_is_refused() -> None:
    one = {"contract": _contracts(0, 1)[0].model_dump(mode="json"), "status": {"available": True}}
    rest: dict[str, Any] = {
        "charter": CHARTER, "sender": "nims", "to": "argonne", "key": "many",
        "issued": "2026-11-21T00:00:00.000000Z", "not_after": "2026-11-22T00:00:00.000000Z",
    }  # fmt: skip
    with pytest.raises(Invalid, match="offers: has more than 256 entries"):
        Offer.read(rest | {"offers": [one] * (MOST_OFFERED + 1)})


def test_an_offer_that_names_a_capability_twice_is_refused_whole(tmp_path: Path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        with pytest.raises(Invalid, match="twice"):
            await argonne.catalogue.on_offer(_offer(nims, [*_contracts(0, 2), *_contracts(0, 1, "other words")]))
        assert not _recorded(argonne)

    run_simulated(story())


@pytest.mark.parametrize(("count", "words", "bound"), [(256, "", MOST_OF_A_PEER), (100, "x" * 9000, None)])
def test_what_is_kept_of_one_peer_is_bounded(tmp_path: Path, count: int, words: str, bound: int | None) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        refused = 0
        for number in range(12):
            try:
                await argonne.catalogue.on_offer(_offer(nims, _contracts(number * count, count, words)))
            except Invalid as error:
                refused += "are kept" in str(error)
        entries = _recorded(argonne)
        assert refused
        assert len(entries) <= MOST_OF_A_PEER
        assert sum(len(str(entry.body)) for entry in entries) < 1.1 * MOST_BYTES_OF_A_PEER
        if bound is None:
            assert len(entries) < MOST_OF_A_PEER, "it was the bytes that stopped it"

    run_simulated(story())

"""What must be believed in twenty years is signed twice, with Ed25519 and ML-DSA-65, and neither can be dropped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Corrupt
from yosegi.core.states import CampaignState
from yosegi.exchange.witness import WITNESSED
from yosegi.governance.charter.registry import CharterRecord as Known
from yosegi.governance.charter.registry import begin
from yosegi.governance.charter.statement import Revoked
from yosegi.ledger import Checkpoint
from yosegi.testing.federation import CHARTER, Federation, both
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.verification.bundle import Bundle, read_bundle, verify_bundle

BOTH = {"ed25519", "ml-dsa-65"}


def algorithms(envelope: Envelope) -> set[str]:
    return {signature.algorithm for signature in envelope.signatures}


def without(envelope: Envelope, algorithm: str) -> Envelope:
    kept = tuple(one for one in envelope.signatures if one.algorithm != algorithm)
    return envelope.model_copy(update={"signatures": kept})


def spoiled(envelope: Envelope, algorithm: str) -> Envelope:
    """The same with one bit of that algorithm's signature flipped."""
    kept = tuple(
        one.model_copy(update={"sig": bytes([one.sig[0] ^ 1]) + one.sig[1:]}) if one.algorithm == algorithm else one
        for one in envelope.signatures
    )
    return envelope.model_copy(update={"signatures": kept})


async def ended(folder: Path) -> Federation:
    federation = three_sites(folder)
    await federation.start()
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(spec(1)), federation.member())
    while home.campaigns.get("toy").state is not CampaignState.ENDED:
        await asyncio.sleep(5)
    await asyncio.sleep(30)
    return federation


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    async def story() -> bytes:
        federation = await ended(tmp_path_factory.mktemp("federation"))
        return await federation.places["argonne"].running.campaigns.export("toy")

    return read_bundle(run_simulated(story()))


def test_what_peers_put_on_record_each_hour_carries_both(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await ended(tmp_path)
        ledger = federation.places["argonne"].running.ledger
        entries = [e for e in ledger.read(f"witness/{CHARTER}/nims") if e.type == WITNESSED]
        assert entries
        for entry in entries:
            assert algorithms(Envelope.read((entry.body or {})["checkpoint"])) == BOTH

    run_simulated(story())


@pytest.mark.parametrize("dropped", sorted(BOTH))
def test_a_checkpoint_that_lost_either_signature_on_the_way_is_refused(tmp_path: Path, dropped: str) -> None:
    async def story() -> None:
        federation = await ended(tmp_path)
        argonne, nims = federation.places["argonne"].running, federation.places["nims"].running
        told = nims.channels.witness.history(CHARTER, "argonne")
        assert told is not None
        less = told.model_copy(update={"checkpoint": without(told.checkpoint, dropped)})
        with pytest.raises(Untrusted) as caught:
            await argonne.channels.witness.hear(CHARTER, "nims", less)
        assert caught.value.reason == "algorithm_missing"

    run_simulated(story())


def test_an_exported_checkpoint_carries_both_and_the_bundle_verifies(bundle: Bundle) -> None:
    assert algorithms(bundle.checkpoint) == BOTH
    verify_bundle(bundle)


@pytest.mark.parametrize("algorithm", sorted(BOTH))
@pytest.mark.parametrize("harm", [without, spoiled])
def test_a_bundle_whose_checkpoint_lacks_either_signature_is_refused(bundle: Bundle, algorithm: str, harm) -> None:
    checkpoint = harm(bundle.checkpoint, algorithm)
    with pytest.raises(Corrupt, match=r"checkpoint|signature"):
        verify_bundle(bundle.model_copy(update={"checkpoint": checkpoint}))


@pytest.mark.parametrize("algorithm", sorted(BOTH))
@pytest.mark.parametrize("harm", [without, spoiled])
@pytest.mark.parametrize("kind", ["charter", "agreement", "statement"])
def test_a_charter_agreement_or_statement_that_lacks_either_signature_is_refused(
    tmp_path: Path, kind: str, algorithm: str, harm
) -> None:
    documents = three_sites(tmp_path).documents()
    nth = {"charter": 0, "statement": 1, "agreement": len(documents) - 1}[kind]
    assert algorithms(documents[nth]) == BOTH
    known = None
    for envelope in documents[:nth]:
        known = followed(known, envelope)
    with pytest.raises(Untrusted):
        followed(known, harm(documents[nth], algorithm))
    followed(known, documents[nth])


def followed(known: Known | None, envelope: Envelope) -> Known:
    return begin(envelope, EPOCH) if known is None else known.follow(envelope, EPOCH)


def test_the_checkpoint_in_a_record_is_the_ledgers(tmp_path: Path) -> None:
    async def story() -> None:
        federation = await ended(tmp_path)
        nims = federation.places["nims"].running
        held = federation.places["argonne"].running.channels.witness.last(CHARTER, "nims")
        keys = nims.registry.keys_of(CHARTER, "nims")
        checkpoint = Checkpoint.open(held, keys, site="nims", needs=("ed25519", "ml-dsa-65"))
        assert nims.ledger.root(checkpoint.size) == checkpoint.root_hash

    run_simulated(story())


@pytest.mark.parametrize(
    ("why", "since", "counts"),
    [("retired", "after", True), ("compromised", "after", True), ("compromised", "before", False)],
)
def test_what_a_key_signed_counts_if_it_was_seen_before_it_was_withdrawn(tmp_path, why, since, counts) -> None:
    """The owner lays its key down after the campaign, from then on or from before it."""

    async def story() -> bytes:
        federation = await ended(tmp_path)
        argonne = federation.places["argonne"].running
        now = argonne.clock.now()
        known = argonne.registry.federation(CHARTER).roster.statements["nims"]
        moment = now if since == "after" else EPOCH
        old = [Revoked(key_id=key.key_id, since=moment, why=why) for key in known.keys]
        new = tuple(signer.public for signer in both("site", "new-at-nims"))
        changes = {"serial": 2, "issued": now, "keys": new, "revoked": tuple(old)}
        await argonne.publisher.publish(known.model_copy(update=changes).sign(*both("governance", "nims")), by="nims")
        return await argonne.campaigns.export("toy")

    exported = read_bundle(run_simulated(story()))
    if counts:
        assert verify_bundle(exported).receipts > 0
    else:
        with pytest.raises(Corrupt, match=r"request\.reported"):
            verify_bundle(exported)

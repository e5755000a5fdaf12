"""A campaign exported before agreements named several teams verifies offline, its decisions made again."""

from __future__ import annotations

from pathlib import Path

from yosegi.verification.bundle import read_bundle, replay_bundle, verify_bundle

GOLDEN = Path(__file__).parent / "golden" / "v0.1" / "campaign.yosegi"


def test_it_is_verified_as_when_it_was_written() -> None:
    found = verify_bundle(read_bundle(GOLDEN.read_bytes()))
    assert (found.entries, found.receipts, found.decisions) == (20, 3, 2)
    assert found.campaign.why == "1 trials done"


def test_its_proposals_are_found_again() -> None:
    assert {one.verdict for one in replay_bundle(read_bundle(GOLDEN.read_bytes()))} <= {"identical", "older"}

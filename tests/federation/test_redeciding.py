"""A bundle's decisions are made again when it is verified; one that its own site has changed is found out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from federation.governed import agreement, governed, signed
from federation.toys import spec
from yosegi.campaign import parse_spec
from yosegi.core import canonical
from yosegi.core.errors import Corrupt, Invalid
from yosegi.exchange.requests import MADE, REFUSED_AT_HOME
from yosegi.ledger import Entry
from yosegi.services.authorization.service import POLICY
from yosegi.testing.loop import run_simulated
from yosegi.verification.bundle import Bundle, read_bundle, verify_bundle
from yosegi.verification.decision_replay import DecisionReplay

Change = dict[str, Any]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    """One of a campaign that was allowed, over which an agreement came in force; one that was refused at home."""

    async def story() -> tuple[Bundle, Bundle]:
        federation = governed(tmp_path_factory.mktemp("sites"))
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(5)
        await home.publisher.publish(signed(agreement("teaching"), "argonne", "riken", "nims"), "officer@argonne")
        await asyncio.sleep(120)
        text = spec(1).replace('name = "toy"', 'name = "no"').replace('purpose = "research"', 'purpose = "war"')
        await federation.begin(text)
        await asyncio.sleep(60)
        found = [read_bundle(await home.campaigns.export(name)) for name in ("toy", "no")]
        for name in federation.places:
            await federation.crash(name)
        return found[0], found[1]

    return run_simulated(story())


def entries(bundle: Bundle) -> list[Entry]:
    return [exported.entry() for exported in bundle.entries]


def test_every_decision_of_the_home_site_is_made_again(bundles) -> None:
    for bundle in bundles:
        kinds = [entry.type for entry in entries(bundle)]
        asked = kinds.count(MADE) + kinds.count(REFUSED_AT_HOME)
        assert asked > 0
        assert verify_bundle(bundle).decisions == asked
    assert {entry.type for entry in entries(bundles[1])} >= {REFUSED_AT_HOME}


def test_policies_that_no_decision_rests_on_are_named_and_not_carried(bundles) -> None:
    published = [entry for entry in entries(bundles[0]) if entry.type == POLICY]
    assert len(published) >= 2
    refused = [entry for entry in entries(bundles[1]) if entry.type == POLICY]
    assert refused[0].body_bytes is None
    assert refused[-1].body_bytes is not None


def tampered(bundle: Bundle, change: Change) -> tuple[DecisionReplay, Entry]:
    """The decision in a bundle's first request, changed as its home site itself could have changed it."""
    found = entries(bundle)
    made = next(entry for entry in found if entry.type in (MADE, REFUSED_AT_HOME))
    body = dict(made.body or {})
    decision = body["decision"] | {key: value for key, value in change.items() if key != "question"}
    decision["question"] = decision["question"] | change.get("question", {})
    return DecisionReplay(found), with_body(made, body | {"decision": decision})


def with_body(entry: Entry, body: dict[str, Any]) -> Entry:
    return Entry(entry.sequence, entry.header_bytes, entry.leaf, entry.salt, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"reasons": ["another-agreement"]}, "decided again"),
        ({"allow": False, "reasons": ["no_agreement"]}, "decided again"),
        ({"question": {"purpose": "war"}}, "decided again"),
        ({"question": {"team": "other-team"}}, "decided again"),
        ({"policies_digest": "sha256:" + "0" * 64}, "are missing"),
    ],
)
def test_a_decision_that_does_not_follow_from_its_policies_is_found(bundles, change, why) -> None:
    redeciding, entry = tampered(bundles[0], change)
    with pytest.raises((Invalid, Corrupt), match=why):
        redeciding.check(entry)


def test_a_decision_about_something_else_than_was_asked_is_found(bundles) -> None:
    found = entries(bundles[0])
    made = [entry for entry in found if entry.type == MADE]
    one, other = next((a, b) for a in made for b in made if a.facts["capability"] != b.facts["capability"])
    borrowed = (one.body or {}) | {"decision": (other.body or {})["decision"]}
    with pytest.raises(Invalid, match="about the capability"):
        DecisionReplay(found).check(with_body(one, borrowed))


def test_policies_published_after_the_decision_are_no_reason_for_it(bundles) -> None:
    found = entries(bundles[0])
    made = next(entry for entry in found if entry.type == MADE)
    later = [entry for entry in found if entry.type != POLICY or entry.sequence > made.sequence]
    with pytest.raises(Invalid, match="missing"):
        DecisionReplay(later).check(made)


def test_policies_that_permit_by_an_agreement_nobody_signed_are_found(bundles) -> None:
    found = entries(bundles[0])
    made = next(entry for entry in found if entry.type == MADE)
    DecisionReplay(found).check(made)
    unsigned = [e for e in found if not (e.type == "governance.accepted" and e.facts["kind"].startswith("agreement"))]
    with pytest.raises(Invalid, match="nobody signed"):
        DecisionReplay(unsigned).check(made)


def test_a_decision_that_knew_what_the_charter_does_not_say_is_found(bundles) -> None:
    """The recorded entities hang together and give the recorded answer; the charter says something else of them."""
    found = entries(bundles[0])
    made = next(entry for entry in found if entry.type == MADE)
    body = made.body or {}
    known = json.loads(body["decision"]["entities"])
    for entity in known:
        if entity["uid"] == {"type": "Site", "id": "nims"}:
            entity["attrs"]["country"] = "US"
    text = canonical.dumps(known).decode()
    decision = body["decision"] | {"entities": text, "entities_digest": canonical.digest(text.encode())}
    with pytest.raises(Invalid, match="not what the charter said"):
        DecisionReplay(found).check(with_body(made, body | {"decision": decision}))


def test_a_bundle_without_its_policies_does_not_verify(bundles) -> None:
    bundle = bundles[0]
    bare = tuple(
        exported.model_copy(update={"salt": None, "body": None}) if exported.entry().type == POLICY else exported
        for exported in bundle.entries
    )
    with pytest.raises(Corrupt, match="are missing"):
        verify_bundle(bundle.model_copy(update={"entries": bare}))

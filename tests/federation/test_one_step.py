"""What one step costs in work that is easily done twice: parsing, labelling, commits."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from federation import large
from federation.running import run_campaign
from federation.test_faults import holds
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.campaign.state import ANSWERED
from yosegi.core import object as objects
from yosegi.core.states import CampaignState
from yosegi.exchange.request_draft import RequestDraft
from yosegi.exchange.requests import REPORTED
from yosegi.ledger import Entry, Write
from yosegi.testing.faults import When
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the objects among inputs or outputs are parsed, and a request is labelled, in the whole program."""
    counts: Counter[str] = Counter()
    parse, label = objects.refs, RequestDraft.with_labels

    def refs(schema: Mapping[str, Any], values: Mapping[str, Any] | None) -> dict[str, Any]:
        counts["parsed"] += 1
        return parse(schema, values)

    def with_labels(self: RequestDraft, found: Mapping[str, Any]) -> RequestDraft:
        counts["labelled"] += 1
        return label(self, found)

    for name, module in list(sys.modules.items()):
        if name.startswith("yosegi.") and getattr(module, "refs", None) is parse:
            monkeypatch.setattr(module, "refs", refs)
    monkeypatch.setattr(RequestDraft, "with_labels", with_labels)
    return counts


def test_objects_are_parsed_once_at_each_site_and_labelled_once_at_home(tmp_path: Path, counted: Counter[str]) -> None:
    async def story() -> int:
        federation = large.sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(large.spec()), federation.member())
        await federation.settle_down(120)
        campaign = home.campaigns.get("large")
        assert campaign.state is CampaignState.ENDED, campaign.why
        for name in federation.places:
            await federation.crash(name)
        return sum(len(trial.steps) for trial in campaign.trials)

    steps = run_simulated(story())
    assert steps
    # To hand over a piece of an object its home decides again, on the request as it was sent.
    handed_over = counted["labelled"] - steps
    # At home and at the owner, the inputs and the outputs.
    assert counted["parsed"] <= 4 * steps + handed_over


def _appends(federation: Federation, found: list[tuple[int, list[str]]]) -> None:
    """Note the number of each commit of the home site, and the types of the entries in it."""
    home, store = federation.places["argonne"].running, federation.stores["argonne"]
    append = home.ledger.append

    async def noting(*writes: Write) -> list[Entry]:
        entries = await append(*writes)
        found.append((store.commits, [entry.type for entry in entries]))
        return entries

    home.ledger.append = noting  # type: ignore[method-assign]


def reports() -> list[tuple[int, list[str]]]:
    """Every commit of the home site in which an owner's report is recorded."""
    found: list[tuple[int, list[str]]] = []

    async def note(federation: Federation) -> None:
        _appends(federation, found)

    run_campaign(meddle=note)
    return [(number, types) for number, types in found if REPORTED in types or ANSWERED in types]


def test_a_report_and_its_trials_answer_are_one_commit() -> None:
    recorded = reports()
    assert len(recorded) >= 4
    assert all(types[:1] == [REPORTED] and types.count(ANSWERED) == 1 for _, types in recorded)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", get_args(When))
def test_the_home_site_may_fail_at_each_commit_of_a_report(when: When) -> None:
    for number, _ in reports():
        told = run_campaign(mortal={"argonne": (number, when)})
        assert told.faults, f"commit {number} never came"
        holds(told)


@pytest.mark.parametrize("when", ["before", "after"])
def test_after_a_death_at_a_report_both_it_and_its_answer_are_there_or_neither(tmp_path: Path, when: When) -> None:
    number = reports()[0][0]

    async def story() -> list[str]:
        federation = three_sites(tmp_path, mortal={"argonne": (number, when)})
        await federation.start()
        await federation.places["argonne"].running.campaigns.start(parse_spec(spec()), federation.member())
        while not federation.faults or federation.places["argonne"].site is None:
            await federation.settle_down(0.01)
        types = [entry.type for entry in federation.places["argonne"].running.ledger.scan()]
        for name in federation.places:
            await federation.crash(name)
        return types

    types = run_simulated(story())
    assert types.count(REPORTED) == types.count(ANSWERED)
    assert types.count(REPORTED) >= (1 if when == "after" else 0)

"""Large data between sites in the deterministic federation: it comes, only to whom it may, whatever goes wrong."""

from __future__ import annotations

import asyncio
import itertools
import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from federation import large
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.canonical import digest
from yosegi.core.errors import Conflict, YosegiError
from yosegi.core.states import CampaignState, TrialState
from yosegi.data import RECEIVED, RELEASED, known
from yosegi.testing.faults import When
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.testing.network import Fault, Network
from yosegi.testing.world import FASTEST


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


async def begin(federation: Federation, trials: int) -> None:
    for _ in range(60):
        try:
            home = federation.places["argonne"].running
            await home.campaigns.start(parse_spec(large.spec(trials)), federation.member())
            return
        except Conflict:
            return
        except (YosegiError, RuntimeError):
            await asyncio.sleep(2)


async def to_its_end(federation: Federation, trials: int = 1, patience: int = 400) -> Campaign:
    """Run the campaign to its end, whatever dies on the way."""
    await federation.start()
    await begin(federation, trials)
    for _ in range(patience):
        await asyncio.sleep(2)
        home = federation.places["argonne"].site
        if home is not None and "large" in home.campaigns.names() and home.campaigns.get("large").state.final:
            break
    await asyncio.sleep(60)
    return federation.places["argonne"].running.campaigns.get("large")


def run(federation: Federation, look: Callable[[Federation, Campaign], Any], **how: Any) -> None:
    async def main() -> None:
        try:
            look(federation, await to_its_end(federation, **how))
        finally:
            for name in federation.places:
                await federation.crash(name)

    run_simulated(main())


def holds(federation: Federation, campaign: Campaign) -> None:
    """The campaign has its answer, and each table is, whole, at every site that it went through."""
    assert campaign.state is CampaignState.ENDED, campaign.why
    trial = campaign.trials[0]
    assert trial.state is TrialState.COMPLETED, (trial.why, trial.steps)
    table = large.table_of(float(trial.values["x"]))  # type: ignore[arg-type]
    assert trial.steps[0].outputs["table"]["sha256"] == digest(table)
    for name in ("riken", "argonne", "nims"):
        assert federation.places[name].objects.read(digest(table)) == table, name
        assert not federation.places[name].objects.partial


@pytest.mark.parametrize("reach", list(large.REACHES))
def test_a_table_made_at_one_site_is_looked_at_by_another(tmp_path: Path, reach: str) -> None:
    run(large.sites(tmp_path, reach), holds)


def test_each_hop_is_on_record_once(tmp_path: Path) -> None:
    def look(federation: Federation, campaign: Campaign) -> None:
        holds(federation, campaign)
        steps = {
            (name, one.kind, one.peer)
            for name in federation.places
            for one in known(federation.places[name].running.ledger, "kind IN (?, ?)", RECEIVED, RELEASED)
        }
        assert steps == {
            ("riken", RELEASED, "argonne"),
            ("argonne", RECEIVED, "riken"),
            ("argonne", RELEASED, "nims"),
            ("nims", RECEIVED, "argonne"),
        }

    run(large.sites(tmp_path), look)


def test_the_label_tells_where_it_comes_from(tmp_path: Path) -> None:
    def look(federation: Federation, campaign: Campaign) -> None:
        ref = campaign.trials[0].steps[0].outputs["table"]
        assert (ref["site"], ref["sources"], ref["sensitivity"]) == ("riken", ["riken/large.make@1"], "team")

    run(large.sites(tmp_path), look)


# -- whatever goes wrong ----------------------------------------------------------------------------------------------


def try_with(reach: str = "the second dials out", **how: Any) -> Federation:
    """Run it with one fault, and see that all holds in the end."""
    with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
        federation = large.sites(Path(folder), reach, **how)
        run(federation, holds)
        return federation


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", get_args(When))
@pytest.mark.parametrize("site", ["argonne", "riken", "nims"])
def test_a_site_may_fail_at_each_of_its_commits(site: str, when: When) -> None:
    commits = try_with().stores[site].commits
    # From where the campaign begins: what comes before is tried elsewhere. Dying before a commit is dying after the one
    # before it but for what was sent in between, so each is tried at every other; a full disk is the mildest.
    for commit in range(8 + (when == "after"), commits + 1, 6 if when == "full" else 2):
        try_with(mortal={site: (commit, when)})


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("site", ["argonne", "riken", "nims"])
def test_a_site_may_die_at_each_piece_that_it_writes(site: str, when: str) -> None:
    died = 0
    for number in itertools.count(1):
        with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
            federation = large.sites(Path(folder))

            def moment(now: str, count: int, federation: Federation = federation, number: int = number) -> None:
                if (now, count) == (when, number):
                    federation.kill(site)

            federation.places[site].objects.moment = moment
            run(federation, holds)
            if site not in federation.faults:
                break
            died += 1
    # One write for its own object at riken; two pieces and the end of a transfer at the others.
    assert died >= (1 if site == "riken" else 3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("reach", ["the second dials out", "by mail alone"])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.ANSWER_LOST, Fault.REPEATED, Fault.LATE])
def test_each_call_may_go_wrong(fault: Fault, reach: str) -> None:
    calls = try_with(reach).network.calls
    # Those in which the transfers are; the long polls after the end are all alike.
    for number in range(6, min(calls, 40), 3):
        try_with(reach, network=Network(fault=lambda n, _, bad=number: fault if n == bad else Fault.NONE))  # type: ignore[misc]


def test_a_disk_that_is_full_on_the_way_is_waited_for(tmp_path: Path) -> None:
    federation = large.sites(tmp_path)
    store = federation.places["argonne"].objects
    store.room = 270_000

    def moment(when: str, number: int) -> None:
        store.room = 2**40 if number > 6 else store.room

    store.moment = moment
    run(federation, holds)
    assert store.writes > 6

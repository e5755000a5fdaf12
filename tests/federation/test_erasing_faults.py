"""A site may die at each commit of an erasure: in the end it is gone everywhere, and everybody knows."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from federation import large
from federation.test_erasing import a_table, holds, listed, officer
from yosegi.core.errors import YosegiError
from yosegi.testing.faults import When
from yosegi.testing.federation import Federation
from yosegi.testing.loop import run_simulated
from yosegi.testing.world import FASTEST

pytestmark = pytest.mark.slow
SITES = ("argonne", "riken", "nims")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


async def order(federation: Federation, sha256: str) -> None:
    """riken's officer has it erased; where the site dies meanwhile, they try again, as a person would."""
    for _ in range(20):
        try:
            riken = federation.places["riken"].running
            await riken.erasure.order("object", sha256, "a name in it", officer("riken"))
            return
        except (YosegiError, RuntimeError):
            await asyncio.sleep(5)
    raise AssertionError("riken never came back")


def commits(federation: Federation) -> dict[str, int]:
    return {name: federation.stores[name].commits for name in SITES}


def erased(mortal: Mapping[str, tuple[int, When]] | None = None) -> tuple[dict[str, int], dict[str, int], list[str]]:
    """Have a table erased; each site's commits before and after, and who died."""

    async def story(folder: Path) -> tuple[dict[str, int], dict[str, int], list[str]]:
        federation = large.sites(folder, mortal=mortal or {})
        await federation.start()
        sha256 = await a_table(federation)
        before = commits(federation)
        await order(federation, sha256)
        await asyncio.sleep(240)
        assert not holds(federation, sha256)
        assert list(listed(federation, "riken").gone) == sorted(SITES)
        for name in SITES:
            seen = listed(federation, name)
            assert (seen.done_here, seen.waiting) == (True, ())
        after, faults = commits(federation), list(federation.faults)
        for name in federation.places:
            await federation.crash(name)
        return before, after, faults

    with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
        return run_simulated(story(Path(folder)))


@pytest.fixture(scope="module")
def undisturbed() -> tuple[dict[str, int], dict[str, int]]:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)
    before, after, _ = erased()
    return before, after


@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("site", SITES)
def test_a_site_may_die_at_each_commit_of_an_erasure(site: str, when: When, undisturbed) -> None:
    before, after = undisturbed
    assert after[site] > before[site]
    for commit in range(before[site] + 1, after[site] + 1):
        _, _, faults = erased({site: (commit, when)})
        assert faults == [site], f"commit {commit} never came"

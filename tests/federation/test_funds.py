"""Grants between sites: a move is two signed entries that end alike, whatever dies; and what tasks spent, by whom."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from federation.governed import Governed, agreement, governed, signed
from federation.toys import spec
from yosegi.campaign import parse_spec
from yosegi.core.errors import Conflict, Invalid, NotFound, Refused, YosegiError
from yosegi.core.states import CampaignState
from yosegi.governance.grants.grant import GrantRefused, Release
from yosegi.governance.grants.transfers import MOVED_IN, MOVED_OUT
from yosegi.identity.accounts import Session
from yosegi.ledger.check import CheckProgress
from yosegi.services.grants.usage_table import to_csv
from yosegi.services.grants.view import usage
from yosegi.testing.faults import When
from yosegi.testing.federation import CHARTER, TEAM, address
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.testing.world import FASTEST
from yosegi.trust.errors import Untrusted

OFFICER = Session("officer@any", "officer", float("inf"), "")
GIVEN = {"id": "first", "charter": CHARTER, "team": TEAM, "tranches": [{"id": "all", "amounts": {"samples": "10"}}]}


def officer(federation: Governed, name: str) -> Any:
    return federation.places[name].running.grants


async def begun(folder: Path, **mortal: tuple[int, When]) -> Governed:
    federation = governed(folder)
    federation.mortal = mortal
    await federation.start()
    return federation


async def insist(work: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again after a death, as a person would."""
    for _ in range(60):
        try:
            return await work()
        except (Conflict, NotFound, GrantRefused):
            raise
        except (YosegiError, RuntimeError):
            await asyncio.sleep(2)
    raise AssertionError("it never worked")


def amounts(federation: Governed) -> tuple[int, int, int]:
    """Milli-samples at the giver, on the way, and at the receiver beyond what it had."""
    argonne, nims = federation.places["argonne"].running.ledger, federation.places["nims"].running.ledger
    given = argonne.query("SELECT SUM(amount) AS n FROM grant_tranches")[0]["n"] or 0
    way = argonne.query("SELECT COUNT(*) AS n FROM grant_moves WHERE way = 'out' AND state = 'asked'")[0]["n"]
    there = nims.query("SELECT SUM(amount) AS n FROM grant_tranches")[0]["n"] or 0
    return given, way, there - 40_000


async def move(federation: Governed, samples: str = "3") -> str:
    """argonne offers nims some; the move's key."""
    funds = officer(federation, "argonne")
    done = await funds.move("first", "all", "nims", "grant-nims", {"samples": samples}, "better there", OFFICER)
    return str(done.move).partition("/")[2]


def told(story: Callable[[Governed], Awaitable[None]]) -> None:
    async def tell(folder: Path) -> None:
        federation = await begun(folder)
        await officer(federation, "argonne").award(GIVEN, OFFICER)
        await story(federation)
        for name in federation.places:
            for _ in federation.places[name].running.ledger.check():
                pass
            await federation.crash(name)

    with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
        run_simulated(tell(Path(folder)))


# -- moving -----------------------------------------------------------------------------------------------------------


def test_a_move_is_one_entry_at_each_site_signed_by_both() -> None:
    async def story(federation: Governed) -> None:
        key = await move(federation)
        assert amounts(federation) == (7_000, 1, 0)
        await asyncio.sleep(30)
        await officer(federation, "nims").answer("argonne", key, True, "thanks", OFFICER)
        await asyncio.sleep(30)
        assert amounts(federation) == (7_000, 0, 3_000)
        argonne, nims = (federation.places[name].running.ledger for name in ("argonne", "nims"))
        assert [e.type for e in argonne.read("grant/first")].count(MOVED_OUT) == 1
        assert [e.type for e in nims.read("grant/grant-nims")].count(MOVED_IN) == 1
        ended = argonne.read("grant/first")[-1]
        assert ended.body is not None
        assert ended.body["document"]
        assert ended.body["receipt"], "the receiver's signed word, with its receipt"
        offered = nims.read(f"grant-move/argonne/{key}")[0]
        assert offered.body is not None
        assert offered.body["receipt"], "the giver's, at the receiver"

    told(story)


def test_what_is_not_taken_comes_back() -> None:
    async def story(federation: Governed) -> None:
        key = await move(federation)
        await asyncio.sleep(30)
        await officer(federation, "nims").answer("argonne", key, False, "no need", OFFICER)
        await asyncio.sleep(30)
        assert amounts(federation) == (10_000, 0, 0)
        with pytest.raises(NotFound):
            await officer(federation, "nims").answer("argonne", key, True, "", OFFICER)

    told(story)


def test_a_move_that_was_taken_is_not_given_back() -> None:
    async def story(federation: Governed) -> None:
        key = await move(federation)
        await asyncio.sleep(30)
        federation.network.part(address("argonne"))
        await officer(federation, "nims").answer("argonne", key, True, "", OFFICER)
        await officer(federation, "argonne").take_back("nims", key, OFFICER)
        await asyncio.sleep(60)
        federation.network.heal()
        await asyncio.sleep(90)
        assert amounts(federation) == (7_000, 0, 3_000)

    told(story)


def test_a_move_taken_back_before_it_arrived_is_refused_when_it_does() -> None:
    async def story(federation: Governed) -> None:
        await federation.crash("nims")
        key = await move(federation)
        transfer = federation.places["argonne"].running.ledger.read("grant/first")[-1]
        await officer(federation, "argonne").take_back("nims", key, OFFICER)
        await federation.restart("nims")
        await asyncio.sleep(90)
        assert amounts(federation) == (10_000, 0, 0)
        # The offer itself, late.
        assert transfer.facts["move"] == key
        nims = federation.places["nims"].running
        assert nims.ledger.query("SELECT state FROM grant_moves")[0]["state"] == "refused"
        with pytest.raises(NotFound):
            await nims.grants.answer("argonne", key, True, "", OFFICER)

    told(story)


@pytest.mark.parametrize(
    ("samples", "tranche", "error"),
    [("11", "all", GrantRefused), ("0", "all", GrantRefused), ("3", "other", NotFound), ("-1", "all", Invalid)],
)
def test_more_than_is_free_is_not_moved(samples: str, tranche: str, error: type[Exception]) -> None:
    async def story(federation: Governed) -> None:
        with pytest.raises(error):
            await officer(federation, "argonne").move(
                "first", tranche, "nims", "grant-nims", {"samples": samples}, "", OFFICER
            )
        assert amounts(federation) == (10_000, 0, 0)

    told(story)


def test_an_offer_into_a_grant_that_is_not_the_teams_cannot_be_taken_and_comes_back() -> None:
    async def story(federation: Governed) -> None:
        done = await officer(federation, "argonne").move(
            "first", "all", "nims", "unheard", {"samples": "3"}, "", OFFICER
        )
        key = str(done.move).partition("/")[2]
        await asyncio.sleep(30)
        with pytest.raises(GrantRefused):
            await officer(federation, "nims").answer("argonne", key, True, "", OFFICER)
        await officer(federation, "nims").answer("argonne", key, False, "no such grant", OFFICER)
        await asyncio.sleep(30)
        assert amounts(federation) == (10_000, 0, 0)

    told(story)


def test_only_an_office_moves_and_nobody_takes_for_another_site() -> None:
    async def story(federation: Governed) -> None:
        member = Session("pi@argonne", "member", float("inf"), "")
        with pytest.raises(Refused):
            await officer(federation, "argonne").move("first", "all", "nims", "g", {"samples": "1"}, "", member)
        key = await move(federation)
        await asyncio.sleep(30)
        with pytest.raises(NotFound):
            await officer(federation, "riken").answer("argonne", key, True, "", OFFICER)

    told(story)


async def _once(federation: Governed) -> None:
    """Offer it, unless it was offered by a process that died before it could say so."""
    if not federation.places["argonne"].running.ledger.query("SELECT * FROM grant_moves"):
        await move(federation)


async def _whole_move(
    folder: Path, take: bool, mortal: dict[str, tuple[int, When]]
) -> tuple[Any, dict[str, int], dict[str, int]]:
    """What is where in the end, and each site's commits before the move and at the end."""
    federation = await begun(folder, **mortal)
    await insist(lambda: officer(federation, "argonne").award(GIVEN, OFFICER))
    before = {name: store.commits for name, store in federation.stores.items()}
    await insist(lambda: _once(federation))
    key = federation.places["argonne"].running.ledger.query("SELECT move FROM grant_moves")[0]["move"]
    await asyncio.sleep(60)
    with contextlib.suppress(NotFound):
        await insist(lambda: officer(federation, "nims").answer("argonne", key, take, "", OFFICER))
    await asyncio.sleep(60)
    found, commits = amounts(federation), {name: store.commits for name, store in federation.stores.items()}
    for name in federation.places:
        for step in federation.places[name].running.ledger.check():
            assert isinstance(step, CheckProgress)
        await federation.crash(name)
    return found, before, commits


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("take", [True, False])
@pytest.mark.parametrize("site", ["argonne", "nims"])
def test_a_death_at_any_commit_leaves_both_sites_telling_the_same_story(site: str, take: bool, when: When) -> None:
    with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
        end, before, commits = run_simulated(_whole_move(Path(folder), take, {}))
    assert end == ((7_000, 0, 3_000) if take else (10_000, 0, 0))
    for number in range(before[site] + 1, commits[site] + 1):
        with tempfile.TemporaryDirectory(dir=FASTEST) as folder:
            found, _, _ = run_simulated(_whole_move(Path(folder), take, {site: (number, when)}))
        assert found == end, f"{site} died {when} commit {number}"


# -- awarding, releasing, clawing back --------------------------------------------------------------------------------


def test_a_fiscal_year_stays_locked_until_the_funder_releases_it_and_opens_when_it_begins() -> None:
    async def story(federation: Governed) -> None:
        funds = officer(federation, "nims")
        year = {"fiscal_year": 2026, "begins": "april", "contingent": True, "amounts": {"jpy": "1000"}}
        later = {"fiscal_year": 2027, "begins": "april", "amounts": {"jpy": "500"}}
        given = {"id": "g", "charter": CHARTER, "team": TEAM, "funder": "argonne", "tranches": [year, later]}
        made = await funds.award(given, OFFICER)
        assert made.left == {}
        assert [t.state for t in made.tranches] == ["locked", "not yet"]
        release = Release(charter=CHARTER, funder="argonne", site="nims", grant="g", tranche="fy2026", issued=EPOCH)
        forged = signed(release, "nims").model_dump(mode="json")
        with pytest.raises(Untrusted):
            await funds.release("g", "fy2026", OFFICER, document=forged, award_letter="")
        good = signed(release, "argonne").model_dump(mode="json")
        with pytest.raises(Invalid):
            await funds.release("g", "fy2027", OFFICER, document=good, award_letter="")
        opened = await funds.release("g", "fy2026", OFFICER, document=good, award_letter="")
        assert opened.left == {"jpy": "1000"}

    told(story)


def test_a_tranche_opens_by_the_award_letters_digest_and_by_nothing_less() -> None:
    async def story(federation: Governed) -> None:
        funds = officer(federation, "nims")
        tranche = {"id": "t", "contingent": True, "amounts": {"usd": "10"}}
        await funds.award({"id": "g", "charter": CHARTER, "team": TEAM, "tranches": [tranche]}, OFFICER)
        with pytest.raises(Invalid):
            await funds.release("g", "t", OFFICER, document=None, award_letter="")
        opened = await funds.release("g", "t", OFFICER, document=None, award_letter="sha256:" + "0" * 64)
        assert opened.left == {"usd": "10"}
        with pytest.raises(GrantRefused):
            await funds.claw_back("g", "t", {"usd": "11"}, "less", OFFICER)
        assert (await funds.claw_back("g", "t", {"usd": "4"}, "less", OFFICER)).left == {"usd": "6"}

    told(story)


@pytest.mark.parametrize(
    "change",
    [
        {"charter": "unheard"},
        {"team": "unheard"},
        {"funder": "unheard"},
        {"tranches": [{"fiscal_year": 2027, "amounts": {}}]},
        {"tranches": [{"id": "t", "amounts": {"usd": "NaN"}}]},
        {"tranches": [{"id": "t", "amounts": {"shells": "1"}}]},
        {"tranches": "all"},
    ],
)
def test_a_grant_that_does_not_hold_is_not_given(change: dict[str, Any]) -> None:
    async def story(federation: Governed) -> None:
        size = federation.places["nims"].running.ledger.size
        with pytest.raises((Invalid, NotFound)):
            await officer(federation, "nims").award(GIVEN | change, OFFICER)
        assert federation.places["nims"].running.ledger.size == size

    told(story)


def test_a_lapse_holds_the_campaign_between_steps_and_it_goes_on_when_there_is_more() -> None:
    async def story(federation: Governed) -> None:
        nims, home = federation.places["nims"].running, federation.places["argonne"].running
        await nims.grants.claw_back("grant-nims", "all", {"samples": "39"}, "year's end", OFFICER)
        await home.campaigns.start(parse_spec(spec(3)), federation.member())
        await asyncio.sleep(120)
        campaign = home.campaigns.get("toy")
        assert campaign.state is CampaignState.HELD
        assert "grant" in campaign.why
        assert not [t for t in campaign.trials if t.state == "failed"]
        more = {"id": "more", "charter": CHARTER, "team": TEAM, "tranches": [{"id": "t", "amounts": {"samples": "9"}}]}
        await nims.grants.award(more, OFFICER)
        await home.campaigns.move("toy", CampaignState.RUNNING, federation.member(), "there is more")
        await asyncio.sleep(200)
        assert home.campaigns.get("toy").state is CampaignState.ENDED

    told(story)


# -- usage ------------------------------------------------------------------------------------------------------------


def test_usage_is_told_by_funder_team_agreement_and_campaign_and_adds_up() -> None:
    async def story(federation: Governed) -> None:
        home, nims = federation.places["argonne"].running, federation.places["nims"].running
        await federation.places["argonne"].running.publisher.publish(
            signed(agreement("teaching"), "argonne", "riken", "nims"), "officer@argonne"
        )
        await asyncio.sleep(30)
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(200)
        text = spec(1).replace('name = "toy"', 'name = "class"').replace('"research"', '"teaching"')
        await home.campaigns.start(parse_spec(text), federation.member())
        await asyncio.sleep(200)
        rows = {(row["agreement"], row["campaign"]): row for row in usage(nims.ledger.query)}
        assert rows["colour-agreement", "toy"]["spent"] == "2"
        assert rows["teaching", "class"]["spent"] == "1"
        assert {row["funder"] for row in rows.values()} == {"nims"}
        (total,) = usage(nims.ledger.query, ("home",))
        assert (total["home"], total["spent"], total["tasks"]) == ("argonne", "3", 3)
        assert nims.grants.show("grant-nims").spent == {"samples": "3"}
        read = list(csv.DictReader(io.StringIO(to_csv(usage(nims.ledger.query)))))
        assert [row["spent"] for row in read] == ["2", "1"]
        with pytest.raises(NotFound):
            usage(nims.ledger.query, ("1; DROP TABLE grants",))

    told(story)


def test_a_name_that_looks_like_a_formula_stays_text() -> None:
    assert "'=1+1" in to_csv([{"team": "=1+1", "spent": "0"}])

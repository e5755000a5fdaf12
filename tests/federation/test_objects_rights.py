"""Who is given an object's bytes, and what a hostile peer gets for its trouble."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from federation import large
from yosegi.campaign import Campaign, parse_spec
from yosegi.core.canonical import digest
from yosegi.core.errors import Invalid, NotFound, Refused
from yosegi.core.object import ObjectRef
from yosegi.core.states import TaskState, TrialState
from yosegi.data import CHUNK, REFUSED, Chunk, ChunkRequest, known
from yosegi.exchange import requests
from yosegi.exchange.request_draft import RequestDraft
from yosegi.execution.tasks import ENDED
from yosegi.governance.charter.statement import Listens
from yosegi.identity.accounts import Session
from yosegi.services.runtime import Site
from yosegi.testing.federation import CHARTER, TEAM, Federation, address
from yosegi.testing.loop import run_simulated

Story = Callable[[Federation], Awaitable[None]]
ANYBODY = Session("guest@argonne", "member", float("inf"), "")
OPERATOR = Session("operator@argonne", "operator", float("inf"), "")
MEMBER = Session("pi@argonne", "member", float("inf"), "")

NO_RELEASE = """\
@id("kept")
@reason("Tables are kept.")
@reason_ja("表は渡しません。")
forbid (principal, action == Action::"release", resource);
"""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("yosegi").setLevel(logging.CRITICAL)


def tell(federation: Federation, story: Story) -> None:
    async def main() -> None:
        await federation.start()
        try:
            await story(federation)
        finally:
            for name in federation.places:
                await federation.crash(name)

    run_simulated(main())


async def campaign(federation: Federation, seconds: float = 120, spec: str = "") -> Campaign:
    """Start the campaign and let it run so long."""
    home = federation.places["argonne"].running
    await home.campaigns.start(parse_spec(spec or large.spec()), federation.member())
    await asyncio.sleep(seconds)
    return home.campaigns.get("large")


def site(federation: Federation, name: str) -> Site:
    return federation.places[name].running


async def asked(federation: Federation, table: dict[str, Any], key: str = "k1") -> Any:
    """Home asks nims to look at a table."""
    home = site(federation, "argonne")
    contract = large.look.contract
    request = RequestDraft(
        charter=CHARTER, key=key, team=TEAM, on_behalf_of="pi@argonne", purpose="research",
        capability="nims/large.look@1", contract=contract, inputs={"table": table},
    )  # fmt: skip
    return await home.requests.ask(home.authorizer.authorize(request))


async def put(federation: Federation, data: bytes, **how: Any) -> dict[str, Any]:
    """A person brings a table to argonne."""
    how = {"media_type": "text/csv", "sensitivity": "team", "team": TEAM} | how
    ref = await site(federation, "argonne").objects.put(io.BytesIO(data), federation.member(), **how)
    return ref.json()


# -- the owner's word -------------------------------------------------------------------------------------------------


def test_a_result_that_is_withheld_stays_at_its_owner(tmp_path: Path) -> None:
    federation = large.sites(tmp_path)
    federation.places["riken"].rules = {"kept.cedar": NO_RELEASE}

    async def story(federation: Federation) -> None:
        made = await campaign(federation)
        assert made.trials[0].state is TrialState.FAILED
        assert "make.table, which step look needs, was not released" in made.trials[0].why
        assert federation.places["riken"].objects.held
        assert not federation.places["argonne"].objects.held
        # Not even to one who has learnt its digest.
        riken, task = site(federation, "riken"), made.trials[0].steps[0].key
        sha256 = known(riken.ledger, "stream = ? AND kind = ?", f"task/argonne/{task}", ENDED)[0].ref.sha256
        answer = await riken.transfers.give(
            CHARTER, "argonne", ChunkRequest(task=task, sha256=sha256, offset=0, length=1)
        )
        assert answer.refused is not None
        assert answer.refused.code == "local_rule"
        assert "表は渡しません" in answer.refused.ja

    tell(federation, story)


def test_a_release_is_decided_again_at_each_piece(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        riken = site(federation, "riken")
        pieces: list[Chunk] = []
        give = riken.transfers.give

        async def until_forbidden(charter: str, peer: str, want: ChunkRequest) -> Chunk:
            if len(pieces) == 1:
                riken.authorizer.rules = {"kept.cedar": NO_RELEASE}
                await riken.authorizer.publish(CHARTER)
            pieces.append(await give(charter, peer, want))
            return pieces[-1]

        riken.transfers.give = until_forbidden  # type: ignore[method-assign]
        made = await campaign(federation)
        assert [chunk.refused is None for chunk in pieces[:2]] == [True, False]
        assert not federation.places["argonne"].objects.held
        assert known(site(federation, "argonne").ledger, "kind = ?", REFUSED)
        # The next step cannot have its input, and says so.
        assert made.trials[0].state is TrialState.REFUSED
        assert made.trials[0].steps[1].reasons[0]["code"] == "local_rule"

    tell(large.sites(tmp_path), story)


@pytest.mark.parametrize(
    ("peer", "task"),
    [("nims", None), ("argonne", "another"), ("argonne", "")],
    ids=["another site", "another task", "no"],
)
def test_bytes_go_to_the_home_of_their_task_alone(tmp_path: Path, peer: str, task: str) -> None:
    async def story(federation: Federation) -> None:
        made = await campaign(federation)
        step = made.trials[0].steps[0]
        want = ChunkRequest(
            task=task or (step.key if task is None else "none"),
            sha256=step.outputs["table"]["sha256"],
            offset=0,
            length=9,
        )
        answer = await site(federation, "riken").transfers.give(CHARTER, peer, want)
        assert answer.refused is not None
        assert (answer.refused.code, answer.data) == ("object_unknown", b"")

    tell(large.sites(tmp_path), story)


def test_an_input_is_given_while_its_task_is_open_and_not_after(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        made = await campaign(federation)
        step = made.trials[0].steps[1]
        want = ChunkRequest(
            task=step.key, sha256=made.trials[0].steps[0].outputs["table"]["sha256"], offset=0, length=9
        )
        answer = await site(federation, "argonne").transfers.give(CHARTER, "nims", want)
        assert answer.refused is not None

    tell(large.sites(tmp_path), story)


# -- onward -----------------------------------------------------------------------------------------------------------


def test_what_one_site_made_goes_to_another_only_if_both_agreed(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        made = await campaign(federation)
        first, second = made.trials[0].steps
        assert first.state is TaskState.ENDED
        assert second.state is TaskState.REFUSED
        assert second.reasons[0]["code"] == "transfer_not_covered"
        assert not federation.places["nims"].objects.held

    # argonne has an agreement with each of the two, and they have none with each other.
    tell(large.sites(tmp_path, agreed=(("argonne", "riken"), ("argonne", "nims"))), story)


def test_a_label_that_is_left_out_of_a_reference_still_counts(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        made = await campaign(federation)
        home = site(federation, "argonne")
        table = dict(made.trials[0].steps[0].outputs["table"])
        table.pop("sources")
        ref = ObjectRef.read(table)
        asked = RequestDraft(
            charter=CHARTER, key="k", team=TEAM, on_behalf_of="pi@argonne", purpose="research",
            capability="nims/large.look@1", contract=large.look.contract, inputs={"table": ref.json()},
            sensitivity="public",
        )  # fmt: skip
        named = home.authorizer.authorize(asked).request
        assert named.inputs["table"]["sources"] == ["riken/large.make@1"]
        assert named.sensitivity == "team"

    tell(large.sites(tmp_path), story)


# -- what a peer may try ----------------------------------------------------------------------------------------------


def test_nobody_gets_at_data_by_knowing_its_digest(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        secret = large.table_of(0.25)
        federation.places["nims"].objects.put(secret)
        table = {"sha256": digest(secret), "size": len(secret), "media_type": "text/csv", "site": "argonne"}
        await asked(federation, table | {"sensitivity": "public"})
        await asyncio.sleep(60)
        # nims has the bytes, and asks argonne for them all the same; argonne cannot show that it has them.
        task = site(federation, "nims").repository.task("task/argonne/k1")
        assert task.state is TaskState.ACCEPTED

    tell(large.sites(tmp_path), story)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda chunk: chunk.model_copy(update={"data": bytes(len(chunk.data))}), id="other bytes"),
        pytest.param(lambda chunk: chunk.model_copy(update={"data": chunk.data[:-1]}), id="too few"),
        pytest.param(lambda chunk: chunk.model_copy(update={"data": chunk.data[:1] * CHUNK}), id="too many"),
    ],
)
def test_wrong_bytes_end_the_task_that_waits_for_them_and_nothing_else(
    tmp_path: Path, wrong: Callable[[Chunk], Chunk]
) -> None:
    async def story(federation: Federation) -> None:
        home = site(federation, "argonne")
        give = home.transfers.give

        async def lie(charter: str, peer: str, want: ChunkRequest) -> Chunk:
            return wrong(await give(charter, peer, want))

        home.transfers.give = lie  # type: ignore[method-assign]
        await asked(federation, await put(federation, large.table_of(0.5)[:100_000]))
        await asyncio.sleep(60)
        nims = site(federation, "nims")
        task = nims.repository.task("task/argonne/k1")
        assert task.state is TaskState.REFUSED
        assert task.reasons[0].code == "object_wrong"
        assert home.requests.get("nims", "k1").reasons[0].code == "object_wrong"
        assert not federation.places["nims"].objects.held
        assert not federation.places["nims"].objects.partial
        home.transfers.give = give  # type: ignore[method-assign]
        await asked(federation, await put(federation, large.table_of(0.5)), key="k2")
        await asyncio.sleep(60)
        assert nims.repository.task("task/argonne/k2").state is TaskState.ENDED

    tell(large.sites(tmp_path), story)


def test_pieces_that_nobody_asked_for_are_thrown_away(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        link = site(federation, "argonne").channels.channel(CHARTER, "riken")
        for number in range(200):
            link.asked([ChunkRequest(task=f"t{number}", sha256=digest(b"x"), offset=0, length=1)])
        assert len(link._chunks_due) <= 64
        await asyncio.sleep(60)
        assert not link._chunks_due
        assert not federation.places["riken"].objects.partial

    tell(large.sites(tmp_path), story)


def test_an_object_beyond_the_owner_s_limit_is_refused_at_once(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        site(federation, "nims").transfers.largest = 1000
        await asked(federation, await put(federation, large.table_of(0.5)))
        await asyncio.sleep(30)
        assert site(federation, "argonne").requests.get("nims", "k1").reasons[0].code == "object_too_large"

    tell(large.sites(tmp_path), story)


@pytest.mark.parametrize("change", [{"media_type": "text/plain"}, {"size": 20_000_001}, {"sha256": "sha256:../../x"}])
def test_a_reference_that_the_contract_does_not_allow_leaves_no_site(tmp_path: Path, change: dict[str, Any]) -> None:
    async def story(federation: Federation) -> None:
        table = await put(federation, large.table_of(0.5))
        try:
            made = await asked(federation, table | change)
        except Invalid:
            return
        assert made.state is TaskState.REFUSED
        assert made.reasons[0].code == "bad_inputs"
        assert made.request is None

    tell(large.sites(tmp_path), story)


def test_an_input_that_never_comes_is_waited_for_and_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "LIFETIME", timedelta(minutes=5))

    async def story(federation: Federation) -> None:
        home = site(federation, "argonne")
        table = await put(federation, large.table_of(0.5))
        federation.places["argonne"].objects.delete(table["sha256"])
        await asked(federation, table)
        await asyncio.sleep(30)
        waiting = home.requests.get("nims", "k1")
        assert waiting.state is TaskState.ACCEPTED
        assert waiting.reasons[0].code == "awaits_inputs"
        await asyncio.sleep(400)
        assert home.requests.get("nims", "k1").reasons[0].code == "inputs_missing"

    tell(large.sites(tmp_path), story)


def test_a_task_that_waits_for_its_inputs_is_cancelled_like_any_other(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        table = await put(federation, large.table_of(0.5))
        federation.places["argonne"].objects.delete(table["sha256"])
        await asked(federation, table)
        await asyncio.sleep(30)
        nims = site(federation, "nims")
        task = await nims.dispatcher.cancel("argonne", "k1", "not needed", by="operator@nims")
        assert task.state is TaskState.CANCELLED
        await asyncio.sleep(60)
        assert not nims.transfers.progress()

    tell(large.sites(tmp_path), story)


# -- what people do ---------------------------------------------------------------------------------------------------


def test_an_object_is_for_its_team(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        home, ref = site(federation, "argonne"), await put(federation, b"1,2\n")
        assert b"".join(home.objects.open(ref["sha256"], MEMBER)[1]) == b"1,2\n"
        with pytest.raises(NotFound):
            home.objects.open(ref["sha256"], ANYBODY)
        assert not home.objects.listing(ANYBODY)
        with pytest.raises(Refused, match="object_not_yours"):
            home.objects.open(ref["sha256"], OPERATOR)
        with pytest.raises(Refused, match="object_not_yours"):
            await home.objects.put(io.BytesIO(b""), ANYBODY, media_type="text/csv", sensitivity="team", team=TEAM)

    tell(large.sites(tmp_path), story)


def test_what_is_public_is_for_everybody_who_is_signed_in(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        ref = await put(federation, b"1,2\n", sensitivity="public")
        assert site(federation, "argonne").objects.open(ref["sha256"], ANYBODY)

    tell(large.sites(tmp_path), story)


def test_the_strictest_label_counts(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        await put(federation, b"1,2\n", sensitivity="restricted")
        ref = await put(federation, b"1,2\n", sensitivity="public")
        with pytest.raises(NotFound):
            site(federation, "argonne").objects.open(ref["sha256"], ANYBODY)

    tell(large.sites(tmp_path), story)


def test_erasing_takes_the_bytes_and_leaves_the_entries(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        made = await campaign(federation)
        home, sha256 = site(federation, "argonne"), made.trials[0].steps[0].outputs["table"]["sha256"]
        await home.erasure.order("object", sha256, "asked by its subject", federation.member())
        told = home.objects.show(sha256, federation.member())
        assert (told.here, told.erased, len(told.history) > 1) == (False, True, True)
        with pytest.raises(Refused, match="object_erased"):
            home.objects.open(sha256, federation.member())
        with pytest.raises(NotFound):
            home.objects.named(sha256)
        # A restart does not bring it back.
        await federation.crash("argonne")
        await federation.restart("argonne")
        await asyncio.sleep(60)
        assert sha256 not in federation.places["argonne"].objects.held

    tell(large.sites(tmp_path), story)


def test_only_what_no_entry_names_is_collected_and_only_after_a_day(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        home, store = site(federation, "argonne"), federation.places["argonne"].objects
        now = home.clock.now().timestamp()
        store.now = lambda: now - 23 * 3600
        ref = await put(federation, b"named")
        orphan, _ = store.put(b"orphan")
        assert (await home.objects.collect(federation.member())).collected == 0
        store.now = lambda: now - 25 * 3600
        store.put(b"orphan")
        await put(federation, b"named")
        assert (await home.objects.collect(federation.member())).sha256 == (orphan,)
        assert store.has(ref["sha256"])
        with pytest.raises(Refused, match="operators_only"):
            await home.objects.collect(MEMBER)

    tell(large.sites(tmp_path), story)


def test_a_campaign_names_an_object_by_its_digest(tmp_path: Path) -> None:
    async def story(federation: Federation) -> None:
        table = await put(federation, large.table_of(0.5))
        one_step = (
            large.spec().split("[[source]]")[0]
            + f"""
[[source]]
name = "look"
price = 1.0
step = [{{ name = "look", capability = "nims/large.look@1", set = {{ table = "{table["sha256"]}" }} }}]
"""
        )
        made = await campaign(federation, spec=one_step)
        assert made.trials[0].state is TrialState.COMPLETED, made.trials[0]
        assert made.trials[0].value == pytest.approx(0.15**2)

    tell(large.sites(tmp_path), story)


@pytest.mark.parametrize("table", ["sha256:" + "0" * 64, "table.csv"])
def test_a_campaign_that_names_no_object_of_this_site_does_not_begin(tmp_path: Path, table: str) -> None:
    async def story(federation: Federation) -> None:
        spec = large.spec().replace('bind = { table = "make.table" }', f'set = {{ table = "{table}" }}')
        with pytest.raises((Invalid, NotFound)):
            await campaign(federation, spec=spec)
        assert not site(federation, "argonne").campaigns.names()

    tell(large.sites(tmp_path), story)


def test_the_site_of_one_s_own_capability_needs_no_transfer(tmp_path: Path) -> None:
    federation = large.sites(tmp_path)
    federation.places["argonne"].capabilities = [large.make, large.look]
    federation.places["argonne"].reach = Listens(url=address("argonne"))

    async def story(federation: Federation) -> None:
        spec = large.spec().replace("riken/", "argonne/").replace("nims/", "argonne/")
        made = await campaign(federation, spec=spec)
        assert made.trials[0].state is TrialState.COMPLETED, made.trials[0]

    tell(federation, story)

"""An owner's decisions travel in a campaign's bundle and are made again offline; a closed owner's are its own word."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from federation.test_refusals import asked, forbid
from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.errors import Corrupt
from yosegi.data import ChunkRequest
from yosegi.exchange.requests import MADE, REPORTED, Asked
from yosegi.governance.policy.disclosure import RECEIVED, disclosed
from yosegi.governance.policy.question import Question
from yosegi.ledger import Entry
from yosegi.services.authorization.disclosure import PREFIX
from yosegi.testing.federation import CHARTER, Federation
from yosegi.testing.loop import run_simulated
from yosegi.trust.messages import Report, Request
from yosegi.verification.bundle import Bundle, _naming, read_bundle, verify_bundle
from yosegi.verification.remote_decisions import RemoteDecisions, RemoteDecisionsVerified

SECRET = {"own.cedar": forbid("never-in-a-war", 'context.purpose == "war"')}


def ran(folder: Path, closed: tuple[str, ...] = (), before: Callable[[Federation], Any] | None = None) -> Bundle:
    """The bundle of a small campaign, where some owners keep their policies to themselves."""

    async def story() -> Bundle:
        federation = three_sites(folder)
        for name, place in federation.places.items():
            place.shows = name not in closed
        federation.places["nims"].rules = SECRET
        await federation.start()
        if before is not None:
            before(federation)
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(2)), federation.member())
        await asyncio.sleep(200)
        bundle = read_bundle(await home.campaigns.export("toy"))
        for name in federation.places:
            await federation.crash(name)
        return bundle

    return run_simulated(story())


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return ran(tmp_path_factory.mktemp("open"))


def entries(bundle: Bundle) -> list[Entry]:
    return [exported.entry() for exported in bundle.entries]


def last_reports(bundle: Bundle) -> list[tuple[Entry, Report]]:
    """Each request's last report."""
    reported = (entry for entry in entries(bundle) if entry.type == REPORTED)
    found = {entry.stream: (entry, Report.recorded((entry.body or {})["report"])) for entry in reported}
    return list(found.values())


def test_every_decision_of_an_owner_that_shows_its_policies_is_made_again(bundle) -> None:
    told = [
        judged for _, report in last_reports(bundle) for grounds in report.decided or () for judged in grounds.judged
    ]
    assert [judged.action for judged in told].count("release") == 4
    assert {judged.action for judged in told} == {"accept", "dispatch", "release"}
    assert verify_bundle(bundle).owners == RemoteDecisionsVerified(made_again=len(told))


def test_what_decisions_rest_on_is_there_once_for_each_owner_and_version(bundle) -> None:
    received = [entry for entry in entries(bundle) if entry.type == RECEIVED]
    needed = {digest for _, report in last_reports(bundle) for digest, _ in disclosed(report.decided or ())}
    assert sorted(entry.facts["digest"] for entry in received) == sorted(needed)
    # One part of the policies, and who asks for what: two capabilities.
    assert len(needed) == 3


def test_a_closed_owners_decisions_are_its_own_word_and_its_policies_stay_with_it(tmp_path) -> None:
    bundle = ran(tmp_path, closed=("nims",))
    found = verify_bundle(bundle).owners
    assert (found.made_again, found.missing, found.untold) == (0, 0, 0)
    assert found.kept == 12
    assert not [entry for entry in entries(bundle) if entry.type == RECEIVED]
    assert not [e for e in entries(bundle) if b"never-in-a-war" in (e.body_bytes or b"")]


def test_what_did_not_come_is_fetched_when_the_campaign_is_exported(tmp_path) -> None:
    def hold_back(federation: Federation) -> None:
        home = federation.places["argonne"].running
        fetch, later = home.evidence.reported, home.evidence.complete

        async def complete(requests: list[Asked]) -> None:
            home.evidence.reported = fetch  # type: ignore[method-assign]
            await later(requests)

        home.evidence.reported = lambda asked: None  # type: ignore[method-assign]
        home.evidence.complete = complete  # type: ignore[method-assign]

    found = verify_bundle(ran(tmp_path, before=hold_back)).owners
    assert found.made_again > 0
    assert found.missing == 0


def test_a_bundle_without_what_they_rest_on_says_so(bundle) -> None:
    bare = tuple(
        exported.model_copy(update={"salt": None, "body": None}) if exported.entry().type == RECEIVED else exported
        for exported in bundle.entries
    )
    found = verify_bundle(bundle.model_copy(update={"entries": bare})).owners
    assert found.made_again == 0
    assert found.missing == verify_bundle(bundle).owners.made_again


def follow(owners: RemoteDecisions, found: Iterable[Entry]) -> None:
    """Tell of every request and report, as the verifying of a bundle does."""
    for entry in found:
        body = entry.body or {}
        if entry.type == MADE:
            request, question = Request.recorded(body["document"]), Question.parsed(body["decision"]["question"])
            owners.asked(entry, request, question)
        elif entry.type == REPORTED:
            owners.told(entry, Report.recorded(body["report"]))


def retold(bundle: Bundle, change: Callable[[Report], Report]) -> Entry:
    """Have an owner tell another story of one task, as it could have signed it; the entry that is named for it."""
    owners = RemoteDecisions(entries(bundle))
    follow(owners, entries(bundle))
    entry, report = last_reports(bundle)[0]
    owners.told(entry, change(report))
    with pytest.raises(Corrupt, match=f"entry {entry.sequence} .*decision"):
        owners.check(_naming)
    return entry


def judged_as(report: Report, **changes: Any) -> Report:
    grounds = (report.decided or ())[0]
    judged = (grounds.judged[0].model_copy(update=changes), *grounds.judged[1:])
    return report.model_copy(update={"decided": (grounds.model_copy(update={"judged": judged}),)})


def test_a_permission_for_another_reason_than_its_policies_give_is_found(bundle) -> None:
    retold(bundle, lambda report: judged_as(report, reasons=("another-agreement",)))


def test_a_refusal_that_does_not_follow_from_its_policies_is_found(bundle) -> None:
    retold(bundle, lambda report: judged_as(report, allow=False, reasons=("no_agreement",)))


def test_a_result_without_a_release_is_found(bundle) -> None:
    def unreleased(report: Report) -> Report:
        (grounds,) = report.decided or ()
        kept = tuple(judged for judged in grounds.judged if judged.action != "release")
        return report.model_copy(update={"decided": (grounds.model_copy(update={"judged": kept}),)})

    retold(bundle, unreleased)


def test_policies_other_than_their_digest_says_are_found(bundle) -> None:
    found = entries(bundle)
    number = next(n for n, entry in enumerate(found) if entry.type == RECEIVED)
    entry = found[number]
    body = (entry.body_bytes or b"").replace(b"colour", b"fusion")
    found[number] = Entry(entry.sequence, entry.header_bytes, entry.leaf, entry.salt, body)
    with pytest.raises(Corrupt, match="it is not sha256"):
        RemoteDecisions(found)


def refused_by(folder: Path, rules: dict[str, str]) -> tuple[Asked, RemoteDecisionsVerified]:
    """A request that an owner's own rule refuses, and what becomes of its decision when it is made again."""

    async def story() -> tuple[Asked, RemoteDecisionsVerified]:
        federation = three_sites(folder)
        federation.places["nims"].rules = rules
        await federation.start()
        home = federation.places["argonne"].running
        told = await asked(federation, "nims/toy.make@1")
        await home.evidence.complete([told])
        owners = RemoteDecisions(home.ledger.scan())
        follow(owners, home.ledger.read(told.stream))
        found = owners.check(_naming)
        for name in federation.places:
            await federation.crash(name)
        return told, found

    return run_simulated(story())


@pytest.mark.parametrize(
    ("action", "decisions"),
    [('action == Action::"accept"', 1), ('action == Action::"dispatch"', 2), ('action == Action::"release"', 3)],
)
def test_a_refusal_by_the_owners_own_rule_is_made_again_at_every_step(tmp_path, action, decisions) -> None:
    told, found = refused_by(tmp_path, {"own.cedar": forbid("own-rule", action=action)})
    assert told.decided[-1].judged[-1].reasons == ("local_rule",)
    assert found == RemoteDecisionsVerified(made_again=decisions)


def test_nobody_is_given_what_anothers_task_rests_on(tmp_path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        told = await asked(federation, "nims/toy.make@1")
        nims = federation.places["nims"].running
        key, (digest, size) = told.stream.rpartition("/")[2], next(disclosed(told.decided))
        want = ChunkRequest(task=f"{PREFIX}{key}", sha256=digest, offset=0, length=size)
        given = {peer: nims.evidence.give(CHARTER, peer, want) for peer in ("argonne", "riken")}
        assert given["argonne"] is not None
        assert len(given["argonne"].data) == size
        assert given["riken"] is not None
        assert given["riken"].refused is not None
        assert given["riken"].refused.code == "policies_kept"

    run_simulated(story())


def test_an_owner_that_closes_its_policies_gives_nothing_that_it_once_showed(tmp_path) -> None:
    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        told = await asked(federation, "nims/toy.make@1")
        nims = federation.places["nims"].running
        nims.authorizer.shows = False
        want = ChunkRequest(
            task=f"{PREFIX}{told.stream.rpartition('/')[2]}",
            sha256=next(disclosed(told.decided))[0],
            offset=0,
            length=1,
        )
        given = nims.evidence.give(CHARTER, "argonne", want)
        assert given is not None
        assert given.refused is not None

    run_simulated(story())


def test_a_signed_report_of_the_first_version_tells_none_and_is_counted_as_such(bundle) -> None:
    entry, report = last_reports(bundle)[0]
    owners = RemoteDecisions([])
    owners.told(entry, report.model_copy(update={"decided": None}))
    assert owners.check(_naming) == RemoteDecisionsVerified(untold=1)


def test_policies_that_permit_by_what_nobody_signed_are_found(bundle) -> None:
    unsigned = [entry for entry in entries(bundle) if not str(entry.facts.get("kind", "")).startswith("agreement.")]
    owners = RemoteDecisions(unsigned)
    follow(owners, entries(bundle))
    entry, report = last_reports(bundle)[0]
    owners.told(entry, report)
    with pytest.raises(Corrupt, match="as nobody signed it"):
        owners.check(_naming)


def test_what_an_owner_names_that_is_no_text_is_not_kept_and_asked_for_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "yosegi.evidence")
    data = b"\xff\xfe" * 1000
    digests: list[str] = []

    async def story() -> None:
        federation = three_sites(tmp_path)
        await federation.start()
        home = federation.places["argonne"].running
        digest, _ = home.evidence.store.put(data)
        digests.append(digest)
        key = (CHARTER, "riken", digest)
        await home.evidence._keep(key, data)
        assert key in home.evidence._have
        assert not home.evidence.store.delete(digest)
        assert not home.ledger.read(f"evidence/{CHARTER}/riken")

    run_simulated(story())
    assert [record.getMessage() for record in caplog.records if record.name == "yosegi.evidence"] == [
        f"what decisions of riken rest on is no text: {digests[0]}"
    ]

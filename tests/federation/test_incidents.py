"""Who touched what: traced from the ledger's file alone, beside the running site, signed, and proved later."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from federation.governed import governed
from federation.toys import spec
from yosegi.campaign import parse_spec
from yosegi.campaign.state import ANSWERED, PROPOSED
from yosegi.core.clock import parse_timestamp
from yosegi.core.errors import Corrupt, Invalid, YosegiError
from yosegi.governance.charter.charter import Charter
from yosegi.identity.accounts import Session
from yosegi.ledger.snapshot import Snapshot
from yosegi.testing.federation import CHARTER
from yosegi.testing.loop import EPOCH, run_simulated
from yosegi.trust.envelope import Envelope
from yosegi.trust.errors import Untrusted
from yosegi.trust.signer import Ed25519Signer
from yosegi.verification.access_report import access_events
from yosegi.verification.incident_trace import IncidentReport, Touched, report, trace, verify_report

MAKE, SIMULATE = "nims/toy.make@1", "riken/toy.simulate@1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledgers of three sites after a campaign by the pi, and a suspension at nims."""
    folder = tmp_path_factory.mktemp("sites")

    async def story() -> None:
        federation = governed(folder)
        await federation.start()
        home = federation.places["argonne"].running
        await home.campaigns.start(parse_spec(spec(3)), federation.member())
        await asyncio.sleep(200)
        nims, operator = federation.places["nims"].running, Session("op@nims", "operator", float("inf"), "")
        await nims.publisher.suspend("person", "pi@argonne", "officer@nims", "a look")
        await nims.operations.set_stop_level("hold", operator, "smoke")
        await nims.operations.set_stop_level("release", operator, "only dust")
        for name in federation.places:
            await federation.crash(name)

    run_simulated(story())
    return folder


def test_who_touched_what_under_which_agreement_is_one_line_each(folder: Path) -> None:
    with ledger(folder, "nims") as repository:
        events = list(access_events(repository))
        tasks = {e.stream for e in repository.scan() if e.type == "task.accepted"}
        asked = [event for event in events if event.what == "asked of us"]
        assert {event.stream for event in asked} == tasks
        assert {(event.person, event.agreement, event.team) for event in asked} == {
            ("pi@argonne", "colour-agreement", "colour-team")
        }
        assert MAKE in {event.capability for event in asked}
        middle = asked[len(asked) // 2]
        early = [e for e in access_events(repository, until=parse_timestamp(middle.time)) if e.what == "asked of us"]
        late = [e for e in access_events(repository, since=parse_timestamp(middle.time)) if e.what == "asked of us"]
        assert early + late == asked
        assert early
    with ledger(folder) as repository:
        others = [event for event in access_events(repository) if event.what == "asked of others"]
        assert {event.person for event in others} == {"pi@argonne"}
        assert MAKE in {event.capability for event in others}


def ledger(folder: Path, site: str = "argonne") -> Snapshot:
    return Snapshot(folder / f"{site}.db")


def named(found: list[Touched]) -> list[Touched]:
    return [touched for touched in found if touched.after < 0]


def test_everything_a_member_asked_is_found_and_nothing_else_names_them(folder: Path) -> None:
    with ledger(folder, "nims") as repository:
        found = trace(repository, "person", ["pi@argonne"])
        tasks = {entry.stream for entry in repository.scan() if entry.stream.startswith("task/")}
        assert {t.entry.stream for t in found if t.entry.stream.startswith("task/")} == tasks
        assert len(tasks) >= 6
        assert trace(repository, "person", ["nobody@argonne"]) == []


def test_what_a_campaign_learned_from_an_answer_taints_every_later_proposal(folder: Path) -> None:
    with ledger(folder) as repository:
        found = trace(repository, "capability", [MAKE])
        answers = [t.entry for t in found if t.entry.type == ANSWERED]
        first = min(entry.position for entry in answers)
        proposals = [e for e in repository.stream("campaign/toy") if e.type == PROPOSED]
        tainted = {t.entry.sequence for t in found}
        assert all((entry.sequence in tainted) == (entry.position > first) for entry in proposals)
        assert any(entry.position > first for entry in proposals)
        why = next(t.why for t in found if t.entry.type == PROPOSED)
        assert "learned" in why


def test_the_beginning_of_a_key_names_what_it_signed(folder: Path) -> None:
    with ledger(folder, "nims") as repository:
        key = next(iter(repository.checkpoint.signatures)).key_id
        found = named(trace(repository, "key", [key[:30]]))
        assert {t.entry.type for t in found} >= {"governance.accepted", "task.accepted"}
        contract = next(t.entry for t in found if t.entry.type == "task.accepted").body
        assert contract is not None
        digest = contract["decision"]["question"]["capability"]["contract"]
        assert trace(repository, "contract", [digest])


def test_an_agreement_and_a_site_are_traced(folder: Path) -> None:
    with ledger(folder, "nims") as repository:
        by_agreement = {t.entry.type for t in named(trace(repository, "agreement", ["colour-agreement"]))}
        assert {"task.accepted", "task.dispatched"} <= by_agreement
        by_site = [t.entry for t in named(trace(repository, "site", ["riken"]))]
        assert by_site
        assert not any(entry.stream.startswith("task/argonne") for entry in by_site)


def test_what_is_older_than_since_is_left_out(folder: Path) -> None:
    with ledger(folder, "nims") as repository:
        everything = trace(repository, "person", ["pi@argonne"])
        middle = everything[len(everything) // 2].entry
        later = trace(repository, "person", ["pi@argonne"], parse_timestamp(middle.time))
        assert 0 < len(later) < len(everything)
        assert all(t.entry.time >= middle.time for t in later)
        assert trace(repository, "person", ["pi@argonne"], EPOCH + timedelta(days=9)) == []


def signed_report(folder: Path, site: str = "nims") -> Envelope:
    with ledger(folder, site) as repository:
        found = trace(repository, "person", ["pi@argonne"])
        made = report(repository, site, "person", "pi@argonne", found, None, EPOCH + timedelta(hours=1))
    return made.sign(key(site))


def key(site: str) -> Ed25519Signer:
    return Ed25519Signer.from_seed(f"site/{site}".encode().ljust(32, b".")[:32])


def test_a_report_is_proved_to_anybody_who_trusts_the_charter(folder: Path) -> None:
    envelope = signed_report(folder)
    found = verify_report(Envelope.read(envelope.to_bytes()))
    assert found.lines
    assert [s.name for s in found.suspensions] == ["pi@argonne"]
    charter = next(Charter.peek(e) for e in found.documents if e.payload_type == Charter.payload_type)
    assert charter.id == CHARTER
    verify_report(envelope, charter.digest)
    with pytest.raises(Corrupt):
        verify_report(envelope, "sha256:" + "0" * 64)


def test_a_report_by_another_key_is_refused(folder: Path) -> None:
    good = IncidentReport.peek(signed_report(folder))
    with pytest.raises(Untrusted):
        verify_report(good.sign(key("riken")))


@pytest.mark.parametrize("what", ["a line", "a proof", "the checkpoint"])
def test_a_report_that_its_ledger_does_not_bear_out_is_refused_even_if_its_site_signs_it(folder: Path, what) -> None:
    good = IncidentReport.peek(signed_report(folder))
    if what == "a line":
        first = good.lines[0]
        lines = (first.model_copy(update={"header": first.header.replace("pi@argonne", "xx@argonne")}), *good.lines[1:])
        bad = good.model_copy(update={"lines": lines})
    elif what == "a proof":
        bad = good.model_copy(update={"proof": ("sha256:" + "0" * 64, *good.proof[1:])})
    else:
        other = IncidentReport.peek(signed_report(folder, "argonne"))
        bad = good.model_copy(update={"checkpoint": other.checkpoint})
    with pytest.raises(YosegiError):
        verify_report(bad.sign(key("nims")))


def test_a_snapshot_takes_no_lock_and_sees_one_moment(folder: Path) -> None:
    path = folder / "riken.db"
    with Snapshot(path) as repository:
        size = repository.size
        writer = sqlite3.connect(path)
        writer.execute("INSERT INTO ledger_entries VALUES (?, 'x', 1, x'7b7d', x'00')", (size,))
        writer.commit()
        assert len(list(repository.scan())) == size
        writer.execute("DELETE FROM ledger_entries WHERE sequence = ?", (size,))
        writer.commit()
        writer.close()


def test_no_ledger_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="no ledger"):
        Snapshot(tmp_path / "ledger.db")


def test_suspensions_and_stops_are_lines_of_their_own_with_who_and_why(folder: Path) -> None:
    with ledger(folder, "nims") as repository:
        told = [(e.what, e.person, e.capability, e.why) for e in access_events(repository)]
    assert ("suspended person", "officer@nims", "pi@argonne", "a look") in told
    assert ("stopped: hold", "op@nims", "", "smoke") in told
    assert ("stop released", "op@nims", "", "only dust") in told

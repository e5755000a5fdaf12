"""Records an example of each kind of answer, for the API's description: from a federation that runs, where one says it.

Run in the tests' folder when an answer changes, then look at the difference: python -m web.record_examples
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from federation.toys import spec, three_sites
from yosegi.campaign import parse_spec
from yosegi.core.contract import EffectClass
from yosegi.core.object import ObjectRef
from yosegi.core.states import BookingState, CampaignState, ReservationState, TaskState
from yosegi.core.supervision import BackgroundState
from yosegi.identity.accounts import Session
from yosegi.services.agents.schemas import AgentActivity, AgentCall
from yosegi.services.alerts.schemas import AlertAcknowledged, AlertDetail
from yosegi.services.answer import Answer
from yosegi.services.approvals.schemas import ApprovalRequest, ApprovalStatus, ApprovalWithdrawn, AskedInput
from yosegi.services.bench.schemas import AskedOutput, BenchCapability, BenchEntered, BenchRow, BenchRows, BenchTask
from yosegi.services.campaigns.schemas import AgentComparison, CampaignMoved, HypothesisDetail
from yosegi.services.delegation.schemas import AgentDetail
from yosegi.services.erasure.schemas import ErasureOrdered, ErasureStatus
from yosegi.services.governance.schemas import DocumentPublished
from yosegi.services.governance.service import PolicyQuery
from yosegi.services.grants.schemas import GrantAfterMove, MoveAnswered, MoveDetail, MoveNamed, UsageRow
from yosegi.services.instruments.schemas import (
    BookingDetail,
    CalibrationDetail,
    ControlDetail,
    InstrumentDetail,
    InstrumentUse,
    ReservationDetail,
)
from yosegi.services.objects.schemas import ObjectDetail, ObjectNaming, ObjectsCollected, ObjectSummary
from yosegi.services.operations.schemas import (
    BackgroundTaskStatus,
    BreakerStatus,
    LostEntry,
    RestorationSettled,
    RestorationStatus,
    StationStatus,
    StopStatus,
)
from yosegi.services.peers.schemas import SiteInfo
from yosegi.services.samples.schemas import SampleDetail, SampleEvent, SampleLabel, SampleParts, SampleSummary
from yosegi.services.samples.states import SampleState
from yosegi.services.sessions.schemas import BrowserSignIn, SessionDetail, SessionEnded, SessionToken
from yosegi.services.tasks.schemas import TaskCancelled
from yosegi.testing.federation import CHARTER, TEAM, Federation
from yosegi.testing.loop import run_simulated
from yosegi.verification.bundle import Bundle, read_bundle

KEPT = Path(__file__).parents[2] / "src" / "yosegi" / "web" / "examples.json"
AT, LATER = "2026-01-05T09:30:00Z", "2026-02-05T09:30:00Z"
DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
TASK, KEY = "argonne/5d41402abc4b2a76b9719d911017c592", "5d41402abc4b2a76b9719d911017c592"


def said() -> list[BaseModel]:
    """Answers that need a fault, a person or large data, which the federation below has not."""
    ref = ObjectRef(sha256=DIGEST, size=4096, media_type="text/csv", site="riken", sensitivity="team")
    known = dict(ref) | {
        "here": True, "erased": False, "state": "", "told_by": "riken", "names": ("table",), "teams": (TEAM,),
        "since": AT,
    }  # fmt: skip
    naming = ObjectNaming(
        kind="object.received", stream=f"request/riken/{KEY}", name="table", peer="riken", task=f"riken/{KEY}",
        team=TEAM, charter=CHARTER, actor="riken", time=AT, sequence=41, sensitivity="team",
    )  # fmt: skip
    erasure = ErasureStatus(
        what="object", subject=DIGEST, why="a name in it", by="officer@argonne", since=AT, done_here=True,
        gone=("argonne",), waiting=("riken",), not_taken={},
    )  # fmt: skip
    approval = ApprovalRequest(
        task=TASK, told_by="argonne", state=TaskState.ACCEPTED, capability="nims/toy.make@1", title="Make a sample",
        effect=EffectClass.CONSUMING, simulated=True, inputs=(AskedInput(name="x", value=0.35, unit="1"),),
        cost={"samples": "1"}, on_behalf_of="pi@argonne", agent="", team=TEAM, purpose="research", campaign="toy",
        mandate="campaign-toy", agreements=("colour-agreement",), charter=CHARTER, site="nims", request=DIGEST,
        contract=DIGEST, asked=AT, not_after=LATER,
        approvals=(ApprovalStatus(id="2f1c", person="operator@nims", state="given", not_after=LATER),),
    )  # fmt: skip
    agent = AgentDetail(
        agent="planner", person="pi@argonne", stands=True, last_use=AT, mandates=("planner",), parent="", keys=("9f86",)
    )
    called = AgentCall(
        sequence=412, time=AT, tool="ask_task", acts=True, outcome="refused", codes=("outside_mandate",),
        arguments=DIGEST,
    )  # fmt: skip
    activity = AgentActivity(
        mandate="planner", agent="planner", person="pi@argonne", stands=True, calls=7, refused=1, left=93,
        latest=(called,),
    )  # fmt: skip
    hypothesis = HypothesisDetail(
        point=1, agent="planner", told_by="argonne", model="m-2026", hypothesis="less acid keeps the colour",
        expects="below one unit", at_least=None, at_most=1.0, values={"x": 0.35}, source="experiment", verdict="held",
        why="", trial=3, value=0.8,
    )  # fmt: skip
    comparison = AgentComparison(
        campaign="toy", hypotheses=(hypothesis,), agents_best=0.8, planners_best=0.9, at_price=10.0, better="agent",
        tokens=1200, model_cost={"usd": "0.004000"},
    )  # fmt: skip
    alert = AlertDetail(
        task=TASK, name=TASK, kind="uncertain", capability="nims/toy.make@1", since=AT,
        text=f"nims/toy.make@1: the effect of task {TASK} is unknown since {AT}.", ja="", told_by="",
    )  # fmt: skip
    move = MoveDetail(
        way="out", peer="riken", move="move-1", charter=CHARTER, grant_id="grant-nims", tranche="all",
        amounts={"samples": "3"}, state="asked",
    )  # fmt: skip
    film = SampleSummary(
        id="riken/film-17", label="ITO on glass", charter=CHARTER, team=TEAM, holder="riken", told_by="riken",
        to="nims", state=SampleState.IN_TRANSIT, place="glove box", parents=(), children=(), since=AT, changed=AT,
    )  # fmt: skip
    event = SampleEvent(
        sequence=41, time=AT, type="sample.registered", actor="operator@riken", state=SampleState.AVAILABLE,
        holder="riken", peer="", condition="", place="glove box", note="", signed_by="", document=None,
    )  # fmt: skip
    booked = ReservationDetail(
        instrument="robot", id="0f6e3f1c-9c1e-5a53-8d53-6d2b5d0e7c11", state=ReservationState.BOOKED, starts=LATER,
        ends="2026-02-05T11:30:00Z", until="2026-02-05T11:30:00Z", team=TEAM, charter=CHARTER, campaign="toy",
        person="pi@argonne", by="operator@nims", grant="grant-nims", held={"instrument_h": "2.000"}, spent={}, why="",
    )  # fmt: skip
    elsewhere = BookingDetail(
        owner="nims", key="7d0b2c7e-6f0e-5f57-9d3c-0a9d1f7b2e11", capability="nims/toy.measure@1", instrument="robot",
        state=BookingState.BOOKED, starts=LATER, ends="2026-02-05T11:30:00Z", until="2026-02-05T11:30:00Z",
        charter=CHARTER, team=TEAM, campaign="toy", person="pi@argonne", purpose="research",
        held={"instrument_h": "2.000"}, spent={},
    )  # fmt: skip
    robot = InstrumentDetail(
        name="robot", capabilities=("toy.make@1", "toy.measure@1"), time_zone="Asia/Tokyo",
        windows=("mon-fri 09:00-17:00",), open=True, window="2026-01-05 18:30–20:00 Asia/Tokyo",
        running=(InstrumentUse(task=TASK, team=TEAM, capability="toy.make@1", since=AT, until="2026-01-05T09:31:00Z"),),
        waiting=2, reservations=(booked,),
        calibration=CalibrationDetail(
            by="operator@nims", since=AT, until=LATER, holds=True, object=DIGEST, values={"gain": 1.02}, note=""
        ),
        control=ControlDetail(
            capability="toy.check@1", output="y", target=5.0, sigma=0.1, due=False, measured=AT, values=(5.02, 4.96),
            verdict="",
        ),
    )  # fmt: skip
    return [
        booked, elsewhere, robot,
        film, SampleDetail(**dict(film), events=(event,)), SampleParts(sample="riken/film-16", parts=(film,)),
        SampleLabel(sample=film.id, encodes=film.id, svg="<svg/>"),
        ref, ObjectSummary(**known), ObjectDetail(**known, history=(naming,)), erasure,
        ObjectsCollected(collected=1, bytes=4096, sha256=(DIGEST,)), ErasureOrdered(**dict(erasure), objects=()),
        approval, ApprovalWithdrawn(withdrawn="2f1c"), agent, activity, comparison,
        alert, AlertAcknowledged(acknowledged=alert.name), move,
        MoveAnswered(move="nims/move-1", accepted=True), MoveNamed(move="riken/move-1"),
        StopStatus(held=True, word="abort"), BreakerStatus(breaker=""), RestorationSettled(open=False),
        RestorationStatus(open=True, epoch=2, lost=(LostEntry(stream=f"task/{TASK}", type="task.ended", time=AT),)),
        StationStatus(unsettled=""), SessionToken(token="Zm9yIGV4YW1wbGU"), SessionEnded(ended=True),
        BackgroundTaskStatus(
            owner="alerts", name="tell", state=BackgroundState.RUNNING, since=AT, failures=0, last_error="", resumes=""
        ),
        SessionDetail(
            name="a8aedf759248a5ac", person="pi@argonne", agent="", program=True, issuer="", opened=AT, until=AT
        ),
        BrowserSignIn(code="K7QX-M2RD", page="sign-in/hand/K7QX-M2RD", secret="c2VjcmV0"),
        TaskCancelled(home="argonne", key=KEY, state=TaskState.CANCELLED),
        CampaignMoved(name="toy", state=CampaignState.STOPPING),
        DocumentPublished(charter=CHARTER, kind="agreement", digest=DIGEST),
        BenchTask(
            task=TASK, told_by="argonne", engine="bench", capability="bench.weigh@1", title="Weigh a film", about="",
            team=TEAM, campaign="toy", since=AT, inputs=(AskedInput(name="film", value="s07", unit=""),),
            outputs=(AskedOutput(name="mass", unit="mg", type="number", about="≥ 0", needed=True),),
            schema_of_outputs={"type": "object", "properties": {"mass": {"type": "number", "unit": "mg"}}},
            handed_to="technician@riken", handed_by="pi@riken", handed_at=LATER,
            handed_note="the balance is yours today", held_by_other=True, may_hand_on=True,
        ),
        BenchCapability(ref="riken/bench.weigh@1", engine="bench"),
        BenchEntered(task=TASK, effect="done", result="valid", outputs={"mass": 12.5}, reason=""),
        BenchRows(taken=1, rows=(BenchRow(line=2, task=TASK, why=""),)),
    ]  # fmt: skip


async def heard(federation: Federation) -> list[BaseModel | bytes]:
    """What a federation says in which one campaign has ended."""
    await federation.start()
    home, nims = (federation.places[name].running for name in ("argonne", "nims"))
    member, officer = federation.member(), Session("officer@argonne", "officer", float("inf"), "")
    await home.campaigns.start(parse_spec(spec(1)), member)
    await asyncio.sleep(300)
    step = home.campaigns.get("toy").trials[0].steps[0]
    query = PolicyQuery(capability="nims/toy.make@1")
    barred = await home.governance.suspend("capability", "riken/toy.simulate@1", officer, "a look at it")
    await home.governance.lift("capability", "riken/toy.simulate@1", officer, "looked at")
    (grant, *_) = nims.grants.list()
    return [
        SiteInfo(site=home.name, title=home.title), home.peers.list()[0], home.catalogue.summaries()[0],
        home.catalogue.show("nims/toy.make@1"), home.campaigns.summaries(member)[0], home.campaigns.show("toy", member),
        nims.tasks.list()[0], nims.tasks.show(nims.tasks.list()[0].name, officer),
        home.task_requests.show(step.owner, step.key, member), home.task_requests.list_for(member)[0],
        home.mandates.seen_by(member)[0], grant,
        GrantAfterMove(**dict(grant), move="riken/move-1"), nims.grants.usage()[0], home.governance.charters()[0],
        home.governance.agreements()[0], min(home.governance.documents(CHARTER), key=length), barred,
        await home.governance.explain(query, member), await home.governance.what_if(query, member),
        (await home.governance.access(member))[0], await home.governance.reload({}, [], officer),
        await home.programme.register_outcome("toy", "dataset", "Toy colours", "https://doi.org/10.5555/1", member),
        home.programme.list(member)[0], await home.campaigns.export("toy"),
        await home.campaigns.answer("toy", member),
        home.campaigns.check(parse_spec(spec(1)), member), home.amendments.file("toy", member),
        await home.amendments.add_table("toy", "x,y,state\n0.5,0.0225,\n0.999,,infeasible\n", "", "notes.csv", member),
    ]  # fmt: skip


def length(value: BaseModel) -> int:
    """Characters of its JSON."""
    return len(value.model_dump_json())


def shortened(bundle: Bundle) -> Bundle:
    """Its form without most of its length: it verifies no more."""
    return bundle.model_copy(update={"entries": (min(bundle.entries, key=length),), "proof": bundle.proof[:1]})


def record(folder: Path) -> dict[str, Any]:
    """An example of each kind, by its name."""
    answers = [*said(), *run_simulated(heard(three_sites(folder)))]
    values = [shortened(read_bundle(one)) if isinstance(one, bytes) else one for one in answers]
    # What is not an answer, and a row of usage, leaves out what is not there.
    sparse = [type(one).__name__ for one in values if not isinstance(one, Answer) or isinstance(one, UsageRow)]
    return {
        type(one).__name__: one.model_dump(mode="json", exclude_none=type(one).__name__ in sparse) for one in values
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = record(Path(folder))
    KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")

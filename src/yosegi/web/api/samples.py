"""Physical samples: registered, moved, split, pooled, used up, lost, and handed over between sites."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from yosegi.core.identifiers import CharterId, Key, SampleId, SampleName, SiteId, TeamId
from yosegi.http.authentication import Here, Who
from yosegi.http.bodies import Body
from yosegi.services.samples.arrivals import MOST_RECEIVED, ArrivedSample
from yosegi.services.samples.schemas import SampleDetail, SampleLabel, SampleParts, SampleSummary
from yosegi.services.samples.states import SampleChange, SampleState
from yosegi.trust.samples import MOST_PARENTS, ConditionGiven, ConditionReceived, SampleNote
from yosegi.trust.samples import SampleLabel as LabelText
from yosegi.web.api.router import router as router_of

router = router_of("samples")


class NewSample(Body):
    """A sample that was made here, and whose it is."""

    name: SampleName
    charter: CharterId
    team: TeamId
    label: LabelText = ""
    place: LabelText = ""


class SampleChanged(Body):
    """Why, for the record; and where it is now, if that changed."""

    why: SampleNote = ""
    place: LabelText | None = None


class SampleSplit(Body):
    """The names of the parts."""

    names: Annotated[list[SampleName], Field(min_length=2, max_length=MOST_PARENTS)]


class SamplesPooled(Body):
    """The samples that were put together, and the name of what came of it."""

    samples: Annotated[list[SampleId], Field(min_length=2, max_length=MOST_PARENTS)]
    name: SampleName
    label: LabelText = ""
    place: LabelText = ""


class SampleSent(Body):
    """To whom a sample is given, and in which condition."""

    to: SiteId
    condition: ConditionGiven = "good"
    note: SampleNote = ""


class SamplesShipped(Body):
    """To whom samples are given that campaigns ask to be shipped there; of one campaign alone, if it is named."""

    to: SiteId
    campaign: Key | Literal[""] = ""
    note: SampleNote = ""


class SampleArrival(Body):
    """In which condition a sample came; `missing` if it did not."""

    condition: ConditionReceived = "good"
    note: SampleNote = ""
    place: LabelText = ""


class SamplesArrived(Body):
    """Samples that came together, each with its condition."""

    samples: Annotated[list[ArrivedSample], Field(min_length=1, max_length=MOST_RECEIVED)]


@router.get("/samples")
async def samples(
    site: Here, who: Who, team: str = "", state: SampleState | None = None, holder: str = ""
) -> tuple[SampleSummary, ...]:
    """The 200 samples that changed last of those this site made, holds, held or is given; filtered as asked."""
    return site.samples.listing(who, team=team, state=state, holder=holder)


@router.post("/samples", status_code=201)
async def register_sample(body: NewSample, site: Here, who: Who) -> SampleSummary:
    """Say that a sample was made here; its identity is `site/name` for ever, wherever it goes."""
    return await site.samples.register(
        body.name, who, charter=body.charter, team=body.team, label=body.label, place=body.place
    )


@router.post("/samples/pool", status_code=201)
async def pool_samples(body: SamplesPooled, site: Here, who: Who) -> SampleSummary:
    """Say that samples were put together into one, which is this site's."""
    return await site.samples.pool(body.samples, body.name, who, label=body.label, place=body.place)


@router.post("/samples/ship")
async def ship_samples(body: SamplesShipped, site: Here, who: Who) -> tuple[SampleSummary, ...]:
    """Sign that every sample is given to a site that campaigns ask to be shipped there and is available."""
    return await site.hand_overs.ship(body.to, who, campaign=body.campaign, note=body.note)


@router.post("/samples/receive")
async def receive_samples(body: SamplesArrived, site: Here, who: Who) -> tuple[SampleSummary, ...]:
    """Sign of several samples that were given to this site that they are here, or never came; all of it, or nothing."""
    return await site.hand_overs.receive_all(body.samples, who)


@router.get("/samples/{maker}/{name}")
async def show_sample(maker: SiteId, name: SampleName, site: Here, who: Who) -> SampleDetail:
    """A sample's whole life over this site's ledger, with the other sites' signed words."""
    return site.samples.show(f"{maker}/{name}", who)


@router.get("/samples/{maker}/{name}/label")
async def sample_label(maker: SiteId, name: SampleName, site: Here, who: Who) -> SampleLabel:
    """A label to print, with a QR code that says which sample it is."""
    return site.samples.label(f"{maker}/{name}", who)


@router.post("/samples/{maker}/{name}/split", status_code=201)
async def split_sample(maker: SiteId, name: SampleName, body: SampleSplit, site: Here, who: Who) -> SampleParts:
    """Say that a sample was split into others, which are this site's; there is nothing left of it."""
    return await site.samples.split(f"{maker}/{name}", body.names, who)


@router.post("/samples/{maker}/{name}/hand-over")
async def hand_over_sample(maker: SiteId, name: SampleName, body: SampleSent, site: Here, who: Who) -> SampleSummary:
    """Sign that a sample is given to another site; while it is in transit, the same again says it again."""
    return await site.hand_overs.give(f"{maker}/{name}", body.to, who, condition=body.condition, note=body.note)


@router.post("/samples/{maker}/{name}/receive")
async def receive_sample(maker: SiteId, name: SampleName, body: SampleArrival, site: Here, who: Who) -> SampleSummary:
    """Sign that a sample that was given to this site is here, or never came."""
    return await site.hand_overs.receive(
        f"{maker}/{name}", who, condition=body.condition, note=body.note, place=body.place
    )


@router.post("/samples/{maker}/{name}/change/{change}")
async def change_sample(
    maker: SiteId, name: SampleName, change: SampleChange, body: SampleChanged, site: Here, who: Who
) -> SampleSummary:
    """Say that a sample was moved, reserved, released, used up, lost or set aside."""
    return await site.samples.change(f"{maker}/{name}", change, who, why=body.why, place=body.place)

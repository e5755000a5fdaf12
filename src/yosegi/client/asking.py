"""A loop of one's own under a campaign's record: the next point that waits for a person, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from yosegi.client._arguments import check_kind
from yosegi.client.connection import Connection, SiteRefused
from yosegi.core.errors import Invalid, Unavailable
from yosegi.services.bench.schemas import BenchCapability, BenchEntered, BenchTask
from yosegi.services.campaigns.schemas import CampaignDetail


@dataclass(frozen=True)
class AskedPoint:
    """One point of a campaign that somebody is to measure.

    Args:
        trial: its number.
        values: the point, by parameter.
        inputs: what the capability is asked, by input.
        outputs: names of what is to be told.
        reason: why the planner proposed it.
        task: of the owner, `home/key`.
    """

    trial: int
    values: Mapping[str, Any]
    inputs: Mapping[str, Any]
    outputs: tuple[str, ...]
    reason: str
    task: str


def next_point(connection: Connection, name: str, timeout: float, every: float) -> AskedPoint | None:
    """The oldest task of a campaign that waits for a person; None where the campaign is over or held.

    What was handed on to somebody else than the caller is left out.

    Raises:
        Unavailable: nothing waits in time.
        Invalid: no source of the campaign is done by people at this site.
    """
    check_kind("ask()", "timeout", timeout, (int, float), "seconds")
    _check_by_hand(connection, name)
    began = time.monotonic()
    while True:
        asked = connection.get_all(BenchTask, "/bench")
        mine = [task for task in asked if task.campaign == name and not task.held_by_other]
        state = connection.get(CampaignDetail, f"/campaigns/{quote(name)}")
        if mine:
            return _point(mine[0], state)
        if state.state != "running":
            return None
        if time.monotonic() - began > timeout:
            raise Unavailable(f"campaign {name}", f"nothing waited for a person in {timeout:g} s", "is it done by one?")
        time.sleep(every)


def _check_by_hand(connection: Connection, name: str) -> None:
    """See that people at this site do a step of a campaign, so that something can wait for them."""
    try:
        here = {one.ref for one in connection.get_all(BenchCapability, "/bench/capabilities")}
    except SiteRefused as error:
        if error.status == 404:  # a site from before does not say
            return
        raise
    sources = connection.get(CampaignDetail, f"/campaigns/{quote(name)}").sources
    steps = [step for source in sources for step in source.steps]
    asked = [step.capability for step in steps]
    if not here.intersection(asked) and not here & {route.capability for step in steps for route in step.routes}:
        raise Invalid(
            "ask()",
            f"no source of campaign {name} is done by people at this site ({', '.join(dict.fromkeys(asked))})",
            "follow it by wait(), also where people of the owner's site do it and enter it there, on the page By hand; "
            "to measure by yourself, publish the capability at this site by an engine of the kind person",
        )


def tell(
    connection: Connection, asked: AskedPoint, outputs: Mapping[str, Any] | float | None, infeasible: str, failed: str
) -> BenchEntered:
    """Enter what came of a point.

    Raises:
        Invalid: a number alone where several outputs are asked.
        SiteRefused: it is not what the contract says, or it was told already.
    """
    check_kind("tell()", "asked", asked, AskedPoint, "what ask() returned")
    if outputs is not None:
        check_kind("tell()", "outputs", outputs, (int, float, Mapping), "a number, or a dict by the names of outputs")
    if outputs is None and not infeasible and not failed:
        raise ValueError('tell(): nothing is told; give outputs, infeasible="why" or failed="why"')
    if isinstance(outputs, int | float):
        if len(asked.outputs) != 1:
            raise Invalid("tell()", f"there are several outputs: {', '.join(asked.outputs)}", "give them by name")
        outputs = {asked.outputs[0]: outputs}
    body = {"outputs": dict(outputs or {}), "infeasible": infeasible, "failed": failed}
    return connection.post(BenchEntered, f"/bench/{quote(asked.task)}", body)


def _point(task: BenchTask, state: CampaignDetail) -> AskedPoint:
    key = task.task.partition("/")[2]
    trial = next((t for t in state.trial if any(step.key == key for step in t.steps)), None)
    return AskedPoint(
        trial=0 if trial is None else trial.number,
        values={} if trial is None else dict(trial.values),
        inputs={one.name: one.value for one in task.inputs},
        outputs=tuple(one.name for one in task.outputs if one.needed) or tuple(one.name for one in task.outputs),
        reason="" if trial is None else trial.reason,
        task=task.task,
    )

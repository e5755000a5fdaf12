"""What each entry of a campaign's stream changes: its state is a fold over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import repeat
from typing import Any

from yosegi.campaign import amendments, shipping
from yosegi.campaign.agent_points import ADVISED, points_of
from yosegi.campaign.routing import RouteAnswer
from yosegi.campaign.spec import CampaignSpec, PriceSpec
from yosegi.campaign.state import (
    AGAIN,
    ANSWERED,
    ASKED,
    BREAKER,
    ENDED_TRIAL,
    MOVED,
    NOTHING,
    PRICED,
    PROPOSED,
    STARTED,
    Campaign,
)
from yosegi.campaign.tally import Tally, badness, front_with, loss
from yosegi.campaign.trial import Step, Trial, answered, moved, observation_of
from yosegi.core.amounts import Amounts
from yosegi.core.clock import parse_timestamp
from yosegi.core.contract import Contract, strictest
from yosegi.core.errors import Corrupt
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import CampaignState, Result, TaskState, TrialState, transition
from yosegi.governance.agreements.label import Label
from yosegi.ledger import Entry

_AMENDMENTS = {
    amendments.WANTED: amendments.follow_wanted,
    amendments.WITHDRAWN: amendments.follow_withdrawn,
    amendments.EXTENDED: amendments.follow_extended,
    shipping.SHIPMENT: shipping.follow_shipment,
    shipping.SAMPLE: shipping.follow_sample,
}


def fold(entries: Iterable[Entry], campaign: Campaign | None = None) -> Campaign | None:
    """The campaign its entries make; None of no entries.

    Args:
        entries: of its stream, in order.
        campaign: as the entries before them made it; None if they are the first.

    Raises:
        Corrupt: the first entry does not start a campaign, or its body was erased.
    """
    for entry in entries:
        campaign = _first(entry) if campaign is None else follow(campaign, entry)
    return campaign


def _first(entry: Entry) -> Campaign:
    if entry.type != STARTED or entry.body is None:
        raise Corrupt(f"entry {entry.sequence}", f"{entry.stream} does not begin with its specification")
    spec = CampaignSpec.read(entry.body["spec"])
    return Campaign(
        spec=spec,
        contracts={ref: Contract.read(contract) for ref, contract in entry.body["contracts"].items()},
        state=CampaignState.RUNNING,
        position=entry.position,
        started=entry.time,
        mandate=entry.facts.get("mandate", ""),
        conduct=spec.conduct,
        learned=Label.read(entry.body["learned"]) if "learned" in entry.body else NOTHING,
    )


def follow(campaign: Campaign, entry: Entry) -> Campaign:
    """The campaign after one more entry of its stream.

    Raises:
        Conflict: a table of transitions does not allow it.
        Corrupt: an entry that nothing led to.
    """
    return replace(campaign, position=entry.position, **_changes(campaign, entry))


def _changes(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    facts, body = entry.facts, entry.body or {}
    if entry.type == PROPOSED:
        return _proposed(campaign, entry, body) | _mixed(campaign, body)
    if entry.type == ADVISED:
        return _advised(campaign, facts, body)
    if entry.type in (ASKED, ANSWERED, ENDED_TRIAL):
        return _with(campaign, campaign.trial(facts["trial"]), entry, body)
    if entry.type == MOVED:
        return _moved(campaign, entry, body)
    if entry.type == BREAKER:
        whys = {**campaign.breaker_whys, facts["source"]: body.get("why", "")}
        return {"open_breakers": campaign.open_breakers | {facts["source"]}, "breaker_whys": whys}
    if entry.type == amendments.ADDED:
        return _imported(campaign, entry)
    if entry.type == AGAIN:
        return _again(campaign, entry)
    if amendment := _AMENDMENTS.get(entry.type):
        return amendment(campaign, entry)
    return {}


def _proposed(campaign: Campaign, entry: Entry, body: Mapping[str, Any]) -> dict[str, Any]:
    first = len(campaign.trials) + 1
    by = body.get("by", ())
    new = tuple(
        Trial(
            first + n,
            p["source"],
            p["values"],
            p["reason"],
            p["expected"],
            position=entry.position,
            proposed_at=entry.time,
            candidate=p.get("candidate") or "",
            point=by[n] if n < len(by) else 0,
        )
        for n, p in enumerate(body["proposals"])
    )
    return {
        "trials": campaign.trials.proposed(new),
        "tally": campaign.tally.proposed(new),
        "rounds": campaign.rounds + 1,
        "exhausted": not new,
    }


def _mixed(campaign: Campaign, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a round of proposals changes in the agent's points: those taken and those declined wait no more."""
    taken = {number: len(campaign.trials) + 1 + n for n, number in enumerate(body.get("by", ())) if number}
    declined = [(int(number), str(why)) for number, why in body.get("declined", ())]
    if not taken and not declined:
        return {}
    measured_by, refused = campaign.measured_by, campaign.declined
    for pair in taken.items():
        measured_by = measured_by.appended(pair)
    for one in declined:
        refused = refused.appended(one)
    over = taken.keys() | {number for number, _ in declined}
    waiting = tuple(number for number in campaign.waiting if number not in over)
    return {"waiting": waiting, "measured_by": measured_by, "declined": refused}


def _advised(campaign: Campaign, facts: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    points, waiting = campaign.points, campaign.waiting
    for point in points_of(facts, body, len(points) + 1):
        points, waiting = points.appended(point), (*waiting, point.number)
    # Whatever the planner had nothing more for, the agent may have.
    return {"points": points, "waiting": waiting, "exhausted": False}


def _moved(campaign: Campaign, entry: Entry, body: Mapping[str, Any]) -> dict[str, Any]:
    facts = entry.facts
    state = CampaignState(facts["state"])
    transition(f"campaign {campaign.spec.name}", campaign.state, state)
    changes = {"state": state, "why": body.get("why", ""), "held_by": facts.get("by", ""), "moved_at": entry.time}
    changes |= {name: facts[name] for name in ("mandate", "conduct") if name in facts}
    if state is CampaignState.RUNNING:
        tally = campaign.tally.resumed()
        changes |= {"open_breakers": frozenset(), "breaker_whys": {}, "tally": tally, "suggested_from": campaign.rounds}
    return changes


def _with(campaign: Campaign, trial: Trial, entry: Entry, body: Mapping[str, Any]) -> dict[str, Any]:
    kind, facts = entry.type, entry.facts
    if kind == ASKED:
        ref = facts.get("capability", "")
        step = Step(
            facts["step"], facts["owner"], facts["key"], held=Amounts(facts.get("held", {})), capability=ref,
            ahead=campaign.routes.of(ref).under_way, asked_at=entry.time,
        )  # fmt: skip
        routes = {"routes": campaign.routes.asked(ref)} if ref else {}
        if trial.state is TrialState.PROPOSED:
            trial = moved(trial, TrialState.RUNNING)
        return _replaced(campaign, replace(trial, steps=(*trial.steps, step))) | routes
    if kind == ANSWERED:
        after = _begun(answered(trial, facts, body), facts, entry.time)
        return (
            _replaced(campaign, after) | _learned(campaign, trial, facts, body) | _routed(campaign, trial, after, entry)
        )
    trial = moved(trial, TrialState(facts["state"]))
    trial = replace(trial, lost=bool(facts.get("lost")), why=body.get("why", ""), over_at=entry.time)
    trial = replace(trial, **_measured(campaign.spec, body))
    changes = _replaced(campaign, trial) | {"exhausted": False}
    return changes | _over(campaign, trial, changes["tally"]) if trial.state.final else changes


def _begun(trial: Trial, facts: Mapping[str, Any], time: str) -> Trial:
    """The trial with the moments at which its owner first said that a step has begun, and that it is over."""
    state = TaskState(facts["state"])
    began, over = (time if state is TaskState.DISPATCHED else ""), (time if state.final else "")
    steps = (
        replace(s, began_at=s.began_at or began, over_at=s.over_at or over) if s.key == facts["key"] else s
        for s in trial.steps
    )
    return replace(trial, steps=tuple(steps))


def _again(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """The point of a trial whose sample was lost, as a new trial with a sample of its own."""
    before = campaign.trial(entry.facts["of"])
    trial = Trial(
        len(campaign.trials) + 1, before.source, before.values, (entry.body or {}).get("why", ""), before.expected,
        position=entry.position, candidate=before.candidate, proposed_at=entry.time, origin=before.origin,
        by=before.by, point=before.point, again=before.again + 1,
    )  # fmt: skip
    return {"trials": campaign.trials.proposed((trial,)), "tally": campaign.tally.proposed((trial,))}


def _routed(campaign: Campaign, before: Trial, after: Trial, entry: Entry) -> dict[str, Any]:
    """What an answer tells of the owner that was chosen: once, when the step is over or set aside."""
    for was, step in zip(before.steps, after.steps, strict=True):
        if step.key != entry.facts["key"] or not step.capability or _is_over(was) or not _is_over(step):
            continue
        asked, over = parse_timestamp(step.asked_at), parse_timestamp(entry.time)
        began = parse_timestamp(step.began_at) if step.began_at else asked
        good = step.state is TaskState.ENDED and (step.result == Result.VALID or OutcomeCode.INFEASIBLE in step.codes)
        waited, ran = (max(0.0, span.total_seconds()) for span in (began - asked, over - began))
        told = None if step.state is TaskState.CANCELLED else RouteAnswer(step.ahead, waited, ran, good, step.joules)
        return {"routes": campaign.routes.over(step.capability, told)}
    return {}


def _is_over(step: Step) -> bool:
    return step.state.final or step.state is TaskState.UNCERTAIN


def _over(campaign: Campaign, trial: Trial, tally: Tally) -> dict[str, Any]:
    """What a trial that has just ended changes beside itself; it never changes again."""
    spec = campaign.spec
    if isinstance(spec.source_named(trial.source).price, PriceSpec) and trial.state in PRICED:
        price = spec.source_named(trial.source).price_at(spec.columns_of(trial.candidate) | dict(trial.values))
        tally = replace(tally, priced={**tally.priced, trial.source: tally.priced.get(trial.source, 0.0) + price})
    return _known(campaign, trial, tally)


def _imported(campaign: Campaign, entry: Entry) -> dict[str, Any]:
    """Measurements that were brought: known at once, and counted neither as trials nor as spending."""
    rows = (entry.body or {}).get("rows", ())
    now = campaign
    for trial, row in zip(amendments.imported_trials(campaign, entry), rows or repeat({}), strict=False):
        trial = replace(trial, **_measured(campaign.spec, row))
        now = replace(now, trials=now.trials.proposed((trial,)).replaced(trial))
        now = replace(now, **_known(now, trial, now.tally))
    return {name: getattr(now, name) for name in ("trials", "ended_order", "observed", "tally")} | {
        "imported": campaign.imported + entry.facts["count"],
        "brought": campaign.brought | {entry.facts["digest"]},
        "exhausted": False,
    }


def _known(campaign: Campaign, trial: Trial, tally: Tally) -> dict[str, Any]:
    """What the planner and whoever looks for the best learn of a trial that is over."""
    return {
        "ended_order": campaign.ended_order.appended(trial.number),
        "observed": campaign.observed.appended(observation_of(campaign.spec, trial)),
        "tally": _ranked(campaign, trial, tally),
    }


def _ranked(campaign: Campaign, trial: Trial, tally: Tally) -> Tally:
    """The best trial, or with several objectives the front, with one more."""
    spec = campaign.spec
    counts = trial.state is TrialState.COMPLETED and trial.source == spec.source[0].name
    if not counts or not spec.keeps_limits(trial.outcomes):
        return tally
    if spec.only is not None and trial.value is not None:
        best = campaign.best()
        best = trial if best is None else min(best, trial, key=partial(badness, spec.only))
        return replace(tally, best=best.number)
    if len(spec.objective) > 1 and all(goal.name in trial.outcomes for goal in spec.objective):
        front = [(one.number, _losses(spec, one)) for one in campaign.front()]
        return replace(tally, front=front_with(front, trial.number, _losses(spec, trial)))
    return tally


def _losses(spec: CampaignSpec, trial: Trial) -> tuple[float, ...]:
    return tuple(loss(goal, float(trial.outcomes[goal.name])) for goal in spec.objective)


def _measured(spec: CampaignSpec, body: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a trial's end: all outcomes where they are named, else that of the one objective."""
    main, value = spec.main.name, body.get("value")
    error = body.get("error")
    outcomes = body.get("outcomes", {} if value is None else {main: value})
    errors = body.get("errors", {} if error is None else {main: error})
    found = outcomes.get(main)
    numeric = isinstance(found, int | float) and not isinstance(found, bool) and spec.main.goal != "boundary"
    return {
        "value": found if numeric else None,
        "error": errors.get(main),
        "outcomes": outcomes,
        "errors": errors,
    }


def _learned(campaign: Campaign, trial: Trial, facts: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Label]:
    name = next((step.name for step in trial.steps if step.key == facts["key"]), None)
    if name is None or not body.get("outputs"):
        return {}
    asked = next(step.capability for step in trial.steps if step.name == name)
    ref = asked or next(s.capability for s in campaign.spec.source_named(trial.source).step if s.name == name)
    contract = campaign.contracts[ref]
    label = Label.of(ref, strictest(contract.sensitivity, facts.get("sensitivity", "public")), contract.export_class)
    return {"learned": campaign.learned | label}


def _replaced(campaign: Campaign, trial: Trial) -> dict[str, Any]:
    before = campaign.trials.numbered(trial.number)
    return {"trials": campaign.trials.replaced(trial), "tally": campaign.tally.after(before, trial)}

"""A campaign folded from its entries: its trials, what each step is doing, and what it has spent.

The stream is `campaign/<name>`. States and amounts are folded from headers; points and values from bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import repeat
from typing import Any

from yosegi.campaign import amendments, shipping
from yosegi.campaign.agent_points import ADVISED, AgentPoint, points_of
from yosegi.campaign.growing import Appended, Trials
from yosegi.campaign.routing import RouteAnswer, Routes
from yosegi.campaign.spec import CampaignSpec, PriceSpec
from yosegi.campaign.tally import Tally, badness, front_with, loss
from yosegi.campaign.trial import Step, Trial, answered, moved, observation_of
from yosegi.core.amounts import Amounts
from yosegi.core.clock import parse_timestamp
from yosegi.core.contract import Conduct, Contract, strictest
from yosegi.core.errors import Corrupt
from yosegi.core.outcomes import OutcomeCode
from yosegi.core.states import CampaignState, Result, TaskState, TrialState, transition
from yosegi.governance.agreements.label import Label
from yosegi.ledger import Entry
from yosegi.planner import Observation

STARTED = "campaign.started"
PROPOSED = "campaign.proposed"
ASKED = "trial.asked"
ANSWERED = "trial.answered"
ENDED_TRIAL = "trial.ended"
MOVED = "campaign.moved"
BREAKER = "campaign.breaker"
OUTCOME = "campaign.outcome"
NOTE = "campaign.note"
AGAIN = "trial.again"
"""A point is made again whose sample was lost on its way; facts: of, the trial that failed."""
NOTHING = Label()
_NO_ROUTES = Routes()
_AMENDMENTS = {
    amendments.WANTED: amendments.follow_wanted,
    amendments.WITHDRAWN: amendments.follow_withdrawn,
    amendments.EXTENDED: amendments.follow_extended,
    shipping.SHIPMENT: shipping.follow_shipment,
    shipping.SAMPLE: shipping.follow_sample,
}


def campaign_stream(name: str) -> str:
    """The stream of a campaign."""
    return f"campaign/{name}"


@dataclass(frozen=True, slots=True)
class Campaign:
    """The whole campaign at one position of its stream."""

    spec: CampaignSpec
    contracts: Mapping[str, Contract]
    state: CampaignState
    position: int
    started: str
    trials: Trials = field(default_factory=Trials)
    ended_order: Appended[int] = field(default_factory=Appended)
    """Numbers of ended trials in the order they ended: the history's order."""
    observed: Appended[Observation] = field(default_factory=Appended)
    """What the planner has learned of each of them."""
    tally: Tally = field(default_factory=Tally)
    why: str = ""
    open_breakers: frozenset[str] = frozenset()
    breaker_whys: Mapping[str, str] = field(default_factory=dict)
    """Why each of those sources is left alone."""
    held_by: str = ""
    """The person who holds it; empty where it holds itself."""
    moved_at: str = ""
    """UTC, as RFC 3339, when it came into its state; empty if it was never moved."""
    rounds: int = 0
    exhausted: bool = False
    mandate: str = ""
    """Under which it acts; empty for one that was begun before there were mandates."""
    learned: Label = NOTHING
    """The label of all that owners have told it: its next points come from that, so requests carry it on."""
    conduct: Conduct = "run"
    imported: int = 0
    """Measurements that were brought, and that nobody here had proposed."""
    brought: frozenset[str] = frozenset()
    """Digests of them, so that the same rows do not count twice."""
    extended_from: tuple[tuple[int, CampaignSpec], ...] = ()
    """For each extension, how many trials were over, and the file as it was until then."""
    suggested_from: int = 0
    """Rounds before the one that is suggested now: a campaign that only suggests holds itself after each."""
    points: Appended[AgentPoint] = field(default_factory=Appended)
    """What agents proposed, in order."""
    waiting: tuple[int, ...] = ()
    """Numbers of those that are neither measured nor declined."""
    declined: Appended[tuple[int, str]] = field(default_factory=Appended)
    """Numbers of those that the planner's guard did not take, and why."""
    measured_by: Appended[tuple[int, int]] = field(default_factory=Appended)
    """Numbers of those that were taken, and of the trial of each."""
    routes: Routes = _NO_ROUTES
    """What happened at each owner of steps that several can do."""

    def follow(self, entry: Entry) -> Campaign:
        """The campaign after one more entry of its stream.

        Raises:
            Conflict: a table of transitions does not allow it.
            Corrupt: an entry that nothing led to.
        """
        return replace(self, position=entry.position, **self._changes(entry))

    def _changes(self, entry: Entry) -> dict[str, Any]:
        facts, body = entry.facts, entry.body or {}
        if entry.type == PROPOSED:
            return _proposed(self, entry, body) | _mixed(self, body)
        if entry.type == ADVISED:
            return _advised(self, facts, body)
        if entry.type in (ASKED, ANSWERED, ENDED_TRIAL):
            return _with(self, self.trial(facts["trial"]), entry, body)
        if entry.type == MOVED:
            return _moved(self, entry, body)
        if entry.type == BREAKER:
            whys = {**self.breaker_whys, facts["source"]: body.get("why", "")}
            return {"open_breakers": self.open_breakers | {facts["source"]}, "breaker_whys": whys}
        if entry.type == amendments.ADDED:
            return _imported(self, entry)
        if entry.type == AGAIN:
            return _again(self, entry)
        if amendment := _AMENDMENTS.get(entry.type):
            return amendment(self, entry)
        return {}

    def trial(self, number: int) -> Trial:
        """One trial.

        Raises:
            Corrupt: it was never proposed.
        """
        if not 1 <= number <= len(self.trials):
            raise Corrupt(f"campaign {self.spec.name}", f"trial {number} was never proposed")
        return self.trials[number - 1]

    def waiting_points(self) -> list[AgentPoint]:
        """Points of agents that wait to be measured or declined, the oldest first."""
        return [self.points[number - 1] for number in self.waiting]

    # -- what others ask of it ------------------------------------------------------------------------------------

    def open_trials(self) -> list[Trial]:
        """Trials that are not over, the uncertain included."""
        return [self.trials[number - 1] for number in self.tally.open]

    def under_way(self) -> list[Trial]:
        """Trials that take a place."""
        return [trial for trial in self.open_trials() if trial.under_way]

    def spent(self) -> Amounts:
        """What owners have charged."""
        return self.tally.spent

    def held(self) -> Amounts:
        """What open steps may still cost."""
        steps = (step for trial in self.open_trials() for step in trial.steps if not step.state.final)
        return sum((step.held for step in steps), Amounts())

    def price(self) -> float:
        """What its completed and failed trials are worth, in price units."""
        return sum(
            self.tally.priced.get(source.name, 0.0)
            if isinstance(source.price, PriceSpec)
            else source.price * self.tally.count(source.name, *_PRICED)
            for source in self.spec.source
        )

    def best(self) -> Trial | None:
        """The best completed trial of the first source that keeps all limits; None where there is no one best."""
        return self.trials[self.tally.best - 1] if self.tally.best else None

    def front(self) -> list[Trial]:
        """With several objectives: the trials of the first source that keep all limits and that no other surpasses."""
        return [self.trials[number - 1] for number in self.tally.front]


_PRICED = {TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED}


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
    if isinstance(spec.source_named(trial.source).price, PriceSpec) and trial.state in _PRICED:
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


def fold(entries: Iterable[Entry], campaign: Campaign | None = None) -> Campaign | None:
    """The campaign its entries make; None of no entries.

    Args:
        entries: of its stream, in order.
        campaign: as the entries before them made it; None if they are the first.

    Raises:
        Corrupt: the first entry does not start a campaign, or its body was erased.
    """
    for entry in entries:
        campaign = _first(entry) if campaign is None else campaign.follow(entry)
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

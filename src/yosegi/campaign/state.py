"""A campaign folded from its entries: its trials, what each step is doing, and what it has spent.

The stream is `campaign/<name>`. States and amounts are folded from headers; points and values from bodies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from yosegi.campaign.spec import CampaignSpec
from yosegi.core.amounts import Amounts
from yosegi.core.contract import Conduct, Contract, strictest
from yosegi.core.errors import Corrupt
from yosegi.core.states import CampaignState, TaskState, TrialState, transition
from yosegi.governance.label import Label
from yosegi.ledger import Entry

STARTED = "campaign.started"
PROPOSED = "campaign.proposed"
ASKED = "trial.asked"
ANSWERED = "trial.answered"
ENDED_TRIAL = "trial.ended"
MOVED = "campaign.moved"
BREAKER = "campaign.breaker"
OUTCOME = "campaign.outcome"
AWAITS_APPROVAL = "approval_missing"
NOTHING = Label()


def campaign_stream(name: str) -> str:
    """The stream of a campaign."""
    return f"campaign/{name}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a trial: the request made for it and what its owner last reported."""

    name: str
    owner: str
    key: str
    state: TaskState = TaskState.NEW
    effect: str = ""
    result: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    charged: Amounts = Amounts()
    held: Amounts = Amounts()
    reason: str = ""
    reasons: tuple[Mapping[str, str], ...] = ()
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """One proposed point on one source."""

    number: int
    source: str
    values: Mapping[str, Any]
    reason: str
    expected: Mapping[str, Any]
    state: TrialState = TrialState.PROPOSED
    steps: tuple[Step, ...] = ()
    value: float | None = None
    error: float | None = None
    why: str = ""
    position: int = 0
    """The position in the campaign's stream of the entry that proposed it."""

    @property
    def erased(self) -> bool:
        """Whether it was completed, and its value was erased since."""
        return self.state is TrialState.COMPLETED and self.value is None

    @property
    def under_way(self) -> bool:
        """Whether it takes a place: neither over nor set aside."""
        return not self.state.final and self.state is not TrialState.UNCERTAIN

    @property
    def waits_for_a_person(self) -> bool:
        """Whether its last step was accepted and waits for a person's approval."""
        last = self.steps[-1] if self.steps else None
        if last is None or last.state is not TaskState.ACCEPTED:
            return False
        return any(reason.get("code") == AWAITS_APPROVAL for reason in last.reasons)

    def outputs(self) -> dict[str, Mapping[str, Any]]:
        """Outputs by step."""
        return {step.name: step.outputs for step in self.steps}


@dataclass(frozen=True, slots=True)
class Campaign:
    """The whole campaign at one position of its stream."""

    spec: CampaignSpec
    contracts: Mapping[str, Contract]
    state: CampaignState
    position: int
    last_sequence: int
    started: str
    trials: tuple[Trial, ...] = ()
    ended_order: tuple[int, ...] = ()
    """Numbers of ended trials in the order they ended: the history's order."""
    why: str = ""
    open_breakers: frozenset[str] = frozenset()
    breaker_from: int = 0
    """Trials that ended before this many had ended do not count towards a breaker."""
    rounds: int = 0
    exhausted: bool = False
    mandate: str = ""
    """Under which it acts; empty for one that was begun before there were mandates."""
    learned: Label = NOTHING
    """The label of all that owners have told it: its next points come from that, so requests carry it on."""
    conduct: Conduct = "run"
    suggested_from: int = 0
    """Rounds before the one that is suggested now: a campaign that only suggests holds itself after each."""

    def follow(self, entry: Entry) -> Campaign:
        """The campaign after one more entry of its stream.

        Raises:
            Conflict: a table of transitions does not allow it.
            Corrupt: an entry that nothing led to.
        """
        here = replace(self, position=entry.position, last_sequence=entry.sequence)
        facts, body = entry.facts, entry.body or {}
        if entry.type == PROPOSED:
            return _proposed(here, entry.position, body)
        if entry.type == MOVED:
            state = CampaignState(facts["state"])
            transition(f"campaign {self.spec.name}", self.state, state)
            resumed = state is CampaignState.RUNNING
            return replace(
                here,
                state=state,
                why=body.get("why", ""),
                open_breakers=frozenset() if resumed else here.open_breakers,
                breaker_from=len(here.ended_order) if resumed else here.breaker_from,
                mandate=facts.get("mandate", here.mandate),
                conduct=facts.get("conduct", here.conduct),
                suggested_from=here.rounds if resumed else here.suggested_from,
            )
        if entry.type == BREAKER:
            return replace(here, open_breakers=here.open_breakers | {facts["source"]})
        if entry.type in (ASKED, ANSWERED, ENDED_TRIAL):
            return _with(here, here.trial(facts["trial"]), entry)
        return here

    def trial(self, number: int) -> Trial:
        """One trial.

        Raises:
            Corrupt: it was never proposed.
        """
        if not 1 <= number <= len(self.trials):
            raise Corrupt(f"campaign {self.spec.name}", f"trial {number} was never proposed")
        return self.trials[number - 1]

    # -- what others ask of it ------------------------------------------------------------------------------------

    def ended(self) -> list[Trial]:
        """Ended trials in the order they ended."""
        return [self.trials[number - 1] for number in self.ended_order]

    def under_way(self) -> list[Trial]:
        """Trials that take a place."""
        return [trial for trial in self.trials if trial.under_way]

    def spent(self) -> Amounts:
        """What owners have charged."""
        return sum((step.charged for trial in self.trials for step in trial.steps), Amounts())

    def held(self) -> Amounts:
        """What open steps may still cost."""
        steps = (step for trial in self.trials for step in trial.steps if not step.state.final)
        return sum((step.held for step in steps), Amounts())

    def price(self) -> float:
        """What its completed and failed trials are worth, in price units."""
        prices = {source.name: source.price for source in self.spec.source}
        return sum(prices[trial.source] for trial in self.ended() if trial.state in _PRICED)

    def best(self) -> Trial | None:
        """The best completed trial of the first source."""
        goal = self.spec.objective
        loss = {"minimise": 1.0, "maximise": -1.0}.get(goal.goal)
        done = [t for t in self.trials if t.source == self.spec.source[0].name and t.value is not None]

        def badness(trial: Trial) -> float:
            value = trial.value if trial.value is not None else float("inf")
            return abs(value - (goal.target or 0.0)) if loss is None else loss * value

        return min(done, key=badness, default=None)


_PRICED = {TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED}


def _proposed(campaign: Campaign, position: int, body: Mapping[str, Any]) -> Campaign:
    first = len(campaign.trials) + 1
    new = tuple(
        Trial(first + n, p["source"], p["values"], p["reason"], p["expected"], position=position)
        for n, p in enumerate(body["proposals"])
    )
    return replace(campaign, trials=campaign.trials + new, rounds=campaign.rounds + 1, exhausted=not new)


def _with(campaign: Campaign, trial: Trial, entry: Entry) -> Campaign:
    facts, body = entry.facts, entry.body or {}
    if entry.type == ASKED:
        step = Step(facts["step"], facts["owner"], facts["key"], held=Amounts(facts.get("held", {})))
        if trial.state is TrialState.PROPOSED:
            trial = _moved(trial, TrialState.RUNNING)
        return _replaced(campaign, replace(trial, steps=(*trial.steps, step)))
    if entry.type == ANSWERED:
        return _learned(_replaced(campaign, _answered(trial, facts, body)), trial, facts, body)
    trial = _moved(trial, TrialState(facts["state"]))
    trial = replace(trial, value=body.get("value"), error=body.get("error"), why=body.get("why", ""))
    order = (*campaign.ended_order, trial.number) if trial.state.final else campaign.ended_order
    return replace(_replaced(campaign, trial), ended_order=order, exhausted=False)


def _learned(campaign: Campaign, trial: Trial, facts: Mapping[str, Any], body: Mapping[str, Any]) -> Campaign:
    name = next((step.name for step in trial.steps if step.key == facts["key"]), None)
    if name is None or not body.get("outputs"):
        return campaign
    ref = next(s.capability for s in campaign.spec.source_named(trial.source).step if s.name == name)
    contract = campaign.contracts[ref]
    label = Label.of(ref, strictest(contract.sensitivity, facts.get("sensitivity", "public")), contract.export_class)
    known = campaign.learned
    return campaign if known | label == known else replace(campaign, learned=known | label)


def _replaced(campaign: Campaign, trial: Trial) -> Campaign:
    before, after = campaign.trials[: trial.number - 1], campaign.trials[trial.number :]
    return replace(campaign, trials=(*before, trial, *after))


def _moved(trial: Trial, state: TrialState) -> Trial:
    transition(f"trial {trial.number}", trial.state, state)
    return replace(trial, state=state)


def _answered(trial: Trial, facts: Mapping[str, Any], body: Mapping[str, Any]) -> Trial:
    steps = list(trial.steps)
    for n, step in enumerate(steps):
        if step.key == facts["key"]:
            steps[n] = replace(
                step,
                state=TaskState(facts["state"]),
                effect=facts.get("effect", ""),
                result=facts.get("result", ""),
                outputs=body.get("outputs", {}),
                charged=Amounts(facts.get("charged", {})),
                reason=body.get("reason", ""),
                reasons=tuple(body.get("reasons", ())),
                simulated=facts.get("simulated", False),
            )
    state = TaskState(facts["state"])
    trial = replace(trial, steps=tuple(steps))
    if state is TaskState.UNCERTAIN and trial.state is TrialState.RUNNING:
        return _moved(trial, TrialState.UNCERTAIN)
    if state.final and trial.state is TrialState.UNCERTAIN:
        return _moved(trial, TrialState.RUNNING)
    return trial


def fold(entries: Iterable[Entry]) -> Campaign | None:
    """The campaign its entries make; None of no entries.

    Raises:
        Corrupt: the first entry does not start a campaign, or its body was erased.
    """
    campaign: Campaign | None = None
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
        last_sequence=entry.sequence,
        started=entry.time,
        mandate=entry.facts.get("mandate", ""),
        conduct=spec.conduct,
    )

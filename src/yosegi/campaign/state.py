"""A campaign at one position of its stream: its trials, what each step is doing, and what it has spent.

The stream is `campaign/<name>`. States and amounts come from headers; points and values from bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from yosegi.campaign.agent_points import AgentPoint
from yosegi.campaign.growing import Appended, Trials
from yosegi.campaign.routing import Routes
from yosegi.campaign.spec import CampaignSpec, PriceSpec
from yosegi.campaign.tally import Tally
from yosegi.campaign.trial import Trial
from yosegi.core.amounts import Amounts
from yosegi.core.contract import Conduct, Contract
from yosegi.core.errors import Corrupt
from yosegi.core.states import CampaignState, TrialState
from yosegi.governance.agreements.label import Label
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
PRICED = {TrialState.COMPLETED, TrialState.INFEASIBLE, TrialState.FAILED}
"""States in which a trial is worth its price."""


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
            else source.price * self.tally.count(source.name, *PRICED)
            for source in self.spec.source
        )

    def best(self) -> Trial | None:
        """The best completed trial of the first source that keeps all limits; None where there is no one best."""
        return self.trials[self.tally.best - 1] if self.tally.best else None

    def front(self) -> list[Trial]:
        """With several objectives: the trials of the first source that keep all limits and that no other surpasses."""
        return [self.trials[number - 1] for number in self.tally.front]
